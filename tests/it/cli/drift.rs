//! `relman drift`: what really runs, beside the record and beside what an environment mirrors.

use super::{TEAM, at, ready};
use crate::support::env::TestEnv;

/// A service whose current script prints what a file says, for each environment its own.
fn watched() -> TestEnv {
    let env = ready();
    env.config(
        &TEAM
            .replace(
                "[environments.staging]",
                "[environments.staging]\nmirrors = \"production\"\ndrift-ignore = [\"workers\"]",
            )
            .replace(
                "scripts = { deploy = [\"./deploy.sh\"] }\n[services.web]",
                "scripts = { deploy = [\"./deploy.sh\"], current = [\"./current.sh\"] }\n[services.web]",
            )
            .replace("[stages.test]", "[stages.test]\nrequire = [\"mirror\"]\nmirror-max-age = \"1d\""),
    );
    env.script("current.sh", "cat runs-$RELMAN_SERVICE-$RELMAN_ENVIRONMENT");
    env
}

fn runs(env: &TestEnv, place: &str, text: &str) {
    env.write(&format!("runs-api-{place}"), text, 0o644);
}

#[test]
fn what_runs_is_put_beside_what_is_recorded() {
    let env = watched();
    runs(&env, "staging", "");
    let nothing = env.run(&["drift", "api", "staging"]).ok();
    assert_eq!(nothing.out, "api in staging: in sync: nothing  (now by alice)\n");
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    runs(&env, "staging", "v1.0.0\n");
    drop(env.run(&["drift", "api", "staging"]).ok());
    runs(&env, "staging", "0.9.0");
    let drifted = env.run(&["drift", "api", "staging"]).exits(1);
    assert_eq!(drifted.out, "api in staging: OUT OF SYNC: 0.9.0 runs, 1.0.0 is recorded  (now by alice)\n");
    drop(env.run(&["drift", "api", "staging"]).exits(1));
    let listed = env.run(&["audit", "list", "--verb", "drift.observed"]).ok();
    assert_eq!(listed.out.lines().filter(|line| line.contains("api in staging")).count(), 1, "{listed:#?}");
    // A look that cannot tell is no news, and neither is what it said before when it can tell again.
    runs(&env, "staging", "two\nlines");
    drop(env.run(&["drift", "api", "staging"]).exits(1));
    runs(&env, "staging", "0.9.0");
    drop(env.run(&["drift", "api", "staging"]).exits(1));
    runs(&env, "staging", "1.0.0");
    drop(env.run(&["drift", "api", "staging"]).ok());
    let listed = env.run(&["audit", "list", "--verb", "drift.observed"]).ok();
    assert_eq!(listed.out.lines().filter(|line| line.contains("api in staging")).count(), 2, "{listed:#?}");
    env.assert_sound();
}

#[test]
fn a_script_that_cannot_say_is_no_answer() {
    let env = watched();
    let gone = env.run(&["drift", "api", "staging"]).exits(1);
    assert!(gone.out.contains("unknown: exit status 1: cat: runs-api-staging"), "{gone:#?}");
    runs(&env, "staging", "1.0.0\nsomething else");
    let long = env.run(&["drift", "api", "staging"]).exits(1);
    assert!(long.out.contains("its answer has several lines"), "{long:#?}");
    let none = env.run(&["drift", "web"]).exits(3);
    assert!(none.err.contains("current script of web"), "{none:#?}");
    drop(env.run(&["drift", "api", "dev"]).exits(3));
}

#[test]
fn staging_is_kept_like_production_before_what_was_tested_there_counts() {
    let mut env = watched();
    drop(env.run(&["release", "new", "api", "1.1.0"]).ok());
    for _stage in ["plan", "build", "test"] {
        drop(env.run(&["release", "advance", "api@1.1.0"]).ok());
    }
    let lacks = |env: &TestEnv| {
        let said = env.run(&["release", "advance", "api@1.1.0"]).exits(11);
        said.err
            .split("mirror: ")
            .nth(1)
            .unwrap_or_else(|| panic!("{said:#?}"))
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(lacks(&env), "nobody has looked what runs in staging");
    runs(&env, "staging", r#"{"facts": {"tls": "on", "workers": "2"}}"#);
    runs(&env, "production", r#"{"facts": {"tls": "on", "workers": "8", "cdn": "on"}}"#);
    let unlike = env.run(&["drift"]).exits(1);
    assert!(
        unlike.out.contains("unlike what it mirrors: cdn: on in production, missing in staging"),
        "{unlike:#?}"
    );
    assert_eq!(lacks(&env), "staging is not like production: cdn: on in production, missing in staging");
    runs(&env, "staging", r#"{"facts": {"tls": "on", "workers": "2", "cdn": "on"}}"#);
    drop(env.run(&["drift"]).ok());
    let last = env.run(&["drift", "--last"]).ok();
    assert_eq!(last.out.lines().count(), 2, "{last:#?}");
    at(&mut env, "2026-09-03T10:00:00Z");
    assert!(lacks(&env).starts_with("the look at staging is 2d old"), "{}", lacks(&env));
    drop(env.run(&["drift"]).ok());
    drop(env.run(&["release", "advance", "api@1.1.0"]).ok());
}

#[test]
fn what_no_script_can_tell_is_no_gap_unless_it_is_required() {
    let env = ready();
    let mirrored = TEAM.replace("[environments.staging]", "[environments.staging]\nmirrors = \"production\"");
    env.config(&mirrored);
    drop(env.run(&["release", "new", "web", "1.0.0"]).ok());
    for _stage in ["plan", "build", "test"] {
        drop(env.run(&["release", "advance", "web@1.0.0"]).ok());
    }
    let shown = env.run(&["release", "show", "web@1.0.0"]).ok();
    assert!(shown.out.contains("to leave the test stage") && !shown.out.contains("mirror"), "{shown:#?}");
    env.config(&mirrored.replace("[stages.test]", "[stages.test]\nrequire = [\"mirror\"]"));
    let held = env.run(&["release", "advance", "web@1.0.0"]).exits(11);
    assert!(held.err.contains("mirror: nobody has looked what runs in staging"), "{held:#?}");
}
