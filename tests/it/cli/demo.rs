//! `relman demo`: from nothing to a full board by really running the demo's scripts.

use std::collections::BTreeSet;

use crate::support::env::TestEnv;

#[test]
fn the_demo_fills_every_stage_in_an_empty_directory() {
    let env = TestEnv::new();
    std::fs::remove_file(env.path("relman.toml")).unwrap();

    let said = env.run(&["demo"]).ok();
    assert!(said.out.ends_with("look at it with: cd relman-demo && relman\n"), "{said:#?}");

    let run = |args: &[&str]| TestEnv::finish(env.command(args).current_dir(env.path("relman-demo")));
    let board = run(&["--json", "board"]).ok().json();
    let stages: BTreeSet<&str> = board["board"]["cards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|card| card["release"]["stage"].as_str().unwrap())
        .collect();
    assert_eq!(stages, BTreeSet::from(["request", "plan", "build", "test", "prepare", "deploy", "review"]));
    let deployments = run(&["--json", "deployments", "--limit", "200"]).ok().json();
    let states: BTreeSet<&str> =
        deployments["deployments"].as_array().unwrap().iter().map(|d| d["state"].as_str().unwrap()).collect();
    assert!(states.is_superset(&BTreeSet::from(["succeeded", "failed"])), "{states:?}");
    // What the configuration names is there, also what only a key or a failure would run.
    let off = [
        "toggle",
        "storefront",
        "production",
        "fast-pages",
        "off",
        "--reason",
        "blank",
        "--confirm",
        "fast-pages",
    ];
    drop(run(&off).ok());
    let of_storefront =
        run(&["--json", "deployments", "--service", "storefront", "--limit", "200"]).ok().json();
    for d in of_storefront["deployments"].as_array().unwrap() {
        let shown = run(&["show", &d["id"].to_string()]).ok().out;
        assert!(!shown.contains("there is no script"), "{shown}");
    }
    drop(run(&["audit", "verify"]).ok());
    drop(run(&["config", "check"]).ok());
    drop(run(&["demo"]).exits(4));
    drop(env.run(&["demo"]).exits(4));
}
