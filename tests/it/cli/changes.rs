//! `[change]` against systems that speak as ServiceNow, Jira and a program of one's own do.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::env::{MINIMAL, TestEnv};
use crate::support::http::{Asked, Reply, Server};
use crate::support::wait;

const TITLE: &str = "Deploy \"api\" version 1.0.0 to \"staging\"";

/// `api` is change-controlled in staging, by these lines of `[change]`.
fn controlled(change: &str) -> TestEnv {
    let mut env = TestEnv::new();
    let minimal = MINIMAL
        .replace(
            "[environments.staging]",
            "[environments.staging]\nchange-controlled = true\noverride = [\"leads\"]",
        )
        .replace("[services.api]", "[services.api]\nchange-controlled = true");
    env.config(&format!(
        "{minimal}[groups]\nleads = [\"alice\"]\n[process.standard]\nenter = \"build\"\n[change]\n{change}\n"
    ));
    env.vars =
        vec![("ITSM_USER".to_owned(), "relman".to_owned()), ("ITSM_TOKEN".to_owned(), "hunter2".to_owned())];
    env.registered("api@1.0.0");
    env
}

const DEPLOY: [&str; 3] = ["deploy", "api@1.0.0", "staging"];

/// What the fake system holds.
#[derive(Default)]
struct Tickets {
    all: Vec<Value>,
}

fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn both(value: &str, shown: &str) -> Value {
    json!({ "value": value, "display_value": shown, "link": "x" })
}

fn servicenow(tickets: &Arc<Mutex<Tickets>>) -> Server {
    let tickets = Arc::clone(tickets);
    Server::new(move |asked: &Asked| {
        // relman:hunter2
        if asked.header("authorization") != Some("Basic cmVsbWFuOmh1bnRlcjI=") {
            let body = json!({ "error": { "message": "User Not Authenticated", "detail": "" } });
            return Reply::With(401, "", body.to_string());
        }
        let mut tickets = tickets.lock().unwrap();
        let table = "/api/now/table/change_request";
        match asked.method.as_str() {
            "GET" => {
                let found: Vec<Value> = tickets
                    .all
                    .iter()
                    .filter(|one| {
                        let by = |field: &str| {
                            let value = one[field]["value"].as_str().unwrap();
                            asked.path.contains(&escaped(&format!("{field}={value}")))
                        };
                        by("number") || by("short_description")
                    })
                    .cloned()
                    .collect();
                assert!(asked.path.starts_with(&format!("{table}?sysparm_query=")), "{}", asked.path);
                Reply::json(&json!({ "result": found }))
            }
            "POST" => {
                let number = format!("CHG00{}", tickets.all.len() + 1);
                let fields = asked.json();
                let ticket = json!({
                    "sys_id": both(&format!("id{number}"), "id"), "number": both(&number, &number),
                    "state": both("-5", "Neu"), "start_date": both("", ""), "end_date": both("", ""),
                    "short_description": both(fields["short_description"].as_str().unwrap(), "x"),
                    "notes": [], "type": fields["type"], "template": asked.path.contains("/standard/tpl1"),
                });
                tickets.all.push(ticket.clone());
                Reply::With(201, "", json!({ "result": ticket }).to_string())
            }
            "PATCH" => {
                let id = asked.path.strip_prefix(&format!("{table}/")).unwrap().to_owned();
                let one = tickets.all.iter_mut().find(|one| one["sys_id"]["value"] == id.as_str()).unwrap();
                let fields = asked.json();
                if let Some(state) = fields["state"].as_str() {
                    one["state"] = both(state, "?");
                }
                if fields["work_notes"].is_string() {
                    one["notes"].as_array_mut().unwrap().push(fields["work_notes"].clone());
                }
                Reply::json(&json!({ "result": one }))
            }
            other => panic!("{other}"),
        }
    })
}

fn set_state(tickets: &Arc<Mutex<Tickets>>, at: usize, state: &str) {
    tickets.lock().unwrap().all[at]["state"] = both(state, "?");
}

fn notes(tickets: &Arc<Mutex<Tickets>>, at: usize) -> Vec<Value> {
    tickets.lock().unwrap().all[at]["notes"].as_array().unwrap().clone()
}

#[test]
fn a_normal_change_is_made_waited_for_and_told_what_happened() {
    let tickets = Arc::new(Mutex::new(Tickets::default()));
    let server = servicenow(&tickets);
    let env = controlled(&format!(
        "adapter = \"servicenow\"\nurl = \"{}/\"\nuser-env = \"ITSM_USER\"\ntoken-env = \"ITSM_TOKEN\"",
        server.url
    ));
    let why = env.run(&["why", "api@1.0.0", "staging"]).exits(11).out;
    assert!(
        why.contains(&format!("✗ change     there is no change ticket {TITLE}, asked just now")),
        "{why}"
    );
    assert!(tickets.lock().unwrap().all.is_empty(), "a look makes none");

    let said = env.run(&DEPLOY).exits(11);
    assert!(said.err.contains("change: CHG001 is in New: it is not to be implemented yet"), "{said:#?}");
    let made = tickets.lock().unwrap().all[0].clone();
    assert_eq!(
        (made["short_description"]["value"].as_str(), made["type"].as_str()),
        (Some(TITLE), Some("normal"))
    );

    for state in ["-4", "-3", "-2"] {
        set_state(&tickets, 0, state);
        drop(env.run(&DEPLOY).exits(11));
    }
    set_state(&tickets, 0, "-1");
    let checked = env.run(&["change", "check", "api@1.0.0", "staging"]).ok().out;
    assert!(checked.contains("Implement: a deployment may go on"), "{checked}");
    drop(env.run(&DEPLOY).ok());
    assert_eq!(tickets.lock().unwrap().all.len(), 1, "the same ticket all along");
    let notes = wait::until("two work notes", || notes(&tickets, 0), |notes| notes.len() >= 2);
    assert!(notes[0].as_str().unwrap().contains("alice started #1"), "{notes:?}");
    assert!(notes[1].as_str().unwrap().contains("succeeded"), "{notes:?}");
    assert!(notes[1].as_str().unwrap().contains("log: sha256:"), "{notes:?}");

    // A redeployment under a ticket that is over asks for a new one.
    set_state(&tickets, 0, "3");
    drop(env.run(&DEPLOY).exits(11));
    assert_eq!(tickets.lock().unwrap().all.len(), 2);
    // A ticket somebody names is the only one that counts.
    let said = env.run(&["deploy", "api@1.0.0", "staging", "--change", "CHG001"]).exits(11);
    assert!(said.err.contains("CHG001 is in Closed: nothing may be done under it"), "{said:#?}");
    let everything = format!(
        "{}{}{}",
        env.run(&["audit", "list"]).out,
        env.run(&["--json", "change", "show", "api@1.0.0", "staging"]).out,
        env.run(&["hooks", "list"]).out
    );
    assert!(!everything.contains("hunter2"), "{everything}");
}

#[test]
fn a_record_is_a_standard_change_from_its_template_and_ends_in_review() {
    let tickets = Arc::new(Mutex::new(Tickets::default()));
    let server = servicenow(&tickets);
    let env = controlled(&format!(
        "adapter = \"servicenow\"\nurl = \"{}\"\nuser-env = \"ITSM_USER\"\ntoken-env = \"ITSM_TOKEN\"\n\
         template = \"tpl1\"\nrecord = true",
        server.url
    ));
    drop(env.run(&DEPLOY).ok());
    let ended = wait::until(
        "the ticket to come to Review",
        || tickets.lock().unwrap().all[0].clone(),
        |one| one["state"]["value"] == "0",
    );
    assert_eq!(ended["template"], true);
    assert_eq!(ended["notes"].as_array().unwrap().len(), 2);
}

#[test]
fn one_question_has_one_deadline_however_many_requests_it_takes() {
    use std::time::{Duration, Instant};
    // Over, so that its title is asked about after its number; each answer takes most of the time there is.
    let over = Arc::new(Mutex::new(false));
    let is_over = Arc::clone(&over);
    let server = Server::new(move |_: &Asked| {
        let is_over = *is_over.lock().unwrap();
        if is_over {
            let until = Instant::now() + Duration::from_millis(1200);
            wait::until("the answer", Instant::now, |now| *now >= until);
        }
        let state = if is_over { "3" } else { "-1" };
        Reply::json(&json!({ "result": [{
            "sys_id": both("id1", "id"), "number": both("CHG1", "CHG1"), "state": both(state, "?"),
            "short_description": both(TITLE, "x"), "start_date": both("", ""), "end_date": both("", ""),
        }] }))
    });
    let env = controlled(&format!(
        "adapter = \"servicenow\"\nurl = \"{}\"\nuser-env = \"ITSM_USER\"\ntoken-env = \"ITSM_TOKEN\"\ntimeout = \"2s\"",
        server.url
    ));
    drop(env.run(&["change", "check", "api@1.0.0", "staging"]).ok());
    *over.lock().unwrap() = true;
    let asked = server.asked().len();
    let said = env.run(&["change", "check", "api@1.0.0", "staging"]).exits(1);
    assert!(
        said.out.contains("no answer from http://127.0.0.1") && said.out.contains("within 2s"),
        "{said:#?}"
    );
    assert!(server.asked().len() > asked, "it was asked");
}

#[test]
fn who_may_not_sign_in_learns_why_and_the_gate_stays_closed() {
    let tickets = Arc::new(Mutex::new(Tickets::default()));
    let server = servicenow(&tickets);
    let mut env = controlled(&format!(
        "adapter = \"servicenow\"\nurl = \"{}\"\nuser-env = \"ITSM_USER\"\ntoken-env = \"ITSM_TOKEN\"",
        server.url
    ));
    env.vars[1].1 = "wrong".to_owned();
    let said = env.run(&["change", "check", "api@1.0.0", "staging"]).exits(1);
    assert!(
        said.out.contains("no answer: 401: it knows neither user nor token (User Not Authenticated)"),
        "{said:#?}"
    );
    let why = env.run(&["why", "api@1.0.0", "staging"]).exits(11).out;
    assert!(why.contains("? change     unknown: the change system gave no answer: 401"), "{why}");
    env.vars.clear();
    let said = env.run(&["change", "check", "api@1.0.0", "staging"]).exits(1);
    assert!(said.out.contains("the variable ITSM_USER is not set here"), "{said:#?}");
    drop(
        env.run(&["deploy", "api@1.0.0", "staging", "--override", "change", "--reason", "site is down"]).ok(),
    );
}

#[test]
fn what_is_to_be_noted_waits_for_who_may_sign_in() {
    let tickets = Arc::new(Mutex::new(Tickets::default()));
    let server = servicenow(&tickets);
    let mut env = controlled(&format!(
        "adapter = \"servicenow\"\nurl = \"{}\"\nuser-env = \"ITSM_USER\"\ntoken-env = \"ITSM_TOKEN\"",
        server.url
    ));
    drop(env.run(&DEPLOY).exits(11));
    // Who was sent to the hooks by then has the token.
    let couriers = || env.processes().iter().filter(|(_, line)| line.contains("__deliver")).count();
    wait::until("the couriers to be gone", couriers, |count| *count == 0);
    let vars = std::mem::take(&mut env.vars);
    drop(
        env.run(&["deploy", "api@1.0.0", "staging", "--override", "change", "--reason", "night shift"]).ok(),
    );
    let listed = env.run(&["hooks", "list"]).ok().out;
    assert!(listed.contains("2 pending; the variable ITSM_USER is not set here"), "{listed}");
    env.vars = vars;
    assert_eq!(env.run(&["tick"]).ok().out, "2 events were told to hooks\n");
    assert_eq!(notes(&tickets, 0).len(), 2);
}

fn jira(tickets: &Arc<Mutex<Tickets>>) -> Server {
    let tickets = Arc::clone(tickets);
    Server::new(move |asked: &Asked| {
        if asked.header("authorization") != Some("Bearer hunter2") {
            return Reply::status(401);
        }
        let mut tickets = tickets.lock().unwrap();
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/rest/api/3/search/jql") => {
                let jql = asked.json()["jql"].as_str().unwrap().to_owned();
                assert!(
                    jql.starts_with(
                        "project = \"OPS\" AND summary ~ \"Deploy  api  version 1.0.0 to  staging \""
                    ),
                    "{jql}"
                );
                Reply::json(&json!({ "issues": tickets.all, "isLast": true }))
            }
            ("POST", "/rest/api/3/issue") => {
                let fields = asked.json()["fields"].clone();
                assert_eq!(fields["project"]["key"], "OPS");
                assert_eq!(fields["issuetype"]["name"], "[System] Change");
                assert_eq!(fields["description"]["type"], "doc");
                let key = format!("OPS-{}", tickets.all.len() + 1);
                tickets.all.push(json!({ "key": key, "notes": [], "fields": {
                    "summary": fields["summary"], "status": { "name": "Planning" } } }));
                Reply::With(201, "", json!({ "id": "1", "key": key }).to_string())
            }
            ("POST", path) if path.ends_with("/comment") => {
                let key =
                    path.trim_start_matches("/rest/api/3/issue/").trim_end_matches("/comment").to_owned();
                let one = tickets.all.iter_mut().find(|one| one["key"] == key.as_str()).unwrap();
                one["notes"].as_array_mut().unwrap().push(asked.json()["body"].clone());
                Reply::With(201, "", "{}".to_owned())
            }
            ("GET", path) => {
                let key = path.trim_start_matches("/rest/api/3/issue/").split('?').next().unwrap();
                match tickets.all.iter().find(|one| one["key"] == key) {
                    Some(one) => Reply::json(one),
                    None => Reply::With(404, "", json!({ "errorMessages": ["no such issue"] }).to_string()),
                }
            }
            (method, path) => panic!("{method} {path}"),
        }
    })
}

#[test]
fn a_change_in_jira_is_found_by_exactly_its_title_and_commented() {
    let tickets = Arc::new(Mutex::new(Tickets::default()));
    tickets.lock().unwrap().all.push(json!({ "key": "OPS-1", "notes": [], "fields": {
        "summary": "Deploy \"api\" version 1.0.0 to \"staging\" again", "status": { "name": "Implementing" } } }));
    let server = jira(&tickets);
    let env = controlled(&format!(
        "adapter = \"jira\"\nurl = \"{}\"\ntoken-env = \"ITSM_TOKEN\"\nproject = \"OPS\"\nend-field = \"customfield_7\"",
        server.url
    ));
    let said = env.run(&DEPLOY).exits(11);
    assert!(said.err.contains("OPS-2 is in Planning"), "a similar title is another ticket: {said:#?}");
    tickets.lock().unwrap().all[1]["fields"]["status"]["name"] = json!("Implementing");
    tickets.lock().unwrap().all[1]["fields"]["customfield_7"] = json!("2020-01-01T10:00:00.000+0100");
    let said = env.run(&DEPLOY).exits(11);
    assert!(said.err.contains("OPS-2 was planned until Wed 2020-01-01 09:00 UTC"), "{said:#?}");
    tickets.lock().unwrap().all[1]["fields"]["customfield_7"] = json!("2199-01-01T10:00:00.000+0100");
    drop(env.run(&DEPLOY).ok());
    let comments = wait::until("two comments", || notes(&tickets, 1), |notes| notes.len() >= 2);
    let text = comments[1].pointer("/content/0/content/0/text").unwrap().as_str().unwrap();
    assert!(text.starts_with("relman: #1 (api@1.0.0 to staging, by alice) succeeded"), "{text}");
    let said = env.run(&["change", "set", "api@1.0.0", "staging", "OPS-99"]).ok().out;
    assert!(said.contains("no answer: there is no ticket OPS-99"), "{said}");
}

#[test]
fn a_program_answers_with_its_exit_status() {
    let env = controlled("command = [\"./itsm.sh\"]\ntimeout = \"2s\"");
    env.script(
        "itsm.sh",
        "cat > question\n[ -e answer.json ] && cat answer.json\n[ -e hang ] && exec sleep 60\n. ./code",
    );
    for (code, exit, words) in [
        ("exit 0", 0, ""),
        ("exit 1", 11, "its change is in refused: nothing may be done under it"),
        ("exit 75", 11, "its change is in pending: it is not to be implemented yet"),
        ("echo the site is down >&2; exit 9", 11, "itsm.sh: exit status 9: the site is down"),
    ] {
        env.write("code", code, 0o644);
        let said = env.run(&DEPLOY).exits(exit);
        assert!(said.err.contains(words), "{said:#?}");
    }
    let question: Value =
        serde_json::from_str(&std::fs::read_to_string(env.path("question")).unwrap()).unwrap();
    assert_eq!((question["act"].as_str(), question["title"].as_str()), (Some("check"), Some(TITLE)));
    assert_eq!(
        (question["environment"].as_str(), question["actor"].as_str()),
        (Some("staging"), Some("alice"))
    );
    env.write("code", "exit 0", 0o644);
    env.write("answer.json", r#"{"number": "C-7", "state": "go", "end": "2199-01-01T00:00:00Z"}"#, 0o644);
    let shown = env.run(&["change", "check", "api@1.0.0", "staging"]).ok().out;
    assert!(shown.contains("C-7 for api@1.0.0 to staging") && shown.contains("until"), "{shown}");
    env.write("answer.json", "nonsense", 0o644);
    let said = env.run(&["change", "check", "api@1.0.0", "staging"]).exits(1).out;
    assert!(said.contains("answered with what nobody understands"), "{said}");
    std::fs::remove_file(env.path("answer.json")).unwrap();
    env.touch("hang");
    let said = env.run(&["change", "check", "api@1.0.0", "staging"]).exits(1).out;
    assert!(said.contains("itsm.sh: stopped after 2s"), "{said}");
}

#[test]
fn a_program_makes_a_ticket_when_somebody_deploys_and_not_before() {
    let env = controlled("command = [\"./itsm.sh\"]");
    env.script(
        "itsm.sh",
        "cat > question\ngrep -q '\"create\":true' question && echo C-1 >> made\n\
         if [ -e made ]; then echo '{\"number\":\"C-1\",\"made\":true}'; else echo '{\"missing\":true}'; fi\n\
         [ -e approved ] || exit 75",
    );
    let why = env.run(&["why", "api@1.0.0", "staging"]).exits(11).out;
    assert!(why.contains("there is no change ticket") && !env.path("made").exists(), "{why}");
    let said = env.run(&DEPLOY).exits(11);
    assert!(said.err.contains("C-1 is in pending"), "{said:#?}");
    env.touch("approved");
    drop(env.run(&DEPLOY).ok());
    assert_eq!(std::fs::read_to_string(env.path("made")).unwrap(), "C-1\n", "once");
}

#[test]
fn where_nothing_is_controlled_there_is_nothing_to_ask() {
    let env = TestEnv::new();
    env.registered("api@1.0.0");
    let said = env.run(&["change", "show", "api@1.0.0", "staging"]).exits(4);
    assert!(said.err.contains("api in staging is not subject to change tickets"), "{said:#?}");
    assert!(said.err.contains("change-controlled = true"), "{said:#?}");
}
