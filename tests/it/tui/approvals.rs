//! The approval queue: decisions are possible when it is your turn, and bound to what was shown.

use std::time::Duration;

use relman::domain::approval::Verdict;
use relman::domain::gate::GateId;
use relman::domain::override_review::Finding;
use relman::domain::prompt::{AskedOf, Prompt, PromptKind};

use relman::ops::approval::decide::{Decision, decide};
use relman::ops::deployment::claim::Claim;
use relman::ops::deployment::start::{StartDeploy, start};
use relman::ops::release::cancel;
use relman::tui::model::Pane;
use relman::tui::msg::{Effect, Msg};
use relman::tui::pane::queue;

use crate::ops::view::with_a_way_back;
use crate::support::keys::{Ui, is_severe};
use crate::support::screen::{TEAM, approved, built, environment, team};
use crate::support::world::{World, about, release_id, wish};

fn decision(ui: &Ui, verdict: Verdict, reason: Option<&str>) -> Effect {
    let item = queue::selected(&ui.model).unwrap();
    Effect::Decide(Box::new(Decision {
        reason: reason.map(ToOwned::to_owned),
        seen: Some(item.digest.clone()),
        ..Decision::new(item.release.id.clone(), about(Some("production")), verdict)
    }))
}

fn picked(ui: &Ui) -> String {
    queue::selected(&ui.model).map_or_else(String::new, |item| item.release.id.to_string())
}

#[test]
fn approving_for_production_asks_first_and_wants_the_version() {
    let mut ui = Ui::new(&team(), "erin");
    ui.pick("storefront@1.4.1");
    let wanted = decision(&ui, Verdict::Approved, None);
    assert_eq!(ui.keys("a"), []);
    assert_eq!(ui.popup(), "confirm");
    ui.wait(1000);
    assert_eq!(ui.keys("1.4.2<enter>"), []);
    assert_eq!(ui.said(), "type 1.4.1 exactly, then Enter; Esc leaves");
    assert_eq!(ui.keys("<bs>1<enter>"), [wanted]);
    assert_eq!(ui.popup(), "");
}

#[test]
fn pasting_the_version_does_not_approve() {
    let mut ui = Ui::new(&team(), "erin");
    ui.pick("storefront@1.4.1");
    ui.keys("a");
    ui.wait(1000);
    assert_eq!(ui.paste("1.4.1\r"), []);
    assert_eq!(ui.keys("<enter>"), []);
}

#[test]
fn enter_never_approves() {
    for (key, left) in [("<enter>", "confirm"), ("y", "confirm"), ("<esc>", "")] {
        let mut ui = Ui::new(&team(), "erin");
        ui.pick("storefront@1.4.1");
        ui.keys("a");
        ui.wait(5000);
        assert_eq!(ui.keys(key), []);
        assert_eq!(ui.popup(), left, "{key}");
    }
    let mut ui = Ui::new(&team(), "erin");
    ui.pick("storefront@1.4.1");
    ui.keys("a");
    let effects = ui.hold("<enter>", 2000);
    assert!(!effects.iter().any(is_severe), "{effects:?}");
}

#[test]
fn the_dialog_shows_what_is_approved() {
    let mut ui = Ui::new(&team(), "erin");
    ui.pick("storefront@1.4.1");
    ui.keys("a");
    let screen = ui.screen();
    for text in [
        "Approve storefront@1.4.1 for production",
        "Faster checkout",
        "production: 1.4.0 → 1.4.1",
        "medium; by alice",
        "feat: the thing itself",
        "1 of sre",
    ] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
}

#[test]
fn the_dialog_never_shows_another_release_than_it_is_about() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    ui.keys("a");
    world.as_("alice", |cx| cancel::cancel(cx, &release_id("storefront@1.4.1"), "not needed")).unwrap();
    ui.load(&world);
    let screen = ui.screen();
    let at = screen.find("Approve storefront@1.4.1").unwrap_or(0);
    // Whatever the dialog shows now, no other release's facts may stand under this title.
    let open = ui.popup() == "confirm";
    let other = &screen[at..];
    assert!(!open || !other.contains("SEPA instant payments"), "{screen}");
    assert!(!open || !other.contains("Synonyms"), "{screen}");
}

#[test]
fn an_approval_is_bound_to_what_was_selected_when_it_was_asked() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    let wanted = decision(&ui, Verdict::Approved, None);
    ui.keys("a");
    world.as_("alice", |cx| cancel::cancel(cx, &release_id("storefront@1.4.1"), "not needed")).unwrap();
    ui.load(&world);
    ui.wait(1000);
    let effects = ui.keys("y");
    assert!(effects.is_empty() || effects == [wanted], "{effects:?}");
}

#[test]
fn rejecting_needs_a_reason() {
    let mut ui = Ui::new(&team(), "erin");
    ui.pick("storefront@1.4.1");
    let wanted = decision(&ui, Verdict::Rejected, Some("no load test"));
    assert_eq!(ui.keys("x"), []);
    assert_eq!(ui.popup(), "form");
    ui.wait(1000);
    assert_eq!(ui.keys("<c-s>"), []);
    assert!(ui.screen().contains("say why"), "{}", ui.screen());
    assert_eq!(ui.keys("  <c-s>"), [], "blanks are no reason");
    assert_eq!(ui.keys("no load test<c-s>"), [wanted]);
}

#[test]
fn what_is_not_yours_says_whose_it_is() {
    let mut ui = Ui::new(&team(), "frank");
    ui.pick("storefront@1.4.1");
    for key in ["a", "x"] {
        assert_eq!(ui.keys(key), []);
        assert_eq!(ui.popup(), "");
        let said = ui.said();
        assert!(said.starts_with("not yours: you are not in managers or sre"), "{said}");
        assert!(said.contains("ask dave, erin"), "{said}");
    }
}

#[test]
fn one_s_own_decision_is_taken_back_and_not_given_twice() {
    let mut ui = Ui::new(&team(), "bob");
    ui.pick("storefront@1.4.1");
    assert_eq!(ui.keys("a"), []);
    assert_eq!(ui.said(), "you have decided; W takes it back");
    assert_eq!(
        ui.keys("W"),
        [Effect::Withdraw { release: release_id("storefront@1.4.1"), subject: about(Some("production")) }]
    );
}

#[test]
fn nothing_is_taken_back_by_who_has_not_decided() {
    let mut ui = Ui::new(&team(), "erin");
    ui.pick("storefront@1.4.1");
    assert_eq!(ui.keys("W"), []);
    assert_eq!(ui.said(), "you have not decided about this");
}

#[test]
fn who_created_a_release_does_not_approve_it() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("payments@3.1.0");
    ui.keys("a<esc>");
    // The same item for its creator, who is made a manager for the occasion.
    let policy = TEAM.replace("[\"bob\", \"carol\"]", "[\"bob\", \"alice\"]");
    let mut world = World { store: world.store, ..World::with(&policy) };
    world.now = ui.model.now;
    let mut ui = Ui::new(&world, "alice");
    ui.pick("payments@3.1.0");
    assert_eq!(ui.keys("a"), []);
    assert!(ui.said().contains("you requested or created it"), "{}", ui.said());
}

#[test]
fn the_selection_stays_with_its_item_and_moves_on_when_it_is_gone() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("search@0.8.1");
    approved(&world, "erin", "payments@3.1.0");
    ui.load(&world);
    assert_eq!(picked(&ui), "search@0.8.1", "the order changed, the selection did not");
    world.as_("alice", |cx| cancel::cancel(cx, &release_id("search@0.8.1"), "not needed")).unwrap();
    ui.load(&world);
    assert!(!picked(&ui).is_empty() && picked(&ui) != "search@0.8.1");
}

#[test]
fn a_filter_narrows_the_queue() {
    let mut ui = Ui::new(&team(), "erin");
    ui.go(Pane::Approvals);
    ui.keys("/sepa<enter>");
    assert_eq!(picked(&ui), "payments@3.1.0");
    ui.keys("/!sepa<enter>jjjj");
    assert_ne!(picked(&ui), "payments@3.1.0");
    ui.keys("/zzz<enter>");
    assert!(ui.screen().contains("Nothing fits /zzz"), "{}", ui.screen());
    assert_eq!(ui.keys("a"), []);
    assert_eq!(ui.said(), "nothing waits for an approval");
}

#[test]
fn the_tab_counts_what_waits_for_you() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    assert!(ui.screen().contains("[2]Approvals 3 "), "{}", ui.screen());
    approved(&world, "erin", "payments@3.1.0");
    ui.load(&world);
    assert!(ui.screen().contains("[2]Approvals 2 "), "{}", ui.screen());
    assert!(Ui::new(&world, "frank").screen().contains("[2]Approvals [3]"));
}

#[test]
fn deploying_from_the_queue_is_about_the_selected_item() {
    let mut ui = Ui::new(&team(), "erin");
    ui.pick("storefront@1.4.1");
    let preview =
        [Effect::Preview { release: release_id("storefront@1.4.1"), environment: environment("production") }];
    assert_eq!(ui.keys("D"), preview);
    // Asking why never opens what could start something.
    let asked =
        [Effect::Explain { release: release_id("storefront@1.4.1"), environment: environment("production") }];
    assert_eq!(ui.keys("w"), asked);
    assert_eq!(ui.keys("<enter>"), [Effect::Detail(release_id("storefront@1.4.1"))]);
}

#[test]
fn a_decision_that_was_recorded_is_said() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    ui.keys("x");
    ui.wait(1000);
    ui.keys("no load test<c-s>");
    let decision = Decision {
        reason: Some("no load test".to_owned()),
        ..Decision::new(release_id("storefront@1.4.1"), about(Some("production")), Verdict::Rejected)
    };
    let approval = world.as_("erin", |cx| relman::ops::approval::decide::decide(cx, &decision)).unwrap();
    assert_eq!(ui.send(Msg::Decided(Box::new(approval))), []);
    assert_eq!((ui.popup(), ui.said()), ("", "storefront@1.4.1 rejected for production by erin"));
    ui.load(&world);
    assert!(ui.screen().contains("rejected    by erin: no load test"), "{}", ui.screen());
}

#[test]
fn an_approval_about_what_changed_meanwhile_is_asked_for_anew() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    ui.keys("a");
    ui.wait(1000);
    ui.keys("1.4.1");
    *world.machine.script.borrow_mut() = "other".to_owned();
    drop(ui.load(&world));
    assert!(
        ui.said().ends_with("look again") && ui.said() != "what this is about has changed; look again",
        "{}",
        ui.said()
    );
    assert_eq!(ui.keys("<enter>"), [], "what was typed was for something else");
}

#[test]
fn an_approval_somebody_took_back_meanwhile_is_named() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    ui.keys("a");
    world.withdraw("bob", "storefront@1.4.1", "production");
    drop(ui.load(&world));
    assert_eq!(ui.said(), "bob withdrew; look again");
}

/// 1.5.0 has never been deployed, and dev asks the managers first.
fn never_deployed() -> World {
    let rule = "[environments.dev]\napprovals = [{ from = \"managers\", count = 1 }]";
    World { policy: World::with(&TEAM.replace("[environments.dev]", rule)).policy, ..built() }
}

#[test]
fn where_there_is_no_log_the_key_says_so() {
    let world = never_deployed();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.5.0");
    assert_eq!(ui.keys("gl"), []);
    assert_eq!(ui.said(), "storefront@1.5.0 was never deployed: it has no log yet");
    // What waits has none yet either, but its pane says when it begins: as on the board.
    let id = world.schedule("storefront@1.5.0", "dev", Duration::from_hours(2)).id;
    ui.load(&world);
    assert_eq!(ui.keys("gl")[0], Effect::Watch(id));
    assert_eq!(ui.model.focus, Pane::Log);
}

#[test]
fn where_a_later_time_is_asked_for_stands_what_is_closed_now() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    assert_eq!(ui.ask(&world, "S"), []);
    assert!(ui.screen().contains("closed now: approvals: "), "{}", ui.screen());
    approved(&world, "dave", "storefront@1.4.1");
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    assert_eq!(ui.ask(&world, "S"), []);
    assert!(ui.screen().contains("to production later"), "{}", ui.screen());
    assert!(!ui.screen().contains("closed now"), "{}", ui.screen());
}

#[test]
fn what_waits_for_the_environment_of_the_row_is_moved() {
    let world = team();
    world.schedule("storefront@1.4.1", "dev", Duration::from_hours(1));
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    drop(ui.keys("S"));
    assert!(ui.screen().contains("deploy storefront@1.4.1 to production later"), "{}", ui.screen());
    let id = world.schedule("storefront@1.4.1", "production", Duration::from_hours(2)).id;
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    drop(ui.keys("S"));
    let screen = ui.screen();
    assert!(screen.contains(&format!("Move {id}")) && screen.contains("to production; times in"), "{screen}");
}

#[test]
fn a_rollback_that_waits_for_approvals_is_approved_where_everything_is() {
    let world = with_a_way_back();
    world.roll_back("api", "production").unwrap_err();
    let mut ui = Ui::new(&world, "bob");
    ui.pick("api@1.0.0");
    let screen = ui.screen();
    assert!(
        screen.contains("production (back)") && screen.contains("a rollback that erin asked for"),
        "{screen}"
    );
    assert!(screen.contains("production: 1.1.0"), "{screen}");
    let wanted = decision(&ui, Verdict::Approved, None);
    ui.keys("a");
    assert_eq!(ui.popup(), "confirm");
    ui.wait(1000);
    assert_eq!(ui.keys("1.0.0<enter>"), [wanted]);
    // Going back itself has a dialog of its own; why it is closed is only told.
    let asked =
        Effect::AskChoices { service: "api".parse().unwrap(), environment: environment("production") };
    assert_eq!(ui.keys("D"), [asked]);
    assert_eq!(ui.keys("w"), []);
    assert!(ui.screen().contains("api@1.0.0"), "{}", ui.screen());
    let mut other = Ui::new(&world, "dave");
    other.pick("api@1.0.0");
    other.keys("a");
    assert!(
        other.said().starts_with("not yours: you are not in managers; ask bob, carol"),
        "{}",
        other.said()
    );
}

#[test]
fn an_approval_for_later_is_asked_for_with_its_time_and_the_version() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    ui.keys("A");
    ui.wait(1000);
    assert_eq!(ui.keys("+2h<tab>1.4.0<c-s>"), []);
    assert!(ui.screen().contains("type the version 1.4.1 exactly"), "{}", ui.screen());
    let [Effect::Decide(decision)] = &ui.keys("<bs>1<c-s>")[..] else { panic!("{}", ui.screen()) };
    assert_eq!(decision.effective, Some(world.now.plus(std::time::Duration::from_hours(2))));
    assert_eq!(decision.verdict, Verdict::Approved);
}

#[test]
fn an_override_that_waits_for_a_review_stands_above_the_queue() {
    let mut world = team();
    let policy = TEAM.replace(r#"override = ["managers"]"#, r#"override = ["sre", "managers"]"#);
    world.policy = relman::config::parse(std::path::Path::new("/srv/relman.toml"), &policy).unwrap().policy;
    let wanted = StartDeploy {
        overrides: [GateId::Approvals, GateId::Soak].into(),
        reason: Some("the shop is down".to_owned()),
        confirm: Some("3.1.0".to_owned()),
        ..wish("payments@3.1.0", "production")
    };
    let past = world.as_("dave", |cx| start(cx, &wanted)).unwrap().deployment;
    assert_eq!(world.claim(&past), Claim::Go);
    let mut ui = Ui::new(&world, "dave");
    ui.keys("2V");
    assert_eq!(ui.said(), format!("the override of {} was your own: somebody else reviews it", past.id));
    let mut ui = Ui::new(&world, "carol");
    ui.keys("2");
    assert!(ui.screen().contains("review: dave went past"), "{}", ui.screen());
    ui.keys("V");
    ui.wait(1000);
    assert!(ui.screen().contains("the shop is down"), "{}", ui.screen());
    assert_eq!(
        ui.keys("orders were lost<tab><right><c-s>"),
        [Effect::ReviewOverride {
            id: past.id,
            finding: Finding::Unjustified,
            note: "orders were lost".to_owned()
        }]
    );
}

#[test]
fn a_key_that_a_dialog_names_is_about_the_release_of_the_dialog() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.5.0");
    ui.pick("storefront@1.4.1");
    drop(ui.ask(&world, "D"));
    assert_eq!(ui.popup(), "deploy");
    drop(ui.keys("<esc>1"));
    assert_eq!(ui.selected(), "storefront@1.4.1");
    // The other way, and not once somebody has moved on.
    drop(ui.ask(&world, "D"));
    drop(ui.keys("<esc>j1"));
    let other = ui.selected();
    assert_ne!(other, "storefront@1.4.1");
    drop(ui.keys("2"));
    assert_eq!(picked(&ui), "storefront@1.4.1", "it stayed where it was");
    drop(ui.keys("1"));
    assert_eq!(ui.selected(), other);
}

#[test]
fn the_line_one_types_on_stays_in_sight_and_the_rest_is_scrolled() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    drop(ui.send(Msg::Resized(40, 12)));
    assert_eq!(ui.keys("a"), []);
    let first = ui.screen();
    assert!(first.contains("type 1.4.1:") && first.contains(" more ▾"), "{first}");
    drop(ui.keys("<pgdn>"));
    let second = ui.screen();
    assert!(second.contains("type 1.4.1:") && second != first, "{second}");
    drop(ui.keys("<pgdn><pgdn><pgdn><pgdn><pgdn><pgdn><pgdn><pgdn>"));
    assert!(ui.screen().contains(" above ▴"), "{}", ui.screen());
    drop(ui.keys("1.4.1"));
    assert!(ui.screen().contains("type 1.4.1: 1.4.1"), "{}", ui.screen());
}

#[test]
fn d_shows_what_changed_in_the_scripts() {
    use relman::ops::view::script_diff;
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    let (release, subject) = (release_id("storefront@1.4.1"), about(Some("production")));
    assert_eq!(ui.keys("d"), [Effect::Differ { release: release.clone(), subject: subject.clone() }]);
    world.machine.kept.borrow_mut().push("#!/bin/sh\nold\n".to_owned());
    let found = world.as_("erin", |cx| script_diff::of_decision(cx, &release, &subject)).unwrap();
    drop(ui.send(Msg::Differed(Box::new(found))));
    assert_eq!(ui.popup(), "page");
    assert!(ui.screen().contains("Scripts of storefront@1.4.1 for production"), "{}", ui.screen());
}

#[test]
fn what_approvers_are_asked_is_asked_in_a_form_that_knows_what_was_said_before() {
    let mut world = team();
    let question = Prompt {
        name: "REGION".to_owned(),
        label: "Region to begin with".to_owned(),
        description: None,
        kind: PromptKind::Choice(vec!["eu".to_owned(), "us".to_owned()]),
        required: true,
        default: None,
        secret: false,
        asked_of: AskedOf::Approver,
    };
    world.policy.services.get_mut(&"storefront".parse().unwrap()).unwrap().prompts.push(question);
    let mut ui = Ui::new(&world, "erin");
    ui.pick("storefront@1.4.1");
    drop(ui.keys("a"));
    assert_eq!(ui.popup(), "form");
    ui.wait(1000);
    assert_eq!(ui.keys("<tab>1.4.1<c-s>"), []);
    assert!(ui.screen().contains("REGION"), "{}", ui.screen());
    let [Effect::Decide(decision)] = &ui.keys("us<c-s>")[..] else { panic!("{}", ui.screen()) };
    assert_eq!(decision.answers.0["REGION"], "us");
    assert_eq!((decision.verdict, decision.effective), (Verdict::Approved, None));
    world.as_("erin", |cx| decide(cx, decision)).unwrap();
    // Who comes next sees it.
    let mut ui = Ui::new(&world, "carol");
    ui.pick("storefront@1.4.1");
    drop(ui.keys("a"));
    assert!(ui.screen().contains("us"), "{}", ui.screen());
}
