//! `relman metrics` and `relman judge`: the figures of a store that can be followed by hand.

use prometheus_parse::{Scrape, Value};

use super::{BOB, at, ready};
use crate::support::env::TestEnv;

/// api@1.0.0 live in production an hour after it was registered, then 1.1.0, which is taken back by going to 1.0.0.
fn history() -> TestEnv {
    let mut env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run_as(BOB, &["approve", "api@1.0.0", "production"]).ok());
    at(&mut env, "2026-09-01T11:00:00Z");
    drop(env.run(&["deploy", "api@1.0.0", "production", "--confirm", "1.0.0"]).ok());
    env.release("api@1.1.0");
    drop(env.run(&["deploy", "api@1.1.0", "staging"]).ok());
    drop(env.run_as(BOB, &["approve", "api@1.1.0", "production"]).ok());
    at(&mut env, "2026-09-02T11:00:00Z");
    drop(env.run_as(BOB, &["approve", "api@1.1.0", "production"]));
    env
}

fn figures(env: &TestEnv, more: &[&str]) -> serde_json::Value {
    env.run(&[&["--json", "metrics", "--since", "2026-08-20 00:00"], more].concat()).json()["metrics"].clone()
}

#[test]
fn an_approval_that_is_given_anew_for_other_content_was_stale_before() {
    let mut env = history();
    assert_eq!(figures(&env, &[])["stale_approvals"], serde_json::json!({ "count": 0, "of": 2 }));
    env.write("deploy.sh", "#!/bin/sh\necho other\n", 0o755);
    drop(env.run_as(BOB, &["approve", "api@1.1.0", "production"]).ok());
    at(&mut env, "2026-09-02T12:00:00Z");
    assert_eq!(figures(&env, &[])["stale_approvals"], serde_json::json!({ "count": 1, "of": 4 }));
    let text = env.run(&["metrics", "--since", "2026-08-20 00:00", "--format", "prometheus"]).ok().out;
    assert!(text.contains("relman_stale_approval_ratio{service=\"api\"} 0.25"), "{text}");
}

#[test]
fn what_went_to_production_is_counted_and_what_is_called_faulty_later_counts_as_failed() {
    let mut env = history();
    let found = figures(&env, &[]);
    assert_eq!(found["deployments"], 1, "{found:#}");
    assert_eq!(found["lead_time"]["median_seconds"], 3600);
    assert_eq!(found["change_failures"], serde_json::json!({ "count": 0, "of": 1 }));
    assert_eq!(found["environments"], serde_json::json!(["production"]));
    let waits = &found["approval_waits"];
    assert_eq!(
        (&waits[0]["about"], &waits[0]["group"]),
        (&"production".into(), &"managers".into()),
        "{found:#}"
    );
    assert_eq!(waits[0]["median_seconds"], 0, "given when the release was in its stage");

    at(&mut env, "2026-09-03T11:00:00Z");
    let id = env.run(&["--json", "deployments", "--limit", "10"]).json()["deployments"]
        .as_array()
        .unwrap()
        .iter()
        .find(|d| d["environment"] == "production")
        .unwrap()["id"]
        .to_string();
    drop(env.run(&["judge", &id, "succeeded", "--reason", "x"]).exits(4));
    let said = env.run(&["judge", &id, "failed", "--reason", "carts vanished"]).ok();
    assert!(said.out.contains("counts as failed from now on"), "{said:#?}");
    let found = figures(&env, &[]);
    assert_eq!(found["change_failures"], serde_json::json!({ "count": 1, "of": 1 }));
    assert_eq!(found["deployments"], 0);
    drop(env.run(&["judge", &id, "succeeded", "--reason", "it was another service"]).ok());
    assert_eq!(figures(&env, &[])["deployments"], 1, "the last word counts");
    env.assert_sound();
}

#[test]
fn spans_services_and_environments_narrow_it() {
    let env = history();
    assert_eq!(figures(&env, &["--until", "2026-08-30 00:00"])["deployments"], 0);
    assert_eq!(figures(&env, &["--service", "web"])["deployments"], 0);
    assert_eq!(figures(&env, &["--environment", "staging"])["deployments"], 2);
    drop(env.run(&["metrics", "--service", "wbe"]).exits(3));
    drop(env.run(&["metrics", "--since", "2026-09-03", "--until", "2026-09-02"]).exits(2));
}

#[test]
fn people_read_it_as_lines_with_a_trend() {
    let env = history();
    let said = env.run(&["metrics", "--service", "api"]).ok().out;
    assert!(said.starts_with("api in production, 2026-06-04 to 2026-09-02\n"), "{said}");
    for line in [
        "deployments            1 (yearly, 0.1 a week)",
        "lead time              1h",
        "change failures        0% (0 of 1)",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert!(said.contains("▁▁▁▁▁▁▁█"), "{said}");
}

#[test]
fn another_parser_reads_what_is_exposed() {
    let env = history();
    let text = env.run(&["metrics", "--format", "prometheus"]).ok().out;
    let scrape = Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap();
    let of = |name: &str, service: &str| {
        scrape
            .samples
            .iter()
            .find(|sample| sample.metric == name && sample.labels.get("service") == Some(service))
            .map(|sample| sample.value.clone())
    };
    assert_eq!(of("relman_deployments", "api"), Some(Value::Gauge(1.0)));
    assert_eq!(of("relman_deployments", "web"), Some(Value::Gauge(0.0)));
    assert_eq!(of("relman_lead_time_seconds", "api"), Some(Value::Gauge(3600.0)));
    assert_eq!(of("relman_lead_time_seconds", "web"), None, "there is none, which is not none at all");
    assert!(scrape.docs.contains_key("relman_change_failure_ratio"), "{text}");
}

#[test]
fn a_spreadsheet_gets_a_row_for_each_service() {
    let env = history();
    let text = env.run(&["metrics", "--format", "csv"]).ok().out;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!((&head[0], &head[3], rows.len()), ("service", "deployments", 2));
    assert_eq!((&rows[0][0], &rows[0][3], &rows[1][0], &rows[1][3]), ("api", "1", "web", "0"));
}

#[test]
fn releases_are_counted_by_where_the_wish_came_from() {
    let mut env = ready();
    at(&mut env, "2026-09-01T10:00:00Z");
    for (version, origin) in [("2.0.0", "feedback"), ("2.1.0", "feedback"), ("2.2.0", "incident")] {
        drop(env.run(&["release", "new", "api", version, "--origin", origin]).ok());
    }
    at(&mut env, "2026-09-02T10:00:00Z");
    let origins = figures(&env, &[])["origins"].clone();
    let count = |origin: &str| {
        origins.as_array().unwrap().iter().find(|one| one["origin"] == origin).unwrap()["registered"].clone()
    };
    assert_eq!((count("feedback"), count("incident"), count("market")), (2.into(), 1.into(), 0.into()));
    let text = env.run(&["metrics", "--since", "2026-08-20 00:00"]).ok().out;
    assert!(text.contains("wished for by") && text.contains("feedback 2"), "{text}");
    let scrape = env.run(&["metrics", "--since", "2026-08-20 00:00", "--format", "prometheus"]).ok().out;
    let scrape = Scrape::parse(scrape.lines().map(|line| Ok(line.to_owned()))).unwrap();
    let sample = scrape
        .samples
        .iter()
        .find(|sample| {
            sample.metric == "relman_registered_releases" && sample.labels.get("origin") == Some("feedback")
        })
        .unwrap();
    assert!(matches!(sample.value, Value::Gauge(count) if (count - 2.0).abs() < f64::EPSILON));
}
