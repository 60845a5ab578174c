//! Decisions signed by real keys: in a real agent, in a file, elsewhere; and checked with nothing but ssh-keygen.

use std::process::{Command, Stdio};

use super::BOB;
use crate::support::env::{Said, TestEnv};
use crate::support::wait;

const CAROL: &str = "carol:1003";
const SIGNERS: &str = "allowed_signers";

/// Runs one of OpenSSH's programs in the directory of the test.
#[expect(clippy::disallowed_methods, reason = "a test starts the programs it needs")]
fn ssh(env: &TestEnv, program: &str, args: &[&str], input: Option<&str>) -> Said {
    let mut command = Command::new(program);
    command.args(args).current_dir(env.path("")).envs(env.vars.iter().map(|(name, value)| (name, value)));
    let stdin =
        input.map_or_else(Stdio::null, |name| Stdio::from(std::fs::File::open(env.path(name)).unwrap()));
    TestEnv::finish(command.stdin(stdin))
}

/// An agent for one test.
struct Agent(std::process::Child);

impl Agent {
    #[expect(clippy::disallowed_methods, reason = "a test starts the programs it needs")]
    fn start(env: &mut TestEnv) -> Self {
        let socket = env.path("agent.sock");
        let mut command = Command::new("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).stderr(Stdio::null());
        let agent = Self(command.spawn().unwrap());
        wait::until("the agent to listen", || socket.exists(), |listens| *listens);
        env.vars.push(("SSH_AUTH_SOCK".to_owned(), socket.to_str().unwrap().to_owned()));
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _waited = self.0.wait();
    }
}

/// Makes a key without a passphrase; its public line.
fn key(env: &TestEnv, name: &str, kind: &str) -> String {
    drop(ssh(env, "ssh-keygen", &["-q", "-t", kind, "-N", "", "-C", name, "-f", name], None).ok());
    let line = std::fs::read_to_string(env.path(&format!("{name}.pub"))).unwrap();
    line.trim().to_owned()
}

/// Production takes one approval of bob or carol, and only a signed one. The clock is the real one: keys have a validity.
fn team(rule: &str) -> TestEnv {
    let env = TestEnv::new();
    env.config(&format!(
        r#"
[relman]
database = "state/relman.db"
allowed-signers = "{SIGNERS}"
revoked-keys = "revoked"
[groups]
managers = ["bob", "carol"]
[environments.production]
kind = "production"
approvals = [{{ from = "managers", count = 1 }}]
signed-approvals = "{rule}"
[services.api]
pipeline = ["production"]
grace = "1s"
scripts = {{ deploy = ["./deploy.sh"] }}
[process.standard]
enter = "deploy"
"#
    ));
    env.write("revoked", "", 0o644);
    env.write(SIGNERS, "", 0o644);
    env.registered("api@1.0.0");
    env
}

fn approve(env: &TestEnv, who: &str, more: &[&str]) -> Said {
    env.run_as(who, &[&["approve", "api@1.0.0", "production"], more].concat())
}

fn deploy(env: &TestEnv) -> Said {
    env.run(&["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"])
}

#[test]
fn a_key_in_an_agent_signs_and_the_deployment_may_start() {
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let mut env = team("required");
        let agent = Agent::start(&mut env);
        let line = key(&env, "bobs", kind);
        env.write(
            SIGNERS,
            &format!("# whose key is whose\nbob namespaces=\"approval@relman\" {line}\n"),
            0o644,
        );
        let without = approve(&env, BOB, &[]).exits(12);
        assert!(without.err.contains("is in your agent or your .ssh directory"), "{without:#?}");
        drop(ssh(&env, "ssh-add", &["-q", "bobs"], None).ok());
        let said = approve(&env, BOB, &[]).ok();
        assert!(said.out.ends_with(", signed\n"), "{said:#?}");
        let why = env.run(&["why", "api@1.0.0", "production"]).ok();
        assert!(why.out.contains("approved by bob (signed, agent)"), "{why:#?}");
        // carol has a key in the agent as well, but none on the list.
        let not_listed = approve(&env, CAROL, &[]).exits(12);
        assert!(not_listed.err.contains("lists no key of carol"), "{not_listed:#?}");
        drop(agent);
        drop(deploy(&env).ok());
    }
}

#[test]
fn a_person_checks_a_decision_with_ssh_keygen_alone() {
    let env = team("required");
    let line = key(&env, "bobs", "ed25519");
    env.write(SIGNERS, &format!("bob {line}\n"), 0o644);
    drop(approve(&env, BOB, &["--key", "bobs"]).ok());
    let listed = env.run(&["--json", "approvals", "api@1.0.0"]).ok().json();
    let signed = &listed["approvals"][0]["signed"];
    assert_eq!(signed["held"], "file");
    env.write("statement", signed["statement"].as_str().unwrap(), 0o644);
    env.write("statement.sig", signed["signature"].as_str().unwrap(), 0o644);
    let verify = ["-Y", "verify", "-f", SIGNERS, "-I", "bob", "-n", "approval@relman", "-s", "statement.sig"];
    let good = ssh(&env, "ssh-keygen", &verify, Some("statement")).ok();
    assert!(good.out.starts_with("Good \"approval@relman\" signature for bob"), "{good:#?}");
    env.write("statement", &signed["statement"].as_str().unwrap().replace("1.0.0", "1.0.1"), 0o644);
    drop(ssh(&env, "ssh-keygen", &verify, Some("statement")).exits(255));
}

#[test]
fn a_decision_is_signed_on_another_machine_and_handed_in() {
    let env = team("required");
    let line = key(&env, "laptop", "ed25519");
    env.write(SIGNERS, &format!("bob {line}\n"), 0o644);
    let payload = approve(&env, BOB, &["--print-payload"]).ok();
    assert!(payload.out.starts_with("relman-approval-v1\ninstance: "), "{payload:#?}");
    env.write("decision", &payload.out, 0o600);
    let sign = ["-q", "-Y", "sign", "-f", "laptop", "-n", "approval@relman", "decision"];
    drop(ssh(&env, "ssh-keygen", &sign, None).ok());
    let said = approve(&env, BOB, &["--signature", "decision.sig"]).ok();
    assert!(said.out.ends_with(", signed\n"), "{said:#?}");
    // Both at once, through stdin.
    drop(env.run_as(BOB, &["withdraw", "api@1.0.0", "production"]).ok());
    let payload = approve(&env, BOB, &["--print-payload"]).ok();
    env.write("another", &payload.out, 0o600);
    let sign = ["-q", "-Y", "sign", "-f", "laptop", "-n", "approval@relman", "another"];
    drop(ssh(&env, "ssh-keygen", &sign, None).ok());
    let signature = std::fs::read_to_string(env.path("another.sig")).unwrap();
    env.write("both", &format!("{}{signature}", payload.out), 0o600);
    let mut command = env.command(&["approve", "api@1.0.0", "production", "--signature", "-"]);
    command.env("RELMAN_TEST_ACTOR", BOB).stdin(std::fs::File::open(env.path("both")).unwrap());
    let said = TestEnv::finish(&mut command).ok();
    assert!(said.out.ends_with(", signed\n"), "{said:#?}");
    // What was handed in once is worth nothing a second time, nor for somebody else, nor for another release.
    drop(env.run_as(BOB, &["withdraw", "api@1.0.0", "production"]).ok());
    let again = approve(&env, BOB, &["--signature", "decision.sig"]).exits(12);
    assert!(again.err.contains("handed in already"), "{again:#?}");
    let other = approve(&env, CAROL, &["--signature", "decision.sig"]).exits(12);
    assert!(other.err.contains("does not list the key"), "{other:#?}");
    env.registered("api@1.1.0");
    let replayed =
        env.run_as(BOB, &["approve", "api@1.1.0", "production", "--signature", "decision.sig"]).exits(12);
    assert!(replayed.err.contains("about api@1.0.0, and this is api@1.1.0"), "{replayed:#?}");
    // Made for another purpose.
    drop(std::fs::remove_file(env.path("decision.sig")));
    drop(ssh(&env, "ssh-keygen", &["-q", "-Y", "sign", "-f", "laptop", "-n", "git", "decision"], None).ok());
    let purpose = approve(&env, BOB, &["--signature", "decision.sig"]).exits(12);
    assert!(purpose.err.contains("it was made for 'git' and not for approval@relman"), "{purpose:#?}");
}

#[test]
fn a_key_past_its_time_or_revoked_neither_approves_nor_opens_the_gate() {
    let env = team("required");
    let line = key(&env, "bobs", "ed25519");
    let valid = |until: &str| format!("bob valid-before=\"{until}\" {line}\n");
    env.write(SIGNERS, &valid("20990101"), 0o644);
    drop(approve(&env, BOB, &["--key", "bobs"]).ok());
    drop(env.run(&["why", "api@1.0.0", "production"]).ok());
    // It was good when bob decided; at the start it is not any more.
    env.write(SIGNERS, &valid("20200101"), 0o644);
    let late = deploy(&env).exits(6);
    assert!(late.err.contains("its signature does not hold: ssh-keygen does not accept it"), "{late:#?}");
    drop(env.run_as(BOB, &["withdraw", "api@1.0.0", "production"]).ok());
    let expired = approve(&env, BOB, &["--key", "bobs"]).exits(12);
    assert!(expired.err.contains("ssh-keygen does not accept it"), "{expired:#?}");

    env.write(SIGNERS, &valid("20990101"), 0o644);
    drop(approve(&env, BOB, &["--key", "bobs"]).ok());
    env.write("revoked", &format!("{line}\n"), 0o644);
    let late = deploy(&env).exits(6);
    assert!(late.err.contains("bob's key SHA256:") && late.err.contains("has been revoked ("), "{late:#?}");
    let verified = env.run(&["audit", "verify"]).exits(1);
    assert!(
        verified.out.contains("of api@1.0.0 by bob: its signature does not hold: bob's key SHA256:"),
        "{verified:#?}"
    );
}

#[test]
fn a_list_of_keys_that_others_may_write_is_not_believed() {
    let env = team("required");
    let line = key(&env, "bobs", "ed25519");
    env.write(SIGNERS, &format!("bob {line}\n"), 0o666);
    let open = approve(&env, BOB, &["--key", "bobs"]).exits(12);
    assert!(
        open.err.contains("can be written by others than its owner") && open.err.contains("chmod go-w"),
        "{open:#?}"
    );
    env.write(SIGNERS, &format!("* {line}\n"), 0o644);
    let anybody = approve(&env, BOB, &["--key", "bobs"]).exits(12);
    assert!(anybody.err.contains("lists no key of bob"), "{anybody:#?}");
}

#[test]
fn another_ssh_keygen_in_the_path_is_not_asked() {
    let mut env = team("required");
    let line = key(&env, "bobs", "ed25519");
    let own = key(&env, "mallorys", "ed25519");
    env.write(SIGNERS, &format!("bob {line}\n"), 0o644);
    drop(std::fs::create_dir(env.path("bin")));
    env.program("bin/ssh-keygen", "#!/bin/sh\ntouch fooled\nexit 0\n");
    let path = format!("{}:/usr/bin:/bin", env.path("bin").display());
    env.vars.push(("PATH".to_owned(), path));
    drop(approve(&env, BOB, &["--key", "mallorys"]).exits(12));
    assert!(!env.path("fooled").exists() && !own.is_empty());
}

#[test]
fn where_it_is_optional_who_has_no_key_approves_unsigned() {
    let env = team("optional");
    let said = approve(&env, BOB, &[]).ok();
    assert!(!said.out.contains("signed"), "{said:#?}");
    let why = env.run(&["why", "api@1.0.0", "production"]).ok();
    assert!(why.out.contains("approved by bob (unsigned)"), "{why:#?}");
}

#[test]
fn doctor_says_which_lines_are_not_used_and_who_could_write_the_list() {
    let env = team("required");
    let line = key(&env, "bobs", "ed25519");
    env.write(SIGNERS, &format!("bob {line}\n*@example.org {line}\n"), 0o644);
    let said = env.run(&["doctor"]);
    assert!(said.out.contains("line 2 is not used: a pattern for a name"), "{said:#?}");
    assert!(said.out.contains("lists keys of 1 person"), "{said:#?}");
    env.write(SIGNERS, &format!("bob {line}\n"), 0o664);
    let said = env.run(&["doctor"]).exits(1);
    assert!(said.out.contains("✗ signers") && said.out.contains("chmod go-w"), "{said:#?}");
}

#[test]
fn the_archive_of_a_release_holds_what_its_signatures_are_checked_with() {
    let env = team("required");
    let line = key(&env, "bobs", "ed25519");
    env.write(SIGNERS, &format!("bob {line}\n"), 0o644);
    drop(approve(&env, BOB, &["--key", "bobs"]).ok());
    let verified = env.run(&["audit", "verify"]).ok();
    assert!(verified.out.contains("1 signature is good"), "{verified:#?}");
    drop(env.run(&["bundle", "api@1.0.0", "--output", "api.tar"]).ok());
    let verified = env.run(&["bundle", "verify", "api.tar"]).ok();
    assert!(verified.out.contains("1 signature is good with the list in the archive"), "{verified:#?}");
    // Whoever verifies has a list of their own, where they have one.
    env.write("mine", &format!("bob {line}\n"), 0o644);
    let verified = env.run(&["bundle", "verify", "api.tar", "--allowed-signers", "mine"]).ok();
    assert!(verified.out.contains("1 signature is good with your own list of keys"), "{verified:#?}");
    let other = key(&env, "others", "ed25519");
    env.write("mine", &format!("bob {other}\n"), 0o644);
    let refused = env.run(&["bundle", "verify", "api.tar", "--allowed-signers", "mine"]).exits(1);
    assert!(
        refused
            .out
            .contains("approval 1 by bob: its signature does not hold: the list of keys does not name"),
        "{refused:#?}"
    );
    drop(ssh(&env, "tar", &["-xf", "api.tar"], None).ok());
    let approvals = std::fs::read_to_string(env.path("approvals.json")).unwrap();
    let approvals: serde_json::Value = serde_json::from_str(&approvals).unwrap();
    let signed = &approvals[0]["signed"];
    env.write("statement", signed["statement"].as_str().unwrap(), 0o644);
    env.write("statement.sig", signed["signature"].as_str().unwrap(), 0o644);
    let verify = ["-Y", "verify", "-f", SIGNERS, "-I", "bob", "-n", "approval@relman", "-s", "statement.sig"];
    drop(ssh(&env, "ssh-keygen", &verify, Some("statement")).ok());
}
