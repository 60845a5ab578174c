//! `relman request …`

use super::ready;

#[test]
fn a_request_goes_from_the_list_into_a_release_and_shows_there() {
    let env = ready();
    let said = env
        .run(&[
            "request",
            "new",
            "Guest checkout",
            "--service",
            "api",
            "--origin",
            "market",
            "--priority",
            "high",
        ])
        .ok();
    assert_eq!(said.out, "R1 is on the list: Guest checkout\n");
    drop(env.run(&["request", "new", "Faster search", "--need", "users wait"]).ok());
    let list = env.run(&["request", "list"]).ok();
    assert!(
        list.out.contains("R1") && list.out.contains("high") && list.out.contains("open"),
        "{}",
        list.out
    );
    assert_eq!(list.err, "2: 1 internal, 1 market\n");
    drop(env.run(&["release", "new", "api", "2.0.0", "--request", "R1"]).ok());
    let show = env.run(&["request", "show", "R1"]).ok();
    assert!(show.out.contains("planned in api@2.0.0"), "{}", show.out);
    let plan = env.run(&["plan", "show", "api@2.0.0"]).ok();
    assert!(plan.out.contains("R1 Guest checkout"), "{}", plan.out);
    drop(env.run(&["request", "take", "R2", "api@2.0.0"]).ok());
    drop(env.run(&["plan", "scope", "api@2.0.0", "--drop", "2", "--reason", "no budget"]).ok());
    let open = env.run(&["request", "list", "--state", "open", "--json"]).ok().json();
    assert_eq!(open["requests"][0]["id"], 2);
    assert_eq!(open["requests"].as_array().unwrap().len(), 1);
    drop(env.run(&["request", "decline", "R2", "--reason", "nobody wants it"]).ok());
    let declined = env.run(&["request", "show", "R2"]).ok();
    assert!(
        declined.out.contains("declined by") && declined.out.contains("nobody wants it"),
        "{}",
        declined.out
    );
    drop(env.run(&["request", "reopen", "R2"]).ok());
    drop(env.run(&["audit", "verify"]).ok());
    drop(env.run(&["bundle", "api@2.0.0", "--output", "api.tar"]).ok());
    drop(env.run(&["bundle", "verify", "api.tar"]).ok());
}

#[test]
fn what_was_said_is_named_with_its_release() {
    let env = ready();
    drop(env.run(&["feedback", "new", "api@1.0.0", "too slow", "--sentiment", "bad"]).ok());
    let wrong = env.run(&["request", "new", "Faster", "--from-feedback", "api@1.0.0"]).exits(2);
    assert!(wrong.err.contains("api@1.4.2:3"), "{}", wrong.err);
    drop(env.run(&["request", "new", "Faster", "--from-feedback", "api@1.0.0:1"]).ok());
    let show = env.run(&["request", "show", "R1"]).ok();
    assert!(show.out.contains("came from   feedback 1 about api@1.0.0"), "{}", show.out);
    let said = env.run(&["review", "show", "api@1.0.0"]).ok();
    assert!(said.out.contains("too slow → R1"), "{}", said.out);
}
