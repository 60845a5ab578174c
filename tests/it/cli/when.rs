//! `relman when`, and what is said before something closes

use super::{at, ready, team};

#[test]
fn slots_are_listed_with_what_else_is_needed() {
    let env = ready();
    let said = env.run(&["when", "api@1.0.0", "staging"]);
    said.is(0, "staging is open for api@1.0.0 for 30m:\n  now, with no end in sight\n", "");
    drop(
        env.run(&[
            "freeze",
            "add",
            "Afternoons",
            "--start",
            "14:00",
            "--end",
            "+3h",
            "--rrule",
            "FREQ=DAILY",
            "--reason",
            "r",
            "--environment",
            "staging",
        ])
        .ok(),
    );
    let said = env.run(&["when", "api@1.0.0", "staging", "--for", "40m", "--count", "2"]);
    said.is(
        0,
        "staging is open for api@1.0.0 for 40m:\n  now until Tue 2026-09-01 14:00 CEST, 2h\n  \
         from Tue 2026-09-01 17:00 CEST (in 5h) until Wed 2026-09-02 14:00 CEST, 21h\n",
        "",
    );
    let json =
        env.run(&["--json", "when", "api@1.0.0", "staging", "--for", "3h", "--count", "1"]).ok().json();
    assert_eq!(json["when"]["slots"][0]["start"], "2026-09-01T15:00:00.000Z");
    let said = env.run(&["when", "api@1.0.0", "production"]).ok();
    assert!(said.out.contains("also needed: order: nothing has been deployed to staging yet"), "{said:#?}");
}

#[test]
fn where_there_is_no_slot_it_says_why_and_exits_with_the_code_of_the_gate() {
    let env = ready();
    drop(
        env.run(&[
            "freeze",
            "add",
            "For ever",
            "--start",
            "2026-09-01",
            "--end",
            "2026-09-02",
            "--rrule",
            "FREQ=DAILY",
            "--reason",
            "retired",
        ])
        .ok(),
    );
    let said = env.run(&["when", "api@1.0.0", "staging"]).exits(5);
    assert!(said.out.contains("staging is not open for api@1.0.0 for 30m at any time until"), "{said:#?}");
    assert!(said.out.contains("frozen by \"For ever\", no known end (retired)"), "{said:#?}");
    drop(team().run(&["when", "api@9.9.9", "staging"]).exits(3));
    drop(env.run(&["when", "api@1.0.0", "staging", "--for", "soon"]).exits(2));
    drop(env.run(&["when", "api@1.0.0", "staging", "--count", "0"]).exits(2));
}

#[test]
fn what_closes_within_a_day_is_said_wherever_one_looks() {
    let mut env = ready();
    let add =
        ["freeze", "add", "Year end", "--start", "2026-09-03 10:00", "--end", "+3d", "--reason", "books"];
    drop(env.run(&add).ok());
    assert!(!env.run(&["why", "api@1.0.0", "staging"]).ok().out.contains("closes in"), "more than a day");
    let env = at(&mut env, "2026-09-03T06:20:00Z");
    let said = env.run(&["why", "api@1.0.0", "staging"]).ok().out;
    assert!(
        said.contains(
            "closes in 1h40m, Thu 2026-09-03 10:00 CEST (freeze: Year end); opens again Sun 2026-09-06 10:00 CEST"
        ),
        "{said}"
    );
    assert!(env.run(&["board"]).ok().out.contains("staging is open, closes 10:00 (freeze: Year end)"));
    assert!(env.run(&["status"]).ok().out.contains("closes 10:00 (freeze: Year end)"));
}
