//! `relman undo`: the newest own act within an hour, one by its entry, and back again.

use super::{BOB, at};
use crate::support::env::TestEnv;

fn env() -> TestEnv {
    let mut env = TestEnv::new();
    at(&mut env, "2026-09-01T10:00:00Z");
    env.registered("api@1.0.0");
    env
}

fn titled(env: &TestEnv, title: &str) {
    drop(env.run(&["release", "edit", "api@1.0.0", "--title", title]).ok());
}

fn title(env: &TestEnv) -> String {
    let said = env.run(&["--json", "release", "show", "api@1.0.0"]).ok().json();
    let release = &said["release"];
    release.get("title").or_else(|| release["release"].get("title")).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn the_newest_act_is_taken_back_and_done_again() {
    let mut env = env();
    titled(&env, "One");
    titled(&env, "Two");
    let said = env.run(&["undo"]).ok();
    assert_eq!(said.out, "undone: api@1.0.0 release edited\n");
    assert_eq!(title(&env), "One");
    let said = env.run(&["undo", "--redo"]).ok();
    assert_eq!(said.out, "done again: api@1.0.0 release edited\n");
    assert_eq!(title(&env), "Two");
    let other = env.run_as(BOB, &["undo"]).exits(4);
    assert!(other.err.contains("you have done nothing here that can be undone"), "{}", other.err);
    at(&mut env, "2026-09-01T12:00:00Z");
    drop(env.run(&["undo"]).exits(4));
    drop(env.run(&["audit", "verify"]).ok());
    env.assert_sound();
}

#[test]
fn one_act_is_named_by_its_entry() {
    let env = env();
    titled(&env, "One");
    let entries = env.run(&["--json", "audit", "list"]).ok().json();
    let entry = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["verb"] == "release.edited")
        .unwrap()["seq"]
        .to_string();
    let other = env.run_as(BOB, &["undo", &entry]).exits(4);
    assert!(other.err.contains("is an act of alice"), "{}", other.err);
    drop(env.run(&["undo", &entry]).ok());
    assert_eq!(title(&env), "api@1.0.0");
    let twice = env.run(&["undo", &entry]).exits(4);
    assert!(twice.err.contains("was changed since"), "{}", twice.err);
    let first = env.run(&["undo", "1"]).exits(4);
    assert!(first.err.contains("store.created cannot be undone (entry 1)"), "{}", first.err);
}
