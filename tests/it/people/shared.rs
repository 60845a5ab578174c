//! Cooperative mode: two people, one store, each in their own name.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use nix::sys::signal::Signal;

use super::Bastion;
use crate::support::env::{holder, signal, until_gone};
use crate::support::wait::until;

fn shared() -> Option<Bastion> {
    let bastion = Bastion::new(&[])?;
    bastion.set_up("shared");
    bastion.rules("etc/relman.toml", "");
    Some(bastion)
}

/// The newest journal entry, as `verb result actor`.
#[track_caller]
fn newest(bastion: &Bastion, who: &str) -> (String, String, String) {
    let config = bastion.config_path().display().to_string();
    let said = bastion.relman(who, &["--config", &config, "--json", "audit", "list", "--limit", "1"]).ok();
    let entry = said.json()["entries"][0].clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (text(&entry["verb"]), text(&entry["body"]["result"]), text(&entry["body"]["actor"]["name"]))
}

#[test]
fn one_registers_another_approves_and_no_variable_makes_one_the_other() {
    let Some(bastion) = shared() else { return };
    let config = bastion.config_path().display().to_string();
    let (alice, bob) = (bastion.alice.clone(), bastion.bob.clone());
    let as_ = |who: &str, args: &[&str]| bastion.relman(who, &[&["--config", &config], args].concat());
    drop(as_(&alice, &["release", "new", "api", "1.0.0"]).ok());
    let deployed = as_(&alice, &["deploy", "api@1.0.0", "staging"]).ok();
    assert!(deployed.out.contains(&format!("deployed 1.0.0 for {alice}")), "{deployed:#?}");

    let own = as_(&alice, &["approve", "api@1.0.0", "production"]).exits(12);
    assert!(own.err.contains(&format!("ask {bob}")), "{own:#?}");
    let forged = [
        ("USER", bob.as_str()),
        ("LOGNAME", &bob),
        ("HOME", "/root"),
        ("SUDO_USER", &bob),
        ("SUDO_UID", "0"),
        ("RELMAN_ACTOR", &bob),
    ];
    let args = ["--config", config.as_str(), "approve", "api@1.0.0", "production"];
    let said = bastion.at(&alice, &bastion.program(), &args, &forged).exits(12);
    assert!(said.err.contains(&format!("{alice} may not decide")), "{said:#?}");
    let entry = newest(&bastion, &bob);
    assert_eq!(entry, ("approval.granted".to_owned(), "refused".to_owned(), alice.clone()));

    drop(as_(&bob, &["approve", "api@1.0.0", "production"]).ok());
    let deployed = as_(&alice, &["deploy", "api@1.0.0", "production"]).ok();
    assert!(
        deployed.out.lines().any(|line| line.ends_with(&alice)),
        "its script ran as whoever started it: {deployed:#?}"
    );
    // Either can read what the other one's script printed.
    assert!(as_(&bob, &["log", "2"]).ok().out.contains(&format!("for {alice}")));
    for name in ["relman.db", "relman.db-wal", "relman.db-shm"] {
        if let Ok(meta) = bastion.state().join(name).metadata() {
            assert_eq!(meta.mode() & 0o7777, 0o660, "{name}");
        }
    }
    let doctor = as_(&alice, &["doctor"]);
    for words in ["cooperative", "2770 and 0660, as they should be", "is root's up the whole path"] {
        assert!(doctor.out.contains(words), "{words}: {doctor:#?}");
    }
    assert!(doctor.out.contains(&format!("{}: {alice}, {bob}", bastion.group)), "{doctor:#?}");
    drop(as_(&bob, &["audit", "verify"]).ok());
}

#[test]
fn another_configuration_over_the_shared_store_is_refused_and_on_record() {
    let Some(bastion) = shared() else { return };
    let config = bastion.config_path().display().to_string();
    let (alice, bob) = (bastion.alice.clone(), bastion.bob.clone());
    drop(bastion.relman(&bob, &["--config", &config, "release", "new", "api", "1.0.0"]).ok());
    // alice's own rules: nobody need approve.
    let text = std::fs::read_to_string(bastion.config_path()).unwrap();
    bastion.write("lax.toml", &text.replace("approvals = [{ from = \"managers\" }]\n", ""), 0o644);
    let lax = bastion.path("lax.toml").display().to_string();
    let said = bastion.relman(&alice, &["--config", &lax, "deploy", "api@1.0.0", "production"]).exits(12);
    assert!(said.err.contains(&format!("used under {config}; {lax} would be other rules")), "{said:#?}");
    assert_eq!(newest(&bastion, &bob), ("config.changed".to_owned(), "refused".to_owned(), alice.clone()));
    // Nor does a restore bring the store under them.
    let copy = bastion.path("copy.db").display().to_string();
    drop(bastion.relman("root", &["--config", &config, "backup", &copy]).ok());
    let said = bastion.relman("root", &["--config", &lax, "restore", &copy, "--reason", "x"]).exits(12);
    assert!(said.err.contains("would be other rules"), "{said:#?}");
    assert_eq!(
        newest(&bastion, &bob),
        ("config.changed".to_owned(), "refused".to_owned(), "root".to_owned())
    );
    let said = bastion.relman(&alice, &["--config", &lax, "config", "adopt"]).exits(12);
    assert!(said.err.contains("ask root"), "{said:#?}");
    // An edit of the right file is on record as well, with who came first after it.
    bastion.rules("etc/relman.toml", "time-zone = \"Europe/Berlin\"");
    drop(bastion.relman(&alice, &["--config", &config, "board"]).ok());
    assert_eq!(newest(&bastion, &bob), ("config.changed".to_owned(), "done".to_owned(), alice));
    drop(bastion.relman("root", &["--config", &lax, "config", "adopt"]).ok());
    drop(bastion.relman(&bob, &["--config", &config, "board"]).exits(12));
    drop(bastion.relman(&bob, &["--config", &lax, "board"]).ok());
}

#[test]
fn a_store_of_somebody_else_behind_a_link_or_in_the_open_is_refused() {
    let Some(bastion) = shared() else { return };
    let config = bastion.config_path().display().to_string();
    let alice = bastion.alice.clone();
    let board = || bastion.relman(&alice, &["--config", &config, "board"]);
    drop(board().ok());
    let mode = |mode: u32| {
        std::fs::set_permissions(bastion.state(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (wrong, words) in [
        (0o2777, "everyone may write to the state directory"),
        (0o2775, "everyone may look into the state directory"),
        (0o770, "not setgid"),
        (0o3770, "is sticky"),
        (0o700, "who shares it with nobody"),
    ] {
        mode(wrong);
        let said = board().exits(8);
        assert!(said.err.contains(words), "{wrong:o}: {said:#?}");
    }
    mode(0o2770);
    drop(board().ok());
    // Of another group.
    nix::unistd::chown(&bastion.state(), None, Some(0.into())).unwrap();
    mode(0o2770);
    assert!(board().exits(8).err.contains("you are not in its group"));
    std::fs::rename(bastion.state(), bastion.path("real")).unwrap();
    std::os::unix::fs::symlink(bastion.path("real"), bastion.state()).unwrap();
    assert!(board().exits(8).err.contains("is a symbolic link"));
}

#[test]
fn a_file_beside_the_store_that_shuts_others_out_is_named_by_doctor() {
    let Some(bastion) = shared() else { return };
    let config = bastion.config_path().display().to_string();
    drop(bastion.relman(&bastion.alice, &["--config", &config, "board"]).ok());
    // As another program of alice's would leave it.
    let wal = bastion.state().join("relman.db-wal");
    bastion.write("state/relman.db-wal", "", 0o600);
    let alices = nix::unistd::User::from_name(&bastion.alice).unwrap().unwrap();
    nix::unistd::chown(&wal, Some(alices.uid), None).unwrap();
    let board = || bastion.relman(&bastion.bob, &["--config", &config, "board"]);
    assert!(board().exits(8).err.contains("relman doctor"));
    let said = bastion.relman(&bastion.bob, &["--config", &config, "doctor"]).exits(1);
    let command = format!("chmod 0660 {}", wal.display());
    assert!(said.out.contains(&command), "{said:#?}");
    std::fs::set_permissions(&wal, std::fs::Permissions::from_mode(0o660)).unwrap();
    drop(board().ok());
}

#[test]
fn borrowed_rights_are_refused() {
    let Some(bastion) = shared() else { return };
    let config = bastion.config_path().display().to_string();
    for (bit, words) in [(0o4755, "chmod u-s"), (0o2755, "chmod g-s")] {
        std::fs::set_permissions(bastion.program(), std::fs::Permissions::from_mode(bit)).unwrap();
        let said = bastion.relman(&bastion.alice, &["--config", &config, "board"]);
        if said.code == 0 {
            crate::support::skipped("this file system ignores setuid bits");
            return;
        }
        assert!(said.clone().exits(12).err.contains(words), "{said:#?}");
    }
}

#[test]
fn a_user_id_without_an_account_approves_nothing() {
    let Some(bastion) = Bastion::new(&[]) else { return };
    let everyone =
        |text: &str| text.replace(&format!("managers = [\"{}\"]", bastion.bob), "managers = [\"*\"]");
    bastion.rules("relman.toml", "");
    let text = everyone(&std::fs::read_to_string(bastion.path("relman.toml")).unwrap());
    bastion.write("relman.toml", &text, 0o644);
    std::fs::create_dir(bastion.state()).unwrap();
    let nobody = 3_123_456_789_u32;
    nix::unistd::chown(&bastion.state(), Some(nobody.into()), Some(nobody.into())).unwrap();
    std::fs::set_permissions(bastion.state(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let config = bastion.path("relman.toml").display().to_string();
    let who = nobody.to_string();
    drop(bastion.relman(&who, &["--config", &config, "release", "new", "api", "1.0.0"]).ok());
    let said = bastion.relman(&who, &["--config", &config, "approve", "api@1.0.0", "production"]).exits(12);
    assert!(said.err.contains(&format!("uid:{nobody} may not decide")), "{said:#?}");
}

#[test]
fn files_that_somebody_else_put_in_the_place_of_a_deployments_say_nothing_of_its_end() {
    let Some(bastion) = shared() else { return };
    let config = bastion.config_path().display().to_string();
    let (alice, bob) = (bastion.alice.clone(), bastion.bob.clone());
    let as_ = |who: &str, args: &[&str]| bastion.relman(who, &[&["--config", &config], args].concat());
    let go_on = bastion.path("go-on");
    bastion.script("deploy.sh", &format!("while [ ! -e {} ]; do sleep 0.1; done; exit 3", go_on.display()));
    drop(as_(&alice, &["release", "new", "api", "1.0.0"]).ok());
    drop(as_(&alice, &["deploy", "api@1.0.0", "staging", "--detach"]).ok());
    let state = || {
        let said = as_(&alice, &["--json", "deployments"]).ok().json();
        said["deployments"][0]["state"].as_str().unwrap_or_default().to_owned()
    };
    until("the script to run", state, |state| state == "running");
    // Bob moves the directory away and puts one of his own there, whose lock nobody holds.
    let dir = bastion.state().join("deployments");
    let swap = format!(
        "cd {} && mv 1 1.away && mkdir 1 && : > 1/supervisor.lock && cp 1.away/exit 1/exit",
        dir.display()
    );
    drop(bastion.at(&bob, std::path::Path::new("/bin/sh"), &["-c", &swap], &[]).ok());
    let said = as_(&bob, &["show", "1"]).ok();
    assert!(said.out.contains(&format!("its files were replaced: they belong to {bob}")), "{said:#?}");
    let said = as_(&alice, &["deploy", "api@1.0.0", "staging"]);
    assert_ne!(said.code, 0, "the script still runs: {said:#?}");
    bastion.write("go-on", "", 0o644);
    let script = bastion.path("deploy.sh");
    until("the script to end", || is_run(&script), |runs| !*runs);
}

/// Whether some process runs a script.
fn is_run(script: &std::path::Path) -> bool {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let mut lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let name = script.as_os_str().as_encoded_bytes();
    lines.any(|line| line.split(|byte| *byte == 0).any(|word| word == name))
}

#[test]
fn what_waits_is_revived_by_whoever_it_runs_as_and_by_nobody_else() {
    let Some(bastion) = shared() else { return };
    let config = bastion.config_path().display().to_string();
    let (alice, bob) = (bastion.alice.clone(), bastion.bob.clone());
    let as_ = |who: &str, args: &[&str]| bastion.relman(who, &[&["--config", &config], args].concat());
    drop(as_(&alice, &["release", "new", "api", "1.0.0"]).ok());
    drop(as_(&alice, &["deploy", "api@1.0.0", "staging", "--at", "+1h"]).ok());
    let lock = bastion.state().join("deployments/1/supervisor.lock");
    let waiter = || until("the waiting process", || holder(&lock), Option::is_some).unwrap();
    let pid = waiter();
    signal(pid, Signal::SIGKILL);
    until_gone(pid);
    assert_eq!(as_(&bob, &["tick"]).ok().out, "", "not his to revive");
    assert_eq!(as_(&alice, &["tick"]).ok().out, "#1 waits again\n");
    assert_ne!(waiter(), pid);
    drop(as_(&alice, &["cancel", "1"]).ok());
}
