//! `[hooks]` for whoever uses them: programs and webhooks are told, nobody waits for them, and what fails is shown.

use std::time::Duration;

use crate::support::env::{MINIMAL, TestEnv};
use crate::support::http::{Reply, Server};
use crate::support::wait;

/// The minimal configuration with these hooks, and a release that may go to staging.
fn told(hooks: &str) -> TestEnv {
    let env = TestEnv::new();
    env.config(&format!("{MINIMAL}[process.standard]\nenter = \"build\"\n[hooks]\n{hooks}\n"));
    env
}

/// Waits until all deliveries of the store are in this state.
#[track_caller]
fn until_all(env: &TestEnv, state: &str, count: usize) -> Vec<serde_json::Value> {
    let all = || {
        let said = env.run(&["--json", "hooks", "deliveries", "--limit", "100"]).ok();
        said.json()["deliveries"].as_array().unwrap().clone()
    };
    wait::until(&format!("{count} deliveries to be {state}"), all, |all| {
        all.iter().filter(|one| one["state"] == state).count() >= count
    })
}

#[test]
fn a_program_gets_the_event_and_a_clean_environment() {
    let mut env = told("\"release.created\" = [[\"./hear.sh\", \"this\"]]\npass-env = [\"REGION\"]");
    env.vars = vec![("REGION".to_owned(), "eu".to_owned()), ("SECRET".to_owned(), "hunter2".to_owned())];
    env.script(
        "hear.sh",
        "cat > event.json\necho \"$1 $RELMAN_EVENT $REGION ${SECRET:-none} $PWD\" > heard\necho thanks",
    );
    env.registered("api@1.0.0");
    let heard = env.until_text("heard");
    let dir = env.path("").canonicalize().unwrap();
    assert_eq!(heard, format!("this release.created eu none {}", dir.display()));
    let text = std::fs::read_to_string(env.path("event.json")).unwrap();
    let event: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((event["schema"].as_i64(), event["name"].as_str()), (Some(1), Some("release.created")));
    assert_eq!(event["text"], "alice registered api@1.0.0");
    assert_eq!(event["actor"]["name"], "alice");
    let head = env.run(&["--json", "audit", "list", "--limit", "1"]).ok().json()["entries"][0].clone();
    assert_eq!(event["checkpoint"]["seq"], head["seq"]);
    let all = until_all(&env, "delivered", 1);
    assert_eq!(all[0]["said"], "thanks\n");
    let shown = env.run(&["hooks", "show", &all[0]["id"].to_string()]).ok().out;
    for words in
        ["release.created to release.created[0]", "exit status 0 (by alice on", "thanks", "\"schema\": 1"]
    {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    let listed = env.run(&["hooks", "list"]).ok().out;
    assert!(listed.contains("hear.sh this") && listed.contains("delivered "), "{listed}");
}

#[test]
fn a_hook_that_hangs_holds_up_no_command_and_no_deployment() {
    let env = told("timeout = \"60s\"\n\"*\" = [[\"./hang.sh\"]]");
    env.script("hang.sh", "touch hangs\nexec sleep 300");
    let start = std::time::Instant::now();
    env.registered("api@1.0.0");
    drop(env.deploy().ok());
    assert!(start.elapsed() < Duration::from_secs(50));
    env.until_file("hangs");
    env.assert_sound();
}

#[test]
fn a_hook_that_fails_fails_nothing_and_is_tried_again_with_the_same_event() {
    let env = told("\"deployment.finished\" = [[\"./flaky.sh\"]]");
    env.script("flaky.sh", "cat >> heard\n[ -e second ] && exit 0\ntouch second\necho not yet >&2\nexit 3");
    env.registered("api@1.0.0");
    drop(env.deploy().ok());
    let all = until_all(&env, "delivered", 1);
    assert_eq!((all.len(), all[0]["attempts"].as_i64()), (1, Some(2)));
    let heard = std::fs::read_to_string(env.path("heard")).unwrap();
    let ids: Vec<serde_json::Value> = heard
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].clone())
        .collect();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
}

#[test]
fn a_webhook_is_posted_signed_and_with_its_token() {
    let server = Server::always(Reply::status(204));
    let mut env = told(&format!(
        "webhook = {{ url = \"{}/in?x=1\", events = [\"release.*\"], headers = {{ X-Team = \"web\" }}, \
         headers-env = {{ Authorization = \"HOOK_TOKEN\" }}, secret-file = \"secret\" }}",
        server.url
    ));
    env.write("secret", "hunter2\n", 0o600);
    env.vars = vec![("HOOK_TOKEN".to_owned(), "Bearer abc".to_owned())];
    env.registered("api@1.0.0");
    let asked = server.until_asked(1).remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/in?x=1"));
    assert_eq!(asked.header("x-relman-event"), Some("release.created"));
    assert_eq!(asked.header("x-relman-attempt"), Some("1"));
    assert_eq!((asked.header("x-team"), asked.header("authorization")), (Some("web"), Some("Bearer abc")));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    let signature = relman::domain::hook::signature(b"hunter2", asked.body.as_bytes());
    assert_eq!(asked.header("x-relman-signature"), Some(format!("sha256={signature}").as_str()));
    assert_eq!(asked.header("x-relman-event-id"), asked.json()["id"].as_str());
    until_all(&env, "delivered", 1);
    let everything =
        ["hooks list", "hooks deliveries", "hooks show 1", "config show", "audit list", "doctor"]
            .map(|line| {
                let said = env.run(&line.split(' ').collect::<Vec<_>>());
                format!("{}{}", said.out, said.err)
            })
            .concat();
    for secret in ["hunter2", "Bearer abc", "x=1"] {
        assert!(!everything.contains(secret), "{secret} is shown:\n{everything}");
    }
}

#[test]
fn a_webhook_whose_token_is_not_set_waits_for_who_has_it() {
    let server = Server::always(Reply::status(200));
    let mut env = told(&format!(
        "webhook = {{ url = \"{}\", headers-env = {{ Authorization = \"HOOK_TOKEN\" }} }}",
        server.url
    ));
    env.registered("api@1.0.0");
    let listed = env.run(&["hooks", "list"]).ok().out;
    assert!(listed.contains("the variable HOOK_TOKEN is not set here"), "{listed}");
    assert!(server.asked().is_empty());
    env.vars = vec![("HOOK_TOKEN".to_owned(), "abc".to_owned())];
    let ticked = env.run(&["tick"]).ok().out;
    assert_eq!(ticked, "1 event was told to a hook\n");
    assert_eq!(server.asked().len(), 1);
}

/// What a webhook's failure looks like to people.
#[track_caller]
fn failure(reply: Reply, timeout: &str) -> String {
    let server = Server::always(reply);
    let env = told(&format!("timeout = \"{timeout}\"\nwebhook = \"{}/in\"", server.url));
    env.registered("api@1.0.0");
    let failed = || {
        let said = env.run(&["--json", "hooks", "deliveries"]).ok();
        said.json()["deliveries"][0].clone()
    };
    let one = wait::until("a failed attempt", failed, |one| one["outcome"].is_string());
    assert_eq!(one["state"], "pending", "{one}");
    one["outcome"].as_str().unwrap().to_owned()
}

#[test]
fn every_way_a_webhook_can_fail_has_its_sentence() {
    let host = "http://127.0.0.1:";
    let said = failure(Reply::status(500), "30s");
    assert!(said.starts_with("500 (by alice on "), "{said}");
    let said = failure(Reply::Silent(Duration::from_secs(60)), "1s");
    assert!(said.starts_with(&format!("no answer from {host}")) && said.contains("within 1s"), "{said}");
    let said = failure(Reply::Closed, "30s");
    assert!(said.starts_with(host), "{said}");
    let elsewhere = Server::always(Reply::status(200));
    let location: &'static str = Box::leak(format!("Location: {}/there\r\n", elsewhere.url).into_boxed_str());
    let said = failure(Reply::With(302, location, String::new()), "30s");
    assert!(said.starts_with(&format!("302: sent on to {}, which is not followed", elsewhere.url)), "{said}");
    assert!(elsewhere.asked().is_empty(), "nothing is sent to where an answer points");
}

#[test]
fn an_answer_that_does_not_end_is_cut() {
    let server = Server::always(Reply::With(200, "", "x".repeat(8 << 20)));
    let env = told(&format!("webhook = \"{}\"", server.url));
    env.registered("api@1.0.0");
    let all = until_all(&env, "delivered", 1);
    assert_eq!(all[0]["said"].as_str().unwrap().len(), 4096);
}

#[test]
fn what_two_people_cause_is_told_once_whoever_tells_it() {
    let server = Server::always(Reply::status(200));
    let env = told(&format!("webhook = \"{}\"", server.url));
    let commands: Vec<_> = (0..8)
        .map(|n| {
            let version = format!("1.{n}.0");
            let mut command = env.command(&["release", "new", "api", &version]);
            command.env("RELMAN_TEST_ACTOR", if n % 2 == 0 { "alice:1001" } else { "bob:1002" });
            command.spawn().unwrap()
        })
        .collect();
    for mut command in commands {
        assert!(command.wait().unwrap().success());
    }
    until_all(&env, "delivered", 8);
    let mut ids: Vec<String> =
        server.asked().iter().map(|asked| asked.header("x-relman-event-id").unwrap().to_owned()).collect();
    ids.sort();
    let all = ids.len();
    ids.dedup();
    assert_eq!((all, ids.len()), (8, 8));
}

#[test]
fn a_courier_that_dies_after_telling_tells_it_again_with_the_same_id() {
    let server = Server::always(Reply::status(200));
    let mut env = told(&format!("timeout = \"1s\"\nwebhook = \"{}\"", server.url));
    env.vars = vec![("RELMAN_CRASH_AT".to_owned(), "after-telling".to_owned())];
    env.registered("api@1.0.0");
    server.until_asked(1);
    env.vars.clear();
    // Its lease ends half a minute after the timeout; a clock that is set on needs no waiting.
    env.vars = vec![("RELMAN_TEST_NOW".to_owned(), "2099-01-01T00:00:00Z".to_owned())];
    let said = env.run(&["tick"]).ok();
    assert!(said.out.contains("1 event was told"), "{said:#?}");
    let asked = server.asked();
    let ids: Vec<_> = asked.iter().map(|asked| asked.header("x-relman-event-id")).collect();
    assert_eq!((ids.len(), ids[0]), (2, ids[1]));
    assert_eq!(asked[1].header("x-relman-attempt"), Some("2"));
}

#[test]
fn a_secret_that_everybody_may_read_is_none_and_a_program_that_cannot_be_run_is_found() {
    let server = Server::always(Reply::status(200));
    let env = told(&format!(
        "\"lock.taken\" = [[\"./nowhere.sh\"]]\nwebhook = {{ url = \"{}\", secret-file = \"secret\" }}",
        server.url
    ));
    env.write("secret", "hunter2", 0o644);
    env.registered("api@1.0.0");
    let said = env.run(&["doctor"]).exits(1).out;
    assert!(said.contains("secret is open to everyone on this machine: chmod o-rwx"), "{said}");
    assert!(said.contains("lock.taken[0]: ") && said.contains("nowhere.sh cannot be run"), "{said}");
    assert!(server.asked().is_empty());
}

#[test]
fn what_was_given_up_fails_doctor_until_it_is_told_again() {
    let server = Server::always(Reply::status(200));
    let env = told(&format!("webhook = \"{}\"", server.url));
    env.registered("api@1.0.0");
    until_all(&env, "delivered", 1);
    let db = rusqlite::Connection::open(env.path("state/relman.db")).unwrap();
    db.execute("UPDATE hook_deliveries SET state = 'given-up'", []).unwrap();
    let said = env.run(&["doctor"]).exits(1);
    assert!(said.out.contains("given up, could not be told: 1 event; relman hooks retry"), "{said:#?}");
    drop(env.run(&["hooks", "retry"]).ok());
    server.until_asked(2);
    until_all(&env, "delivered", 1);
}

#[test]
fn every_event_is_listed_and_a_misspelt_one_is_a_mistake() {
    let env = told("\"deployment.finishd\" = [[\"./x\"]]");
    let said = env.run(&["config", "check"]).exits(14);
    assert!(said.out.contains("there is no event 'deployment.finishd'"), "{said:#?}");
    assert!(said.out.contains("did you mean deployment.finished?"), "{said:#?}");
    let names = env.run(&["--json", "hooks", "events"]).ok().json()["events"].as_array().unwrap().len();
    assert_eq!(names, relman::domain::event::NAMES.len());
}
