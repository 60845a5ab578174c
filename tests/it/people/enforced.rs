//! Enforced mode: through real sudo to a service user, who alone can write the store.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::Bastion;

fn enforced() -> Option<Bastion> {
    let bastion = Bastion::new(&["sudo", "visudo"])?;
    bastion.set_up("enforced");
    bastion.let_test_config_through();
    bastion.rules("etc/relman.toml", &format!("service-user = \"{}\"", bastion.service));
    let said = bastion.through_sudo(&bastion.alice, &["--version"]);
    if said.code != 0 {
        crate::support::skipped(&format!("sudo does not work here: {}", said.err.trim()));
        return None;
    }
    Some(bastion)
}

#[test]
fn whoever_called_sudo_acts_and_the_service_user_runs_and_writes() {
    let Some(bastion) = enforced() else { return };
    let (alice, bob) = (bastion.alice.clone(), bastion.bob.clone());
    let service = bastion.service.clone();
    drop(bastion.through_sudo(&alice, &["release", "new", "api", "1.0.0"]).ok());
    let deployed = bastion.through_sudo(&alice, &["deploy", "api@1.0.0", "staging"]).ok();
    assert!(deployed.out.contains(&format!("run as {service}")), "{deployed:#?}");
    let told = format!("deployed 1.0.0 for {alice} in {}", bastion.state().display());
    assert!(deployed.out.contains(&told), "{told}: {deployed:#?}");
    assert!(deployed.out.lines().any(|line| line.contains(&service)), "{deployed:#?}");
    drop(bastion.through_sudo(&alice, &["approve", "api@1.0.0", "production"]).exits(12));
    drop(bastion.through_sudo(&bob, &["approve", "api@1.0.0", "production"]).ok());
    drop(bastion.through_sudo(&alice, &["deploy", "api@1.0.0", "production"]).ok());
    let said = bastion.through_sudo(&alice, &["--json", "audit", "list", "--limit", "100"]).ok().json();
    let all = said["entries"].as_array().unwrap();
    let by = |verb: &str| {
        let found = all.iter().filter(|e| e["verb"] == verb && e["body"]["result"] == "done");
        found.map(|e| e["body"]["actor"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(by("release.created"), [alice.as_str()]);
    assert_eq!(by("approval.granted"), [bob]);
    assert_eq!(by("deployment.started"), [alice.clone(), alice.clone()]);
    // Nobody else can reach the files.
    let owner = nix::unistd::User::from_name(&service).unwrap().unwrap().uid.as_raw();
    for (name, mode) in [("", 0o700), ("relman.db", 0o600)] {
        let meta = bastion.state().join(name).metadata().unwrap();
        assert_eq!((meta.uid(), meta.mode() & 0o7777), (owner, mode), "{name}");
    }
    let store = bastion.state().join("relman.db").display().to_string();
    drop(bastion.at(&alice, Path::new("/bin/cat"), &[&store], &[]).exits(1));
    let doctor = bastion.through_sudo(&alice, &["doctor"]);
    for words in ["enforced: only", "0700 and 0600, as they should be", "called through sudo by"] {
        assert!(doctor.out.contains(words), "{words}: {doctor:#?}");
    }
    assert!(bastion.through_sudo(&alice, &["paths"]).ok().out.contains(&format!("run as {service}")));
}

#[test]
fn nobody_says_of_themselves_who_called_sudo() {
    let Some(bastion) = enforced() else { return };
    let (alice, service) = (bastion.alice.clone(), bastion.service.clone());
    drop(bastion.through_sudo(&alice, &["release", "new", "api", "1.0.0"]).ok());
    let bobs = nix::unistd::User::from_name(&bastion.bob).unwrap().unwrap().uid.as_raw().to_string();
    let config = bastion.config_path().display().to_string();
    // Directly, with a forged variable: another real user id, so not this store at all.
    let approve = ["approve", "api@1.0.0", "production"];
    let named = [&["--config", config.as_str()], &approve[..]].concat();
    let said = bastion.at(&alice, &bastion.program(), &named, &[("SUDO_UID", &bobs)]).exits(12);
    assert!(said.err.contains(&format!("used by the service user {service} alone")), "{said:#?}");
    assert!(said.err.contains(&format!("sudo -u {service} relman")), "{said:#?}");
    // Through sudo, with the variable given to it.
    let program = bastion.program().display().to_string();
    let forged = format!("SUDO_UID={bobs}");
    let args = [&["-n", "-u", &service, &forged, &program], &approve[..]].concat();
    let said = bastion.at(&alice, Path::new("/usr/bin/sudo"), &args, &[]);
    assert_ne!(said.code, 0, "{said:#?}");
    // The same under a careless rule that lets people set variables: sudo hands it on, and its parent gives it away.
    let careless =
        format!("{alice} ALL=({service}) SETENV: NOPASSWD: {program}\nDefaults!{program} setenv\n");
    bastion.also_rule(&careless);
    let said = bastion.at(&alice, Path::new("/usr/bin/sudo"), &args, &[]).exits(12);
    assert!(said.err.contains(&format!("{service} may not decide")), "{said:#?}");
    for gone in ["SUDO_UID=", "SUDO_COMMAND="] {
        let hidden = ["-n", "-u", &service, "SUDO_UID=", gone, &program, "__supervise"];
        let said = bastion.at(&alice, Path::new("/usr/bin/sudo"), &hidden, &[]);
        assert!(said.code == 1 && said.out.contains("not run through sudo"), "{said:#?}");
    }
    let named = ["--config", config.as_str(), "doctor"];
    let said = bastion.relman(&alice, &named).exits(1);
    assert!(said.out.contains("take SETENV out of it"), "{said:#?}");
    // The service user itself: a deploy script that calls relman again.
    let said = bastion.at(&service, &bastion.program(), &approve, &[("SUDO_UID", &bobs)]).exits(12);
    assert!(said.err.contains(&format!("{service} may not decide")), "{said:#?}");
    // A program of that name is not sudo.
    bastion.script("bin/sudo", "$RELMAN approve api@1.0.0 production; true");
    let vars = [("SUDO_UID", bobs.as_str()), ("RELMAN", program.as_str())];
    let said = bastion.at(&service, &bastion.path("bin/sudo"), &[], &vars);
    assert!(said.err.contains(&format!("{service} may not decide")), "{said:#?}");
    // And of all this nothing came.
    let list = bastion.through_sudo(&alice, &["--json", "approvals", "api@1.0.0"]).ok().out;
    assert!(!list.contains("\"approved\""), "{list}");
}

#[test]
fn it_reads_the_rules_of_the_system_alone_and_takes_no_orders_of_its_own_kind() {
    let Some(bastion) = enforced() else { return };
    let (alice, service) = (bastion.alice.clone(), bastion.service.clone());
    drop(bastion.through_sudo(&alice, &["board"]).ok());
    let own = bastion.path("own.toml").display().to_string();
    bastion.rules("own.toml", "");
    let said = bastion.through_sudo(&alice, &["--config", &own, "board"]).exits(12);
    assert!(said.err.contains("alone, not --config"), "{said:#?}");
    let said = bastion.at(&service, &bastion.program(), &["paths"], &[("RELMAN_CONFIG", &own)]).ok();
    assert!(!said.out.contains("own.toml"), "{said:#?}");
    let files: [&[&str]; 9] = [
        &["release", "new", "--from-json", "/etc/shadow"],
        &["backup", "/tmp/x.db"],
        &["restore", "/etc/shadow", "--reason", "x"],
        &["bundle", "api@1.0.0", "--output", "/tmp/x.tar"],
        &["bundle", "verify", "/etc/shadow"],
        &["audit", "export", "--output", "/tmp/x.jsonl"],
        &["audit", "verify", "--file", "/etc/shadow"],
        &["freeze", "export", "/tmp/x.ics"],
        &["freeze", "import", "/etc/shadow"],
    ];
    drop(bastion.through_sudo(&alice, &["release", "new", "api", "1.0.0"]).ok());
    for args in files {
        let said = bastion.through_sudo(&alice, args).exits(12);
        assert!(
            said.err.contains("opens no files for you") && said.err.contains("write - for it"),
            "{args:?}: {said:#?}"
        );
    }
    for args in [&["init"][..], &["demo"]] {
        let said = bastion.through_sudo(&alice, args).exits(12);
        assert!(
            said.err.contains("opens no files for you") && said.err.contains("without sudo"),
            "{args:?}: {said:#?}"
        );
    }
    let said = bastion.through_sudo(&alice, &["bundle", "api@1.0.0", "--output", "-"]);
    assert!(said.code == 0 && said.out.contains("manifest.json"), "{}", said.err);
    for hidden in ["__launch", "__supervise", "__scribe", "__adopt", "__adopting"] {
        let said = bastion.through_sudo(&alice, &[hidden]);
        assert!(said.code == 1 && said.out.contains("not run through sudo"), "{hidden}: {said:#?}");
    }
    // Rules that somebody else could have written are nobody's.
    std::fs::set_permissions(bastion.config_path(), std::fs::Permissions::from_mode(0o664)).unwrap();
    let said = bastion.through_sudo(&alice, &["board"]).exits(12);
    assert!(said.err.contains("others may write"), "{said:#?}");
    std::fs::set_permissions(bastion.config_path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    // Neither is a store that a group can write past it.
    std::fs::set_permissions(bastion.state(), std::fs::Permissions::from_mode(0o2770)).unwrap();
    let said = bastion.through_sudo(&alice, &["board"]).exits(8);
    assert!(said.err.contains("is shared by a group"), "{said:#?}");
}

#[test]
fn where_the_rules_of_the_system_cannot_be_known_nobody_brings_their_own() {
    let Some(bastion) = enforced() else { return };
    let (alice, service) = (bastion.alice.clone(), bastion.service.clone());
    drop(bastion.through_sudo(&alice, &["board"]).ok());
    let good = std::fs::read_to_string(bastion.config_path()).unwrap();
    let own = bastion.path("own.toml").display().to_string();
    bastion.rules("own.toml", "");
    let without = good.replace("service-user", "# service-user");
    for (text, mode, words) in [
        (format!("{good}\ntypo typo"), 0o644, "root mends it: "),
        (format!("[relman]\nof-a-newer-relman = 1\n{good}"), 0o644, "root mends it: "),
        (good.clone(), 0o600, "root mends it: "),
        (without, 0o644, "root writes there: [relman] service-user = "),
    ] {
        bastion.write("etc/relman.toml", &text, mode);
        for args in [&["--config", &own, "release", "new", "api", "9.0.0"][..], &["board"]] {
            let said = bastion.through_sudo(&alice, args).exits(12);
            assert!(said.err.contains(&format!("called through sudo as {service}")), "{args:?}: {said:#?}");
            assert!(said.err.contains(words), "{args:?}: {said:#?}");
        }
    }
    std::fs::remove_file(bastion.config_path()).unwrap();
    let said = bastion.through_sudo(&alice, &["--config", &own, "board"]).exits(12);
    assert!(said.err.contains("does not say what holds then"), "{said:#?}");
    // Everything is as before once the rules are.
    bastion.write("etc/relman.toml", &good, 0o644);
    drop(bastion.through_sudo(&alice, &["board"]).ok());
}

#[test]
fn rules_that_name_no_service_user_stop_the_set_up_before_the_door_is_open() {
    let Some(bastion) = Bastion::new(&["sudo", "visudo"]) else { return };
    bastion.set_up("shared");
    let said = bastion.tries_to_set_up("enforced");
    assert!(said.code == 1 && said.err.contains("then run this again"), "{said:#?}");
    assert!(!Path::new(&format!("/etc/sudoers.d/{}", bastion.service)).exists());
    bastion.rules("etc/relman.toml", &format!("service-user = \"{}\"", bastion.service));
    drop(bastion.tries_to_set_up("enforced").ok());
    assert_eq!(bastion.state().metadata().unwrap().mode() & 0o7777, 0o700, "a group had it before");
}

#[test]
fn doctor_of_a_person_says_whether_sudo_lets_them_through() {
    let Some(bastion) = enforced() else { return };
    let config = bastion.config_path().display().to_string();
    let said = bastion.relman(&bastion.alice, &["--config", &config, "doctor"]).exits(1);
    assert!(said.out.contains("used by the service user"), "{said:#?}");
    assert!(said.out.contains("NOPASSWD"), "{said:#?}");
    let rule = format!("/etc/sudoers.d/{}", bastion.service);
    std::fs::remove_file(&rule).unwrap();
    let said = bastion.relman(&bastion.alice, &["--config", &config, "doctor"]).exits(1);
    assert!(said.out.contains("write with visudo: %GROUP ALL=("), "{said:#?}");
}
