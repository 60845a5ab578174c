//! What is recorded about who sits there, and how sure that is.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::env::TestEnv;

/// A key made for this test; the fingerprint is what `ssh-keygen -l` says about it.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFHLfDainLWd08TzDhFPFmHw3doWQ5lwMLv9041iVTzC";
const PRINT: &str = "ssh-ed25519 SHA256:oVl/yZhfjZ01LFMBWkvZtO8FjPSGEO2ctrTfUb/hugU";

/// The actor of the newest entry, after something was done.
fn actor(env: &TestEnv, version: &str) -> serde_json::Value {
    drop(env.run(&["release", "new", "api", version]).ok());
    env.run(&["--json", "audit", "list", "--limit", "1"]).ok().json()["entries"][0]["body"]["actor"].clone()
}

#[test]
fn the_key_that_sshd_exposes_is_recorded_as_unverified() {
    let mut env = TestEnv::new();
    assert_eq!(actor(&env, "1.0.0").get("unverified-key"), None);
    env.write("auth", &format!("password\npublickey {KEY}\n"), 0o600);
    env.vars.push(("SSH_USER_AUTH".to_owned(), env.path("auth").display().to_string()));
    assert_eq!(actor(&env, "1.1.0")["unverified-key"], PRINT);
    let said = env.run(&["doctor"]);
    assert!(said.out.contains(&format!("key {PRINT}, as the session says")), "{said:#?}");
    // It changes nothing about who somebody is.
    assert_eq!(actor(&env, "1.2.0")["name"], "alice");
}

#[test]
fn a_file_that_anybody_could_have_written_names_no_key() {
    let mut env = TestEnv::new();
    env.write("auth", &format!("publickey {KEY}\n"), 0o600);
    env.vars.push(("SSH_USER_AUTH".to_owned(), env.path("auth").display().to_string()));
    assert_eq!(actor(&env, "1.0.0")["unverified-key"], PRINT);
    std::fs::set_permissions(env.path("auth"), std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(actor(&env, "1.1.0").get("unverified-key"), None);
    std::fs::set_permissions(env.path("auth"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(env.path("auth"), env.path("link")).unwrap();
    env.vars = vec![("SSH_USER_AUTH".to_owned(), env.path("link").display().to_string())];
    assert_eq!(actor(&env, "1.2.0").get("unverified-key"), None);
    env.write("auth", "publickey ssh-ed25519 \u{1b}[31mred\n", 0o600);
    env.vars = vec![("SSH_USER_AUTH".to_owned(), env.path("auth").display().to_string())];
    assert_eq!(actor(&env, "1.3.0").get("unverified-key"), None);
}

#[test]
fn relmans_own_commands_are_not_run_through_sudo() {
    let mut env = TestEnv::new();
    env.vars.push(("SUDO_UID".to_owned(), "1002".to_owned()));
    for hidden in ["__launch", "__supervise", "__scribe", "__adopt", "__adopting"] {
        let said = env.run(&[hidden]).exits(1);
        assert!(said.out.contains("not run through sudo"), "{hidden}: {said:#?}");
    }
    // A person who came through sudo starts deployments all the same, as themselves.
    let env = TestEnv::deploying("echo done");
    let said = TestEnv::finish(env.command(&["deploy", "api@1.0.0", "staging"]).env("SUDO_UID", "1002")).ok();
    assert!(said.out.contains("done"), "{said:#?}");
    assert_eq!(env.deployment(1)["started_by"]["name"], "alice");
}

#[test]
fn the_set_up_is_printed_and_takes_plain_names_only() {
    let env = TestEnv::new();
    let said = env.run(&["setup", "shared", "--group", "ops"]).ok();
    for line in ["groupadd ops", "install -d -m 2770 -o root -g ops /var/lib/relman"] {
        assert!(said.out.contains(line), "{line}: {said:#?}");
    }
    let said = env.run(&["--json", "setup", "enforced"]).ok().json();
    let script = said["setup"]["script"].as_str().unwrap();
    for line in ["useradd --system", "%relops ALL=(relman) NOPASSWD: ", "env_reset, !setenv", "visudo -cqf"] {
        assert!(script.contains(line), "{line}: {script}");
    }
    for args in [
        &["setup", "shared", "--group", "a b"][..],
        &["setup", "shared", "--group", "-x"],
        &["setup", "shared", "--dir", "relative"],
        &["setup", "shared", "--dir", "/tmp/$(id)"],
        &["setup", "enforced", "--user", "root;id"],
    ] {
        drop(env.run(args).exits(2));
    }
}
