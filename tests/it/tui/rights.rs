//! What one has no right to is said before anything is typed, and the footer does not offer it.

use std::time::Duration;

use relman::domain::digest::Digest;
use relman::domain::policy::Policy;
use relman::domain::right::{Grant, Right};
use relman::ops::configured::{self, RulesFile};
use relman::tui::msg::Effect;

use crate::support::keys::Ui;
use crate::support::screen::{begun, frozen, team};
use crate::support::world::{POLICY, World, env_name};

/// Only bob has this right, wherever it is asked for.
fn bobs(policy: &mut Policy, right: Right) {
    policy.groups.insert("bobs".to_owned(), vec![relman::domain::policy::Member::User("bob".to_owned())]);
    let list = Grant::new(vec!["bobs".to_owned()], format!("[rights] {right}"));
    policy.rights.insert(right, list);
    policy.environments.values_mut().for_each(|env| drop(env.rights.remove(&right)));
}

fn world(right: Right) -> World {
    let mut world = team();
    bobs(&mut world.policy, right);
    world
}

#[test]
fn every_acting_key_without_its_right_says_which_and_whom_to_ask() {
    for (right, keys, words) in [
        (Right::Request, "n", "may not register releases"),
        (Right::Plan, "e", "may not change releases"),
        (Right::Plan, ">", "may not change releases"),
        (Right::Block, "b", "may not block releases"),
        (Right::Freeze, "3n", "may not set or lift freezes"),
        (Right::Freeze, "3N", "may not set or lift freezes"),
        (Right::Lock, "Ln", "may not set or lift locks"),
        (Right::Deploy, "S", "may not run deployments"),
        (Right::Deploy, "C", "may not run deployments"),
    ] {
        let world = world(right);
        let mut ui = Ui::new(&world, "erin");
        let effects = ui.keys(keys);
        assert!(!effects.iter().any(|effect| !matches!(effect, Effect::ShowMonth(_))), "{keys}: {effects:?}");
        let said = ui.said().to_owned();
        assert!(said.contains("erin") && said.contains(words) && said.contains("ask bob"), "{keys}: {said}");
        let mut ui = Ui::new(&world, "bob");
        ui.keys(keys);
        assert!(!ui.said().contains("may not"), "{keys}: {}", ui.said());
    }
}

#[test]
fn the_footer_offers_only_what_one_may() {
    let world = world(Right::Plan);
    let offers = |who: &str| Ui::new(&world, who).hints().iter().any(|(_, hint)| hint == "advance");
    assert!(offers("bob") && !offers("erin"));
}

#[test]
fn what_one_started_oneself_may_be_stopped_without_the_right() {
    let world = world(Right::Cancel);
    begun(&world, "alice", "payments@3.2.0", "dev");
    let mut ui = Ui::new(&world, "erin");
    ui.keys("4X");
    assert!(ui.said().contains("erin may not stop deployments of payments in dev"), "{}", ui.said());
    let mut ui = Ui::new(&world, "alice");
    ui.keys("4X");
    assert_eq!(ui.popup(), "confirm", "{}", ui.said());
}

#[test]
fn a_freeze_of_others_is_not_taken_away() {
    let mut world = team();
    frozen(&world);
    bobs(&mut world.policy, Right::Freeze);
    let mut ui = Ui::new(&world, "erin");
    drop(ui.ask(&world, "3"));
    ui.keys("x");
    assert!(ui.said().contains("may not set or lift freezes"), "{}", ui.said());
    assert_ne!(ui.popup(), "confirm");
}

/// Rules that a manager has to confirm, changed by alice.
fn ruled() -> World {
    let world = World::with(&format!("[relman]\nconfirm-rules = [\"managers\"]\n{POLICY}"));
    let file = |digest: &[u8]| RulesFile {
        path: std::path::PathBuf::from("/etc/relman/relman.toml"),
        digest: Digest::of(digest),
        owner: 0,
    };
    let say = configured::Say::Shared;
    let brought = |policy: &Policy, digest: &[u8]| {
        world
            .as_("alice", |cx| configured::notice(cx.store, cx.actor, cx.now, &file(digest), policy, say))
            .unwrap();
    };
    let mut before = world.policy.clone();
    before.environments.get_mut(&env_name("production")).unwrap().soak = Duration::from_secs(7);
    brought(&world.policy, b"first");
    brought(&before, b"before");
    brought(&world.policy, b"now");
    world
}

#[test]
fn changed_rules_are_shown_and_stood_by_from_the_panes() {
    let world = ruled();
    let mut ui = Ui::new(&world, "bob");
    let asked = ui.keys(":confirm-rules<enter>");
    assert_eq!(asked, [Effect::ShowRules]);
    ui.answer(&world, asked);
    assert_eq!(ui.popup(), "confirm");
    assert!(ui.screen().contains("production soak"), "{}", ui.screen());
    ui.load(&world);
    assert_eq!(ui.popup(), "confirm", "what others do does not close it");
    assert_eq!(ui.keys("<enter>"), [], "Enter never confirms");
    let asked = ui.keys(":confirm-rules<enter>");
    ui.answer(&world, asked);
    ui.wait(1000);
    let effects = ui.keys("y");
    let [Effect::ConfirmRules(shown)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(shown.len(), 1, "{shown:?}");
    world.as_("bob", |cx| configured::confirm(cx, None)).unwrap();
    let asked = ui.keys(":confirm-rules<enter>");
    ui.answer(&world, asked);
    assert_eq!(ui.popup(), "page", "nobody has to any more");
}
