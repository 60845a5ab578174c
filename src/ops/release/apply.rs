//! What each thing that is put on record does to a release.

use crate::domain::deployment::DeploymentState;
use crate::domain::journal::Verb;
use crate::domain::release::evidence::Waiver;
use crate::domain::release::plan::{Measured, Metric, Milestone, Plan, Said, ScopeItem, ScopeState};
use crate::domain::release::preparation::{Announcement, Backup, Impact, Task, Tick, Training, Vote, Word};
use crate::domain::release::review::{Feedback, FollowUp, Issue, IssueState};
use crate::domain::release::{Judged, Level, Release, Stage};
use crate::domain::risk::{self};
use crate::domain::text::{any_of, free};
use crate::domain::time::wall;
use crate::ops::{Ctx, ErrorKind, OpError};

use super::history;
use super::record::{Known, Record};

/// The item of that number, or which numbers there are.
fn nth<'a, T>(items: &'a mut [T], number: usize, what: &str) -> Result<&'a mut T, OpError> {
    let count = items.len();
    let found = number.checked_sub(1).and_then(|at| items.get_mut(at));
    found.ok_or_else(|| {
        OpError::not_found(format!("{what} {number}")).hint(match count {
            0 => format!("there is no {what} yet"),
            1 => format!("there is one {what}: 1"),
            _ => format!("there are 1 to {count}"),
        })
    })
}

fn remove<T>(items: &mut Vec<T>, number: usize, what: &str) -> Result<(), OpError> {
    nth(items, number, what)?;
    items.remove(number - 1);
    Ok(())
}

/// So many of one kind and no more: what is longer nobody reads, and the record is written whole with each change.
const MOST: usize = 200;

fn push<T>(items: &mut Vec<T>, item: T, what: &str) -> Result<(), OpError> {
    if items.len() >= MOST {
        return Err(OpError::conflict(format!("there are {MOST} already; no more {what} fit")));
    }
    items.push(item);
    Ok(())
}

fn usage(sentence: impl Into<String>) -> OpError {
    OpError::new(ErrorKind::Usage, sentence)
}

fn line(field: &'static str, text: &str) -> Result<String, OpError> {
    Ok(free(field, text, 500)?)
}

fn some(field: &'static str, text: Option<&String>) -> Result<Option<String>, OpError> {
    text.map(|text| line(field, text)).transpose()
}

pub(super) fn apply(
    cx: &Ctx<'_>,
    release: &mut Release,
    what: &Record,
    known: &Known,
) -> Result<(), OpError> {
    match what.verb() {
        Verb::PlanChanged => plan(cx, release, what),
        Verb::RiskAssessed => weigh(cx, release, what, known.fares),
        Verb::CheckWaived => waive(cx, release, what),
        Verb::PreparationRecorded => prepare(cx, release, what),
        Verb::AnnouncementMade | Verb::VoteCast => tell(cx, release, what),
        Verb::IssueRecorded | Verb::FeedbackRecorded => hear(cx, release, what, known),
        Verb::DeploymentJudged => judge(cx, release, what, known),
        _ => learn(cx, release, what),
    }
}

fn tick(cx: &Ctx<'_>) -> Tick {
    Tick { by: cx.actor.person.clone(), at: cx.now }
}

/// Done once: who and when stay as they are.
fn done(cx: &Ctx<'_>, slot: &mut Option<Tick>, what: &str) -> Result<(), OpError> {
    if let Some(tick) = slot {
        let when = wall(tick.at, cx.policy.zone);
        return Err(OpError::conflict(format!("{} did \"{what}\" already, {when}", tick.by.name)));
    }
    *slot = Some(tick(cx));
    Ok(())
}

fn plan(cx: &Ctx<'_>, release: &mut Release, what: &Record) -> Result<(), OpError> {
    let is_late = release.stage > Stage::Plan;
    if let Record::Stated { name, text } = what {
        let wanted = &cx.policy.stage(Stage::Plan).statements;
        super::evidence::known(wanted, name, "statement", "[stages.plan] statements")?;
        release.statements.insert(name.clone(), free("statement", text, 1000)?);
        return Ok(());
    }
    let plan = &mut release.plan;
    match what {
        Record::Scope(text) => {
            let text = line("scope item", text)?;
            if plan.scope.iter().any(|item| item.text == text) {
                return Err(OpError::conflict(format!("\"{text}\" is in the scope already")));
            }
            push(
                &mut plan.scope,
                ScopeItem { text, state: ScopeState::Planned, late: is_late, why: None, request: None },
                "scope items",
            )
        }
        Record::ScopeIs { item, state, why } => {
            let why = some("reason", why.as_ref())?;
            if *state == ScopeState::Dropped && why.is_none() {
                return Err(usage("what is dropped needs a reason").hint("say it with --reason \"…\""));
            }
            let item = nth(&mut plan.scope, *item, "scope item")?;
            (item.state, item.why) = (*state, why);
            Ok(())
        }
        Record::Milestone { name, due } => {
            let name = line("milestone", name)?;
            match plan.milestones.iter_mut().find(|milestone| milestone.name == name) {
                // The same name again is another day for it.
                Some(known) => known.due = *due,
                None => {
                    push(&mut plan.milestones, Milestone { name, due: *due, reached: None }, "milestones")?;
                }
            }
            plan.milestones.sort_by_key(|milestone| milestone.due);
            Ok(())
        }
        Record::MilestoneDue { item, due } => {
            nth(&mut plan.milestones, *item, "milestone")?.due = *due;
            plan.milestones.sort_by_key(|milestone| milestone.due);
            Ok(())
        }
        Record::MilestoneReached(item) => {
            let milestone = nth(&mut plan.milestones, *item, "milestone")?;
            done(cx, &mut milestone.reached, &milestone.name)
        }
        Record::MilestoneGone(item) => remove(&mut plan.milestones, *item, "milestone"),
        Record::Metric { name, target } => {
            let (name, target) = (line("measure", name)?, line("target", target)?);
            match plan.metrics.iter_mut().find(|metric| metric.name == name) {
                Some(known) => known.target = target,
                None => push(&mut plan.metrics, Metric { name, target, measured: None }, "measures")?,
            }
            Ok(())
        }
        Record::MetricTarget { item, target } => {
            nth(&mut plan.metrics, *item, "measure")?.target = line("target", target)?;
            Ok(())
        }
        Record::MetricGone(item) => remove(&mut plan.metrics, *item, "measure"),
        _ => Ok(()),
    }
}

/// The risk may be raised by anyone who plans; lowered it is by somebody else than who said it, with a reason (PLN-4).
pub(super) fn may_lower(cx: &Ctx<'_>, plan: &Plan, to: Level, why: Option<&str>) -> Result<(), OpError> {
    let known = plan.risk.or(plan.risk_before);
    let Some(before) = known.filter(|before| to < *before) else { return Ok(()) };
    if why.is_none() {
        return Err(usage(format!("a risk is not lowered from {before} to {to} without a reason"))
            .hint("relman risk RELEASE --lower LEVEL --reason \"…\""));
    }
    match &plan.risk_said {
        Some(said) if said.by.is_same_as(&cx.actor.person) => Err(OpError::new(
            ErrorKind::NotPermitted,
            format!("you said {before} yourself; somebody else lowers it"),
        )
        .hint("ask somebody who did not weigh it")),
        _ => Ok(()),
    }
}

fn weigh(cx: &Ctx<'_>, release: &mut Release, what: &Record, known: risk::Record) -> Result<(), OpError> {
    let plan = &mut release.plan;
    let (level, why, assessment) = match what {
        Record::Assessed(inputs) => {
            let found = risk::assess(*inputs, known);
            // What is said about the change can be wrong in one's own favour: then another one says it.
            let why = plan.risk.filter(|before| found.level < *before).map(|_| "weighed anew".to_owned());
            (found.level, why, Some(found))
        }
        Record::RiskIs { level, why } => (*level, some("reason", why.as_ref())?, plan.assessment),
        _ => return Ok(()),
    };
    may_lower(cx, plan, level, why.as_deref())?;
    (plan.risk, plan.risk_before) = (Some(level), None);
    plan.assessment = assessment;
    plan.risk_said = Some(Said { by: cx.actor.person.clone(), at: cx.now, why });
    Ok(())
}

fn waive(cx: &Ctx<'_>, release: &mut Release, what: &Record) -> Result<(), OpError> {
    let Record::Waived { check, reason, expires } = what else { return Ok(()) };
    super::evidence::known_check(cx, check)?;
    if *expires <= cx.now {
        return Err(usage("a waiver that is over waives nothing").hint("say a later time: --until \"+3d\""));
    }
    let waiver = Waiver {
        by: cx.actor.person.clone(),
        at: cx.now,
        reason: free("reason", reason, 2000)?,
        expires: *expires,
        content: release.build.content(),
    };
    release.waivers.insert(check.clone(), waiver);
    Ok(())
}

fn prepare(cx: &Ctx<'_>, release: &mut Release, what: &Record) -> Result<(), OpError> {
    let preparation = &mut release.preparation;
    match what {
        Record::Task { text, owner } => {
            let task = Task { text: line("task", text)?, owner: some("owner", owner.as_ref())?, done: None };
            push(&mut preparation.tasks, task, "tasks")
        }
        Record::TaskDone(item) => {
            let task = nth(&mut preparation.tasks, *item, "task")?;
            done(cx, &mut task.done, &task.text)
        }
        Record::Backup { taken, place, restored } => {
            if *taken > cx.now || restored.is_some_and(|restored| restored > cx.now) {
                return Err(usage("a backup is recorded once it was taken; that time is still to come"));
            }
            preparation.backup = Some(Backup {
                taken: *taken,
                place: line("place", place)?,
                restored: *restored,
                by: cx.actor.person.clone(),
            });
            Ok(())
        }
        Record::Training { audience, material } => {
            let training = Training {
                audience: line("audience", audience)?,
                material: some("material", material.as_ref())?,
                done: None,
            };
            push(&mut preparation.trainings, training, "trainings")
        }
        Record::TrainingDone(item) => {
            let training = nth(&mut preparation.trainings, *item, "training")?;
            done(cx, &mut training.done, &training.audience)
        }
        Record::Impact(impact) => {
            preparation.impact = Some(Impact {
                downtime: line("downtime", &impact.downtime)?,
                affected: some("affected", impact.affected.as_ref())?,
                workaround: some("workaround", impact.workaround.as_ref())?,
            });
            Ok(())
        }
        _ => Ok(()),
    }
}

fn tell(cx: &Ctx<'_>, release: &mut Release, what: &Record) -> Result<(), OpError> {
    match what {
        Record::Announced { occasion, audience, channel, text } => {
            let announcement = Announcement {
                occasion: *occasion,
                audience: line("audience", audience)?,
                channel: line("channel", channel)?,
                text: match text.trim().is_empty() {
                    true => super::announce::written(cx, release, *occasion),
                    false => free("text", text, 8000)?,
                },
                by: cx.actor.person.clone(),
                at: cx.now,
            };
            push(&mut release.preparation.announcements, announcement, "announcements")
        }
        Record::Voted { word, reason } => vote(cx, release, *word, reason.as_ref()),
        _ => Ok(()),
    }
}

fn vote(cx: &Ctx<'_>, release: &mut Release, word: Word, reason: Option<&String>) -> Result<(), OpError> {
    let groups = &cx.policy.stage(Stage::Prepare).voters;
    if groups.is_empty() {
        return Err(OpError::conflict("nobody is asked to vote here")
            .hint("name the groups: [stages.prepare] voters = [\"managers\"] in relman.toml"));
    }
    let roster = cx.roster();
    if !groups.iter().any(|group| roster.has(group, &cx.actor.person)) {
        return Err(OpError::new(
            ErrorKind::NotPermitted,
            format!("{} does not vote here; {} do", cx.actor.person.name, any_of(groups)),
        ));
    }
    let reason = some("reason", reason)?;
    if word == Word::NoGo && reason.is_none() {
        return Err(usage("a no-go needs a reason").hint("say it with --reason \"…\""));
    }
    let by = cx.actor.person.clone();
    let vote = Vote { word, reason, by: by.clone(), at: cx.now, content: release.build.content() };
    release.preparation.votes.insert(by.name, vote);
    Ok(())
}

fn hear(cx: &Ctx<'_>, release: &mut Release, what: &Record, known: &Known) -> Result<(), OpError> {
    match what {
        Record::Issue { title, severity, owner, environment } => {
            if let Some(env) = environment.as_ref().filter(|env| !cx.policy.environments.contains_key(*env)) {
                return Err(OpError::not_found(format!("environment {env}")));
            }
            let issue = Issue {
                title: line("title", title)?,
                severity: *severity,
                state: IssueState::Open,
                owner: some("owner", owner.as_ref())?,
                environment: environment.as_ref().map(ToString::to_string),
                found_after: known.found_after,
                by: cx.actor.person.clone(),
                at: cx.now,
            };
            push(&mut release.issues, issue, "issues")
        }
        Record::IssueIs { item, state } => {
            nth(&mut release.issues, *item, "issue")?.state = *state;
            Ok(())
        }
        Record::Feedback { source, phase, sentiment, text } => {
            let feedback = Feedback {
                source: *source,
                phase: *phase,
                sentiment: *sentiment,
                text: free("feedback", text, 4000)?,
                reply: None,
                next: None,
                request: None,
                by: cx.actor.person.clone(),
                at: cx.now,
            };
            push(&mut release.feedback, feedback, "feedback")
        }
        Record::Answered { item, reply, next } => {
            let reply = reply.as_deref().map(|text| free("reply", text, 4000)).transpose()?;
            let feedback = nth(&mut release.feedback, *item, "feedback")?;
            feedback.reply = reply.or(feedback.reply.take());
            feedback.next = next.clone().or(feedback.next.take());
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The last word counts; what the deployment itself recorded stays as it is.
fn judge(cx: &Ctx<'_>, release: &mut Release, what: &Record, known: &Known) -> Result<(), OpError> {
    let Record::Judged { deployment, succeeded, reason } = what else { return Ok(()) };
    let found = known.deployment.as_ref().filter(|d| d.release == release.id);
    let found =
        found.ok_or_else(|| OpError::not_found(format!("deployment {deployment} of {}", release.id)))?;
    if !history::has_outcome(found) {
        return Err(OpError::conflict(format!(
            "{deployment} is {}: it has no outcome to correct",
            found.state
        ))
        .hint("a lost one is settled with: relman resolve"));
    }
    let is_so = found.state == DeploymentState::Succeeded;
    let said = release.judged.iter().find(|said| said.deployment == *deployment).map(|said| said.succeeded);
    if said.unwrap_or(is_so) == *succeeded {
        let word = if *succeeded { "succeeded" } else { "failed" };
        return Err(OpError::conflict(format!("{deployment} counts as {word} already")));
    }
    release.judged.retain(|said| said.deployment != *deployment);
    let reason = free("reason", reason, 2000)?;
    let (by, at) = (cx.actor.person.clone(), cx.now);
    release.judged.push(Judged { deployment: *deployment, succeeded: *succeeded, reason, by, at });
    Ok(())
}

fn learn(cx: &Ctx<'_>, release: &mut Release, what: &Record) -> Result<(), OpError> {
    let review = &mut release.review;
    match what {
        Record::Measured { item, value, verdict } => {
            let metric = nth(&mut release.plan.metrics, *item, "measure")?;
            let value = line("value", value)?;
            let verdict = verdict.or_else(|| metric.judge(&value)).ok_or_else(|| {
                usage(format!("whether {value} is what was wanted ({}) cannot be computed", metric.target))
                    .hint("say it: achieved, partly or missed")
            })?;
            metric.measured = Some(Measured { value, verdict, by: cx.actor.person.clone(), at: cx.now });
            review.verdict = Metric::overall(&release.plan.metrics);
            Ok(())
        }
        Record::WentWell(text) => push(&mut review.went_well, line("line", text)?, "lines"),
        Record::CouldBeBetter(text) => push(&mut review.could_be_better, line("line", text)?, "lines"),
        Record::Lesson(text) => push(&mut review.lessons, line("line", text)?, "lines"),
        Record::Action { text, owner, due } => {
            let action = FollowUp {
                text: line("action", text)?,
                owner: some("owner", owner.as_ref())?,
                due: *due,
                done: None,
            };
            push(&mut review.actions, action, "actions")
        }
        Record::ActionDone(item) => {
            let action = nth(&mut review.actions, *item, "action")?;
            done(cx, &mut action.done, &action.text)
        }
        _ => Ok(()),
    }
}
