//! The courier: tells hooks what they have not been told, and is gone when there is nothing left to tell soon.
//!
//! Started beside whatever committed a journal entry, so that nobody waits for a hook. Several at once do no harm: each
//! delivery is leased by one. One that dies leaves a lease that ends; the next courier, tick or open relman goes on.

use std::path::Path;
use std::time::Duration;

use crate::config;
use crate::desk::Desk;
use crate::domain::actor::Via;
use crate::host::{clock, fault, identity};
use crate::ops::hook::{self, deliver};
use crate::ops::{ErrorKind, OpError};

/// For another attempt that is due within this time a courier waits; later ones are for the next tick.
const PATIENCE: Duration = Duration::from_secs(45);
/// How often it waits at the most.
const ROUNDS: u32 = 4;

/// Whether to wait for what is due soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    No,
    Soon,
}

pub(super) fn run(config: &Path) -> Result<(), OpError> {
    let config =
        config::load(config).map_err(|problems| OpError::new(ErrorKind::BadConfig, problems.to_string()))?;
    let desk = Desk::open(config, Via::Supervisor)?;
    carry(&desk, Waits::Soon).map(drop)
}

/// What was told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Carried {
    pub delivered: usize,
    pub failed: usize,
}

/// Tells everything that is due.
pub fn carry(desk: &Desk, waits: Waits) -> Result<Carried, OpError> {
    desk.without_courier();
    let name = desk.actor.name();
    let nonce = identity::fresh_id().unwrap_or_default();
    let who = format!("{name} pid {} {}", std::process::id(), nonce.get(..8).unwrap_or_default());
    let mut carried = Carried::default();
    let mut rounds = 0;
    loop {
        let sorted = hook::sort(&desk.cx());
        while let Some(parcel) = deliver::take(&desk.cx(), &who)? {
            let told = deliver::tell(&desk.cx(), &parcel);
            fault::point("after-telling");
            // At the time it has become by now.
            deliver::record(&desk.cx(), &parcel, &told)?;
            match told.delivered {
                true => carried.delivered += 1,
                false => carried.failed += 1,
            }
        }
        sorted?;
        let now = desk.cx().now;
        let soon = deliver::next_due(&desk.cx())?.filter(|due| *due <= now.plus(PATIENCE));
        let Some(due) = soon.filter(|_| waits == Waits::Soon && rounds < ROUNDS) else { return Ok(carried) };
        rounds += 1;
        clock::wait(due.since(now).max(Duration::from_millis(100)));
    }
}
