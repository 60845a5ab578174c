//! `relman override …`

use clap::Subcommand;

use crate::domain::ids::DeploymentId;
use crate::domain::override_review::Finding;

#[derive(Debug, Subcommand)]
pub enum Override {
    /// Overrides that were used and wait for a review
    List {
        /// Those that were reviewed, too
        #[arg(long)]
        all: bool,
    },
    /// Say whether it was right to go past the gates: never by who did it
    Review {
        /// The deployment
        id: DeploymentId,
        /// justified or unjustified
        finding: Finding,
        /// What speaks for that; kept in the journal
        #[arg(long, value_name = "TEXT")]
        note: String,
    },
}
