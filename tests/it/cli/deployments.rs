//! `relman deploy | rollback | deployments | show | attach | cancel | resolve`

use super::{BOB, ready};
use crate::support::env::{TestEnv, gate};

#[test]
fn a_deployment_is_followed_to_its_end() {
    let env = ready();
    let said = env.run(&["deploy", "api@1.0.0", "staging", "--reason", "first"]).ok();
    assert_eq!(
        said.err,
        "started #1: deploy of api@1.0.0 to staging; leaving (Ctrl-C) does not stop it, relman cancel 1 does\n"
    );
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 4, "{said:#?}");
    assert_eq!(lines[..2], ["[relman] step 1 of 1: deploy", "deploying api 1.0.0 to staging"]);
    assert!(lines[2].starts_with("[relman] succeeded after "), "{said:#?}");
    assert_eq!(lines[3], "  succeeded: every step succeeded");
    let json = env.run(&["--json", "deploy", "api@1.0.0", "staging", "--wait"]).ok();
    assert_eq!(json.err, "");
    assert_eq!(json.json()["deployment"]["state"], "succeeded");
    assert_eq!(json.json()["deployment"]["kind"], "redeploy");
}

#[test]
fn a_detached_deployment_is_only_started() {
    let env = ready();
    env.script("deploy.sh", &gate("go"));
    env.run(&["deploy", "api@1.0.0", "staging", "--detach"]).is(
        0,
        "#1 deploy of api@1.0.0 to staging: running\n",
        "watch it with: relman attach 1\n",
    );
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--detach", "--wait"]).exits(2));

    let second = env.run_as(BOB, &["deploy", "api@1.0.0", "staging"]).exits(4);
    assert!(second.err.contains("#1 is running here: api@1.0.0 by alice"), "{second:#?}");
    assert!(second.err.contains("→ watch it: relman attach 1"), "{second:#?}");
    env.touch("go");
    let attached = env.run(&["attach", "1"]).ok();
    assert!(attached.out.ends_with("  succeeded: every step succeeded\n"), "{attached:#?}");
}

#[test]
fn attaching_to_what_is_over_shows_it_and_ends() {
    let env = ready();
    env.script("deploy.sh", "echo words; exit 3");
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).exits(9));

    let attached = env.run(&["attach", "1"]).exits(9);
    assert_eq!(attached.err, "");
    assert!(attached.out.contains("\nwords\n"), "{attached:#?}");
    assert!(
        attached.out.ends_with("failed: the script ended with exit status 3 (step deploy)\n"),
        "{attached:#?}"
    );
    let json = env.run(&["--json", "attach", "#1"]).exits(9).json();
    assert_eq!(json["deployment"]["cause"]["code"], 3);
    drop(env.run(&["attach", "2"]).exits(3));
}

#[test]
fn deployments_are_listed_page_by_page() {
    let env = ready();
    for _ in 0..5 {
        drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    }
    let page = |more: &[&str]| {
        let said = env.run(&[&["--json", "deployments"], more].concat()).ok().json();
        let all = said["deployments"].as_array().unwrap();
        all.iter().map(|d| d["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(page(&[]), [5, 4, 3, 2, 1]);
    assert_eq!(page(&["--limit", "2"]), [5, 4]);
    assert_eq!(page(&["--limit", "2", "--before", "4"]), [3, 2]);
    assert_eq!(page(&["--before", "1"]), [0_i64; 0]);
    assert_eq!(page(&["--environment", "production"]), [0_i64; 0]);
    assert_eq!(page(&["--service", "api", "--env", "staging", "--release", "api@1.0.0"]).len(), 5);

    let text = env.run(&["deployments", "--limit", "1"]).ok();
    let lines: Vec<&str> = text.out.lines().collect();
    assert_eq!(lines.len(), 2, "{text:#?}");
    assert!(lines[0].starts_with(" ID  STATE"), "{text:#?}");
    for words in ["#5", "succeeded", "redeploy", "api@1.0.0", "staging", "alice"] {
        assert!(lines[1].contains(words), "{text:#?}");
    }
    env.run(&["deployments", "--service", "web"]).is(0, "", "no deployment fits\n");
}

#[test]
fn one_deployment_is_shown_with_its_steps_and_gates() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--reason", "first"]).ok());
    let shown = env.run(&["show", "1"]).ok();
    for words in [
        "#1 deploy of api@1.0.0 to staging\n  succeeded: every step succeeded\n",
        "  reason        first\n",
        "  strategy      all-at-once\n",
        "  log           ",
        "  log digest    sha256:",
        "\n  1 deploy               succeeded",
        "gates when it started\n  ✓ deployer",
    ] {
        assert!(shown.out.contains(words), "{words:?} is not in {shown:#?}");
    }
    drop(env.run(&["show", "2"]).exits(3));
    drop(env.run(&["show", "one"]).exits(2));
}

/// Two good releases in staging: 1.0.0, then 1.1.0.
fn two_good() -> TestEnv {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    env.release("api@1.1.0");
    drop(env.run(&["deploy", "api@1.1.0", "staging"]).ok());
    env
}

#[test]
fn a_rollback_goes_to_the_last_good_release_and_blocks_the_one_it_leaves() {
    let env = two_good();
    let listed = env.run(&["rollback", "api", "staging", "--list"]).ok();
    assert_eq!(listed.err, "there now: api@1.1.0 (#2 succeeded)\n");
    let row = listed.out.lines().nth(1).unwrap();
    assert!(row.contains("1.0.0") && row.contains("#1"), "{listed:#?}");
    drop(env.run_as(BOB, &["freeze", "now", "--reason", "incident"]).ok());

    drop(env.run(&["rollback", "api", "staging", "--reason", "prices are wrong"]).ok());

    let d = env.deployment(3);
    assert_eq!((d["kind"].as_str(), d["release"].as_str()), (Some("rollback"), Some("api@1.0.0")));
    let left = env.run(&["release", "show", "api@1.1.0"]).ok();
    assert!(left.out.contains("rolled back from staging by #3: prices are wrong"), "{left:#?}");
}

#[test]
fn a_rollback_says_when_it_has_nowhere_to_go() {
    let env = ready();
    drop(env.run(&["rollback", "api", "staging"]).exits(2));
    let none = env.run(&["rollback", "api", "staging", "--reason", "r"]).exits(3);
    assert!(none.err.contains("there is nothing to go back to"), "{none:#?}");
    let env = two_good();
    let unknown = env.run(&["rollback", "api", "staging", "--to", "0.9.0", "--reason", "r"]).exits(3);
    assert!(unknown.err.contains("known good: 1.0.0"), "{unknown:#?}");
    drop(env.run(&["rollback", "api", "production", "--list"]).ok());
    drop(env.run(&["rollback", "web", "production", "--list"]).exits(3));
}

#[test]
fn only_what_is_lost_is_resolved() {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    env.run(&["resolve", "1", "failed", "--reason", "r"]).is(
        4,
        "",
        "relman: #1 is not lost, it is succeeded\n",
    );
    drop(env.run(&["resolve", "1", "failed"]).exits(2));
    drop(env.run(&["resolve", "1", "maybe", "--reason", "r"]).exits(2));
    drop(env.run(&["resolve", "9", "failed", "--reason", "r"]).exits(3));
}

#[test]
fn a_release_that_is_being_deployed_is_not_cancelled() {
    let env = ready();
    env.script("deploy.sh", &gate("go"));
    drop(env.run(&["deploy", "api@1.0.0", "staging", "--detach"]).ok());
    let said = env.run(&["release", "cancel", "api@1.0.0", "--reason", "r"]).exits(4);
    assert!(said.err.contains("#1 of api@1.0.0 to staging is running"), "{said:#?}");
    env.touch("go");
    env.until_state(1, "succeeded");
}

#[test]
fn what_is_live_and_what_was_before_it_can_be_named_so() {
    let env = TestEnv::deploying("true");
    let none = env.run(&["release", "show", "api@current:staging"]).exits(3);
    assert!(none.err.contains("release that is live in staging of api"), "{}", none.err);
    drop(env.deploy().ok());
    env.registered("api@1.1.0");
    drop(env.run(&["deploy", "api@1.1.0", "staging"]).ok());
    // Once more: what was before it is another release, not another deployment.
    drop(env.run(&["deploy", "api@1.1.0", "staging"]).ok());
    let shown = |what: &str| env.run(&["release", "show", what]).ok().out;
    assert!(shown("api@current:staging").starts_with("api@1.1.0 "));
    assert!(shown("api@previous:staging").starts_with("api@1.0.0 "));
    let arrived = env.run(&["release", "show", "api@current"]).exits(3);
    assert!(arrived.err.contains("live in production"), "{}", arrived.err);
    let nowhere = env.run(&["release", "show", "api@current:moon"]).exits(3);
    assert!(nowhere.err.contains("its pipeline: staging → production"), "{}", nowhere.err);
    drop(env.run(&["release", "show", "api@current:"]).exits(2));
}
