//! The measurer: asks the monitors that are due, and is gone.
//!
//! Started beside a tick, so that nothing waits for a command that takes its time. Several at once do no harm: each asking
//! is leased by one. One that dies leaves a lease that ends, and what it was about to ask counts nothing.

use std::path::Path;

use crate::config;
use crate::desk::Desk;
use crate::domain::actor::Via;
use crate::host::{clock, fault};
use crate::ops::monitor::{Whose, measure_due};

pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    let [whose, config] = arguments else { return Err("two arguments".to_owned()) };
    let whose = if whose == "own" { Whose::Own } else { Whose::Everybodys };
    let config = config::load(Path::new(config)).map_err(|problems| problems.to_string())?;
    let desk = Desk::open(config, Via::Supervisor).map_err(|error| error.sentence)?;
    fault::point("before-measuring");
    measure_due(&desk.cx(), whose, clock::now).map(drop).map_err(|error| error.sentence)
}
