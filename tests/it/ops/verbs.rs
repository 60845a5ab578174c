//! Does every verb leave exactly one entry in the journal when it is done, and one when it is refused?

use std::time::Duration;

use relman::domain::approval::Verdict;
use relman::domain::deployment::{DeploymentState, Step, StepState};
use relman::domain::digest::Digest;
use relman::domain::freeze::Scope;
use relman::domain::gate::GateId;
use relman::domain::hold::{Choice, Hold, HoldReason};
use relman::domain::ids::{DeploymentId, LockId, ReleaseId, RequestId, TrainName};
use relman::domain::journal::Verb;
use relman::domain::lock::LockKind;
use relman::domain::override_review::Finding;
use relman::domain::release::preparation::{Occasion, Word};
use relman::domain::release::review::{Sentiment, Severity, Source};
use relman::domain::release::{Level, Stage};
use relman::domain::train::{Departure, DepartureState, Item};
use relman::domain::wanted::Wanted;
use relman::ops::approval::ask::ask;
use relman::ops::approval::withdraw::withdraw;
use relman::ops::audit::archive;
use relman::ops::audit::export::{self, Format};
use relman::ops::audit::history::{self, Remembered};
use relman::ops::configured::{self, RulesFile};
use relman::ops::deployment::abandon::abandon;
use relman::ops::deployment::cancel::cancel;
use relman::ops::deployment::later::{Later, reschedule};
use relman::ops::deployment::resolve::resolve;
use relman::ops::deployment::start::{self, StartDeploy};
use relman::ops::deployment::{claim, guide, note, take};
use relman::ops::hook::show;
use relman::ops::release::record::{Record, record};
use relman::ops::release::{advance, back, block, cancel as give_up, create, edit, evidence};
use relman::ops::{Ctx, change, freeze, lock, override_review, train, wanted, witness};
use relman::ops::{Liveness, OpError};

use super::builds;
use super::hook::given_up;
use super::undo;
use crate::support::world::{POLICY, World, about, env_name, new_freeze, release_id, wish};

pub(super) const API: &str = "api@1.0.0";

pub(super) type Act = fn(&World) -> Result<(), OpError>;

/// A release in the deploy stage, a check, a checklist, and a freeze in the configuration.
pub(super) fn world() -> World {
    let world = World::with(&format!(
        r#"{}
[stages.test]
checks = ["unit"]
[stages.prepare]
checklist = ["Backup taken"]
[trains.weekly]
departs = "Tue 14:00"
from = "staging"
to = "production"
conductor = "erin"
[[freezes]]
name = "Year end"
environments = ["production"]
start = "2026-12-20 00:00"
end = "2027-01-04 00:00"
"#,
        POLICY.replace("kind = \"staging\"", "kind = \"staging\"\nfour-eyes = true")
    ));
    world.release(API);
    world.advance(API, 5);
    world
}

/// Where change tickets are asked for.
fn controlled() -> World {
    let policy =
        POLICY.replace("[environments.dev]", "[environments.dev]\nchange-controlled = true").replace(
            "[services.api]",
            "[change]\ncommand = [\"./itsm.sh\"]\n[services.api]\nchange-controlled = true",
        );
    let world = World::with(&policy);
    world.release(API);
    world.advance(API, 5);
    world
}

fn assign(world: &World, number: &str) -> Result<(), OpError> {
    world.as_("erin", |cx| change::assign(cx, &release_id(API), &env_name("dev"), number)).map(drop)
}

pub(super) fn in_dev() -> World {
    let world = world();
    world.running(API, "dev");
    world
}

pub(super) fn stuck() -> World {
    let mut world = in_dev();
    world.as_("erin", |cx| cancel(cx, "1".parse().unwrap(), None)).unwrap();
    world.pass(Duration::from_mins(10));
    world
}

fn held() -> World {
    let world = world();
    let running = world.running(API, "dev");
    world.held(&running, HoldReason::Promotion);
    world
}

fn created(world: &World, id: &str) -> Result<(), OpError> {
    let new = create::NewRelease::default();
    world.as_("alice", |cx| create::create(cx, &release_id(id), &new)).map(drop)
}

fn decide_so(world: &World, choice: Choice) -> Result<(), OpError> {
    let decision = guide::Decision { deployment: "1".parse().unwrap(), choice, reason: None, seen: None };
    world.as_("erin", |cx| guide::guide(cx, &decision)).map(drop)
}

/// Live in dev; staging asks for a second person.
fn tried() -> World {
    let world = world();
    world.deploy(API, "dev");
    world
}

fn ask_witness(cx: &Ctx<'_>) -> Result<witness::Asked, OpError> {
    witness::ask(cx, &release_id(API), &env_name("staging"))
}

fn asked() -> World {
    let world = tried();
    world.as_("erin", ask_witness).unwrap();
    world
}

/// With the code of the first asking of a world.
fn confirm() -> witness::Confirm {
    let code = relman::domain::witness::code(&format!("{:032x}", 2));
    witness::Confirm { release: release_id(API), environment: env_name("staging"), code, seen: None }
}

fn lost() -> World {
    let world = world();
    world.lost(API, "dev");
    world
}

/// A request that nobody decided about in time.
fn timed_out() -> World {
    let rules = "[stages.request]\napprovals = [{ from = \"managers\" }]\napproval-timeout = \"1h\"";
    let mut world = World::with(&format!("{POLICY}\n{rules}\n"));
    world.release("web@1.0.0");
    world.as_("alice", relman::ops::hook::moments::notice).unwrap();
    world.pass(Duration::from_hours(1));
    world
}

fn decided() -> World {
    let world = world();
    world.approve("bob", API, "production");
    world
}

fn blocked() -> World {
    let world = world();
    world.as_("bob", |cx| block::block(cx, &release_id(API), "licence unclear")).unwrap();
    world
}

fn frozen() -> World {
    let world = world();
    world.freeze("Incident", "dev", world.now, world.now.plus(Duration::from_hours(1)));
    world
}

/// Closes dev for an hour.
fn close(world: &World, name: &str) -> Result<(), OpError> {
    let new = new_freeze(name, "dev", world.now, world.now.plus(Duration::from_hours(1)));
    world.as_("bob", |cx| freeze::add(cx, &new)).map(drop)
}

/// Gives a freeze an hour more.
fn longer(world: &World, name: &str) -> Result<(), OpError> {
    let edit = freeze::edit::EditFreeze {
        freeze: name.to_owned(),
        seen: 0,
        new: new_freeze(name, "dev", world.now, world.now.plus(Duration::from_hours(2))),
        reason: Some("it takes longer".to_owned()),
    };
    world.as_("bob", |cx| freeze::edit::edit(cx, &edit)).map(drop)
}

fn weekly() -> TrainName {
    "weekly".parse().unwrap()
}

/// A train whose last departure took along what failed.
fn halted() -> World {
    let world = world();
    let d = world.running(API, "dev");
    world.end(&d, DeploymentState::Failed);
    let item = Item {
        service: d.release.service.clone(),
        release: Some(d.release),
        left: None,
        deployment: Some(d.id),
    };
    let departed = Departure {
        train: weekly(),
        departs_at: world.now,
        state: DepartureState::Departed,
        by: "erin".to_owned(),
        at: world.now.minus(Duration::from_secs(1)),
        reason: None,
        items: vec![item],
    };
    world.store.write_quietly(|tx| relman::store::trains::insert(tx, &departed)).unwrap();
    world
}

fn lock_on(env: &str) -> lock::NewLock {
    let scope = Scope::new(Vec::new(), vec![env.to_owned()]).unwrap();
    lock::NewLock { kind: LockKind::Exclusive, scope, reason: "disk is replaced".to_owned(), expires: None }
}

fn locked() -> World {
    let world = world();
    world.as_("erin", |cx| lock::set(cx, &lock_on("production"))).unwrap();
    world
}

pub(super) fn in_an_hour(world: &World) -> Later {
    world.later(Some(world.now.plus(Duration::from_hours(1))))
}

fn scheduled_by(world: &World, who: &str, env: &str) -> Result<start::Started, OpError> {
    let wanted = StartDeploy {
        confirm: Some("1.0.0".to_owned()),
        later: Some(in_an_hour(world)),
        ..StartDeploy::new(release_id(API), env_name(env))
    };
    world.as_(who, |cx| start::start(cx, &wanted))
}

pub(super) fn scheduled() -> World {
    let world = world();
    scheduled_by(&world, "erin", "dev").unwrap();
    world
}

fn early() -> World {
    let world = world();
    world.release("web@1.0.0");
    world
}

/// Rules that a manager has to confirm.
fn ruled() -> World {
    let world = World::with(&format!("[relman]\nconfirm-rules = [\"managers\"]\n{POLICY}"));
    let path = std::path::PathBuf::from("/etc/relman/relman.toml");
    let file = RulesFile { path, digest: Digest::of(b"rules"), owner: 0 };
    let say = configured::Say::Shared;
    world.as_("alice", |cx| configured::notice(cx.store, cx.actor, cx.now, &file, cx.policy, say)).unwrap();
    world.release(API);
    world
}

/// bob goes past the gates of production, which he may deploy to.
fn bypassed() -> World {
    let world = World::with(&POLICY.replace(r#"deployers = ["sre"]"#, r#"deployers = ["sre", "managers"]"#));
    world.release(API);
    world.advance(API, 5);
    let gates = [GateId::Order, GateId::Soak, GateId::Approvals];
    let wanted = StartDeploy {
        overrides: gates.into(),
        reason: Some("checkout is down".to_owned()),
        ..wish(API, "production")
    };
    let started = world.as_("bob", |cx| start::start(cx, &wanted)).unwrap().deployment;
    assert_eq!(world.claim(&started), claim::Claim::Go);
    world
}

/// What the program does by itself.
fn comes_by_itself(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::StoreCreated
            | Verb::StoreMigrated
            | Verb::ConfigChanged
            // Written into the backup before it takes the place of the store: tests/it/cli/backup.rs.
            | Verb::StoreRestored
            // What follows from the rejection of a request.
            | Verb::ReleaseRejected
            | Verb::DeploymentClaimed
            | Verb::DeploymentPaused
            | Verb::DeploymentResumed
            | Verb::DeploymentFinished
            | Verb::DeploymentWaits
            | Verb::DeploymentLookedAhead
            | Verb::TrainDeparted
            | Verb::TrainHalted
            | Verb::TrainMissed
            | Verb::ApprovalRequested
            | Verb::ApprovalReminded
            | Verb::ApprovalEscalated
            | Verb::ApprovalTimedOut
            | Verb::ApprovalExpired
            | Verb::FreezeBegan
            | Verb::FreezeEnded
            | Verb::QueueBlocked
            | Verb::ChangeOpened
            | Verb::DriftObserved
            | Verb::MilestoneLate
            | Verb::DeploymentLost
            | Verb::RunEnded
            | Verb::MonitorJudged
            | Verb::LogsRemoved
    )
}

/// What a person does to cause the verb; `None` for what the program does by itself.
pub(super) fn deed(verb: Verb) -> Option<(fn() -> World, Act)> {
    if comes_by_itself(verb) {
        return None;
    }
    let (before, act): (fn() -> World, Act) = match verb {
        Verb::ChangeAssigned => (controlled, |w| assign(w, "CHG0030001")),
        Verb::ConfigConfirmed
        | Verb::HistoryAccepted
        | Verb::RecordExported
        | Verb::ArchiveRemoved
        | Verb::DeliveryRetried
        | Verb::OverrideReviewed
        | Verb::NoteAdded => {
            return about_the_record(verb);
        }
        _ if is_of_a_stage(verb) => return recorded(verb),
        Verb::TrainSkipped
        | Verb::TrainResumed
        | Verb::LockSet
        | Verb::LockEdited
        | Verb::LockLifted
        | Verb::DeploymentScheduled
        | Verb::DeploymentRescheduled
        | Verb::FreezeAdded
        | Verb::FreezeChanged
        | Verb::FreezeRemoved => return holding_up(verb),
        Verb::RequestAdded | Verb::RequestChanged => return asked_for(verb),
        Verb::ReleaseCreated => (world, |w| created(w, "api@1.1.0")),
        Verb::ReleaseEdited => (world, |w| {
            let change = edit::Edit { title: Some("Faster".to_owned()), ..edit::Edit::default() };
            w.as_("alice", |cx| edit::edit(cx, &release_id(API), &change)).map(drop)
        }),
        Verb::ReleaseAdvanced => {
            (early, |w| w.as_("alice", |cx| advance::advance(cx, &release_id("web@1.0.0"))).map(drop))
        }
        Verb::ReleaseMovedBack => {
            (world, |w| w.as_("alice", |cx| back::back(cx, &release_id(API), None, "again")).map(drop))
        }
        Verb::ReleaseBlocked => {
            (world, |w| w.as_("bob", |cx| block::block(cx, &release_id(API), "leaks")).map(drop))
        }
        Verb::ReleaseUnblocked => {
            (blocked, |w| w.as_("bob", |cx| block::unblock(cx, &release_id(API), "MIT")).map(drop))
        }
        Verb::ReleaseCancelled => {
            (world, |w| w.as_("bob", |cx| give_up::cancel(cx, &release_id(API), "not wanted")).map(drop))
        }
        Verb::CheckRecorded => (world, |w| {
            w.as_("bob", |cx| evidence::record_check(cx, &release_id(API), "unit", true, None)).map(drop)
        }),
        Verb::ChecklistTicked => {
            (world, |w| w.as_("bob", |cx| evidence::tick(cx, &release_id(API), "Backup taken")).map(drop))
        }
        Verb::ApprovalGranted => {
            (world, |w| w.decide("bob", API, Some("production"), Verdict::Approved).map(drop))
        }
        Verb::ApprovalRejected => {
            (world, |w| w.decide("bob", API, Some("production"), Verdict::Rejected).map(drop))
        }
        Verb::ApprovalAskedAnew => {
            (timed_out, |w| w.as_("alice", |cx| ask(cx, &release_id("web@1.0.0"), &about(Some("request")))))
        }
        Verb::ApprovalWithdrawn => (decided, |w| {
            w.as_("bob", |cx| withdraw(cx, &release_id(API), &about(Some("production")))).map(drop)
        }),
        Verb::DeploymentStarted => (world, |w| w.start("erin", API, "dev").map(drop)),
        Verb::DeploymentGuided => (held, |w| decide_so(w, Choice::Promote)),
        Verb::DeploymentTaken
        | Verb::WitnessAsked
        | Verb::WitnessGave
        | Verb::CancelRequested
        | Verb::DeploymentAbandoned => return between_two(verb),
        Verb::DeploymentResolved => {
            (lost, |w| w.as_("erin", |cx| resolve(cx, "1".parse().unwrap(), true, "fine")).map(drop))
        }
        other => {
            let found = builds::deed(other).or_else(|| undo::deed(other));
            return Some(found.expect("what does a person do to cause it?"));
        }
    };
    Some((before, act))
}

/// What is done with the record as a whole, or only adds to it.
fn about_the_record(verb: Verb) -> Option<(fn() -> World, Act)> {
    let (before, act): (fn() -> World, Act) = match verb {
        Verb::HistoryAccepted => (world, |w| {
            let seen = w.as_("erin", history::newest).unwrap();
            let other = Remembered { hash: "00".repeat(32), ..seen };
            w.as_("erin", |cx| history::accept(cx, Some(&other), "restored")).map(drop)
        }),
        Verb::DeliveryRetried => (given_up, |w| w.as_("bob", |cx| show::retry(cx, None)).map(drop)),
        Verb::RecordExported => {
            (world, |w| w.as_("erin", |cx| export::begin(cx, Format::Jsonl, 1, None)).map(drop))
        }
        Verb::ConfigConfirmed => (ruled, |w| w.as_("bob", |cx| configured::confirm(cx, None)).map(drop)),
        Verb::ArchiveRemoved => (world, |w| {
            let day = chrono::NaiveDate::from_ymd_opt(2026, 8, 2).unwrap();
            w.as_("bob", |cx| archive::remove(cx, day, "no room"))
        }),
        Verb::OverrideReviewed => (bypassed, |w| {
            let review =
                |cx: &Ctx<'_>| override_review::review(cx, DeploymentId(1), Finding::Justified, "it was");
            w.as_("carol", review).map(drop)
        }),
        Verb::NoteAdded => {
            (in_dev, |w| w.as_("bob", |cx| note::add(cx, DeploymentId(1), "slow disk")).map(drop))
        }
        _ => return None,
    };
    Some((before, act))
}

/// Where managers vote, and may let checks go without.
fn asked_to_vote() -> World {
    let policy = format!(
        "{POLICY}\n[stages.prepare]\nvoters = [\"managers\"]\n[stages.test]\nchecks = [\"unit\"]\n[rights]\nwaive = [\"managers\"]\n"
    );
    let world = World::with(&policy);
    world.release(API);
    world
}

/// What is put on record in the stages, as an example of each verb.
fn example(world: &World, verb: Verb) -> Record {
    match verb {
        Verb::PlanChanged => Record::Scope("guest checkout".to_owned()),
        Verb::RiskAssessed => Record::RiskIs { level: Level::High, why: None },
        Verb::CheckWaived => Record::Waived {
            check: "unit".to_owned(),
            reason: "runner is broken".to_owned(),
            expires: world.now.plus(Duration::from_hours(1)),
        },
        Verb::PreparationRecorded => Record::Task { text: "order a licence".to_owned(), owner: None },
        Verb::AnnouncementMade => Record::Announced {
            occasion: Occasion::Planned,
            audience: "support".to_owned(),
            channel: "e-mail".to_owned(),
            text: "it comes on Friday".to_owned(),
        },
        Verb::VoteCast => Record::Voted { word: Word::Go, reason: None },
        Verb::IssueRecorded => Record::Issue {
            title: "carts vanish".to_owned(),
            severity: Severity::Sev2,
            owner: None,
            environment: None,
        },
        Verb::FeedbackRecorded => Record::Feedback {
            source: Source::User,
            phase: Stage::Review,
            sentiment: Sentiment::Bad,
            text: "slower than before".to_owned(),
        },
        _ => Record::Lesson("test with real carts".to_owned()),
    }
}

/// What was deployed to dev turns out to be no good.
fn judged(world: &World) -> Result<(), OpError> {
    let what =
        Record::Judged { deployment: DeploymentId(1), succeeded: false, reason: "carts vanish".to_owned() };
    world.as_("erin", |cx| record(cx, &release_id(API), &what)).map(drop)
}

/// Whether it puts something on record that belongs to a stage.
fn is_of_a_stage(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::PlanChanged
            | Verb::RiskAssessed
            | Verb::CheckWaived
            | Verb::PreparationRecorded
            | Verb::AnnouncementMade
            | Verb::VoteCast
            | Verb::IssueRecorded
            | Verb::FeedbackRecorded
            | Verb::ReviewRecorded
            | Verb::DeploymentJudged
    )
}

fn put(world: &World, verb: Verb) -> Result<(), OpError> {
    let what = example(world, verb);
    assert_eq!(what.verb(), verb);
    world.as_("bob", |cx| record(cx, &release_id(API), &what)).map(drop)
}

fn recorded(verb: Verb) -> Option<(fn() -> World, Act)> {
    let act: Act = match verb {
        Verb::PlanChanged => |w| put(w, Verb::PlanChanged),
        Verb::RiskAssessed => |w| put(w, Verb::RiskAssessed),
        Verb::CheckWaived => |w| put(w, Verb::CheckWaived),
        Verb::PreparationRecorded => |w| put(w, Verb::PreparationRecorded),
        Verb::AnnouncementMade => |w| put(w, Verb::AnnouncementMade),
        Verb::VoteCast => |w| put(w, Verb::VoteCast),
        Verb::IssueRecorded => |w| put(w, Verb::IssueRecorded),
        Verb::FeedbackRecorded => |w| put(w, Verb::FeedbackRecorded),
        Verb::ReviewRecorded => |w| put(w, Verb::ReviewRecorded),
        Verb::DeploymentJudged => return Some((tried, judged)),
        _ => return None,
    };
    Some((asked_to_vote, act))
}

/// About a release that was given up nothing is put on record any more.
fn recorded_too_late(verb: Verb) -> Option<Act> {
    fn late(world: &World, verb: Verb) -> Result<(), OpError> {
        world.as_("bob", |cx| give_up::cancel(cx, &release_id(API), "not wanted")).unwrap();
        put(world, verb)
    }
    let act: Act = match verb {
        Verb::PlanChanged => |w| late(w, Verb::PlanChanged),
        Verb::RiskAssessed => |w| late(w, Verb::RiskAssessed),
        Verb::CheckWaived => |w| late(w, Verb::CheckWaived),
        Verb::PreparationRecorded => |w| late(w, Verb::PreparationRecorded),
        Verb::AnnouncementMade => |w| late(w, Verb::AnnouncementMade),
        Verb::VoteCast => |w| late(w, Verb::VoteCast),
        Verb::IssueRecorded => |w| late(w, Verb::IssueRecorded),
        Verb::FeedbackRecorded => |w| late(w, Verb::FeedbackRecorded),
        Verb::ReviewRecorded => |w| late(w, Verb::ReviewRecorded),
        // It has not ended: nobody knows yet how it went.
        Verb::DeploymentJudged => |w| {
            w.running(API, "dev");
            judged(w)
        },
        _ => return None,
    };
    Some(act)
}

/// What one person says to another about a deployment.
fn between_two(verb: Verb) -> Option<(fn() -> World, Act)> {
    let (before, act): (fn() -> World, Act) = match verb {
        Verb::DeploymentTaken => {
            (lost, |w| w.as_("erin", |cx| take::take(cx, "1".parse().unwrap())).map(drop))
        }
        Verb::DeploymentAbandoned => {
            (stuck, |w| w.as_("erin", |cx| abandon(cx, "1".parse().unwrap(), "hangs")).map(drop))
        }
        Verb::WitnessAsked => (tried, |w| w.as_("erin", ask_witness).map(drop)),
        Verb::WitnessGave => (asked, |w| w.as_("dave", |cx| witness::confirm(cx, &confirm())).map(drop)),
        Verb::OverrideReviewed => (bypassed, |w| {
            let review =
                |cx: &Ctx<'_>| override_review::review(cx, DeploymentId(1), Finding::Justified, "it was");
            w.as_("carol", review).map(drop)
        }),
        Verb::NoteAdded => {
            (in_dev, |w| w.as_("bob", |cx| note::add(cx, DeploymentId(1), "slow disk")).map(drop))
        }
        Verb::CancelRequested => {
            (in_dev, |w| w.as_("erin", |cx| cancel(cx, "1".parse().unwrap(), None)).map(drop))
        }
        _ => return None,
    };
    Some((before, act))
}

fn not_between_two(verb: Verb) -> Option<Act> {
    let act: Act = match verb {
        Verb::DeploymentTaken => |w| {
            let d = w.running(API, "dev");
            w.as_("erin", |cx| take::take(cx, d.id)).map(drop)
        },
        Verb::WitnessAsked => |w| w.as_("erin", ask_witness).map(drop),
        Verb::WitnessGave => |w| w.as_("dave", |cx| witness::confirm(cx, &confirm())).map(drop),
        _ => return None,
    };
    Some(act)
}

fn wish_for(world: &World, feedback: Option<(ReleaseId, usize)>) -> Result<Wanted, OpError> {
    let new =
        wanted::NewRequest { title: "Guest checkout".to_owned(), feedback, ..wanted::NewRequest::default() };
    world.as_("alice", |cx| wanted::add(cx, &new))
}

/// What people ask for.
fn asked_for(verb: Verb) -> Option<(fn() -> World, Act)> {
    fn asked() -> World {
        let world = world();
        wish_for(&world, None).unwrap();
        world
    }
    Some(match verb {
        Verb::RequestAdded => (world, |w| wish_for(w, None).map(drop)),
        _ => (asked, |w| w.as_("alice", |cx| wanted::decline(cx, RequestId(1), "no", None)).map(drop)),
    })
}

fn not_asked_for(verb: Verb) -> Option<Act> {
    Some(match verb {
        // What was said leads to one request.
        Verb::RequestAdded => |w| {
            put(w, Verb::FeedbackRecorded).unwrap();
            wish_for(w, Some((release_id(API), 1))).unwrap();
            wish_for(w, Some((release_id(API), 1))).map(drop)
        },
        _ => |w| {
            wish_for(w, None).unwrap();
            w.as_("alice", |cx| wanted::reopen(cx, RequestId(1))).map(drop)
        },
    })
}

/// What keeps deployments from beginning, or lets them begin later.
fn holding_up(verb: Verb) -> Option<(fn() -> World, Act)> {
    let (before, act): (fn() -> World, Act) = match verb {
        // Departures are the program's; leaving one out is a person's.
        Verb::FreezeAdded => (world, |w| close(w, "Incident")),
        Verb::FreezeChanged => (frozen, |w| longer(w, "Incident")),
        Verb::FreezeRemoved => {
            (frozen, |w| w.as_("bob", |cx| freeze::remove(cx, "Incident", None)).map(drop))
        }
        Verb::TrainSkipped => (world, |w| w.as_("erin", |cx| train::skip(cx, &weekly(), None)).map(drop)),
        Verb::TrainResumed => (halted, |w| w.as_("erin", |cx| train::resume(cx, &weekly(), "mended"))),
        Verb::LockSet => (world, |w| w.as_("erin", |cx| lock::set(cx, &lock_on("production"))).map(drop)),
        Verb::LockEdited => (locked, |w| {
            let wanted = lock::EditLock { reason: Some("still".to_owned()), ..lock::EditLock::default() };
            w.as_("erin", |cx| lock::edit(cx, LockId(1), &wanted)).map(drop)
        }),
        Verb::LockLifted => (locked, |w| w.as_("dave", |cx| lock::lift(cx, LockId(1), None)).map(drop)),
        Verb::DeploymentScheduled => (world, |w| scheduled_by(w, "erin", "dev").map(drop)),
        Verb::DeploymentRescheduled => {
            (scheduled, |w| w.as_("erin", |cx| reschedule(cx, DeploymentId(1), &in_an_hour(w))).map(drop))
        }
        _ => return None,
    };
    Some((before, act))
}

fn misdeed_about_the_record(verb: Verb) -> Option<Act> {
    let act: Act = match verb {
        Verb::HistoryAccepted => |w| {
            let seen = w.as_("erin", history::newest).unwrap();
            w.as_("erin", |cx| history::accept(cx, Some(&seen), "restored")).map(drop)
        },
        Verb::DeliveryRetried => |w| w.as_("bob", |cx| show::retry(cx, None)).map(drop),
        Verb::ArchiveRemoved => |w| {
            let young = chrono::NaiveDate::from_ymd_opt(2026, 8, 3).unwrap();
            w.as_("bob", |cx| archive::remove(cx, young, "no room"))
        },
        Verb::ConfigConfirmed => |w| w.as_("bob", |cx| configured::confirm(cx, None)).map(drop),
        _ => return None,
    };
    Some(act)
}

/// What a person tries and may not do; `None` where nothing is refused.
fn misdeed(verb: Verb) -> Option<Act> {
    // Everybody may write a note, one's own decision may always be taken back, and whoever can read the store can take it
    // away; that is why it is on record.
    let is_free = matches!(verb, Verb::NoteAdded | Verb::ApprovalWithdrawn | Verb::RecordExported);
    if comes_by_itself(verb) || is_free {
        return None;
    }
    let act: Act = match verb {
        Verb::HistoryAccepted | Verb::DeliveryRetried | Verb::ArchiveRemoved | Verb::ConfigConfirmed => {
            return misdeed_about_the_record(verb);
        }
        // Only releases that have ended refuse these.
        Verb::ReleaseEdited | Verb::CheckRecorded => return ended(verb),
        _ if is_of_a_stage(verb) => return ended(verb),
        Verb::ChangeAssigned => |w| {
            w.as_("bob", |cx| give_up::cancel(cx, &release_id(API), "not wanted")).unwrap();
            assign(w, "CHG0030001")
        },
        Verb::ReleaseCreated => |w| created(w, API),
        Verb::ReleaseAdvanced => |w| w.as_("alice", |cx| advance::advance(cx, &release_id(API))).map(drop),
        Verb::ReleaseMovedBack => {
            |w| w.as_("alice", |cx| back::back(cx, &release_id(API), Some(Stage::Review), "again")).map(drop)
        }
        Verb::ReleaseBlocked => |w| {
            w.as_("bob", |cx| block::block(cx, &release_id(API), "leaks")).unwrap();
            w.as_("bob", |cx| block::block(cx, &release_id(API), "leaks")).map(drop)
        },
        Verb::ReleaseUnblocked => {
            |w| w.as_("bob", |cx| block::unblock(cx, &release_id(API), "MIT")).map(drop)
        }
        Verb::ReleaseCancelled => |w| {
            w.start("erin", API, "dev").unwrap();
            w.as_("bob", |cx| give_up::cancel(cx, &release_id(API), "not wanted")).map(drop)
        },
        Verb::ChecklistTicked => |w| {
            w.as_("bob", |cx| evidence::tick(cx, &release_id(API), "Backup taken")).unwrap();
            w.as_("bob", |cx| evidence::tick(cx, &release_id(API), "Backup taken")).map(drop)
        },
        Verb::OverrideReviewed => |w| {
            let plain = w.running(API, "dev");
            w.as_("carol", |cx| override_review::review(cx, plain.id, Finding::Justified, "it was")).map(drop)
        },
        Verb::ApprovalAskedAnew => {
            |w| w.as_("alice", |cx| ask(cx, &release_id(API), &about(Some("production"))))
        }
        Verb::ApprovalGranted => |w| w.decide("frank", API, Some("production"), Verdict::Approved).map(drop),
        Verb::ApprovalRejected => |w| w.decide("frank", API, Some("production"), Verdict::Rejected).map(drop),
        Verb::TrainSkipped
        | Verb::TrainResumed
        | Verb::LockSet
        | Verb::LockEdited
        | Verb::LockLifted
        | Verb::DeploymentScheduled
        | Verb::DeploymentRescheduled => return held_up(verb),
        Verb::RequestAdded | Verb::RequestChanged => return not_asked_for(verb),
        Verb::RunStarted | Verb::RunCancelRequested => return builds::misdeed(verb),
        Verb::ReleaseUndone | Verb::RequestUndone => return undo::misdeed(verb),
        Verb::FreezeAdded => |w| close(w, "Year end"),
        Verb::FreezeChanged => |w| longer(w, "Year end"),
        Verb::FreezeRemoved => |w| w.as_("bob", |cx| freeze::remove(cx, "Year end", None)).map(drop),
        Verb::DeploymentStarted => |w| w.start("alice", API, "production").map(drop),
        Verb::DeploymentGuided => |w| {
            w.running(API, "dev");
            decide_so(w, Choice::Promote)
        },
        Verb::DeploymentTaken | Verb::WitnessAsked | Verb::WitnessGave => return not_between_two(verb),
        Verb::CancelRequested => |w| {
            let ended = w.deploy(API, "dev");
            w.as_("erin", |cx| cancel(cx, ended.id, None)).map(drop)
        },
        Verb::DeploymentAbandoned => |w| {
            let d = w.running(API, "dev");
            w.as_("erin", |cx| abandon(cx, d.id, "hangs")).map(drop)
        },
        Verb::DeploymentResolved => |w| {
            let ended = w.deploy(API, "dev");
            w.as_("erin", |cx| resolve(cx, ended.id, true, "fine")).map(drop)
        },
        other => panic!("{other}: what of it is refused?"),
    };
    Some(act)
}

/// What keeps deployments from beginning, or lets them begin later.
fn held_up(verb: Verb) -> Option<Act> {
    let act: Act = match verb {
        Verb::TrainSkipped => |w| w.as_("alice", |cx| train::skip(cx, &weekly(), None)).map(drop),
        Verb::TrainResumed => |w| w.as_("erin", |cx| train::resume(cx, &weekly(), "mended")),
        Verb::LockSet => |w| w.as_("alice", |cx| lock::set(cx, &lock_on("production"))).map(drop),
        Verb::LockEdited => |w| {
            w.as_("erin", |cx| lock::set(cx, &lock_on("production"))).unwrap();
            let wanted = lock::EditLock { expires: Some(None), ..lock::EditLock::default() };
            w.as_("alice", |cx| lock::edit(cx, LockId(1), &wanted)).map(drop)
        },
        Verb::LockLifted => |w| {
            w.as_("erin", |cx| lock::set(cx, &lock_on("production"))).unwrap();
            w.as_("alice", |cx| lock::lift(cx, LockId(1), None)).map(drop)
        },
        Verb::DeploymentScheduled => |w| scheduled_by(w, "alice", "production").map(drop),
        Verb::DeploymentRescheduled => |w| {
            let running = w.running(API, "dev");
            w.as_("erin", |cx| reschedule(cx, running.id, &in_an_hour(w))).map(drop)
        },
        _ => return None,
    };
    Some(act)
}

fn ended(verb: Verb) -> Option<Act> {
    let act: Act = match verb {
        Verb::ReleaseEdited => |w| {
            w.as_("bob", |cx| give_up::cancel(cx, &release_id(API), "not wanted")).unwrap();
            let change = edit::Edit { title: Some("Faster".to_owned()), ..edit::Edit::default() };
            w.as_("alice", |cx| edit::edit(cx, &release_id(API), &change)).map(drop)
        },
        Verb::CheckRecorded => |w| {
            w.as_("bob", |cx| give_up::cancel(cx, &release_id(API), "not wanted")).unwrap();
            w.as_("bob", |cx| evidence::record_check(cx, &release_id(API), "unit", true, None)).map(drop)
        },
        other => return recorded_too_late(other),
    };
    Some(act)
}

fn words(entries: &[String]) -> Vec<String> {
    entries.iter().map(|entry| entry.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn every_verb_of_a_person_leaves_one_entry_when_it_is_done() {
    let mut seen = 0;
    for verb in Verb::ALL {
        let Some((before, act)) = deed(verb) else { continue };
        let world = before();
        let (result, entries) = world.journaled(|| act(&world));
        assert!(result.is_ok(), "{verb}: {result:#?}");
        assert_eq!(words(&entries), [format!("{verb} done")]);
        seen += 1;
    }
    assert_eq!(seen, 55);
}

#[test]
fn every_verb_of_a_person_leaves_one_entry_when_it_is_refused() {
    let mut seen = 0;
    for verb in Verb::ALL {
        let Some(act) = misdeed(verb) else { continue };
        seen += 1;
        let world = match verb {
            Verb::ChangeAssigned => controlled(),
            Verb::RunStarted | Verb::RunCancelRequested => builds::buildable(),
            _ => world(),
        };
        let (result, entries) = world.journaled(|| act(&world));
        let error = result.unwrap_err();
        assert!(error.is_refusal(), "{verb}: {error:#?}");
        let refused: Vec<String> =
            words(&entries).into_iter().filter(|entry| entry.ends_with(" refused")).collect();
        assert_eq!(refused, [format!("{verb} refused")]);
        assert_eq!(words(&entries).last(), Some(&format!("{verb} refused")));
        assert_eq!(world.last_entry().1.reason, Some(error.sentence));
    }
    // A verb that is listed above and has no deed of its own would be passed over here.
    assert_eq!(seen, 52);
}

#[test]
fn what_the_program_does_by_itself_is_on_record_too() {
    use relman::ops::deployment::reconcile::{Orphans, reconcile};
    let world = world();
    let started = world.start("erin", API, "dev").unwrap().deployment;
    let (_, claimed) = world.journaled(|| world.claim(&started));
    let (_, finished) = world.journaled(|| world.end(&started, DeploymentState::Succeeded));
    let running = world.running(API, "dev");
    let ((), waited) = world.journaled(|| {
        let hold = Hold::before(1, &world.plan(&running), HoldReason::Promotion, world.now);
        for _ in 0..2 {
            world.as_("erin", |cx| claim::hold(cx, running.id, running.epoch, &hold)).unwrap();
        }
        for state in [StepState::Waiting, StepState::Running, StepState::Running] {
            let plan =
                world.store.read(|tx| relman::store::steps::list_of(tx, running.id)).unwrap().remove(0);
            let step = Step { state, ..plan };
            world.as_("erin", |cx| claim::step(cx, running.id, running.epoch, &step)).unwrap();
        }
    });
    world.machine.alive.borrow_mut().insert(running.id, Liveness::Gone);
    let (_, lost) = world.journaled(|| world.as_("bob", |cx| reconcile(cx, Orphans::Leave)).unwrap());
    let all = [claimed, finished, waited, lost].concat();
    assert_eq!(
        all,
        [
            "deployment.claimed done #1",
            "deployment.finished done #1",
            "deployment.paused done #2",
            "deployment.resumed done #2",
            "deployment.lost done #2"
        ]
    );
}

#[test]
fn a_new_store_begins_with_one_entry() {
    let world = World::new();
    assert_eq!(world.entries(), 1);
    assert_eq!(world.last_entry().0, "store.created");
}
