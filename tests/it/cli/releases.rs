//! `relman release`, `relman check`, `relman checklist`: what is recorded and what is said about it.

use std::io::Write as _;
use std::process::Stdio;

use super::{BOB, at, ready, team};
use crate::support::env::{Said, TestEnv};

#[test]
fn a_release_is_registered_shown_and_listed() {
    let env = team();

    let said = env.run(&["release", "new", "api", "1.0.0", "--title", "Guest checkout", "--need", "sales"]);
    said.is(0, "api@1.0.0 registered in the request stage\n", "");

    let shown = env.run(&["release", "show", "api@1.0.0"]).ok();
    for line in [
        "api@1.0.0  Guest checkout",
        "  state         open, request stage since Tue 2026-09-01 12:00 CEST",
        "  requested by  alice (internal)",
        "  need          sales",
        "to leave the request stage",
    ] {
        assert!(shown.out.lines().any(|shown| shown == line), "{line:?} is not in {shown:#?}");
    }
    env.run(&["release", "list"]).is(
        0,
        " RELEASE    STAGE    SINCE  RISK  TITLE\n api@1.0.0  request  0s     –     Guest checkout\n",
        "",
    );
    let listed = env.run(&["--json", "release", "list"]).ok().json();
    assert_eq!(listed["releases"][0]["id"], "api@1.0.0");
    assert_eq!(listed["releases"][0]["request"]["need"], "sales");
}

#[test]
fn an_empty_list_says_what_to_do() {
    team().run(&["release", "list"]).is(
        0,
        "",
        "no release is open; register one with: relman release new SERVICE VERSION\n",
    );
}

#[test]
fn what_exists_already_is_not_registered_twice() {
    let env = team();
    drop(env.run(&["release", "new", "api", "1.0.0"]).ok());
    env.run_as(BOB, &["release", "new", "api", "1.0.0"]).is(
        4,
        "",
        "relman: api@1.0.0 exists already: \"api@1.0.0\", open in the request stage, by alice\n  \
         → look at it with: relman release show api@1.0.0\n",
    );
}

#[test]
fn an_unknown_service_is_answered_with_the_near_one() {
    let said = team().run(&["release", "new", "apj", "1.0.0"]);
    said.is(3, "", "relman: there is no service apj in relman.toml\n  → did you mean api?\n");
}

/// Runs `relman release new --from-json -` with this on its standard input.
fn from_json(env: &TestEnv, text: &str) -> Said {
    let mut child = env
        .command(&["--json", "release", "new", "--from-json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Said::of(&child.wait_with_output().unwrap())
}

#[test]
fn a_release_is_read_from_json() {
    let env = team();
    let digest = format!("sha256:{}", "0a".repeat(32));
    let text = format!(
        r#"{{"service":"api","version":"2.0.0-rc.1","title":"T","kind":"hotfix","origin":"incident","need":"n",
           "objective":"o","priority":"high","commit":"abc","artifact":"a.tar","digest":"{digest}","changes":["x","y"]}}"#
    );

    let release = from_json(&env, &text).ok().json()["release"].clone();

    assert_eq!(release["id"], "api@2.0.0-rc.1");
    assert_eq!(release["kind"], "hotfix");
    assert_eq!(release["request"]["origin"], "incident");
    assert_eq!(release["request"]["priority"], "high");
    assert_eq!(release["build"]["digest"], digest.as_str());
    assert_eq!(release["build"]["changes"], serde_json::json!(["x", "y"]));
    std::fs::File::create(env.path("new.json"))
        .unwrap()
        .write_all(br#"{"service":"api","version":"2.0.0"}"#)
        .unwrap();
    drop(env.run(&["release", "new", "--from-json", "new.json"]).ok());
}

#[test]
fn json_that_is_no_release_is_refused_with_its_place() {
    let env = team();
    for (text, words) in [
        ("", "EOF while parsing"),
        ("{\"service\":\"api\"}", "missing field `version`"),
        ("{\"service\":\"api\",\"version\":\"1\"}", "is not a SemVer version"),
        ("{\"service\":\"-rf\",\"version\":\"1.0.0\"}", "starts with '-'"),
        ("{\"service\":\"api\",\"version\":\"1.0.0\",\"titel\":\"x\"}", "unknown field `titel`"),
        ("[1,2", "line 1"),
    ] {
        let error = from_json(&env, text).exits(2).error();
        assert_eq!(error["kind"], "usage");
        assert!(error["sentence"].as_str().unwrap().contains(words), "{text}: {error}");
    }
    let said = env.run(&["release", "new", "--from-json", "missing.json"]).exits(1);
    assert!(said.err.starts_with("relman: cannot read missing.json: "), "{said:#?}");
    drop(env.run(&["release", "list"]).ok());
}

#[test]
fn a_release_is_meant_by_its_name_its_beginning_or_as_the_latest() {
    let env = team();
    for version in ["1.9.0", "1.10.0", "2.0.0-rc.1", "1.10.1"] {
        drop(env.run(&["release", "new", "api", version]).ok());
    }
    drop(env.run(&["release", "new", "web", "1.0.0"]).ok());
    let meant = |words: &str| {
        let said = env.run(&["--json", "release", "show", words]).ok().json();
        said["release"]["release"]["id"].as_str().unwrap().to_owned()
    };

    assert_eq!(meant("api@1.9.0"), "api@1.9.0");
    assert_eq!(meant("api@latest"), "api@2.0.0-rc.1", "the highest version, not the newest row");
    assert_eq!(meant("api@1.9"), "api@1.9.0");
    assert_eq!(meant("w"), "web@1.0.0");

    let several = env.run(&["release", "show", "api@1.1"]).exits(2);
    assert!(several.err.contains("api@1.1 fits more than one release: "), "{several:#?}");
    assert!(several.err.contains("api@1.10.0") && several.err.contains("api@1.10.1"), "{several:#?}");
    let none = env.run(&["release", "show", "api@3"]).exits(3);
    assert!(none.err.contains("there is no release that begins with api@3"), "{none:#?}");
    drop(env.run(&["release", "show", "nope@latest"]).exits(3));
    // Characters that mean something in a pattern mean nothing here.
    for wild in ["api_1.9.0", "api@1._.0"] {
        drop(env.run(&["release", "show", wild]).exits(3));
    }
    drop(env.run(&["release", "show", "api@1.%"]).exits(2));
}

#[test]
fn a_release_goes_through_its_stages_and_back() {
    let env = team();
    drop(env.run(&["release", "new", "api", "1.0.0"]).ok());
    for stage in ["plan", "build", "test", "prepare", "deploy"] {
        let said = env.run(&["release", "advance", "api@1.0.0"]).ok();
        assert!(said.out.starts_with(&format!("api@1.0.0 is now in the {stage} stage\n")), "{said:#?}");
    }
    let stuck = env.run(&["release", "advance", "api@1.0.0"]).exits(11);
    assert!(stuck.err.starts_with("relman: api@1.0.0 cannot leave the deploy stage; "), "{stuck:#?}");

    let said = env.run(&["release", "back", "api@1.0.0", "--reason", "again"]);
    said.is(0, "api@1.0.0 moved back; it is in the prepare stage\n", "");
    let said = env.run(&["release", "back", "api@1.0.0", "--to", "plan", "--reason", "again"]);
    said.is(0, "api@1.0.0 moved back; it is in the plan stage\n", "");
    drop(env.run(&["release", "back", "api@1.0.0", "--to", "test", "--reason", "forward?"]).exits(4));
    drop(env.run(&["release", "back", "api@1.0.0"]).exits(2));
}

#[test]
fn a_blocked_release_goes_nowhere_until_it_is_unblocked() {
    let env = ready();
    let said = env.run_as(BOB, &["release", "block", "api@1.0.0", "--reason", "wrong prices"]);
    said.is(0, "api@1.0.0 blocked; it is in the deploy stage\n", "");
    drop(env.run(&["release", "block", "api@1.0.0", "--reason", "me too"]).exits(4));

    let stuck = env.run(&["release", "advance", "api@1.0.0"]).exits(11);
    assert!(stuck.err.contains("api@1.0.0 is blocked by bob: wrong prices"), "{stuck:#?}");
    let stuck = env.run(&["deploy", "api@1.0.0", "staging"]).exits(11);
    assert!(stuck.err.contains("relman release unblock api@1.0.0"), "{stuck:#?}");

    drop(env.run(&["release", "unblock", "api@1.0.0", "--reason", "right after all"]).ok());
    drop(env.run(&["release", "unblock", "api@1.0.0", "--reason", "twice"]).exits(4));
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
}

#[test]
fn a_cancelled_release_is_over_and_stays_in_the_past() {
    let mut env = ready();
    let said = env.run(&["release", "cancel", "api@1.0.0", "--reason", "not needed"]);
    said.is(0, "api@1.0.0 cancelled; it is in the deploy stage\n", "");

    drop(env.run(&["release", "advance", "api@1.0.0"]).exits(4));
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).exits(11));
    at(&mut env, "2026-09-02T10:00:00Z").run(&["release", "list", "--past"]).is(
        0,
        " RELEASE    STAGE      SINCE  RISK  TITLE\n api@1.0.0  cancelled  1d     –     api@1.0.0\n",
        "",
    );
    assert_eq!(env.run(&["--json", "release", "list"]).ok().json()["releases"], serde_json::json!([]));
}

#[test]
fn what_is_edited_is_shown() {
    let env = ready();
    let digest = format!("sha256:{}", "1b".repeat(32));
    let said = env.run(&[
        "release",
        "edit",
        "api@1.0.0",
        "--title",
        "New title",
        "--owner",
        "dave",
        "--risk",
        "high",
        "--rollback-plan",
        "flip back",
        "--target",
        "2026-12-01 10:00",
        "--digest",
        &digest,
        "--change",
        "one",
        "--change",
        "two",
        "--outcome",
        "good",
        "--retrospective",
        "went well",
    ]);
    said.is(0, "api@1.0.0 changed\n", "");

    let shown = env.run(&["release", "show", "api@1.0.0"]).ok();
    for line in [
        "api@1.0.0  New title",
        "  owner         dave",
        "  target        Tue 2026-12-01 10:00 CET",
        "  risk          high",
        "  rollback plan flip back",
        "    - one",
        "    - two",
        "  outcome       good",
        "  retrospective went well",
    ] {
        assert!(shown.out.lines().any(|shown| shown == line), "{line:?} is not in {shown:#?}");
    }
    env.run(&["release", "edit", "api@1.0.0"]).is(
        2,
        "",
        "relman: nothing to change was named\n  → name at least one field, such as --title or --owner\n",
    );
    drop(env.run(&["release", "edit", "api@1.0.0", "--risk", "extreme"]).exits(2));
    drop(env.run(&["release", "edit", "api@1.0.0", "--target", "someday"]).exits(2));
    drop(env.run(&["release", "edit", "api@1.0.0", "--digest", "sha256:123"]).exits(2));
}

#[test]
fn checks_are_recorded_by_their_names() {
    let env = ready();
    let said = env.run(&["check", "record", "api@1.0.0", "unit", "passed", "--note", "812 tests"]);
    said.is(0, "api@1.0.0 unit passed\n", "");
    let said = env.run(&["--json", "check", "record", "api@1.0.0", "uat", "failed"]).ok().json();
    assert_eq!(said["release"]["checks"]["uat"]["passed"], false);
    assert_eq!(said["release"]["checks"]["unit"]["note"], "812 tests");

    env.run(&["check", "record", "api@1.0.0", "unti", "passed"]).is(
        3,
        "",
        "relman: there is no check 'unti' in [stages.test] checks\n  → did you mean \"unit\"?\n",
    );
    drop(env.run(&["check", "record", "api@1.0.0", "unit", "maybe"]).exits(2));
}

#[test]
fn the_checklist_is_ticked_once() {
    let env = ready();
    env.run(&["checklist", "list", "api@1.0.0"]).is(0, "[ ] Backup taken\n", "");

    let said = env.run(&["checklist", "tick", "api@1.0.0", "Backup taken"]);
    said.is(0, "api@1.0.0 \"Backup taken\" is done\n", "");

    let said = env.run(&["checklist", "list", "api@1.0.0"]);
    said.is(0, "[x] Backup taken  (alice, Tue 2026-09-01 12:00 CEST)\n", "");
    drop(env.run_as(BOB, &["checklist", "tick", "api@1.0.0", "Backup taken"]).exits(4));
    drop(env.run(&["checklist", "tick", "api@1.0.0", "Coffee made"]).exits(3));
}

#[test]
fn the_board_and_the_status_show_where_things_are() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());

    let board = env.run(&["board"]).ok();
    let lines: Vec<&str> = board.out.lines().collect();
    assert_eq!(lines.len(), 2, "{board:#?}");
    assert_eq!(lines[0], "DEPLOY (1)");
    for words in ["api@1.0.0", "● staging", "· production"] {
        assert!(lines[1].contains(words), "{board:#?}");
    }
    env.run(&["status"]).is(
        0,
        " SERVICE  ENVIRONMENT  LIVE   SINCE  BY     NEWEST  WAITING  FREEZE\n \
         api      staging      1.0.0  now    alice\n \
         api      production   –\n \
         web      staging      –\n",
        "",
    );
    let empty = team().run(&["board"]).ok();
    assert_eq!(empty.out, "");
    assert!(empty.err.contains("no release yet") && empty.err.contains("relman demo"), "{empty:#?}");
}

#[test]
fn what_was_recorded_by_mistake_is_emptied_again() {
    let env = team();
    drop(env.run(&["release", "new", "api", "1.0.0", "--need", "sales", "--change", "one"]).ok());
    drop(env.run(&["release", "edit", "api@1.0.0", "--owner", "the wrong team", "--risk", "high"]).ok());
    drop(
        env.run(&[
            "release",
            "edit",
            "api@1.0.0",
            "--clear",
            "owner",
            "--clear",
            "risk",
            "--clear",
            "changes",
        ])
        .ok(),
    );
    let shown = env.run(&["--json", "release", "show", "api@1.0.0"]).ok().json();
    let release = &shown["release"]["release"];
    assert!(release["plan"]["owner"].is_null() && release["plan"]["risk"].is_null(), "{release:#}");
    assert!(release["build"]["changes"].as_array().is_none_or(Vec::is_empty), "{release:#}");
    assert_eq!(release["request"]["need"], "sales");
    let said = env.run(&["release", "edit", "api@1.0.0", "--clear", "title"]).exits(2);
    assert!(said.err.contains("is not a field; use one of need, "), "{said:#?}");
}

#[test]
fn a_deployment_whose_supervisor_is_silent_is_marked_wherever_it_is_listed() {
    let mut env = ready();
    env.script("deploy.sh", &format!("touch runs; {}", crate::support::env::gate("go")));
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--detach"]).ok());
    env.until_file("runs");
    env.vars.retain(|(name, _)| name != "RELMAN_TEST_NOW");
    env.vars.push(("RELMAN_TEST_NOW".to_owned(), "2026-09-01T11:00:00Z".to_owned()));
    for args in [["deployments"], ["board"]] {
        let said = env.run(&args).ok();
        assert!(said.out.contains("NO SIGN OF LIFE"), "{said:#?}");
    }
    env.touch("go");
    env.until_state(1, "succeeded");
}

#[test]
fn a_release_may_be_named_in_one_word() {
    let env = ready();
    drop(env.run(&["release", "new", "web@3.0.0"]).ok());
    drop(env.run(&["release", "show", "web@3.0.0"]).ok());
    let twice = env.run(&["release", "new", "web@3.0.1", "3.0.1"]).exits(2);
    assert!(twice.err.contains("a service and one version"), "{twice:#?}");
    drop(env.run(&["release", "new", "web"]).exits(2));
}
