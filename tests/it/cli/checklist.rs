//! The checklist: what people tick, what commands find out, and how long either counts.

use super::{BOB, at};
use crate::support::env::TestEnv;

fn env() -> TestEnv {
    let env = TestEnv::new();
    env.config(
        r#"
[relman]
database = "state/relman.db"
[environments.production]
kind = "production"
[services.api]
pipeline = ["production"]
grace = "1s"
scripts = { deploy = ["./deploy.sh"] }
[process.standard]
enter = "prepare"
[stages.prepare]
require = ["checklist"]
checklist = [
  "Runbook written",
  { item = "On call knows", max-age = "4h" },
  { item = "Disk has room", command = ["./room.sh", "20"], max-age = "1h" },
]
"#,
    );
    env.write("deploy.sh", "#!/bin/sh\n", 0o755);
    env.registered("api@1.0.0");
    env
}

fn room(env: &TestEnv, script: &str) {
    env.write("room.sh", &format!("#!/bin/sh\n{script}\n"), 0o755);
}

const ROOM: [&str; 4] = ["checklist", "verify", "api@1.0.0", "Disk has room"];

#[test]
fn a_command_says_yes_no_or_that_it_cannot_tell_and_that_stands_on_record() {
    let env = env();
    room(&env, "echo \"$RELMAN_SERVICE $RELMAN_VERSION wants $1 GB\"; echo 'disk: 30 GB free'");
    let said = env.run(&ROOM).ok();
    assert_eq!(said.out, "yes Disk has room: disk: 30 GB free\n");
    let list = env.run(&["checklist", "list", "api@1.0.0"]).ok();
    assert!(
        list.out.contains("[ ] Runbook written\n[ ] On call knows\n[x] Disk has room  (alice"),
        "{}",
        list.out
    );
    room(&env, "echo 'only 3 GB' >&2; exit 1");
    let said = env.run(&["checklist", "verify", "api@1.0.0"]).exits(1);
    assert_eq!(said.out, "no Disk has room: only 3 GB\n");
    let why = env.run(&["why", "api@1.0.0", "production"]);
    assert!(why.out.contains("Disk has room (no: only 3 GB)"), "{}", why.out);
    room(&env, "exit 75");
    let said = env.run(&["--json", "checklist", "verify", "api@1.0.0"]).exits(1).json();
    assert_eq!(said["verified"][0]["verified"]["answer"], "unsure");
    std::fs::remove_file(env.path("room.sh")).unwrap();
    let said = env.run(&ROOM).exits(1);
    assert!(said.out.starts_with("unsure Disk has room: ") && said.out.contains("room.sh"), "{}", said.out);
    let entries = env.run(&["audit", "list", "--json"]).ok().json();
    let asked =
        entries["entries"].as_array().unwrap().iter().filter(|entry| entry["verb"] == "checklist.ticked");
    assert_eq!(asked.count(), 4);
    drop(env.run(&["audit", "verify"]).ok());
}

#[test]
fn what_was_said_too_long_ago_does_not_count_any_more() {
    let mut env = env();
    room(&env, "echo fine");
    at(&mut env, "2026-09-01T10:00:00Z");
    drop(env.run(&ROOM).ok());
    for item in ["Runbook written", "On call knows"] {
        drop(env.run(&["checklist", "tick", "api@1.0.0", item]).ok());
    }
    drop(env.run(&["release", "advance", "api@1.0.0"]).ok());
    at(&mut env, "2026-09-01T12:00:00Z");
    let why = env.run(&["why", "api@1.0.0", "production"]);
    assert!(why.out.contains("Disk has room (too long ago)"), "{}", why.out);
    assert!(!why.out.contains("On call knows"), "{}", why.out);
    drop(env.run(&ROOM).ok());
    at(&mut env, "2026-09-01T12:30:00Z");
    drop(env.run(&["why", "api@1.0.0", "production"]).ok());
    at(&mut env, "2026-09-01T15:00:00Z");
    drop(env.run(&ROOM).ok());
    let why = env.run(&["why", "api@1.0.0", "production"]);
    assert!(why.out.contains("On call knows (too long ago)"), "{}", why.out);
    let again = env.run_as(BOB, &["checklist", "tick", "api@1.0.0", "On call knows"]).ok();
    assert!(again.out.contains("\"On call knows\" is done"), "{}", again.out);
    drop(env.run(&["why", "api@1.0.0", "production"]).ok());
    let twice = env.run(&["checklist", "tick", "api@1.0.0", "On call knows"]).exits(4);
    assert!(twice.err.contains("bob ticked"), "{}", twice.err);
}

#[test]
fn a_person_does_not_tick_what_a_command_finds_out_and_the_reverse() {
    let env = env();
    room(&env, "echo fine");
    let ticked = env.run(&["checklist", "tick", "api@1.0.0", "Disk has room"]).exits(4);
    assert!(ticked.err.contains("relman checklist verify api@1.0.0 \"Disk has room\""), "{}", ticked.err);
    let asked = env.run(&["checklist", "verify", "api@1.0.0", "Runbook written"]).exits(4);
    assert!(asked.err.contains("relman checklist tick api@1.0.0 \"Runbook written\""), "{}", asked.err);
    let unknown = env.run(&["checklist", "verify", "api@1.0.0", "Disk has rom"]).exits(3);
    assert!(unknown.err.contains("did you mean \"Disk has room\"?"), "{}", unknown.err);
}

#[test]
fn an_item_of_another_shape_is_told_with_its_line() {
    let env = env();
    let text = std::fs::read_to_string(env.path("relman.toml")).unwrap();
    let wrong = text
        .replace("max-age = \"4h\"", "max_age = \"4h\"")
        .replace("[\"./room.sh\", \"20\"]", "\"./room.sh\"")
        .replace("  \"Runbook written\",", "  \"Runbook written\", \"Runbook written\", 3,");
    env.write("relman.toml", &wrong, 0o644);
    let said = env.run(&["config", "check"]).exits(14);
    for words in [
        "max_age is not known here",
        "a command is a list of texts",
        "Runbook written stands there twice",
        "an item is a text or a table",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
}
