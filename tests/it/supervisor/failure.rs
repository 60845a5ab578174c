//! Deployments that fail: the script's own end is recorded as it was, and what cannot be run is said.

use crate::support::env::TestEnv;

#[test]
fn an_exit_status_is_recorded_as_it_was() {
    for code in [1, 2, 126, 127, 255] {
        let env = TestEnv::deploying(&format!("echo on my way; exit {code}"));
        let said = env.deploy().exits(9);
        assert!(said.out.contains(&format!("failed: the script ended with exit status {code}")), "{said:#?}");
        let d = env.deployment(1);
        assert_eq!(d["state"], "failed");
        assert_eq!(d["cause"], serde_json::json!({ "cause": "exit", "code": code }));
        assert_eq!(d["failed_step"], "deploy");
        assert_eq!(env.exit_record(1).unwrap()["cause"]["code"], code);
        env.assert_free();
    }
}

#[test]
fn death_by_a_signal_is_recorded_with_its_number() {
    for (name, number) in [("KILL", 9), ("TERM", 15), ("HUP", 1), ("SEGV", 11), ("PIPE", 13)] {
        let env = TestEnv::deploying(&format!("ulimit -c 0; kill -{name} $$"));
        drop(env.deploy().exits(9));
        let d = env.deployment(1);
        assert_eq!(d["state"], "failed", "{name}");
        assert_eq!(d["cause"], serde_json::json!({ "cause": "signal", "number": number }), "{name}");
    }
}

/// Deploys what cannot be run and insists on the sentence, in the record and in the log.
#[track_caller]
fn refused(env: &TestEnv, words: &str) {
    let said = env.deploy().exits(9);
    assert!(said.out.contains(words), "{words:?} is not in {said:#?}");
    let d = env.deployment(1);
    assert_eq!((d["state"].as_str(), d["failed_step"].as_str()), (Some("failed"), Some("deploy")));
    assert_eq!(d["cause"]["cause"], "cannot-run");
    assert!(d["cause"]["why"].as_str().unwrap().contains(words), "{d:#}");
    assert!(env.log(1).contains(words), "{}", env.log(1));
    env.assert_sound();
}

#[test]
fn a_missing_script_fails_the_deployment() {
    let env = TestEnv::deploying("");
    std::fs::remove_file(env.path("deploy.sh")).unwrap();
    refused(&env, "there is no script './deploy.sh'");
    env.assert_free();
}

#[test]
fn a_program_that_is_nowhere_in_the_path_fails_the_deployment() {
    let env = TestEnv::with_service("scripts = { deploy = [\"no-such-program\"] }");
    env.registered("api@1.0.0");
    refused(&env, "there is no script 'no-such-program'");
}

#[test]
fn a_script_that_is_not_executable_fails_the_deployment_with_the_command_that_mends_it() {
    let env = TestEnv::deploying("");
    env.write("deploy.sh", "#!/bin/sh\n", 0o644);
    refused(&env, "'./deploy.sh' is not executable; chmod +x ");
    env.assert_free();
}

#[test]
fn a_script_with_a_missing_interpreter_fails_the_deployment() {
    let env = TestEnv::deploying("");
    env.program("deploy.sh", "#!/no/such/shell\necho ran > ran\n");
    refused(&env, "names an interpreter in its first line that does not exist");
    assert!(!env.path("ran").exists());
    env.assert_free();
}

#[test]
fn a_file_without_a_first_line_is_not_given_to_a_shell() {
    let env = TestEnv::deploying("");
    env.program("deploy.sh", "echo ran > ran\n");
    refused(&env, "is neither a program nor a script");
    assert!(!env.path("ran").exists());
    env.assert_free();
}

#[test]
fn a_directory_instead_of_a_script_fails_the_deployment_and_is_called_one() {
    let env = TestEnv::deploying("");
    std::fs::remove_file(env.path("deploy.sh")).unwrap();
    std::fs::create_dir(env.path("deploy.sh")).unwrap();
    refused(&env, "directory");
    std::fs::remove_dir(env.path("deploy.sh")).unwrap();
    env.assert_free();
}

#[test]
fn a_missing_working_directory_fails_the_deployment() {
    let env = TestEnv::with_service("working-dir = \"gone\"\nscripts = { deploy = [\"./deploy.sh\"] }");
    env.registered("api@1.0.0");
    refused(&env, "the working directory ");
    assert!(env.log(1).contains(" does not exist"), "{}", env.log(1));
}

#[test]
fn a_verify_script_that_cannot_be_run_fails_after_the_deploy_script_ran() {
    let env = TestEnv::with_service("scripts = { deploy = [\"./deploy.sh\"], verify = [\"./verify.sh\"] }");
    env.script("deploy.sh", "touch deployed");
    env.registered("api@1.0.0");
    drop(env.deploy().exits(9));
    assert!(env.path("deployed").exists());
    let d = env.deployment(1);
    assert_eq!(d["failed_step"], "verify");
    assert_eq!(d["cause"]["cause"], "cannot-run");
}

#[test]
fn a_rollback_whose_target_is_gone_ends_before_anything_is_changed() {
    let env =
        TestEnv::with_service("scripts = { deploy = [\"./deploy.sh\"], available = [\"./available.sh\"] }");
    env.script("deploy.sh", "echo $RELMAN_VERSION >> ran");
    env.script("available.sh", "echo looking for $RELMAN_VERSION; exit 3");
    for version in ["1.0.0", "1.1.0"] {
        env.registered(&format!("api@{version}"));
        drop(env.run(&["deploy", &format!("api@{version}"), "staging"]).ok());
    }
    let said = env.run(&["rollback", "api", "staging", "--reason", "leaks"]).exits(9);
    assert!(said.out.contains("looking for 1.0.0"), "{said:#?}");
    assert!(said.err.contains("takes back api@1.1.0"), "{said:#?}");
    assert_eq!(std::fs::read_to_string(env.path("ran")).unwrap(), "1.0.0\n1.1.0\n");
    assert_eq!(env.deployment(3)["failed_step"], "available");
}
