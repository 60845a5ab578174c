//! Does every verb ask for exactly one right, in the place it is about, and leave its no in the journal?

use relman::domain::actor::Person;
use relman::domain::freeze::Scope;
use relman::domain::hold::{Choice, HoldReason};
use relman::domain::ids::{DeploymentId, LockId};
use relman::domain::journal::Verb;
use relman::domain::lock::LockKind;
use relman::domain::policy::{Member, Policy};
use relman::domain::right::{Asks, Grant, Right, Rights, asked_by};
use relman::ops::deployment::abandon::abandon;
use relman::ops::deployment::cancel::cancel;
use relman::ops::deployment::later::reschedule;
use relman::ops::deployment::{guide, start};
use relman::ops::release::{block, create, edit};
use relman::ops::view::rights;
use relman::ops::{ErrorKind, freeze, lock};

use super::on_record::{done, refused};
use super::verbs::{API, Act, deed, in_an_hour, in_dev, scheduled, stuck};
use crate::support::world::{POLICY, World, new_freeze, release_id, wish};

/// Everyone has the rights for which `has` says so, and nobody the others.
fn only(policy: &mut Policy, has: impl Fn(Right) -> bool) {
    policy.groups.insert("all".to_owned(), vec![Member::Everyone]);
    policy.groups.insert("none".to_owned(), Vec::new());
    let list = |right: Right| {
        Grant::new(vec![if has(right) { "all" } else { "none" }.to_owned()], format!("[rights] {right}"))
    };
    policy.rights = Right::ALL.into_iter().map(|right| (right, list(right))).collect();
    policy.environments.values_mut().for_each(|env| env.rights = Rights::new());
    policy.services.values_mut().for_each(|service| service.rights = Rights::new());
}

/// What is done about one's own needs no right: the same by somebody else.
fn by_another(verb: Verb) -> Option<(fn() -> World, Act)> {
    let (before, act): (fn() -> World, Act) = match verb {
        Verb::CancelRequested => {
            (in_dev, |w| w.as_("dave", |cx| cancel(cx, DeploymentId(1), None)).map(drop))
        }
        Verb::DeploymentAbandoned => {
            (stuck, |w| w.as_("dave", |cx| abandon(cx, DeploymentId(1), "hangs")).map(drop))
        }
        Verb::DeploymentRescheduled => {
            (scheduled, |w| w.as_("dave", |cx| reschedule(cx, DeploymentId(1), &in_an_hour(w))).map(drop))
        }
        _ => return deed(verb),
    };
    Some((before, act))
}

#[test]
fn every_verb_of_a_person_asks_for_exactly_one_right_or_is_free() {
    let mut asked = 0;
    for verb in Verb::ALL {
        let Some((before, act)) = by_another(verb) else {
            // tests/it/cli/backup.rs tries it: it takes files.
            let is_elsewhere = verb == Verb::StoreRestored;
            assert!(
                is_elsewhere || matches!(asked_by(verb), Asks::Free(_)),
                "{verb} asks for a right and nobody tries it"
            );
            continue;
        };
        let mut world = before();
        match asked_by(verb) {
            Asks::Free(why) => {
                assert!(!why.is_empty());
                only(&mut world.policy, |_| false);
                act(&world).unwrap_or_else(|error| panic!("{verb} is free: {error:#?}"));
            }
            Asks::Right(right) => {
                asked += 1;
                only(&mut world.policy, |known| known != right);
                let (result, entries) = world.journaled(|| act(&world));
                let error = result.expect_err(verb.as_str());
                assert_eq!(error.kind, ErrorKind::NotPermitted, "{verb}: {error:#?}");
                assert_eq!(entries.len(), 1, "{verb}: {entries:?}");
                assert!(entries[0].starts_with(&format!("{verb} refused")), "{entries:?}");
                assert_eq!(world.last_entry().1.reason.as_ref(), Some(&error.sentence), "{verb}");
                only(&mut world.policy, |known| known == right);
                act(&world).unwrap_or_else(|error| panic!("{verb} takes more than {right}: {error:#?}"));
            }
        }
    }
    assert_eq!(asked, 44);
}

#[test]
fn what_one_started_or_locked_oneself_one_may_always_stop_and_lift() {
    for verb in [Verb::CancelRequested, Verb::DeploymentAbandoned, Verb::DeploymentRescheduled] {
        let (before, act) = deed(verb).unwrap();
        let mut world = before();
        only(&mut world.policy, |_| false);
        act(&world).unwrap_or_else(|error| panic!("{verb}: {error:#?}"));
    }
    let mut world = World::new();
    world.as_("erin", |cx| lock::set(cx, &on("production"))).unwrap();
    only(&mut world.policy, |_| false);
    done(&world, "erin", Verb::LockLifted, "L1", |cx| lock::lift(cx, LockId(1), None));
}

#[test]
fn a_failed_step_asks_for_the_right_to_resolve_and_a_pause_for_the_right_to_deploy() {
    for (reason, choice, right) in [
        (HoldReason::Promotion, Choice::Promote, Right::Deploy),
        (HoldReason::Inconclusive, Choice::Retry, Right::Resolve),
    ] {
        let mut world = World::new();
        world.ready(API);
        let running = world.running(API, "production");
        let hold = world.held(&running, reason);
        let choice = if hold.choices.contains(&choice) { choice } else { hold.choices[0] };
        let wanted = guide::Decision {
            deployment: running.id,
            choice,
            reason: Some("looked at it".to_owned()),
            seen: None,
        };
        only(&mut world.policy, |known| known != right);
        let verb = (Verb::DeploymentGuided, "#3");
        refused(&world, "dave", ErrorKind::NotPermitted, verb, |cx| guide::guide(cx, &wanted));
        only(&mut world.policy, |known| known == right);
        done(&world, "dave", Verb::DeploymentGuided, "#3", |cx| guide::guide(cx, &wanted));
    }
}

fn on(env: &str) -> lock::NewLock {
    let scope = Scope::new(Vec::new(), vec![env.to_owned()]).unwrap();
    lock::NewLock { kind: LockKind::Exclusive, scope, reason: "disk".to_owned(), expires: None }
}

fn with(lines: &str) -> World {
    World::with(&format!("{POLICY}\n{lines}"))
}

fn hour_of(world: &World, env: &str) -> freeze::NewFreeze {
    new_freeze("Stop", env, world.now, world.now.plus(std::time::Duration::from_hours(1)))
}

#[test]
fn the_sentence_names_the_right_its_line_and_who_has_it() {
    let world = with("[rights]\nfreeze = [\"managers\"]\n");
    let verb = (Verb::FreezeAdded, "Stop");
    let new = hour_of(&world, "dev");
    let error = refused(&world, "alice", ErrorKind::NotPermitted, verb, |cx| freeze::add(cx, &new));
    assert_eq!(
        error.sentence,
        "alice may not set or lift freezes of api in dev: only managers may ([rights] freeze)"
    );
    assert_eq!(error.hints, ["ask bob or carol"]);
    done(&world, "bob", Verb::FreezeAdded, "F1", |cx| freeze::add(cx, &new));
    refused(&world, "alice", ErrorKind::NotPermitted, (Verb::FreezeRemoved, "F1"), |cx| {
        freeze::remove(cx, "F1", None)
    });
}

#[test]
fn a_list_of_the_place_takes_the_place_of_the_general_one() {
    let world = with(
        "[rights]\nfreeze = [\"managers\"]\n[environments.dev.rights]\nfreeze = [\"sre\"]\n[services.web.rights]\nblock = [\"sre\"]\n",
    );
    let new = hour_of(&world, "dev");
    refused(&world, "bob", ErrorKind::NotPermitted, (Verb::FreezeAdded, "Stop"), |cx| freeze::add(cx, &new));
    done(&world, "erin", Verb::FreezeAdded, "F1", |cx| freeze::add(cx, &new));
    // What reaches further takes the right everywhere it reaches.
    let all = freeze::NewFreeze { name: "All".to_owned(), ..hour_of(&world, "*") };
    for who in ["bob", "erin"] {
        refused(&world, who, ErrorKind::NotPermitted, (Verb::FreezeAdded, "All"), |cx| freeze::add(cx, &all));
    }
    world.release("api@1.0.0");
    world.release("web@1.0.0");
    let web = release_id("web@1.0.0");
    world.as_("alice", |cx| block::block(cx, &release_id("api@1.0.0"), "leaks")).unwrap();
    let verb = (Verb::ReleaseBlocked, "web@1.0.0");
    refused(&world, "alice", ErrorKind::NotPermitted, verb, |cx| block::block(cx, &web, "leaks"));
    world.as_("erin", |cx| block::block(cx, &web, "leaks")).unwrap();
    // Lifting it goes with setting it.
    let verb = (Verb::ReleaseUnblocked, "web@1.0.0");
    refused(&world, "alice", ErrorKind::NotPermitted, verb, |cx| block::unblock(cx, &web, "fine"));
}

#[test]
fn a_service_never_opens_what_its_environment_closes() {
    let mut world = World::new();
    world.ready(API);
    world.policy = with("[services.api.rights]\ndeploy = [\"managers\"]\n").policy;
    for (who, keeps_out) in [("bob", "sre"), ("dave", "managers")] {
        let error = world.start(who, API, "production").unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotPermitted, "{error:#?}");
        assert!(error.sentence.contains(&format!("only {keeps_out} may")), "{error}");
    }
    // Nothing keeps the managers from dev, where the environment says nothing.
    world.start("bob", API, "dev").unwrap();
}

#[test]
fn who_is_kept_out_by_name_is_kept_out_also_where_another_list_gives_the_right() {
    let policy = POLICY.replace("[groups]", "[groups]\nleaving = [\"carol\", \"erin\"]");
    let world = World::with(&format!(
        "{policy}\n[rights]\nfreeze = [\"managers\", \"!leaving\"]\n\
         [environments.dev.rights]\nfreeze = [\"sre\", \"managers\"]\n"
    ));
    let new = hour_of(&world, "dev");
    for who in ["carol", "erin"] {
        let verb = (Verb::FreezeAdded, "Stop");
        let error = refused(&world, who, ErrorKind::NotPermitted, verb, |cx| freeze::add(cx, &new));
        let line =
            format!("{who} may not set or lift freezes of api in dev: leaving may not ([rights] freeze)");
        assert_eq!(error.sentence, line);
        // Those of both lists who are not leaving.
        assert_eq!(error.hints, ["ask bob or dave"]);
    }
    done(&world, "dave", Verb::FreezeAdded, "F1", |cx| freeze::add(cx, &new));
}

#[test]
fn a_list_that_only_keeps_out_leaves_it_to_everybody_else_who_had_it() {
    let world = with("[rights]\nblock = [\"!sre\"]\ncancel = [\"!managers\"]\n");
    world.release(API);
    let id = release_id(API);
    let verb = (Verb::ReleaseBlocked, API);
    let error = refused(&world, "erin", ErrorKind::NotPermitted, verb, |cx| block::block(cx, &id, "leaks"));
    assert_eq!(error.sentence, "erin may not block releases of api: sre may not ([rights] block)");
    world.as_("alice", |cx| block::block(cx, &id, "leaks")).unwrap();
    // Cancelling goes with deploying, less those who are kept out; alice is no deployer of production.
    let cancel = |who: &str| {
        let rows = world.as_(who, |cx| rights::of(cx, &cx.actor.person));
        rows.into_iter()
            .filter(|row| row.right == "cancel")
            .map(|row| (row.place, row.may))
            .collect::<Vec<_>>()
    };
    let rows = |dev: bool, production: bool| {
        vec![("dev, staging".to_owned(), dev), ("production".to_owned(), production)]
    };
    assert_eq!(cancel("alice"), rows(true, false));
    assert_eq!(cancel("bob"), rows(false, false));
    assert_eq!(cancel("erin"), rows(true, true));
}

#[test]
fn an_empty_list_gives_a_right_to_nobody() {
    let world = with("[rights]\nrequest = []\n");
    let id = release_id("api@2.0.0");
    let verb = (Verb::ReleaseCreated, "api@2.0.0");
    let error = refused(&world, "alice", ErrorKind::NotPermitted, verb, |cx| {
        create::create(cx, &id, &create::NewRelease::default())
    });
    assert_eq!(
        error.sentence,
        "alice may not register releases of api: nobody has this right ([rights] request)"
    );
    assert_eq!(error.hints, ["name groups in [rights] request"]);
}

#[test]
fn the_right_of_whoever_is_behind_the_name_counts() {
    let world = with("[rights]\nplan = [\"managers\"]\n");
    world.as_("bob", |cx| create::create(cx, &release_id(API), &create::NewRelease::default())).unwrap();
    let change = edit::Edit { title: Some("Faster".to_owned()), ..edit::Edit::default() };
    let mut actor = crate::support::world::person("bob");
    actor.person = Person { login: Some("alice".to_owned()), ..actor.person };
    let error = world.as_actor(&actor, |cx| edit::edit(cx, &release_id(API), &change)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotPermitted, "alice became bob: {error}");
    world.as_("bob", |cx| edit::edit(cx, &release_id(API), &change)).unwrap();
}

#[test]
fn the_gate_says_what_a_start_would() {
    let world = with("[environments.dev.rights]\ndeploy = [\"managers\"]\n");
    world.release(API);
    world.advance(API, 2);
    let report = world.gates("alice", API, "dev");
    let text = serde_json::to_string(&report).unwrap();
    assert!(!report.allows() && text.contains("managers"), "{text}");
    let error = world.as_("alice", |cx| start::start(cx, &wish(API, "dev"))).unwrap_err();
    assert_eq!(
        (error.kind, error.hints.first().map(String::as_str)),
        (ErrorKind::NotPermitted, Some("ask bob or carol"))
    );
}

#[test]
fn what_one_may_do_is_listed_with_its_line() {
    let world =
        with("[rights]\nfreeze = [\"managers\"]\n[environments.production.rights]\nfreeze = [\"sre\"]\n");
    let rows = world.as_("bob", |cx| rights::of(cx, &cx.actor.person));
    let row = |right: &str, place: &str| {
        let found = rows.iter().find(|row| row.right == right && row.place == place);
        found.map_or_else(|| panic!("{right} {place}: {rows:#?}"), |row| (row.may, row.why.clone()))
    };
    assert_eq!(row("freeze", "dev, staging"), (true, "[rights] freeze = managers".to_owned()));
    assert_eq!(
        row("freeze", "production"),
        (false, "[environments.production.rights] freeze = sre".to_owned())
    );
    assert_eq!(row("request", "everywhere"), (true, "no list says who: everyone may".to_owned()));
    assert_eq!(row("deploy", "production"), (false, "[environments.production] deployers = sre".to_owned()));
    assert_eq!(
        row("cancel", "production"),
        (false, "as deploy: [environments.production] deployers = sre".to_owned())
    );
    assert_eq!(row("override", "dev, staging"), (false, "no list gives it to anybody".to_owned()));
    assert_eq!(
        row("approve", "production"),
        (true, "[environments.production] approvals: 1 of managers, 1 of sre".to_owned())
    );
    assert!(!rows.iter().any(|row| row.right == "approve" && row.place == "dev"), "{rows:#?}");
}

#[test]
fn an_account_without_a_name_belongs_to_no_group() {
    let mut world = with("[rights]\nblock = [\"sre\"]\n");
    world.policy.groups.insert("sre".to_owned(), vec![Member::Everyone]);
    world.release(API);
    let verb = (Verb::ReleaseBlocked, API);
    refused(&world, "uid:1234", ErrorKind::NotPermitted, verb, |cx| {
        block::block(cx, &release_id(API), "leaks")
    });
    done(&world, "alice", Verb::ReleaseBlocked, API, |cx| block::block(cx, &release_id(API), "leaks"));
}
