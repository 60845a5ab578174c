//! Rights at the command line.

use crate::support::env::{MINIMAL, TestEnv};

fn env() -> TestEnv {
    let env = TestEnv::new();
    let rights = "[groups]\nmanagers = [\"bob\", \"carol\"]\n[rights]\nfreeze = [\"managers\"]\nrequest = [\"managers\"]\n\
                  [environments.production.rights]\ndeploy = [\"managers\"]\n";
    env.config(&format!("{MINIMAL}{rights}"));
    env
}

#[test]
fn what_one_may_not_exits_twelve_with_the_line_and_whom_to_ask_and_is_on_record() {
    let env = env();
    let said = env.run(&["freeze", "now", "--reason", "incident"]).exits(12);
    assert!(said.err.contains("alice may not set or lift freezes of api in production"), "{said:#?}");
    assert!(said.err.contains("only managers may ([rights] freeze)"), "{said:#?}");
    assert!(said.err.contains("ask bob or carol"), "{said:#?}");
    let said = env.run(&["--json", "audit", "list"]).ok();
    let entry = &said.json()["entries"][0];
    assert_eq!(
        (&entry["verb"], &entry["body"]["result"]),
        (&"freeze.added".into(), &"refused".into()),
        "{entry}"
    );
    drop(env.run_as("bob:1002", &["freeze", "now", "--reason", "incident"]).ok());
    drop(env.run(&["release", "new", "api", "1.0.0"]).exits(12));
}

#[test]
fn rights_lists_what_one_may_where_and_why() {
    let env = env();
    let said = env.run(&["rights"]).ok();
    let line = |right: &str, place: &str| {
        let found =
            said.out.lines().find(|line| line.trim_start().starts_with(right) && line.contains(place));
        found.unwrap_or_else(|| panic!("{said:#?}")).to_owned()
    };
    assert!(line("freeze", "everywhere").contains("no "), "{said:#?}");
    assert!(line("freeze", "everywhere").contains("[rights] freeze = managers"), "{said:#?}");
    assert!(line("freeze", "everywhere").contains("bob, carol"), "{said:#?}");
    assert!(line("plan", "everywhere").contains("yes"), "{said:#?}");
    assert!(line("deploy", "staging").contains("yes"), "{said:#?}");
    let other = env.run(&["--json", "rights", "bob"]).ok().json();
    assert_eq!(other["rights"]["person"], "bob");
    let rows = other["rights"]["rights"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["right"] != "freeze" || row["may"] == true), "{rows:#?}");
}

#[test]
fn config_check_flags_rights_nobody_has_and_stopping_that_is_harder_than_starting() {
    let env = TestEnv::new();
    let check = |lines: &str| {
        env.config(&format!("{MINIMAL}[groups]\nsre = [\"dave\"]\nops = [\"erin\"]\n{lines}"));
        env.run(&["config", "check"])
    };
    drop(check("[rights]\nfreeze = [\"sre\"]\n").ok());
    let none = check("[rights]\nfreeze = []\n").exits(14);
    assert!(none.out.contains("nobody has the right freeze here"), "{none:#?}");
    let harder =
        check("[environments.production.rights]\ndeploy = [\"sre\"]\ncancel = [\"ops\"]\n").exits(14);
    assert!(harder.out.contains("dave may deploy to production but not stop"), "{harder:#?}");
    drop(check("[environments.production.rights]\ndeploy = [\"sre\"]\ncancel = [\"ops\", \"sre\"]\n").ok());
}

#[test]
fn what_this_machine_has_nobody_for_is_noted_and_doctor_insists() {
    let env = TestEnv::new();
    env.config(&format!(
        "{}[groups]\nsre = [\"%there-is-no-such-group\"]\n[rights]\nlock = [\"sre\"]\n",
        MINIMAL.replace(
            "[environments.production]\n",
            "[environments.production]\napprovals = [{ from = \"sre\", count = 1 }]\n"
        )
    ));
    let said = env.run(&["config", "check"]).ok();
    for words in [
        "nobody on this machine is in the group sre (%there-is-no-such-group)",
        "nobody on this machine has the right lock of api in staging ([rights] lock)",
        "nobody could ever approve production (approvals)",
    ] {
        assert!(said.out.contains(words), "{words}: {said:#?}");
    }
    let said = env.run(&["doctor"]).exits(1);
    assert!(said.out.contains("nobody could ever approve production"), "{said:#?}");
}

#[test]
fn a_right_is_given_once_where_it_belongs_and_by_its_name() {
    let env = TestEnv::new();
    for (lines, words) in [
        ("[rights]\nfrieze = [\"sre\"]\n", "did you mean freeze?"),
        ("[rights]\napprove = [\"sre\"]\n", "approval rules say who decides"),
        ("[rights]\nfreeze = [\"sro\"]\n", "there is no group 'sro'"),
        ("[environments.production.rights]\nplan = [\"sre\"]\n", "about a release, not about an environment"),
        ("[services.api.rights]\ntrains = [\"sre\"]\n", "a train takes many along"),
        (
            "[environments.qa]\ndeployers = [\"sre\"]\n[environments.qa.rights]\ndeploy = [\"sre\"]\n",
            "deployers and [environments.qa.rights] deploy say the same thing twice",
        ),
    ] {
        env.config(&format!("{MINIMAL}[groups]\nsre = [\"dave\"]\n{lines}"));
        let said = env.run(&["board"]).exits(14);
        assert!(said.err.contains(words), "{lines}: {said:#?}");
    }
}
