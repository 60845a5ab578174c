//! Who else is in: told quietly, dead ones taken away, and never in anybody's way.

use std::time::Duration;

use relman::domain::deployment::ProcessRef;
use relman::domain::session::{Focus, Session};
use relman::ops::presence;

use crate::support::world::{World, person, release_id};

fn session(world: &World, name: &str, pid: i32) -> Session {
    Session {
        person: person(name).person,
        tty: Some(format!("/dev/pts/{pid}")),
        client: Some("192.0.2.7".to_owned()),
        host: "bastion".to_owned(),
        boot: "boot-1".to_owned(),
        process: ProcessRef { pid, start: 5 },
        since: world.now,
        active_at: world.now,
        focus: Focus { pane: "board".to_owned(), release: Some(release_id("api@1.0.0")), ..Focus::default() },
    }
}

fn enter(world: &World, name: &str, pid: i32) -> Session {
    let session = session(world, name, pid);
    world.machine.running.borrow_mut().insert(pid);
    assert!(world.as_(name, |cx| presence::tell(cx, &session)));
    session
}

fn names(world: &World) -> Vec<String> {
    let list = world.as_("alice", presence::list).unwrap();
    list.into_iter().map(|session| session.person.name).collect()
}

#[test]
fn a_session_reads_back_as_it_was_told_and_leaves_no_journal_entry() {
    let world = World::new();
    let before = world.entries();
    let bob = enter(&world, "bob", 7);
    assert_eq!(world.as_("alice", presence::list).unwrap(), [bob]);
    assert_eq!(world.entries(), before, "information, no act");
}

#[test]
fn the_same_process_is_one_session_whatever_it_is_on() {
    let world = World::new();
    let bob = enter(&world, "bob", 7);
    let on = Session { focus: Focus { pane: "log".to_owned(), ..Focus::default() }, ..bob };
    assert!(world.as_("bob", |cx| presence::tell(cx, &on)));
    assert_eq!(world.as_("alice", presence::list).unwrap(), [on]);
}

#[test]
fn whose_process_is_gone_is_not_in_and_whoever_notices_takes_the_row_away() {
    let world = World::new();
    let bob = enter(&world, "bob", 7);
    let carol = enter(&world, "carol", 8);
    world.machine.running.borrow_mut().remove(&7);
    assert_eq!(names(&world), ["carol"]);
    assert!(world.as_("carol", |cx| presence::sweep(cx, &[bob, carol.clone()])));
    // Even a process of the same number later is not him again.
    world.machine.running.borrow_mut().insert(7);
    assert_eq!(names(&world), ["carol"]);
    assert!(!world.as_("carol", |cx| presence::sweep(cx, &[carol])));
}

#[test]
fn telling_takes_dead_ones_away_as_well() {
    let world = World::new();
    enter(&world, "bob", 7);
    world.machine.running.borrow_mut().remove(&7);
    enter(&world, "carol", 8);
    world.machine.running.borrow_mut().insert(7);
    assert_eq!(names(&world), ["carol"]);
}

#[test]
fn another_boot_is_over_and_another_host_counts_by_its_last_key() {
    let mut world = World::new();
    let bob = enter(&world, "bob", 7);
    let rebooted = Session { boot: "boot-0".to_owned(), ..session(&world, "carol", 7) };
    let abroad = Session { host: "elsewhere".to_owned(), ..session(&world, "dave", 99) };
    assert!(world.as_("carol", |cx| presence::tell(cx, &rebooted)));
    assert!(world.as_("dave", |cx| presence::tell(cx, &abroad)));
    assert_eq!(names(&world), ["bob", "dave"]);
    world.pass(Duration::from_mins(16));
    assert_eq!(names(&world), [bob.person.name], "nobody can look there, and no key came for long");
}

#[test]
fn a_line_to_all_is_made_harmless_and_says_whom_it_reaches() {
    let world = World::new();
    enter(&world, "bob", 7);
    enter(&world, "carol", 8);
    let said = world.as_("alice", |cx| presence::say(cx, "db is slow\u{1b}[2J\nhold on")).unwrap();
    assert_eq!((said.text.as_str(), said.to.join(" ")), ("db is slow␛[2J hold on", "bob carol".to_owned()));
    let heard = world.as_("bob", presence::heard).unwrap().unwrap();
    assert_eq!((heard.by.name.as_str(), heard.text), ("alice", said.text));
    let long = world.as_("alice", |cx| presence::say(cx, &"x".repeat(201))).unwrap_err();
    assert_eq!(long.sentence, "the message is too long: 201 of 200 bytes");
}

#[test]
fn a_busy_store_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/relman.db");
    let world = World::on_file(&path);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let bob = session(&world, "bob", 7);
    let began = std::time::Instant::now();
    assert!(!world.as_("bob", |cx| presence::tell(cx, &bob)));
    assert!(began.elapsed() < Duration::from_secs(5), "it does not stand in line");
    other.execute_batch("ROLLBACK").unwrap();
    assert!(world.as_("bob", |cx| presence::tell(cx, &bob)));
}
