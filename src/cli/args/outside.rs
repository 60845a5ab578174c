//! The grammar of what leads out of this machine: hooks and change tickets.

use clap::Subcommand;

use crate::domain::ids::{EnvName, ReleaseRef};

#[derive(Debug, Subcommand)]
pub enum Hooks {
    /// Every hook, what it wants to hear of, and how it stands with it
    List,
    /// What was told lately, or is still to be told
    Deliveries {
        /// How many
        #[arg(long, default_value_t = 30)]
        limit: u32,
        /// Only what waits or was given up
        #[arg(long)]
        open: bool,
    },
    /// One delivery: how its last attempt ended, what the hook said, and the event as it is sent
    Show {
        /// Its number, as relman hooks deliveries shows it
        delivery: i64,
    },
    /// Tell it again from the start: one delivery, or without a number all that were given up
    Retry { delivery: Option<i64> },
    /// Every event there is
    Events,
}

#[derive(Debug, Subcommand)]
pub enum Change {
    /// What is known of the ticket, without asking
    Show { release: ReleaseRef, environment: EnvName },
    /// Ask the change system how the ticket stands now
    Check { release: ReleaseRef, environment: EnvName },
    /// Name the ticket a release is deployed there under
    Set {
        release: ReleaseRef,
        environment: EnvName,
        /// As its system writes it, such as CHG0030001 or OPS-142
        number: String,
    },
    /// Name no ticket any more: it is found by its title again, or made
    Clear { release: ReleaseRef, environment: EnvName },
}
