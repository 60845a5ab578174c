//! Cancelling: TERM, grace, KILL, the sweep over what escaped, and the cases where it comes too late or too early.

use nix::sys::signal::Signal;

use crate::support::env::{TestEnv, gate, is_alive, signal, until_gone, until_stopped};

/// Insists that these stand in the text in this order.
#[track_caller]
fn assert_order(text: &str, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        let at = text[from..].find(part).unwrap_or_else(|| panic!("{part:?} is not there in order: {text}"));
        from += at + part.len();
    }
}

/// A script that has said in `started` that it runs, after `prepare`, and then runs on.
fn endless(prepare: &str) -> String {
    format!("{prepare}\necho $$ > pid\ntouch started\nwhile :; do sleep 0.05; done")
}

#[test]
fn a_cancelled_script_gets_term_and_cleans_up() {
    let env = TestEnv::deploying(&endless("trap 'echo cleaning; rm half; exit 3' TERM; touch half"));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    env.until_file("started");

    let said = env.run_as("bob:1002", &["cancel", "1", "--reason", "wrong version"]).ok();

    assert!(said.out.contains("cancelled: cancelled by bob"), "{said:#?}");
    let ended = deploying.end().exits(10);
    assert!(ended.out.contains("cancelled: cancelled by bob"), "{ended:#?}");
    assert!(!env.path("half").exists());
    let d = env.deployment(1);
    assert_eq!(d["state"], "cancelled");
    assert_eq!(d["cause"], serde_json::json!({ "cause": "cancelled", "by": "bob" }));
    assert_eq!(d["cancel"]["reason"], "wrong version");
    let group = env.until_text("pid");
    let log = env.log(1);
    let term = format!("[relman] TERM sent to process group {group}; KILL follows in 1s\n");
    assert_order(
        &log,
        &["[relman] cancel requested by bob: wrong version\n", &term, "cleaning\n", "[relman] "],
    );
    let verbs: Vec<String> =
        env.journal("#1").iter().map(|entry| entry["verb"].as_str().unwrap().to_owned()).collect();
    assert_eq!(verbs.iter().filter(|verb| verb.contains("finished")).count(), 1, "{verbs:?}");
    env.assert_sound();
    env.assert_free();
}

#[test]
fn a_script_that_ignores_term_is_killed_after_its_grace() {
    let env = TestEnv::deploying(&endless("trap '' TERM INT HUP"));
    let id = env.start();
    env.until_file("started");

    drop(env.run(&["cancel", "1"]).ok());

    assert_eq!(env.deployment(id)["state"], "cancelled");
    let group = env.until_text("pid");
    let (term, kill) =
        (format!("TERM sent to process group {group}"), format!("KILL sent to process group {group}"));
    assert_order(&env.log(id), &["cancel requested by alice", &term, &kill, "cancelled after "]);
    env.assert_free();
}

#[test]
fn a_stopped_script_is_woken_so_that_it_can_clean_up() {
    let env = TestEnv::with_service("grace = \"10m\"\nscripts = { deploy = [\"./deploy.sh\"] }");
    env.script(
        "deploy.sh",
        "trap 'echo cleaning; exit 3' TERM; echo $$ > pid; kill -STOP $$; while :; do sleep 0.05; done",
    );
    env.registered("api@1.0.0");
    let id = env.start();
    until_stopped(env.until_text("pid").parse().unwrap());

    drop(env.run(&["cancel", "1"]).ok());

    assert_eq!(env.deployment(id)["state"], "cancelled");
    let log = env.log(id);
    assert!(log.contains("cleaning\n") && !log.contains("KILL sent"), "{log}");
}

#[test]
fn a_grandchild_that_left_group_and_session_does_not_survive_a_cancel() {
    let env = TestEnv::deploying(&endless(
        "( setsid sh -c 'trap \"\" TERM HUP; ( echo $$ > leader; sh -c \"echo \\$\\$ > grandchild; exec sleep 1000\" ) & \
         exit 0' >/dev/null 2>&1 & )",
    ));
    let id = env.start();
    env.until_file("started");
    let grandchild: i32 = env.until_text("grandchild").parse().unwrap();
    assert!(is_alive(grandchild));

    drop(env.run(&["cancel", "1"]).ok());

    until_gone(grandchild);
    let log = env.log(id);
    assert!(log.contains("[relman] KILL sent to what left the process group: "), "{log}");
    assert!(log.contains(&grandchild.to_string()), "{log}");
}

#[test]
fn children_that_a_script_starts_while_it_is_being_cancelled_die_too() {
    let env = TestEnv::deploying(&endless(
        "trap 'i=0; while [ $i -lt 200 ]; do setsid sleep 1000 >/dev/null 2>&1 & i=$((i+1)); done; exit 1' TERM",
    ));
    env.start();
    env.until_file("started");

    drop(env.run(&["cancel", "1"]).ok());

    assert_eq!(env.deployment(1)["state"], "cancelled");
    let left = env.processes();
    assert!(!left.iter().any(|(_, line)| line.starts_with("sleep 1000")), "{left:#?}");
}

#[test]
fn a_second_cancel_kills_at_once() {
    let env = TestEnv::with_service("grace = \"1h\"\nscripts = { deploy = [\"./deploy.sh\"] }");
    env.script("deploy.sh", &endless("trap '' TERM"));
    env.registered("api@1.0.0");
    let id = env.start();
    env.until_file("started");

    let first = env.run(&["cancel", "1", "--detach"]).ok();
    assert!(first.out.contains("was asked to stop"), "{first:#?}");
    env.until_log(id, "TERM sent to process group");
    drop(env.run_as("bob:1002", &["cancel", "1"]).ok());

    assert_eq!(env.deployment(id)["state"], "cancelled");
    assert_eq!(env.deployment(id)["cause"]["by"], "bob");
    assert_order(
        &env.log(id),
        &["cancel requested by alice", "TERM sent", "cancel requested at once by bob", "KILL sent"],
    );
}

#[test]
fn cancelling_what_is_over_changes_nothing() {
    let env = TestEnv::deploying("echo done");
    drop(env.deploy().ok());
    let before = env.deployment(1);

    let said = env.run(&["cancel", "1"]).exits(4);

    assert!(said.err.contains("#1 is over already: succeeded"), "{said:#?}");
    assert_eq!(env.deployment(1), before);
    drop(env.run(&["cancel", "7"]).exits(3));
    env.assert_sound();
}

#[test]
fn a_script_that_says_it_succeeded_when_it_was_told_to_end_was_cancelled() {
    let env = TestEnv::deploying(&endless("trap 'echo finished after all; exit 0' TERM"));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    env.until_file("started");

    let said = env.run(&["cancel", "1"]).ok();

    assert!(said.out.contains("cancelled by alice"), "{said:#?}");
    drop(deploying.end().exits(10));
    assert_eq!(env.deployment(1)["state"], "cancelled");
    assert!(env.log(1).contains("finished after all\n"), "what it says is kept");
}

#[test]
fn a_cancel_is_heeded_and_the_steps_go_on_while_the_store_is_out_of_reach() {
    let env = TestEnv::with_service(
        "grace = \"1s\"\nscripts = { deploy = [\"./deploy.sh\"] }\n\
         strategy.staging = { kind = \"canary\", percents = [10, 50, 100] }",
    );
    env.script("deploy.sh", &format!("{}\ntouch did-$RELMAN_PERCENT", gate("go-$RELMAN_PERCENT")));
    env.registered("api@1.0.0");
    let id = env.start();
    env.until_script(id);
    // Somebody holds the store for longer than any patience.
    let db = rusqlite::Connection::open(env.path("state/relman.db")).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();

    env.touch("go-10");
    env.until_file("did-10");
    env.touch("go-50");
    env.until_file("did-50");

    signal(env.process("__supervise"), Signal::SIGTERM);
    env.until_log(id, "cancelled after");
    db.execute_batch("ROLLBACK").unwrap();
    drop(db);
    env.until_state(id, "cancelled");
    assert!(!env.path("did-100").exists());
    env.assert_sound();
    env.assert_free();
}

#[test]
fn a_cancel_spares_the_service_that_an_earlier_step_started() {
    let env = TestEnv::with_service(
        "grace = \"1s\"\nscripts = { deploy = [\"./deploy.sh\"] }\n\
         strategy.staging = { kind = \"canary\", percents = [10, 100] }",
    );
    env.script(
        "deploy.sh",
        &format!(
            "if [ $RELMAN_PERCENT = 10 ]; then setsid sh -c 'echo $$ > service; {}' </dev/null >/dev/null 2>&1 & {}\n\
             else touch second; {}; fi",
            gate("end"),
            gate("service"),
            gate("never")
        ),
    );
    env.registered("api@1.0.0");
    let id = env.start();
    env.until_file("second");

    drop(env.run(&["cancel", "1"]).ok());

    env.until_state(id, "cancelled");
    let service: i32 = env.until_text("service").parse().unwrap();
    assert!(is_alive(service), "what a finished step left running is not this step's");
    env.touch("end");
    until_gone(service);
}

#[test]
fn a_cancel_between_two_steps_keeps_the_next_one_from_starting() {
    let env = TestEnv::with_service(
        "grace = \"1s\"\nscripts = { deploy = [\"./deploy.sh\"] }\n\
         strategy.staging = { kind = \"canary\", percents = [10, 100], pause = \"1h\" }",
    );
    env.script("deploy.sh", "echo $RELMAN_PERCENT >> told");
    env.registered("api@1.0.0");
    let id = env.start();
    env.until_state(id, "paused");

    drop(env.run(&["cancel", "1"]).ok());

    assert_eq!(env.deployment(id)["state"], "cancelled");
    assert_eq!(std::fs::read_to_string(env.path("told")).unwrap(), "10\n");
    drop(env.run(&["why", "api@1.0.0", "staging"]).ok());
}

#[test]
fn a_deployment_cancelled_before_it_began_runs_nothing() {
    let mut env = TestEnv::deploying("touch ran");
    env.vars.push(("RELMAN_PAUSE_AT".to_owned(), "before-claim".to_owned()));
    let deploying = env.front_end(&["deploy", "api@1.0.0", "staging"]);
    let supervisor = env.process("__supervise");
    until_stopped(supervisor);
    assert_eq!(env.deployment(1)["state"], "launching");

    drop(env.run_as("bob:1002", &["cancel", "1", "--detach"]).ok());
    signal(supervisor, Signal::SIGCONT);

    drop(deploying.end().exits(10));
    assert_eq!(env.deployment(1)["state"], "cancelled");
    assert!(env.log(1).contains("cancelled by bob before it began"), "{}", env.log(1));
    assert!(!env.path("ran").exists());
    env.assert_sound();
}

#[test]
fn only_deployers_may_cancel_what_others_started() {
    let env = TestEnv::deploying("");
    env.config(
        "[relman]\ndatabase = \"state/relman.db\"\n[groups]\nsre = [\"alice\", \"carol\"]\n\
         [environments.staging]\ndeployers = [\"sre\"]\n[process.standard]\nenter = \"build\"\n\
         [services.api]\npipeline = [\"staging\"]\ngrace = \"1s\"\nscripts = { deploy = [\"./deploy.sh\"] }\n",
    );
    env.script("deploy.sh", &format!("touch started; {}", gate("go")));
    env.start();
    env.until_file("started");

    let said = env.run_as("mallory:1666", &["cancel", "1"]).exits(12);
    assert!(said.err.contains("mallory may not stop deployments of api in staging: only sre may ([environments.staging] deployers)"), "{said:#?}");
    assert!(!env.log(1).contains("cancel requested"));

    drop(env.run_as("carol:1003", &["cancel", "1"]).ok());
    assert_eq!(env.deployment(1)["cause"]["by"], "carol");
}
