//! A toggle of what is live is switched: recorded and supervised like a deployment, and none.

use crate::support::env::TestEnv;

fn env() -> TestEnv {
    let env = TestEnv::with_service(
        "scripts = { deploy = [\"true\"] }\n\
         [services.api.toggles.new-search]\ndescription = \"the new search\"\n\
         on = [\"./flag.sh\", \"on\"]\noff = [\"./flag.sh\", \"off\"]",
    );
    env.script("flag.sh", "echo $1 $RELMAN_VERSION $RELMAN_KIND >> flags; [ ! -e stuck ]");
    env.registered("api@1.0.0");
    env
}

#[test]
fn it_is_switched_with_a_reason_and_proves_nothing_about_the_release() {
    let env = env();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run(&["release", "edit", "api@1.0.0", "--toggle", "new-search"]).ok());
    let listed = env.run(&["rollback", "api", "staging", "--list"]).ok();
    assert!(listed.err.contains("relman toggle api staging new-search off"), "{}", listed.err);
    drop(env.run(&["toggle", "api", "staging", "new-search", "off", "--reason", "slow"]).ok());
    drop(env.run(&["toggle", "api", "staging", "new-search", "on", "--reason", "mended"]).ok());
    assert_eq!(env.until_text("flags"), "off 1.0.0 toggle\non 1.0.0 toggle");
    let d = env.deployment(2);
    assert_eq!((&d["toggle"]["on"], &d["noop"], &d["reason"]), (&false.into(), &true.into(), &"slow".into()));
    let board = env.run(&["--json", "status"]).ok().json();
    assert!(board.to_string().contains("\"id\":1"), "the deployment is still what is live: {board}");
    let table = env.run(&["toggle", "api", "staging"]).ok().out;
    assert!(
        table.contains("new-search") && table.contains(" on ") && table.contains("the new search"),
        "{table}"
    );
    let listed = env.run(&["deployments"]).ok().out;
    assert!(listed.contains("toggle new-search off"), "{listed}");
    env.assert_sound();
}

#[test]
fn nothing_is_switched_without_a_reason_a_toggle_or_something_live() {
    let env = env();
    let nothing = env.run(&["toggle", "api", "staging", "new-search", "off", "--reason", "slow"]).exits(3);
    assert!(nothing.err.contains("nothing of api is live in staging"), "{}", nothing.err);
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run(&["toggle", "api", "staging", "new-search", "off"]).exits(2));
    let near = env.run(&["toggle", "api", "staging", "new-serach", "off", "--reason", "slow"]).exits(3);
    assert!(near.err.contains("did you mean new-search?"), "{}", near.err);
    drop(env.run(&["release", "edit", "api@1.0.0", "--toggle", "new-serach"]).exits(3));
}

#[test]
fn what_could_not_be_switched_is_a_failure_and_changes_nothing_about_what_is_live() {
    let env = env();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    env.touch("stuck");
    drop(env.run(&["toggle", "api", "staging", "new-search", "off", "--reason", "slow"]).exits(9));
    let known = env.run(&["--json", "toggle", "api", "staging"]).ok().json();
    assert_eq!(known["toggles"]["toggles"][0]["last"], serde_json::Value::Null);
    assert_eq!(known["toggles"]["live"], "api@1.0.0");
    env.assert_sound();
}
