//! The grammar of what concerns people: their rights, and the ways they share a store.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Setup {
    /// Everybody of a group runs relman in their own name and writes the store (cooperative)
    Shared(SharedPlace),
    /// Everybody of a group reaches a service user through sudo, who alone writes the store (enforced)
    Enforced {
        /// The service user
        #[arg(long, default_value = "relman")]
        user: String,
        #[command(flatten)]
        place: SharedPlace,
    },
}

#[derive(Debug, Args)]
pub struct SharedPlace {
    /// The Unix group of the people
    #[arg(long, default_value = "relops")]
    pub group: String,
    /// The state directory
    #[arg(long, value_name = "DIR", default_value = "/var/lib/relman")]
    pub dir: PathBuf,
}

#[derive(Debug, Args)]
pub struct Rights {
    /// Somebody else, by the name of their account
    pub person: Option<String>,
}
