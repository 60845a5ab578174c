//! `relman witness`, `relman deploy --witness`, `relman take`, `relman who`.

use crate::support::env::{Said, TestEnv};
use crate::support::wait;

const BOB: &str = "bob:1002";

/// Staging asks for a second person.
fn env() -> TestEnv {
    let env = TestEnv::new();
    env.config(
        "[relman]\ndatabase = \"state/relman.db\"\n[environments.staging]\nfour-eyes = { ttl = \"5m\" }\n\
         [process.standard]\nenter = \"build\"\n[services.api]\npipeline = [\"staging\"]\n\
         scripts = { deploy = [\"./deploy.sh\"] }\n",
    );
    env.script("deploy.sh", "echo done");
    env.registered("api@1.0.0");
    env
}

/// Starts a deployment that waits for a witness, with its messages in a file; returns it and the code.
fn waiting(env: &TestEnv) -> (crate::support::env::FrontEnd, String) {
    let shell = ["/bin/sh", "-c", "exec \"$0\" \"$@\" 2>said"];
    let deploy = env.front_end_through(&shell, &["deploy", "api@1.0.0", "staging", "--witness"]);
    let path = env.path("said");
    let said = wait::until(
        "the code to be shown",
        || std::fs::read_to_string(&path).unwrap_or_default(),
        |text| text.contains("nothing has begun"),
    );
    let code = said.split("this code: ").nth(1).unwrap()[..5].to_owned();
    (deploy, code)
}

#[test]
fn the_starter_waits_and_a_second_person_confirms_what_they_see() {
    let env = env();
    let refused = env.run(&["deploy", "api@1.0.0", "staging"]).exits(6);
    assert!(refused.err.contains("relman deploy api@1.0.0 staging --witness"), "{refused:#?}");
    env.run_as(BOB, &["witness"]).is(0, "", "nobody asks for a witness\n");
    let (deploy, code) = waiting(&env);
    let listed = env.run_as(BOB, &["witness", "--json"]).ok().json();
    assert_eq!(listed["requests"][0]["starter"]["name"], "alice");
    let witness = |who: &str, code: &str| -> Said {
        env.run_as(who, &["witness", "api@1.0.0", "staging", "--code", code])
    };
    let own = witness("alice:1001", &code).exits(12);
    assert!(own.err.contains("alice starts it: it takes another person"), "{own:#?}");
    let wrong = witness(BOB, "QQQQQ").exits(7);
    assert!(wrong.err.contains("it may be tried 2 more times"), "{wrong:#?}");
    let seen = witness(BOB, &code).ok();
    assert!(seen.out.contains("changes      staging: nothing → 1.0.0"), "{seen:#?}");
    assert!(seen.out.contains("you have confirmed what alice starts"), "{seen:#?}");
    drop(deploy.end().ok());
    let shown = env.run(&["show", "1"]).ok();
    assert!(shown.out.contains("four-eyes     witnessed by bob"), "{shown:#?}");
    assert_eq!(env.deployment(1)["witness"]["by"]["name"], "bob");
    env.assert_sound();
}

#[test]
fn who_leaves_has_begun_nothing_and_the_code_serves_their_next_start_only() {
    let env = env();
    let (deploy, code) = waiting(&env);
    crate::support::env::signal(deploy.pid(), nix::sys::signal::Signal::SIGKILL);
    drop(deploy.end());
    drop(env.run_as(BOB, &["witness", "api@1.0.0", "staging", "--code", &code]).ok());
    drop(env.run_as(BOB, &["deploy", "api@1.0.0", "staging"]).exits(6));
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).exits(6));
}

#[test]
fn a_code_is_asked_for_on_a_terminal_only() {
    let env = env();
    let said = env.run_as(BOB, &["witness", "api@1.0.0", "staging"]).exits(2);
    assert!(said.err.contains("--code CODE"), "{said:#?}");
    let none = env.run_as(BOB, &["witness", "api@1.0.0", "staging", "--code", "ACDEF"]).exits(4);
    assert!(none.err.contains("nobody asks for a witness for api@1.0.0 in staging now"), "{none:#?}");
    let slip = env.run_as(BOB, &["witness", "api@1.0.0", "staging", "--code", ""]).exits(2);
    assert!(slip.err.contains("is no code, and cost no try"), "{slip:#?}");
}

#[test]
fn who_is_on_a_failed_step_is_shown_and_another_takes_it_over() {
    let env = TestEnv::with_service(
        "scripts = { deploy = [\"./deploy.sh\"] }\nstrategy.staging = { kind = \"all-at-once\", on-failure = \"ask\" }",
    );
    env.script("deploy.sh", "exit 3");
    env.registered("api@1.0.0");
    let id = env.start();
    drop(env.until_state(id, "paused"));
    let taken = env.run(&["take", "1"]).ok();
    assert_eq!(taken.out, "#1: alice is on it\n");
    let over = env.run_as(BOB, &["take", "1"]).ok();
    assert_eq!(over.out, "#1: bob is on it, taken over from alice\n");
    assert!(env.run(&["show", "1"]).ok().out.contains("on it         bob"));
    drop(env.run(&["decide", "1", "fail", "--reason", "no use"]).exits(9));
    let late = env.run(&["take", "1"]).exits(4);
    assert!(late.err.contains("#1 waits for nobody: it is failed"), "{late:#?}");
    env.assert_sound();
}

#[test]
fn nobody_is_in_where_no_panes_are_open() {
    let env = TestEnv::new();
    env.run(&["who"]).is(0, "", "nobody has the panes open\n");
    let said = env.run(&["who", "--say", "hello"]).ok();
    assert!(said.err.starts_with("nobody has the panes open; who opens them"), "{said:#?}");
    assert_eq!(env.run(&["who", "--json"]).ok().json()["sessions"].as_array().unwrap().len(), 0);
}
