//! Who else is in, as the panes show it: short, in words, and never louder than what is urgent.

use relman::domain::deployment::ProcessRef;
use relman::domain::session::{Asking, Call, Focus, Intent, Session};
use relman::tui::model::Pane;
use relman::tui::msg::Effect;
use relman::tui::presence;

use crate::support::keys::Ui;
use crate::support::screen::{environment, team};
use crate::support::world::{World, person, release_id};

const NEXT: &str = "storefront@1.4.1";

fn session(world: &World, name: &str, focus: Focus) -> Session {
    Session {
        person: person(name).person,
        tty: Some("/dev/pts/4".to_owned()),
        client: None,
        host: "bastion".to_owned(),
        boot: "boot-1".to_owned(),
        process: ProcessRef { pid: 7, start: 5 },
        since: world.now,
        active_at: world.now,
        focus,
    }
}

fn looks(release: &str) -> Focus {
    Focus { pane: "board".to_owned(), release: Some(release_id(release)), ..Focus::default() }
}

fn deploys(release: &str) -> Focus {
    let asking = Asking {
        intent: Intent::Deploy,
        release: Some(release_id(release)),
        environment: Some(environment("production")),
        deployment: None,
    };
    Focus { asking: Some(asking), ..looks(release) }
}

#[test]
fn others_are_counted_in_the_header_and_named_on_the_card() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    assert!(!ui.screen().contains(" in\n"), "{}", ui.screen());
    ui.model.views.sessions =
        vec![session(&world, "bob", looks(NEXT)), session(&world, "dave", deploys(NEXT))];
    let screen = ui.screen();
    assert!(screen.lines().next().unwrap().ends_with("erin +2 in"), "{screen}");
    assert!(screen.contains("dave is about to deploy it to"), "{screen}");
    ui.model.size = (200, 50);
    assert!(ui.screen().contains("dave is about to"), "{}", ui.screen());
}

#[test]
fn one_s_own_other_terminal_is_nobody_else() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.model.views.sessions = vec![session(&world, "erin", looks(NEXT))];
    assert!(!ui.screen().contains("+1 in") && !ui.screen().contains("erin looks"), "{}", ui.screen());
}

#[test]
fn a_page_names_everybody_and_says_that_it_is_no_lock() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.model.views.sessions = vec![session(&world, "bob", deploys(NEXT))];
    assert_eq!(ui.keys("gw"), []);
    let screen = ui.screen();
    for words in ["bob on pts/4, in for 0s: board: storefront@1.4.1, is about to deploy it", "no lock"] {
        assert!(screen.contains(words), "{words}:\n{screen}");
    }
}

#[test]
fn the_log_says_who_else_watches() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.go(Pane::Log);
    let shown = ui.model.log.shown;
    let focus = Focus { pane: "log".to_owned(), deployment: shown, ..Focus::default() };
    ui.model.views.sessions = vec![session(&world, "bob", focus.clone()), session(&world, "dave", focus)];
    assert!(ui.screen().contains("bob, dave watch"), "{}", ui.screen());
}

#[test]
fn what_is_told_is_what_is_before_the_eyes() {
    let world = team();
    let mut ui = Ui::new(&world, "erin");
    ui.select(NEXT);
    assert_eq!(presence::focus(&ui.model), looks(NEXT));
    drop(ui.ask(&world, "D"));
    assert_eq!(presence::focus(&ui.model), deploys(NEXT));
    ui.keys("<esc>e");
    let asking = presence::focus(&ui.model).asking.unwrap();
    assert_eq!((asking.intent, asking.release), (Intent::Edit, Some(release_id(NEXT))));
    ui.keys("<esc>4X");
    assert_eq!(presence::focus(&ui.model).asking.unwrap().intent, Intent::Cancel);
}

#[test]
fn a_line_to_all_is_said_once_and_not_to_who_said_it() {
    let world = team();
    world.as_("bob", |cx| relman::ops::presence::say(cx, "before you came")).unwrap();
    let mut ui = Ui::new(&world, "erin");
    assert_eq!(ui.said(), "", "what was said before is in no hurry");
    world.as_("bob", |cx| relman::ops::presence::say(cx, "checkout is slow, hold on")).unwrap();
    assert_eq!(ui.load(&world), [Effect::Bell]);
    assert_eq!(ui.said(), "bob says: checkout is slow, hold on");
    assert_eq!(ui.load(&world), []);
    let heard = ui.model.views.call.clone().unwrap();
    ui.model.views.call = Some(Call { id: heard.id + 1, by: person("erin").person, ..heard });
    assert_eq!(ui.load(&world), []);
}
