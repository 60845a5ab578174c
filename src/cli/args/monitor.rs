//! `relman monitor …`

use clap::Subcommand;

use crate::domain::ids::{DeploymentId, ReleaseRef};

#[derive(Debug, Subcommand)]
pub enum Monitor {
    /// Every monitor and where it is asked; or what those of a release came to
    List { release: Option<ReleaseRef> },
    /// Run the monitors of a deployment now and print what they say; nothing is recorded
    Try {
        /// A deployment that succeeded
        id: DeploymentId,
    },
}
