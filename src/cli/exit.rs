//! The exit codes: the one table. Stable; scripts depend on them (SPEC 10).

use crate::domain::deployment::{Cause, Deployment, DeploymentState};
use crate::domain::gate::GateReport;
use crate::ops::{ErrorKind, OpError};

pub const OK: u8 = 0;
pub const USAGE: u8 = 2;
pub const BLOCKED: u8 = 11;

/// The code of an error.
pub fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Failure => 1,
        ErrorKind::Usage => USAGE,
        ErrorKind::NotFound => 3,
        ErrorKind::Conflict => 4,
        ErrorKind::Frozen => 5,
        ErrorKind::Unapproved => 6,
        ErrorKind::Unconfirmed => 7,
        ErrorKind::Busy | ErrorKind::Unusable | ErrorKind::Outdated => 8,
        ErrorKind::Blocked => BLOCKED,
        ErrorKind::NotPermitted => 12,
        ErrorKind::BadConfig => 14,
    }
}

/// The code for how a deployment ended; a deployment that is not over has none. What was turned down before anything ran
/// has the code of the gate that did it, as if it had been turned down at once.
pub fn of_deployment(d: &Deployment, report: &GateReport) -> Option<u8> {
    let cause = d.cause.as_ref();
    // Of other content than was asked for the gates say nothing.
    let is_about_it = report.subject == d.subject && !report.allows();
    match d.state {
        DeploymentState::Succeeded => Some(OK),
        DeploymentState::Failed if matches!(cause, Some(Cause::TimedOut { .. })) => Some(124),
        DeploymentState::Failed if matches!(cause, Some(Cause::Refused { .. })) => Some(match is_about_it {
            true => code(OpError::gates(report.clone()).kind),
            false => BLOCKED,
        }),
        DeploymentState::Failed | DeploymentState::Superseded => Some(9),
        DeploymentState::Cancelled => Some(10),
        DeploymentState::Lost | DeploymentState::Missed => Some(13),
        DeploymentState::Scheduled
        | DeploymentState::Waiting
        | DeploymentState::Launching
        | DeploymentState::Running
        | DeploymentState::Paused => None,
    }
}

/// The table as `relman --help` shows it.
pub const HELP: &str = "Exit codes: 0 ok · 1 failure · 2 usage · 3 not found · 4 conflict (changed under you, or \
another deployment is active) · 5 blocked by a freeze or window · 6 approval missing · 7 confirmation missing · \
8 store busy or unavailable · 9 deployment failed · 10 deployment cancelled · 11 blocked by another gate · \
12 not permitted · 13 deployment lost or missed · 14 invalid configuration · 124 timed out · 128+n signal";
