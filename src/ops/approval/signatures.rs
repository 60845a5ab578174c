//! What the signatures under standing decisions are worth now: asked of the machine, outside any transaction.

use crate::domain::policy::Service;
use crate::domain::signature::Signatures;
use crate::ops::{Ctx, OpError};
use crate::store::{Tx, approvals, meta};

/// Identity of this store, which signed decisions name.
pub(super) fn instance(tx: &Tx<'_>) -> Result<String, OpError> {
    let known = meta::find(tx, "instance")?;
    known.ok_or_else(|| OpError::new(crate::ops::ErrorKind::Unusable, "the store does not know its own name"))
}

/// Looks at the signatures of everything decided about releases of a service that may still count. Where no
/// environment of it and no stage looks at signatures nothing is asked.
pub(in crate::ops) fn of_service(cx: &Ctx<'_>, service: &Service) -> Result<Signatures, OpError> {
    let looks = |name| cx.policy.environments.get(name).is_some_and(|env| env.signing.looks());
    let looks =
        service.pipeline.iter().any(looks) || cx.policy.stages.values().any(|rules| rules.signing.looks());
    let Some(keys) = cx.policy.signing.as_ref().filter(|_| looks) else {
        return Ok(Signatures::default());
    };
    let (instance, signed) = cx
        .store
        .read(|tx| Ok::<_, OpError>((instance(tx)?, approvals::list_signed(tx, &service.name, cx.now)?)))?;
    let found = signed.into_iter().filter_map(|approval| {
        let signed = approval.signed?;
        let found = cx.machine.check_signature(keys, &signed, approval.by.human(), cx.now);
        Some((signed.digest(), found))
    });
    Ok(Signatures { instance, found: found.collect() })
}
