//! Does another deployment hold the environment?

use super::{Answer, BlockReason, DeployFacts};
use crate::domain::time::Timestamp;

pub(super) fn check(facts: &DeployFacts, _now: Timestamp) -> Answer {
    match &facts.holder {
        None => Answer::pass("nothing else is running here"),
        Some(holder) => Answer::blocked(BlockReason::Held { holder: holder.clone() }),
    }
}
