//! Orders about the list of requests.

use crate::domain::ids::{ReleaseId, RequestId};
use crate::ops::wanted::{self, EditRequest, NewRequest};
use crate::ops::{Ctx, OpError};

/// What is to be done about the list.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestOrder {
    Add(NewRequest),
    Edit(RequestId, EditRequest),
    Decline { request: RequestId, reason: String, duplicate_of: Option<RequestId> },
    Reopen(RequestId),
    Take { request: RequestId, release: ReleaseId },
}

/// Does it; returns what is said about it.
pub(super) fn carry_out(cx: &Ctx<'_>, order: RequestOrder) -> Result<String, OpError> {
    Ok(match order {
        RequestOrder::Add(new) => format!("{} is on the list", wanted::add(cx, &new)?.id),
        RequestOrder::Edit(id, edit) => format!("{} is changed", wanted::edit(cx, id, &edit)?.id),
        RequestOrder::Decline { request, reason, duplicate_of } => {
            format!("{} is declined", wanted::decline(cx, request, &reason, duplicate_of)?.id)
        }
        RequestOrder::Reopen(id) => format!("{} is open again", wanted::reopen(cx, id)?.id),
        RequestOrder::Take { request, release } => {
            wanted::take(cx, &[request], &release)?;
            format!("{request} is in the scope of {release}")
        }
    })
}
