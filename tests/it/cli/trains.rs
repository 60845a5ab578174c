//! Trains at the command line.

use crate::support::env::{MINIMAL, TestEnv};

/// A team in Berlin with a train that keeps the time of New York.
fn env() -> TestEnv {
    let env = TestEnv::new();
    let train = "[trains.daily]\ndeparts = \"Mon-Sun 14:00\"\ntime-zone = \"America/New_York\"\nfrom = \"staging\"\n\
                 to = \"production\"\nconductor = \"alice\"\n";
    let berlin = MINIMAL.replace("[relman]\n", "[relman]\ntime-zone = \"Europe/Berlin\"\n");
    env.config(&format!("{berlin}{train}"));
    env
}

#[test]
fn what_is_left_out_is_told_in_the_zone_of_the_train_and_not_among_what_was() {
    let env = env();
    let said = env.run(&["train", "skip", "daily", "--reason", "guests"]).ok();
    assert!(said.out.contains(" 14:00 E"), "14:00 EST or EDT: {said:#?}");
    let shown = env.run(&["train", "show", "daily"]).ok();
    assert!(shown.out.contains("does not depart then: left out by alice: guests"), "{shown:#?}");
    assert!(!shown.out.contains(" skipped by "), "it lies ahead: {shown:#?}");
}
