//! Two people at the panes of one store: they see each other, and who only looks costs the other one nothing.

use std::time::Duration;

use crate::support::env::TestEnv;
use crate::support::pty::Terminal;
use crate::support::wait;

fn counter(env: &TestEnv) -> i64 {
    let db = rusqlite::Connection::open(env.path("state/relman.db")).unwrap();
    db.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0)).unwrap()
}

#[test]
fn two_people_see_each_other_and_idle_panes_write_nothing() {
    let env = TestEnv::deploying("echo done");
    let mut alice = Terminal::open(&env);
    alice.wait_for("api@1.0.0");
    let mut bob = Terminal::with(&env, (80, 24), &[("RELMAN_TEST_ACTOR", "bob:1002")]);
    alice.wait_for("+1 in");
    alice.wait_for("bob looks");
    bob.wait_for("+1 in");
    let listed = env.run(&["who", "--json"]).ok().json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 2, "{listed}");
    assert_eq!(listed["sessions"][1]["name"], "bob");
    assert_eq!(listed["sessions"][1]["focus"]["release"], "api@1.0.0");
    // A watcher of the store hears nothing while both only sit there, and neither do their lines.
    let watch = rusqlite::Connection::open(env.path("state/relman.db")).unwrap();
    let version = || -> i64 { watch.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap() };
    wait::pause(Duration::from_secs(6));
    let (before, shown) = (version(), (alice.count(), bob.count()));
    wait::pause(Duration::from_secs(6));
    assert_eq!(version(), before, "idle panes write nothing to the store");
    assert_eq!((alice.since(shown.0), bob.since(shown.1)), (String::new(), String::new()));
    // A line reaches who is in.
    drop(env.run_as("carol:1003", &["who", "--say", "lunch"]).ok());
    alice.wait_for("carol says: lunch");
    // Who dies without a word is gone from the screens and from the store.
    bob.send("q");
    assert_eq!(bob.ends(), 0);
    alice.wait_without("+1 in");
    wait::until("the row of bob to go", || counter(&env), |rows| *rows == 1);
    alice.send("q");
    assert_eq!(alice.ends(), 0);
}
