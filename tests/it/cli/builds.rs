//! `relman build` with real scripts: what it made, how it fails, how it is stopped, and what is left when it is killed.

use super::BOB;
use crate::support::env::{TestEnv, gate, signal, until_gone};
use crate::support::wait;
use nix::sys::signal::Signal;

fn env(script: &str) -> TestEnv {
    let env = TestEnv::with_service(
        "grace = \"1s\"\nsecrets = [\"TOKEN\"]\nscripts = { deploy = [\"./deploy.sh\"], build = [\"./build.sh\"] }\n\
         [stages.build]\nrequire = [\"artifact\", \"built\"]",
    );
    env.script("build.sh", script);
    env.registered("api@1.0.0");
    env
}

fn digest(byte: char) -> String {
    format!("sha256:{}", byte.to_string().repeat(64))
}

fn release(env: &TestEnv) -> serde_json::Value {
    env.run(&["--json", "release", "show", "api@1.0.0"]).ok().json()["release"].clone()
}

fn run(env: &TestEnv, at: usize) -> serde_json::Value {
    let release = release(env);
    release.get("release").unwrap_or(&release)["build"]["runs"][at].clone()
}

#[test]
fn a_build_runs_prints_its_log_and_records_what_it_made() {
    let mut env = env(&format!(
        "echo building $RELMAN_SERVICE $RELMAN_VERSION number $RELMAN_BUILD of $RELMAN_KIND with $TOKEN\n\
         echo ::relman artifact registry/api:1.0.0\n\
         echo ::relman digest {}\n\
         echo ::relman commit abc1234",
        digest('a')
    ));
    env.vars.push(("TOKEN".to_owned(), "hunter22".to_owned()));
    let before = env.run(&["release", "advance", "api@1.0.0"]).exits(11);
    assert!(before.err.contains("it has not been built here"), "{}", before.err);
    assert!(before.err.contains("relman build api@1.0.0"), "{}", before.err);
    let said = env.run(&["build", "api@1.0.0"]).ok();
    assert!(said.out.contains("building api 1.0.0 number 1 of build with [masked]\n"), "{}", said.out);
    assert!(said.out.contains("[relman] the build passed\napi@1.0.0 build 1 passed after "), "{}", said.out);
    assert!(said.err.contains("leaving (Ctrl-C) does not stop it"), "{}", said.err);
    let shown = env.run(&["release", "show", "api@1.0.0"]).ok();
    for words in ["registry/api:1.0.0", &digest('a'), "abc1234", "build 1"] {
        assert!(shown.out.contains(words), "{words}: {}", shown.out);
    }
    let again = env.run(&["build", "api@1.0.0", "--log"]).ok();
    assert_eq!(again.out, said.out, "the log can be read later");
    drop(env.run(&["release", "advance", "api@1.0.0"]).ok());
    // What was tested is that artifact: made anew, it is to be tested anew.
    drop(env.run(&["audit", "verify"]).ok());
}

#[test]
fn a_build_that_fails_says_so_and_keeps_the_stage_shut() {
    let env = env("echo ::relman digest sha256:nonsense; echo no compiler >&2; exit 3");
    let said = env.run(&["build", "api@1.0.0"]).exits(9);
    assert!(said.out.contains("no compiler\n"), "{}", said.out);
    assert!(said.out.contains("[relman] what was made is not recorded: "), "{}", said.out);
    assert!(
        said.out.contains("build 1 failed after 0s: the script ended with exit status 3"),
        "{}",
        said.out
    );
    let why = env.run(&["release", "advance", "api@1.0.0"]).exits(11);
    assert!(why.err.contains("build 1 failed after 0s: the script ended with exit status 3"), "{}", why.err);
    // Built elsewhere: somebody says so.
    let word = ["release", "edit", "api@1.0.0", "--artifact", "x", "--digest", &digest('b')];
    drop(env.run(&word).ok());
    drop(env.run(&["check", "record", "api@1.0.0", "build", "passed", "--note", "CI 17"]).ok());
    drop(env.run(&["release", "advance", "api@1.0.0"]).ok());
    let missing = TestEnv::deploying("true");
    let said = missing.run(&["build", "api@1.0.0"]).exits(3);
    assert!(said.err.contains("[services.api.scripts] build"), "{}", said.err);
    let gone = TestEnv::with_service("scripts = { build = [\"./nowhere.sh\"] }");
    gone.registered("api@1.0.0");
    let said = gone.run(&["build", "api@1.0.0"]).exits(9);
    assert!(said.out.contains("there is no script './nowhere.sh'"), "{}", said.out);
}

#[test]
fn somebody_else_stops_it_and_nothing_of_it_is_left_running() {
    let env = env(&format!("sleep 60 & echo $! > child; {}", gate("never")));
    let said = env.run(&["build", "api@1.0.0", "--detach"]).ok();
    assert!(said.out.contains("build 1 started; its log: relman build api@1.0.0 --log"), "{}", said.out);
    let second = env.run_as(BOB, &["build", "api@1.0.0"]).exits(4);
    assert!(second.err.contains("build 1 of api@1.0.0 is running, started by alice"), "{}", second.err);
    env.until_file("child");
    drop(env.run_as(BOB, &["build", "api@1.0.0", "--cancel", "--reason", "wrong branch"]).ok());
    let log = env.run(&["build", "api@1.0.0", "--log"]).exits(10);
    assert!(log.out.contains("cancel requested by bob: wrong branch"), "{}", log.out);
    assert!(log.out.contains("build 1 cancelled after"), "{}", log.out);
    until_gone(env.until_text("child").trim().parse().unwrap());
    drop(env.run(&["build", "api@1.0.0", "--cancel"]).exits(4));
    drop(env.run(&["build", "api@1.0.0", "--log", "2"]).exits(3));
}

#[test]
fn a_build_goes_on_when_whoever_started_it_is_gone() {
    let env = env(&format!("{}; echo ::relman artifact late", gate("go")));
    let front = env.front_end(&["build", "api@1.0.0"]);
    env.until_file("state/builds/api@1.0.0/1/output.log");
    signal(front.pid(), Signal::SIGKILL);
    drop(front.end());
    env.touch("go");
    wait::until("it has ended", || run(&env, 0), |run| run["state"] == "passed");
    assert_eq!(run(&env, 0)["ended"]["made"]["artifact"], "late");
}

#[test]
fn a_build_whose_process_was_killed_is_lost_and_said_to_be() {
    let mut env = env("sleep 1");
    env.vars.push(("RELMAN_CRASH_AT".to_owned(), "build-begun".to_owned()));
    drop(env.run(&["build", "api@1.0.0", "--detach"]).ok());
    env.vars.pop();
    super::at(&mut env, "2027-01-01T10:00:00Z");
    drop(env.run(&["tick"]).ok());
    assert_eq!(run(&env, 0)["state"], "lost");
    let log = env.run(&["build", "api@1.0.0", "--log"]).exits(13);
    assert!(log.out.contains("build 1 is lost: its supervisor is gone"), "{}", log.out);
    drop(env.run(&["build", "api@1.0.0"]).ok());
}

#[test]
fn a_build_that_takes_too_long_is_ended() {
    let env =
        TestEnv::with_service("timeout = \"1s\"\ngrace = \"1s\"\nscripts = { build = [\"./build.sh\"] }");
    env.script("build.sh", "echo begun; sleep 60");
    env.registered("api@1.0.0");
    let said = env.run(&["build", "api@1.0.0"]).exits(124);
    assert!(said.out.contains("it ran longer than its timeout of 1s"), "{}", said.out);
}

#[test]
fn the_log_of_a_build_is_vouched_for_and_goes_into_the_archive() {
    let env = env("echo compiling");
    drop(env.run(&["build", "api@1.0.0"]).ok());
    drop(env.run(&["audit", "verify"]).ok());
    drop(env.run(&["bundle", "api@1.0.0", "--output", "api.tar"]).ok());
    let said = env.run(&["bundle", "verify", "api.tar"]).ok();
    assert!(said.out.contains("1 log"), "{}", said.out);
    let log = "state/builds/api@1.0.0/1/output.log";
    let text = std::fs::read_to_string(env.path(log)).unwrap();
    env.write(log, &text.replace("compiling", "c0mpiling"), 0o640);
    let said = env.run(&["audit", "verify"]);
    assert!(
        said.code != 0
            && said.out.contains("the log of build 1 of api@1.0.0 is not the one its outcome recorded"),
        "{said:#?}"
    );
    drop(env.run(&["bundle", "api@1.0.0", "--output", "other.tar"]).ok());
    let said = env.run(&["bundle", "verify", "other.tar"]).exits(1);
    assert!(said.out.contains("it is not the log whose hash the end of its build holds"), "{said:#?}");
}

fn testing(script: &str) -> TestEnv {
    let env = TestEnv::with_service(
        "grace = \"1s\"\nscripts = { deploy = [\"./deploy.sh\"] }\n[services.api.checks]\nunit = [\"./unit.sh\"]\n\
         [stages.test]\nchecks = [\"unit\", \"security\"]",
    );
    env.script("unit.sh", script);
    env.registered("api@1.0.0");
    env
}

const REPORT: &str =
    r#"<testsuite><testcase name="adds"/><testcase name="sums"><failure/></testcase></testsuite>"#;

#[test]
fn a_check_is_run_by_its_script_and_recorded_with_what_the_runner_wrote() {
    let env = testing(
        "echo testing $RELMAN_CHECK of $RELMAN_VERSION as $RELMAN_KIND; mkdir -p out; cp all.xml out/junit.xml; \
         echo ::relman report out/junit.xml",
    );
    env.write("all.xml", &REPORT.replace("<failure/>", ""), 0o644);
    let said = env.run(&["check", "run", "api@1.0.0", "unit"]).ok();
    assert!(said.out.contains("testing unit of 1.0.0 as check\n"), "{}", said.out);
    assert!(said.out.contains("api@1.0.0 unit (run 1) passed after "), "{}", said.out);
    let list = env.run(&["check", "list", "api@1.0.0"]).ok();
    assert!(list.out.contains("passed 2 tests by alice") && list.out.contains("run 1"), "{}", list.out);

    // The script ends well, its runner's report does not say so.
    env.write("all.xml", REPORT, 0o644);
    drop(env.run(&["check", "run", "api@1.0.0", "unit"]).ok());
    let list = env.run(&["check", "list", "api@1.0.0"]).ok();
    assert!(
        list.out.contains("FAILED 2 tests, 1 failed") && list.out.contains("failed: sums"),
        "{}",
        list.out
    );

    env.write("all.xml", "<no", 0o644);
    drop(env.run(&["check", "run", "api@1.0.0", "unit"]).ok());
    let list = env.run(&["check", "list", "api@1.0.0"]).ok();
    assert!(list.out.contains("FAILED") && list.out.contains("the report cannot be read"), "{}", list.out);
    let again = env.run(&["build", "api@1.0.0", "--log", "1"]).ok();
    assert!(again.out.contains("[relman] the check passed"), "{}", again.out);
    drop(env.run(&["audit", "verify"]).ok());
    env.assert_sound();
}

#[test]
fn a_check_that_fails_or_has_no_script_says_so() {
    let env = testing("echo 3 tests failed >&2; exit 2");
    let said = env.run(&["check", "run", "api@1.0.0", "unit"]).exits(9);
    assert!(
        said.out.contains("unit (run 1) failed after 0s: the script ended with exit status 2"),
        "{}",
        said.out
    );
    let list = env.run(&["check", "list", "api@1.0.0"]).ok();
    assert!(list.out.contains("FAILED by alice"), "{}", list.out);
    let none = env.run(&["check", "run", "api@1.0.0", "security"]).exits(3);
    assert!(none.err.contains("[services.api.checks] security"), "{}", none.err);
    let unknown = env.run(&["check", "run", "api@1.0.0", "unti"]).exits(3);
    assert!(unknown.err.contains("did you mean \"unit\"?"), "{}", unknown.err);
    // A build is another thing, and there is none.
    let show = env.run(&["release", "show", "api@1.0.0"]).ok();
    assert!(!show.out.contains("build 1"), "{}", show.out);
}
