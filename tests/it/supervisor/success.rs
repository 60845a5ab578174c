//! What a deployment that goes well leaves behind: steps, log, digest, exit record, journal.

use relman::domain::digest::Digest;

use crate::support::env::{TestEnv, gate};
use crate::support::wait;

#[test]
fn the_steps_run_in_order_and_verify_is_the_last() {
    let env = TestEnv::with_service("scripts = { deploy = [\"./deploy.sh\"], verify = [\"./verify.sh\"] }");
    env.script("deploy.sh", "echo deploying $RELMAN_SERVICE $RELMAN_VERSION to $RELMAN_ENVIRONMENT");
    env.script("verify.sh", "echo looks good");
    env.registered("api@1.0.0");

    let said = env.deploy().ok();

    assert!(said.out.contains("deploying api 1.0.0 to staging\n"), "{said:#?}");
    assert!(said.out.ends_with("succeeded: every step succeeded\n"), "{said:#?}");
    let steps = env.steps(1);
    let log = env.log_bytes(1);
    let seen: Vec<(&str, &str, String)> = steps
        .iter()
        .map(|step| {
            let place = |key: &str| usize::try_from(step[key].as_u64().unwrap()).unwrap();
            let own = &log[place("log_from")..place("log_to")];
            (
                step["plan"]["name"].as_str().unwrap(),
                step["state"].as_str().unwrap(),
                String::from_utf8_lossy(own).into_owned(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (
                "deploy",
                "succeeded",
                "[relman] step 1 of 2: deploy\ndeploying api 1.0.0 to staging\n".to_owned()
            ),
            ("verify", "succeeded", "[relman] step 2 of 2: verify\nlooks good\n".to_owned()),
        ]
    );
    assert_eq!(env.deployment(1)["cause"]["cause"], "completed");
    assert!(env.run(&["status"]).ok().out.contains("1.0.0"));
    env.assert_sound();
}

#[test]
fn a_failing_verify_fails_the_deployment_and_what_follows_is_not_run() {
    let env = TestEnv::with_service(
        "scripts = { deploy = [\"./deploy.sh\"], verify = [\"./verify.sh\"] }\n\
         strategy.staging = { kind = \"rolling\", targets = [\"a\", \"b\"], batch = 1 }",
    );
    env.script("deploy.sh", "echo on $RELMAN_TARGETS >> did; [ $RELMAN_TARGETS = b ] && exit 4; exit 0");
    env.script("verify.sh", "echo verified >> did");
    env.registered("api@1.0.0");

    drop(env.deploy().exits(9));

    assert_eq!(std::fs::read_to_string(env.path("did")).unwrap(), "on a\non b\n");
    let d = env.deployment(1);
    assert_eq!((d["state"].as_str(), d["failed_step"].as_str()), (Some("failed"), Some("deploy b")));
    let states: Vec<String> = env.steps(1).iter().map(|s| s["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states[..2], ["succeeded", "failed"]);
    assert!(["pending", "skipped"].contains(&states[2].as_str()), "{states:?}");
}

#[test]
fn the_log_on_the_disk_is_what_was_printed_and_relmans_own_lines() {
    let env = TestEnv::deploying(r"printf 'one\ntwo\377\000three'; printf ' and four' >&2");

    drop(env.deploy().ok());

    let log = env.log_bytes(1);
    let start = b"[relman] step 1 of 1: deploy\none\ntwo\xff\0three and four\n[relman] succeeded after ";
    assert!(log.starts_with(start), "{}", env.log(1));
    assert!(log.ends_with(b": every step succeeded\n"), "{}", env.log(1));
    assert_eq!(log.iter().filter(|byte| **byte == b'\n').count(), 4, "{}", env.log(1));
    assert_eq!(env.run(&["log", "1", "--raw"]).ok().out, env.log(1));
}

#[test]
fn the_record_the_exit_record_and_the_journal_name_the_digest_of_the_log() {
    let env = TestEnv::deploying("seq 1 1000");

    drop(env.deploy().ok());

    let log = env.log_bytes(1);
    let digest = Digest::of(&log).to_string();
    let d = env.deployment(1);
    assert_eq!(d["log_digest"], digest.as_str());
    assert_eq!(d["log_size"], log.len());
    assert_eq!(d["log_dropped"], 0);
    assert_eq!(d["recovered_by"], serde_json::Value::Null);
    let exit = env.exit_record(1).expect("a whole exit record");
    assert_eq!(exit["state"], "succeeded");
    assert_eq!(exit["log_digest"], digest.as_str());
    assert_eq!(std::fs::metadata(env.file_of(1, "exit")).unwrap().len(), 4096);
    let index = std::fs::metadata(env.file_of(1, "output.idx")).unwrap().len();
    assert!(index > 0 && index.is_multiple_of(16), "{index} bytes of index");
    let entries = env.journal("#1");
    let verbs: Vec<&str> = entries.iter().map(|entry| entry["verb"].as_str().unwrap()).collect();
    assert_eq!(entries.last().unwrap()["body"]["after"]["log_digest"], digest.as_str(), "{verbs:?}");
    env.assert_sound();
}

#[test]
fn each_strategy_tells_its_scripts_which_part_is_theirs() {
    let tell = "echo \"$RELMAN_STEP_INDEX/$RELMAN_STEP_COUNT $RELMAN_STEP [$RELMAN_TARGETS] [$RELMAN_PERCENT] \
                [$RELMAN_COLOR]\" >> told";
    for (strategy, expected) in [
        (
            "kind = \"rolling\", targets = [\"a\", \"b\"], batch = 1",
            "1/3 deploy a [a] [] []\n2/3 deploy b [b] [] []\n3/3 verify [] [] []\n",
        ),
        (
            "kind = \"canary\", percents = [10, 100], pause = \"1ms\"",
            "1/3 deploy 10% [] [10] []\n2/3 deploy 100% [] [100] []\n3/3 verify [] [] []\n",
        ),
        (
            "kind = \"blue-green\"",
            "1/4 deploy blue [] [] [blue]\n2/4 verify blue [] [] [blue]\n3/4 switch to blue [] [] [blue]\n\
             4/4 verify [] [] [blue]\n",
        ),
    ] {
        let env = TestEnv::with_service(&format!(
            "scripts = {{ deploy = [\"./tell.sh\"], verify = [\"./tell.sh\"] }}\nstrategy.staging = {{ {strategy} }}"
        ));
        env.script("tell.sh", tell);
        env.registered("api@1.0.0");
        drop(env.deploy().ok());
        assert_eq!(std::fs::read_to_string(env.path("told")).unwrap(), expected);
    }
}

#[test]
fn blue_and_green_take_turns() {
    let env = TestEnv::with_service(
        "scripts = { deploy = [\"./deploy.sh\"] }\nstrategy.staging = { kind = \"blue-green\" }",
    );
    env.script("deploy.sh", "echo $RELMAN_COLOR >> told");
    env.registered("api@1.0.0");

    drop(env.deploy().ok());
    drop(env.deploy().ok());

    assert_eq!(std::fs::read_to_string(env.path("told")).unwrap(), "blue\nblue\ngreen\ngreen\n");
}

#[test]
fn progress_and_notes_of_the_script_are_shown_while_it_runs() {
    let env = TestEnv::deploying(&format!(
        "echo '::relman progress 40 copying assets'; {}; echo '::relman note nearly there'; {}",
        gate("go"),
        gate("end")
    ));
    let id = env.start();

    let d = wait::until("progress", || env.deployment(id), |d| d["progress"] == 40);
    assert_eq!(d["progress_note"], "copying assets");
    env.touch("go");
    wait::until("the note", || env.deployment(id), |d| d["progress_note"] == "nearly there");
    env.touch("end");
    env.until_state(id, "succeeded");
}

#[test]
fn the_second_deployment_knows_the_first() {
    let env = TestEnv::deploying(
        "echo $RELMAN_KIND $RELMAN_PREVIOUS_VERSION $RELMAN_DEPLOYMENT $RELMAN_EPOCH >> told",
    );
    env.registered("api@1.1.0");

    drop(env.deploy().ok());
    drop(env.deploy().ok());
    drop(env.run(&["deploy", "api@1.1.0", "staging"]).ok());

    let told = std::fs::read_to_string(env.path("told")).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    let epochs: Vec<i64> =
        lines.iter().map(|l| l.rsplit_once(' ').unwrap().1.parse::<i64>().unwrap()).collect();
    assert!(epochs.is_sorted_by(|a, b| a < b), "{told}");
    let kinds: Vec<&str> = lines.iter().map(|line| line.rsplit_once(' ').unwrap().0).collect();
    assert_eq!(kinds, ["deploy 1", "redeploy 1.0.0 2", "deploy 1.0.0 3"]);
}

#[test]
fn nothing_of_a_finished_deployment_keeps_running() {
    let env = TestEnv::deploying("echo done");
    drop(env.deploy().ok());
    wait::until("every process to end", || env.processes(), Vec::is_empty);
}

#[test]
fn attaching_shows_the_log_from_its_beginning_and_ends_with_the_outcome() {
    let env = TestEnv::deploying(&format!("echo first; touch started; {}; echo last; exit 6", gate("go")));
    let id = env.start();
    env.until_file("started");

    let attached = env.front_end(&["attach", "1"]);
    env.until_log(id, "first");
    env.touch("go");
    let said = attached.end().exits(9);

    assert!(said.err.contains("attached to #1"), "{said:#?}");
    let places: Vec<Option<usize>> = ["first\n", "last\n", "failed: the script ended with exit status 6"]
        .map(|t| said.out.find(t))
        .to_vec();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{said:#?}");
}
