//! Verbs on deployments: start, roll back, cancel, settle; and the ones their supervisor uses.

pub mod cancel;
pub mod claim;
pub mod finish;
pub mod reconcile;
pub mod resolve;
pub mod rollback;
pub mod start;
pub mod ticket;

pub use self::ticket::Ticket;
use super::OpError;
use crate::domain::deployment::Deployment;
use crate::domain::ids::DeploymentId;
use crate::store::{Tx, deployments};

/// The deployment of that number.
pub(super) fn known(tx: &Tx<'_>, id: DeploymentId) -> Result<Deployment, OpError> {
    deployments::find(tx, id)?.ok_or_else(|| {
        OpError::not_found(format!("deployment {id}")).hint("list them with: relman deployments")
    })
}
