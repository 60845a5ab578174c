//! Channels and fields: which versions go which way, and what their scripts are told.

use super::BOB;
use crate::support::env::TestEnv;

const CHANNELS: &str = r#"
[relman]
database = "state/relman.db"
[groups]
managers = ["bob"]
[environments.staging]
approvals = [{ from = "managers" }]
[environments.production]
kind = "production"
[process.standard]
enter = "build"
[services.api]
pipeline = ["staging", "production"]
fields = ["ticket", "data-class"]
scripts = { deploy = ["./deploy.sh"] }
[services.api.channels.stable]
versions = ">=1, <3"
pre-release = "none"
[services.api.channels.beta]
pre-release = "beta*"
pipeline = ["staging"]
fields = ["ticket"]
[services.web]
pipeline = ["staging"]
scripts = { deploy = ["./deploy.sh"] }
[services.web.channels.slow]
[services.web.channels.fast]
versions = "2"
"#;

fn env() -> TestEnv {
    let env = TestEnv::new();
    env.config(CHANNELS);
    env.script("deploy.sh", "echo \"ticket [$RELMAN_FIELD_TICKET] class [$RELMAN_FIELD_DATA_CLASS]\"");
    env
}

#[test]
fn a_version_is_put_where_the_rules_take_it_and_nowhere_else() {
    let env = env();
    env.registered("api@1.4.0");
    let shown = env.run(&["release", "show", "api@1.4.0"]).ok().out;
    assert!(shown.lines().any(|line| line.contains("channel") && line.contains("stable")), "{shown}");
    let none = env.run(&["release", "new", "api", "3.0.0"]).exits(4);
    assert!(none.err.contains("api@3.0.0 fits no channel"), "{}", none.err);
    assert!(
        none.err.contains(
            "channels of api: beta (every version; pre-releases beta*), stable (>=1, <3; no pre-releases)"
        ),
        "{}",
        none.err
    );
    let wrong = env.run(&["release", "new", "api", "1.5.0", "--channel", "beta"]).exits(4);
    assert!(wrong.err.contains("does not fit the channel beta"), "{}", wrong.err);
    let unknown = env.run(&["release", "new", "api", "1.5.0", "--channel", "gamma"]).exits(3);
    assert!(unknown.err.contains("channel 'gamma'"), "{}", unknown.err);
    let several = env.run(&["release", "new", "web", "2.0.0"]).exits(2);
    assert!(several.err.contains("web@2.0.0 fits several channels: fast, slow"), "{}", several.err);
    drop(env.run(&["release", "new", "web", "2.0.0", "--channel", "fast"]).ok());
    let config =
        CHANNELS.replace("[services.web.channels.slow]", "[services.web.channels.slow]\ndefault = true");
    env.config(&config);
    drop(env.run(&["release", "new", "web", "2.1.0"]).ok());
    let board = env.run(&["--json", "board"]).ok().json();
    let cards = board["board"]["cards"].as_array().unwrap();
    let web = cards.iter().find(|card| card["release"]["id"] == "web@2.1.0").unwrap();
    assert_eq!(web["release"]["channel"], "slow");
}

#[test]
fn a_channel_leads_a_part_of_the_way_and_no_further() {
    let env = env();
    drop(env.run(&["release", "new", "api", "2.0.0-beta.1", "--field", "ticket=OPS-12"]).ok());
    let board = env.run(&["board"]).ok().out;
    let line = board.lines().find(|line| line.contains("2.0.0-beta.1")).unwrap();
    assert!(line.contains("staging") && !line.contains("production"), "{line}");
    let why = env.run(&["why", "api@2.0.0-beta.1", "production"]);
    assert!(why.out.contains("the channel beta does not lead to production"), "{}", why.out);
    drop(env.run(&["deploy", "api@2.0.0-beta.1", "production"]).exits(11));
    let approve = env.run_as(BOB, &["approve", "api@2.0.0-beta.1", "production"]).exits(4);
    assert!(
        approve.err.contains("is in the channel beta, which does not lead to production"),
        "{}",
        approve.err
    );
    assert!(approve.err.contains("its way: staging"), "{}", approve.err);
    drop(env.run_as(BOB, &["approve", "api@2.0.0-beta.1", "staging"]).ok());
    let said = env.run(&["deploy", "api@2.0.0-beta.1", "staging"]).ok();
    assert!(said.out.contains("ticket [OPS-12] class []"), "{}", said.out);
    // The line is taken out: what was kept from production is not let there by that.
    env.config(&CHANNELS.replace("[services.api.channels.beta]\npre-release = \"beta*\"\npipeline = [\"staging\"]\nfields = [\"ticket\"]\n", ""));
    let gone = env.run(&["why", "api@2.0.0-beta.1", "production"]);
    assert!(gone.out.contains("the channel beta does not lead to production"), "{}", gone.out);
}

#[test]
fn fields_are_asked_for_by_a_channel_and_approved_with_the_rest() {
    let env = env();
    let lacking = env.run(&["release", "new", "api", "2.0.0-beta.1"]).exits(4);
    assert!(lacking.err.contains("releases of the channel beta say their ticket"), "{}", lacking.err);
    let unknown = env.run(&["release", "new", "api", "1.4.0", "--field", "tiket=1"]).exits(3);
    assert!(unknown.err.contains("did you mean ticket?"), "{}", unknown.err);
    drop(env.run(&["release", "new", "api", "1.4.0", "--field", "ticket=OPS-1"]).ok());
    drop(env.run_as(BOB, &["approve", "api@1.4.0", "staging"]).ok());
    drop(env.run(&["why", "api@1.4.0", "staging"]).ok());
    drop(env.run(&["release", "edit", "api@1.4.0", "--field", "ticket=OPS-2"]).ok());
    let why = env.run(&["why", "api@1.4.0", "staging"]);
    assert!(why.code != 0, "the approval was for another ticket: {why:#?}");
    let shown = env.run(&["release", "show", "api@1.4.0"]).ok().out;
    assert!(shown.contains("ticket: OPS-2"), "{shown}");
    drop(env.run(&["release", "edit", "api@1.4.0", "--field", "ticket="]).ok());
    let shown = env.run(&["release", "show", "api@1.4.0"]).ok().out;
    assert!(!shown.lines().any(|line| line.starts_with("  field")), "{shown}");
    assert!(shown.contains("the field ticket: OPS-1 → none"), "{shown}");
    let long = env
        .run(&["release", "edit", "api@1.4.0", "--field", &format!("ticket={}", "x".repeat(151))])
        .exits(2);
    assert!(long.err.contains("too long"), "{}", long.err);
}

#[test]
fn what_is_written_wrong_is_told_with_its_line() {
    let env = env();
    let wrong = CHANNELS
        .replace("versions = \">=1, <3\"", "versions = \"[1,3)\"")
        .replace(
            "pipeline = [\"staging\"]\nfields = [\"ticket\"]",
            "pipeline = [\"staging\", \"nowhere\"]\nfields = [\"tickt\"]",
        )
        .replace("\"data-class\"]", "\"Data Class\"]");
    env.config(&wrong);
    let said = env.run(&["config", "check"]).exits(14);
    for words in [
        "that is no range of versions",
        "write it as Cargo does",
        "there is no environment 'nowhere'",
        "'tickt' is not known here",
        "a field's name is small letters",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
}

#[test]
fn the_next_version_is_counted_and_told_beside_what_is_live() {
    let env = env();
    env.config(
        &CHANNELS
            .replace("[services.web]\n", "[services.web]\nversion = \"YYYY.MM.i\"\n")
            .replace("[services.web.channels.slow]\n[services.web.channels.fast]\nversions = \"2\"\n", ""),
    );
    let first = env.run(&["release", "new", "api", "minor"]).exits(4);
    assert!(first.err.contains("api@0.1.0 fits no channel"), "{}", first.err);
    env.registered("api@1.4.2");
    assert!(env.run(&["release", "new", "api", "minor"]).ok().out.starts_with("api@1.5.0 registered"));
    assert!(
        env.run(&["release", "new", "api", "patch-beta", "--field", "ticket=OPS-1"])
            .ok()
            .out
            .starts_with("api@1.5.1-beta.1 ")
    );
    assert!(
        env.run(&["release", "new", "api", "patch-beta", "--field", "ticket=OPS-1"])
            .ok()
            .out
            .starts_with("api@1.5.1-beta.2 ")
    );
    let unsaid = env.run(&["release", "new", "api"]).exits(2);
    assert!(unsaid.err.contains("relman release new api 1.4.2, or minor"), "{}", unsaid.err);
    let bad = env.run(&["release", "new", "api", "1.4"]).exits(2);
    assert!(bad.err.contains("or a template: c.i.0"), "{}", bad.err);
    let dated = env.run(&["release", "new", "web"]).ok().out;
    let again = env.run(&["release", "new", "web"]).ok().out;
    let minor = |out: &str| out.split_whitespace().next().unwrap().rsplit_once('.').unwrap().1.to_owned();
    assert_eq!((minor(&dated).as_str(), minor(&again).as_str()), ("0", "1"), "{dated}{again}");
}

#[test]
fn a_template_that_is_none_is_named_with_its_line() {
    let env = env();
    env.config(&CHANNELS.replace("[services.web]\n", "[services.web]\nversion = \"next\"\n"));
    let checked = env.run(&["config", "check"]).exits(14);
    assert!(checked.out.contains("'next' is no template for versions"), "{}{}", checked.out, checked.err);
}
