//! Takes one's own decision back.

use crate::domain::approval::{Approval, ApprovalSubject};
use crate::domain::ids::ReleaseId;
use crate::domain::journal::Verb;
use crate::ops::{Ctx, OpError};
use crate::store::{approvals, journal};

pub fn withdraw(cx: &Ctx<'_>, id: &ReleaseId, subject: &ApprovalSubject) -> Result<Approval, OpError> {
    cx.act(Verb::ApprovalWithdrawn, id, |tx| {
        let mine = approvals::list_of(tx, id)?.into_iter().find(|approval| {
            approval.ended_at.is_none()
                && approval.subject == *subject
                && approval.by.human() == cx.actor.person.human()
        });
        let Some(mine) = mine else {
            return Err(OpError::not_found(format!("decision of yours about {} of {id}", subject.as_text()))
                .hint(format!("see who decided with: relman approvals {id}")));
        };
        let why = format!("withdrawn by {}", cx.actor.name());
        approvals::end(tx, mine.id, cx.now, &why)?;
        let after = Approval { ended_at: Some(cx.now), ended_why: Some(why), ..mine.clone() };
        journal::append(tx, cx.entry(Verb::ApprovalWithdrawn, id).before(&mine).after(&after))?;
        Ok(after)
    })
}
