//! Forms: what was typed is kept, mistakes are said where they are, nothing is dropped by one key.

use std::time::Duration;

use relman::domain::freeze::Scope;
use relman::domain::ids::DeploymentId;
use relman::domain::release::{Level, Origin};
use relman::domain::time::{Timestamp, Window};
use relman::ops::freeze::NewFreeze;
use relman::ops::release::create::NewRelease;
use relman::ops::{ErrorKind, OpError};
use relman::tui::model::Pane;
use relman::tui::msg::{Effect, Msg};

use crate::support::keys::Ui;
use crate::support::screen::{frozen, team};
use crate::support::world::release_id;
use relman::domain::version_template::VersionSaid;

/// The line of the open form that begins with a label.
fn field(ui: &Ui, label: &str) -> String {
    let screen = ui.screen();
    let line = screen.lines().find(|line| {
        let inner = line.split('│').nth(1).unwrap_or_default();
        inner.trim_start_matches(['▸', ' ']).starts_with(label)
    });
    line.unwrap_or_else(|| panic!("no field {label}:\n{screen}")).to_owned()
}

/// Whether a field has the keys.
fn has_keys(ui: &Ui, label: &str) -> bool {
    field(ui, label).contains('▸')
}

fn new_release() -> Ui {
    let mut ui = Ui::new(&team(), "erin");
    ui.select("payments@3.2.0");
    assert_eq!(ui.keys("n"), []);
    assert_eq!(ui.popup(), "form");
    ui
}

fn order(id: &str, new: NewRelease) -> Effect {
    let id = release_id(id);
    Effect::Create { service: id.service, version: Some(VersionSaid::Exact(id.version)), new: Box::new(new) }
}

fn plain() -> NewRelease {
    NewRelease { origin: Origin::Internal, priority: Some(Level::Medium), ..NewRelease::default() }
}

#[test]
fn a_new_release_begins_with_the_service_of_the_selected_one() {
    let mut ui = new_release();
    assert!(field(&ui, "service").contains("payments"), "{}", ui.screen());
    assert_eq!(ui.keys("<tab>3.3.0<c-s>"), [order("payments@3.3.0", plain())]);
}

#[test]
fn every_field_reaches_the_order() {
    let mut ui = new_release();
    let effects = ui.keys(
        "<right><enter>0.9.1<enter>Better ranking<enter>shops ask<enter><right><enter><right><enter>search@0.9.0<enter><right><enter>",
    );
    let new = NewRelease {
        title: Some("Better ranking".to_owned()),
        need: Some("shops ask".to_owned()),
        kind: relman::domain::release::ReleaseKind::Hotfix,
        origin: Origin::Incident,
        like: Some(release_id("search@0.9.0")),
        priority: Some(Level::High),
        ..NewRelease::default()
    };
    assert_eq!(effects, [order("search@0.9.1", new)]);
}

/// Which service is chosen; behind it stands what there is to choose from.
fn chosen(ui: &Ui) -> Option<usize> {
    let line = field(ui, "service");
    let value = line.split('(').next().unwrap_or_default();
    ["payments", "search", "storefront"].iter().position(|name| value.contains(name))
}

#[test]
fn choices_go_round_in_both_directions() {
    let mut ui = new_release();
    let mut seen = Vec::new();
    for _ in 0..3 {
        ui.keys("<right>");
        seen.push(chosen(&ui));
    }
    assert_eq!(seen, [Some(1), Some(2), Some(0)]);
    ui.keys("<left>");
    assert_eq!(chosen(&ui), Some(2));
}

#[test]
fn a_mistake_is_said_at_its_field_and_everything_typed_is_kept() {
    let mut ui = new_release();
    assert_eq!(ui.keys("<tab>one<tab>Better ranking<c-s>"), []);
    assert!(has_keys(&ui, "version"), "{}", ui.screen());
    assert!(field(&ui, "version").contains("one"));
    assert!(field(&ui, "title").contains("Better ranking"));
    assert!(ui.screen().contains("version"), "{}", ui.screen());
    assert_eq!(ui.keys("<c-u>1.0.0<c-s>").len(), 1, "mended in place");
}

#[test]
fn an_unknown_service_is_a_mistake_of_that_field() {
    let mut ui = new_release();
    ui.keys("<c-u>No Such<tab>1.0.0<c-s>");
    assert!(has_keys(&ui, "service"), "{}", ui.screen());
}

#[test]
fn enter_goes_on_and_saves_on_the_last_field_only() {
    let mut ui = new_release();
    assert_eq!(ui.keys("<enter>1.0.0<enter><enter><enter><enter><enter><enter>"), []);
    assert!(has_keys(&ui, "priority"), "{}", ui.screen());
    assert_eq!(ui.keys("<enter>").len(), 1);
}

#[test]
fn tab_and_shift_tab_go_round_the_fields() {
    let mut ui = new_release();
    ui.keys("<s-tab>");
    assert!(has_keys(&ui, "priority"), "{}", ui.screen());
    ui.keys("<tab>");
    assert!(has_keys(&ui, "service"));
    ui.keys("<down><down><up>");
    assert!(has_keys(&ui, "version"));
}

#[test]
fn escape_asks_once_before_it_drops_what_was_typed() {
    let mut ui = new_release();
    ui.keys("<tab>1.0.0");
    ui.keys("<esc>");
    assert_eq!(ui.popup(), "form");
    assert!(ui.screen().contains("Esc again leaves; what you typed is kept"), "{}", ui.screen());
    ui.keys("1");
    assert!(!ui.screen().contains("Esc again"), "any other key goes on");
    ui.keys("<esc>");
    assert_eq!(ui.popup(), "form", "and it is asked again");
    ui.keys("<esc>");
    assert_eq!(ui.popup(), "");
}

#[test]
fn escape_leaves_an_untouched_form_at_once() {
    let mut ui = new_release();
    ui.keys("<tab><tab><esc>");
    assert_eq!(ui.popup(), "");
}

#[test]
fn moving_the_cursor_is_not_a_change() {
    let mut ui = new_release();
    ui.keys("<tab><home><end><esc>");
    assert_eq!(ui.popup(), "", "nothing was typed that could be dropped");
}

#[test]
fn a_form_is_sent_once() {
    let mut ui = new_release();
    assert_eq!(ui.keys("<tab>1.0.0<c-s>").len(), 1);
    assert!(ui.screen().contains("saving…"), "{}", ui.screen());
    assert_eq!(ui.keys("<c-s><enter>x<c-s>"), []);
    assert_eq!(ui.send(Msg::Done("payments@1.0.0 registered in the request stage".to_owned())), []);
    assert_eq!((ui.popup(), ui.said()), ("", "payments@1.0.0 registered in the request stage"));
}

#[test]
fn a_refused_form_stays_open_with_everything_typed() {
    let mut ui = new_release();
    ui.keys("<tab>3.2.0<tab>Again<c-s>");
    ui.send(Msg::Failed(OpError::new(ErrorKind::Conflict, "payments@3.2.0 exists already")));
    assert_eq!(ui.popup(), "form");
    assert!(ui.screen().contains("payments@3.2.0 exists already"), "{}", ui.screen());
    assert!(field(&ui, "title").contains("Again"));
    ui.keys("<s-tab><c-u>3.3.0");
    assert_eq!(ui.keys("<c-s>").len(), 1);
}

#[test]
fn news_of_something_else_does_not_close_a_form_that_is_being_filled_in() {
    let mut ui = new_release();
    ui.keys("<tab>3.3.0");
    ui.send(Msg::Done("search@0.9.0 may go on".to_owned()));
    ui.send(Msg::Failed(OpError::new(ErrorKind::Busy, "the store is busy")));
    assert_eq!(ui.popup(), "form");
    assert!(field(&ui, "version").contains("3.3.0"));
}

#[test]
fn pasted_text_goes_into_the_field_as_one_harmless_line() {
    let mut ui = new_release();
    ui.keys("<tab>1.0.0<tab>");
    ui.paste("Better\nranking\u{1b}]0;x\u{7} \u{202e}now");
    let effects = ui.keys("<c-s>");
    let new = NewRelease { title: Some("Better ranking]0;x now".to_owned()), ..plain() };
    assert_eq!(effects, [order("payments@1.0.0", new)]);
}

#[test]
fn a_huge_paste_is_cut_and_changes_nothing_else() {
    let mut ui = new_release();
    ui.keys("<tab>1.0.0<tab>");
    assert_eq!(ui.paste(&"deploy everything now, yes\n".repeat(400)), []);
    assert_eq!(ui.popup(), "form");
    assert!(ui.screen().contains("New release"));
}

#[test]
fn shell_keys_edit_a_field() {
    let mut ui = new_release();
    ui.keys("<tab>9.9.9<c-u>1.2.3<home><del>4<end><bs>7");
    assert_eq!(ui.keys("<c-s>"), [order("payments@4.2.7", plain())]);
    let mut ui = new_release();
    ui.keys("<tab>1.0.0<tab>one two three<c-w><c-a>x<c-e>y<left><left><c-k>");
    let new = NewRelease { title: Some("xone two".to_owned()), ..plain() };
    assert_eq!(ui.keys("<c-s>"), [order("payments@1.0.0", new)]);
}

#[test]
fn editing_changes_what_is_filled_in_and_names_the_revision_it_saw() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.5.0");
    let effects = ui.keys("e<tab><tab>web team<tab>2026-09-10 10:00<tab>high<c-s>");
    let [Effect::Edit { id, edit }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(id.to_string(), "storefront@1.5.0");
    assert_eq!(edit.owner.as_deref(), Some("web team"));
    assert_eq!(edit.target, Some("2026-09-10T08:00:00Z".parse().unwrap()), "typed in Berlin");
    assert_eq!(edit.risk, Some(Level::High));
    assert_eq!(edit.seen, Some(world.stored("storefront@1.5.0").revision));
    assert_eq!((edit.commit.as_ref(), edit.digest.as_ref()), (None, None));
}

#[test]
fn the_edit_form_says_which_field_is_wrong() {
    let world = team();
    for (keys, label) in [
        ("<tab><tab><tab>soon<c-s>", "target"),
        ("<tab><tab><tab><tab>huge<c-s>", "risk"),
        ("<s-tab><s-tab><s-tab>sha256:nope<c-s>", "digest"),
    ] {
        let mut ui = Ui::new(&world, "erin");
        ui.model.size = (100, 40);
        ui.select("storefront@1.5.0");
        ui.keys("e");
        assert_eq!(ui.keys(keys), [], "{label}");
        assert!(has_keys(&ui, label), "{label}:\n{}", ui.screen());
    }
}

#[test]
fn every_form_that_asks_why_insists() {
    let world = team();
    for (release, key) in [("payments@3.2.0", "<lt>"), ("payments@3.2.0", "b"), ("search@0.9.0", "b")] {
        let mut ui = Ui::new(&world, "erin");
        ui.select(release);
        ui.keys(key);
        assert_eq!(ui.keys("<enter>"), [], "{key}");
        assert!(ui.screen().contains("say why, in a few words"), "{}", ui.screen());
        assert_eq!(ui.keys("because<c-s>").len(), 1, "{key}");
    }
}

#[test]
fn blocking_and_lifting_a_block_are_different_orders() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select("payments@3.2.0");
    let id = release_id("payments@3.2.0");
    assert_eq!(ui.keys("bodd sums<c-s>"), [Effect::Block { id, reason: "odd sums".to_owned() }]);
    let mut ui = Ui::new(&world, "erin");
    ui.select("search@0.9.0");
    let id = release_id("search@0.9.0");
    assert_eq!(ui.keys("bcluster is up<c-s>"), [Effect::Unblock { id, reason: "cluster is up".to_owned() }]);
}

fn freeze_form() -> Ui {
    let mut ui = Ui::new(&team(), "erin");
    ui.go(Pane::Calendar);
    assert_eq!(ui.keys("n"), []);
    assert_eq!(ui.popup(), "form");
    ui
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_new_freeze_begins_on_the_selected_day_and_is_read_in_the_zone_of_the_configuration() {
    let mut ui = freeze_form();
    assert!(field(&ui, "start").contains("2026-09-01 00:00"), "{}", ui.screen());
    let effects = ui.keys("Sale<tab>all hands<tab><c-u>2026-09-04 18:00<tab>2026-09-07 08:00<tab><tab><c-u>storefront, pay*<c-s>");
    let scope =
        Scope::new(vec!["storefront".to_owned(), "pay*".to_owned()], vec!["production".to_owned()]).unwrap();
    let window = Window::new(at("2026-09-04T16:00:00Z"), at("2026-09-07T06:00:00Z")).unwrap();
    let zone = ui.model.zone;
    let new = NewFreeze::once("Sale", "all hands", scope, window, zone);
    assert_eq!(effects, [Effect::Weigh(Box::new(Effect::AddFreeze(Box::new(new))))]);
}

/// The freeze that is asked what it would hit.
fn weighed(effects: &[Effect]) -> NewFreeze {
    let [Effect::Weigh(order)] = effects else { panic!("{effects:?}") };
    let Effect::AddFreeze(new) = order.as_ref() else { panic!("{effects:?}") };
    new.as_ref().clone()
}

#[test]
fn a_freeze_that_hits_something_is_added_when_that_was_read() {
    let mut ui = freeze_form();
    let effects = ui.keys("Sale<tab>why<tab><tab>+2h<c-s>");
    let [Effect::Weigh(order)] = effects.as_slice() else { panic!("{effects:?}") };
    let lines =
        vec!["hits #7 api@1.0.0 to production by bob, which begins Tue 2026-09-01 13:00 CEST".to_owned()];
    ui.send(Msg::Weighed(order.clone(), lines.clone()));
    assert!(ui.screen().contains("hits #7 api@1.0.0 to production by bob"), "{}", ui.screen());
    assert!(ui.screen().contains("Ctrl-S does it all the same"), "{}", ui.screen());
    // Another freeze is another question.
    let effects = ui.keys("<c-u>+3h<c-s>");
    let [Effect::Weigh(other)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_ne!(other, order);
    ui.send(Msg::Weighed(other.clone(), lines));
    assert_eq!(ui.keys("<c-s>"), [other.as_ref().clone()]);
}

#[test]
fn a_rule_and_its_exceptions_are_read_and_refused_at_their_fields() {
    let begun = "Sale<tab>why<tab><tab>+2h<tab><tab><tab>";
    let mut ui = freeze_form();
    let new = weighed(&ui.keys(&format!("{begun}freq=weekly;byday=tu<tab>2026-09-08<tab><right><c-s>")));
    let repeats = new.repeats.unwrap();
    assert_eq!(repeats.rule.to_string(), "FREQ=WEEKLY;BYDAY=TU");
    assert_eq!(repeats.except.len(), 1);
    assert_eq!(new.running.to_string(), "stop-at-step");
    for (keys, label, says) in [
        ("FREQ=HOURLY<c-s>", "repeats", "finer than a day"),
        ("<tab>2026-09-08<c-s>", "except", "only what repeats"),
        ("FREQ=DAILY<tab>Christmas<c-s>", "except", "is not a day"),
    ] {
        let mut ui = freeze_form();
        assert_eq!(ui.keys(&format!("{begun}{keys}")), [], "{keys}");
        assert!(has_keys(&ui, label) && ui.screen().contains(says), "{keys}:\n{}", ui.screen());
    }
}

#[test]
fn a_freeze_in_force_is_changed_with_a_reason() {
    let world = team();
    frozen(&world);
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Calendar);
    assert_eq!(ui.keys("e"), []);
    assert!(field(&ui, "start").contains("2026-09-01 07:44"), "{}", ui.screen());
    let effects = ui.keys("<tab><tab><tab><c-u>2026-09-01 20:00<c-s>");
    assert_eq!(effects, []);
    assert!(has_keys(&ui, "why") && ui.screen().contains("say why it changes"), "{}", ui.screen());
    let effects = ui.keys("it takes longer<c-s>");
    let [Effect::Weigh(order)] = effects.as_slice() else { panic!("{effects:?}") };
    let Effect::EditFreeze(edit) = order.as_ref() else { panic!("{effects:?}") };
    assert_eq!((edit.freeze.as_str(), edit.seen), ("F1", 0));
    assert_eq!(edit.reason.as_deref(), Some("it takes longer"));
    assert_eq!((edit.new.window.start, edit.new.window.end), (world.now, at("2026-09-01T18:00:00Z")));
    assert_eq!(edit.new.scope.environments, ["production"]);
}

#[test]
fn the_line_is_stopped_from_every_pane_by_one_key() {
    for (pane, key) in [
        (Pane::Board, "N"),
        (Pane::Approvals, "N"),
        (Pane::Calendar, "N"),
        (Pane::Log, "N"),
        (Pane::Log, "<f8>"),
    ] {
        let mut ui = Ui::new(&team(), "erin");
        ui.go(pane);
        ui.key(key);
        assert!(ui.screen().contains("STOP THE LINE"), "{pane:?}:\n{}", ui.screen());
        assert!(ui.screen().contains("runs now: #10 search@0.8.2"), "{pane:?}:\n{}", ui.screen());
    }
}

#[test]
fn an_end_may_be_a_length_from_the_start() {
    let mut ui = freeze_form();
    let effects = ui.keys("Sale<tab>why<tab><c-u>2026-09-04 18:00<tab>+2h<c-s>");
    let new = weighed(&effects);
    assert_eq!(new.window.end, at("2026-09-04T18:00:00Z"));
}

#[test]
fn a_freeze_form_says_which_field_is_wrong_and_keeps_the_others() {
    for (keys, label, says) in [
        ("<c-s>", "name", "a freeze needs a name"),
        ("Sale<c-s>", "reason", "say why"),
        ("Sale<tab>why<tab><c-u>someday<c-s>", "start", "is not a time"),
        ("Sale<tab>why<c-s>", "end", "is not a time"),
        ("Sale<tab>why<tab><tab>2026-08-01<c-s>", "end", "is not after the start"),
        ("Sale<tab>why<tab><c-u>2027-03-28 02:30<tab>+1h<c-s>", "start", "does not exist in Europe/Berlin"),
    ] {
        let mut ui = freeze_form();
        assert_eq!(ui.keys(keys), [], "{keys}");
        assert!(has_keys(&ui, label), "{keys}:\n{}", ui.screen());
        assert!(ui.screen().contains(says), "{says}:\n{}", ui.screen());
    }
}

#[test]
fn a_wrong_pattern_is_said_at_the_field_that_holds_it() {
    let mut ui = freeze_form();
    ui.keys("Sale<tab>why<tab><tab>+2h<tab><tab><c-u>store[<c-s>");
    assert!(ui.screen().contains("is not a pattern"), "{}", ui.screen());
    assert!(has_keys(&ui, "services"), "{}", ui.screen());
}

#[test]
fn stopping_the_line_closes_everything_from_now() {
    let mut ui = Ui::new(&team(), "erin");
    ui.go(Pane::Calendar);
    ui.keys("N");
    assert!(ui.screen().contains("STOP THE LINE"), "{}", ui.screen());
    assert_eq!(ui.keys("<c-s>"), []);
    let effects = ui.keys("carts vanish<c-s>");
    let [Effect::AddFreeze(new)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(new.reason, "carts vanish");
    assert_eq!(new.scope, Scope::everything());
    assert_eq!(
        (new.window.start, new.window.end),
        (ui.model.now, ui.model.now.plus(Duration::from_secs(4 * 3600)))
    );
}

#[test]
fn a_freeze_of_the_store_is_removed_after_an_armed_yes() {
    let world = team();
    frozen(&world);
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Calendar);
    assert_eq!(ui.keys("x"), []);
    assert_eq!(ui.popup(), "confirm");
    assert!(ui.screen().contains("carts vanish"), "{}", ui.screen());
    ui.wait(1000);
    let effects = ui.keys("y");
    let [Effect::RemoveFreeze { handle }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(!handle.is_empty());
}

#[test]
fn a_freeze_of_the_configuration_is_taken_out_there() {
    let mut ui = Ui::new(&team(), "erin");
    ui.go(Pane::Calendar);
    assert_eq!(ui.keys("x"), []);
    assert_eq!(ui.said(), "no freeze on this day");
    ui.keys("llll");
    assert_eq!(ui.keys("x"), []);
    assert_eq!(ui.said(), "\"Inventory\" is written in relman.toml; change it there");
}

#[test]
fn settling_a_lost_deployment_says_how_it_ended_and_how_one_knows() {
    let world = team();
    world
        .as_("alice", |cx| {
            relman::ops::deployment::reconcile::reconcile(
                cx,
                relman::ops::deployment::reconcile::Orphans::Adopt,
            )
        })
        .unwrap();
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Log);
    assert_eq!(ui.keys("R"), []);
    assert!(ui.said().contains("#10 is running: it waits for nobody"), "{}", ui.said());
    world.machine.alive.borrow_mut().insert(DeploymentId(10), relman::ops::Liveness::Gone);
    world
        .as_("alice", |cx| {
            relman::ops::deployment::reconcile::reconcile(
                cx,
                relman::ops::deployment::reconcile::Orphans::Adopt,
            )
        })
        .unwrap();
    ui.load(&world);
    assert!(ui.screen().contains("lost"), "{}", ui.screen());
    assert_eq!(ui.keys("R"), []);
    assert_eq!(ui.popup(), "form");
    assert_eq!(
        ui.keys("<right><tab>looked at the servers<c-s>"),
        [Effect::Resolve {
            id: DeploymentId(10),
            succeeded: true,
            reason: "looked at the servers".to_owned()
        }]
    );
}

#[test]
fn a_field_that_is_emptied_is_emptied_and_one_that_was_empty_is_left_alone() {
    let mut ui = Ui::new(&team(), "erin");
    ui.select("storefront@1.4.1");
    ui.keys("e<tab><tab><c-u>");
    let effects = ui.keys("<c-s>");
    let [Effect::Edit { edit, .. }] = effects.as_slice() else { panic!("{effects:?}\n{}", ui.screen()) };
    assert_eq!(edit.clear, [relman::domain::release::Field::Owner].into());
}

#[test]
fn a_release_keeps_a_title() {
    let mut ui = Ui::new(&team(), "erin");
    ui.select("storefront@1.4.1");
    assert_eq!(ui.keys("e<c-u><c-s>"), []);
    assert!(ui.screen().contains("a release needs a title"), "{}", ui.screen());
}

#[test]
fn what_has_the_keys_stays_in_sight_however_small_the_terminal() {
    for (width, height) in [(40, 12), (80, 12), (80, 24)] {
        let mut ui = Ui::new(&team(), "erin");
        ui.model.size = (width, height);
        ui.go(Pane::Calendar);
        assert_eq!(ui.keys("n"), []);
        for label in [
            "name",
            "reason",
            "start",
            "end",
            "environments",
            "services",
            "repeats",
            "except",
            "running",
            "stops",
        ] {
            assert!(
                ui.screen().contains(&format!("▸ {label} ")),
                "{width}x{height} {label}:\n{}",
                ui.screen()
            );
            ui.keys("<tab>");
        }
        // Back at the first one, and what is wrong is said beside it.
        ui.keys("<c-s>");
        assert!(has_keys(&ui, "name") && ui.screen().contains("a freeze needs a name"), "{}", ui.screen());
    }
}

#[test]
fn what_is_out_of_sight_is_counted() {
    let mut ui = Ui::new(&team(), "erin");
    ui.model.size = (60, 12);
    ui.go(Pane::Calendar);
    ui.keys("n");
    assert!(ui.screen().contains(" below"), "{}", ui.screen());
    ui.keys("<s-tab>");
    assert!(ui.screen().contains(" above") && !ui.screen().contains(" below"), "{}", ui.screen());
}

#[test]
fn a_choice_shows_what_there_is_to_choose_from() {
    let mut ui = Ui::new(&team(), "erin");
    ui.go(Pane::Calendar);
    ui.keys("n");
    assert!(field(&ui, "stops").contains("all  (all, automation, people)"), "{}", ui.screen());
}

#[test]
fn what_was_typed_is_there_again_when_the_form_is_opened_again() {
    let world = team();
    let mut ui = Ui::new(&world, "alice");
    ui.keys("n<tab>7.0.0<tab>Half a title<esc>");
    assert_eq!(ui.popup(), "form");
    ui.keys("<esc>");
    assert_eq!(ui.popup(), "");
    ui.keys("n");
    let screen = ui.screen();
    assert!(screen.contains("7.0.0") && screen.contains("Half a title"), "{screen}");
    assert!(screen.contains("What you typed before is here again"), "{screen}");
    // Left as it is, it is dropped.
    ui.keys("<esc>");
    assert_eq!(ui.popup(), "");
    ui.keys("n");
    assert!(!ui.screen().contains("Half a title"), "{}", ui.screen());
    // What is about something else is left alone.
    ui.keys("<tab>8.0.0<esc><esc>");
    ui.keys("b");
    assert!(!ui.screen().contains("here again"), "{}", ui.screen());
}

#[test]
fn a_version_that_was_typed_to_confirm_is_not_kept() {
    let mut ui = Ui::new(&team(), "erin");
    ui.pick("storefront@1.4.1");
    ui.keys("A+2h<tab>1.4.1<esc><esc>");
    ui.keys("A");
    let screen = ui.screen();
    assert!(screen.contains("+2h") && !screen.contains("version        1.4.1"), "{screen}");
}

#[test]
fn a_service_with_channels_and_fields_is_asked_for_them() {
    use relman::domain::channel::{Channel, Tag};
    let mut world = team();
    let service = world.policy.services.get_mut(&"search".parse().unwrap()).unwrap();
    service.fields = vec!["ticket".to_owned(), "region".to_owned()];
    let channel = |name: &str| Channel {
        name: name.to_owned(),
        versions: None,
        tag: Tag::Any,
        pipeline: None,
        fields: Vec::new(),
        default: false,
    };
    service.channels = vec![channel("beta"), channel("stable")];
    let mut ui = Ui::new(&world, "alice");
    drop(ui.keys("1n"));
    let screen = ui.screen();
    assert!(screen.contains("channel") && screen.contains("the one that takes the version"), "{screen}");
    assert!(screen.contains("ticket=…; known: ticket, region"), "{screen}");
    drop(ui.keys("<tab>9.0.0<tab><tab><tab><tab><tab><tab><right>"));
    drop(ui.keys("<tab>ticket=OPS-1, region=eu"));
    let effects = ui.keys("<c-s>");
    let [Effect::Create { new, .. }] = &effects[..] else { panic!("{effects:?} {}", ui.screen()) };
    assert_eq!(new.channel.as_deref(), Some("beta"));
    assert_eq!(new.fields["ticket"], "OPS-1");
    assert_eq!(new.fields["region"], "eu");
}

#[test]
fn what_is_wrong_is_said_while_one_types_and_what_is_missing_is_not() {
    let mut ui = new_release();
    assert!(!ui.screen().contains("! "), "{}", ui.screen());
    drop(ui.keys("<tab>1.x"));
    let line = ui.screen().lines().position(|line| line.contains("1.x")).unwrap();
    let screen = ui.screen();
    let below = screen.lines().nth(line + 1).unwrap();
    assert!(below.contains("! ") && below.contains("version"), "{screen}");
    drop(ui.keys("<bs>0.0"));
    assert!(!ui.screen().lines().any(|line| line.contains("! ")), "{}", ui.screen());
    // Nothing is wrong with a title that has not been typed yet.
    drop(ui.keys("<bs><bs><bs><bs><bs>"));
    assert!(!ui.screen().lines().any(|line| line.contains("! ")), "{}", ui.screen());
}
