//! What people write beside the output of a deployment.

use serde::{Deserialize, Serialize};

use super::actor::Person;
use super::ids::DeploymentId;
use super::time::Timestamp;

/// One note, at its place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub deployment: DeploymentId,
    pub at: Timestamp,
    pub by: Person,
    /// So many bytes of output were there when it was written.
    pub offset: u64,
    pub text: String,
}
