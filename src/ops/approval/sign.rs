//! Signs a decision before it is recorded: with a key at hand, or as somebody signed it elsewhere.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::approval::Approval;
use crate::domain::signature::{Assurance, SignPolicy, Signed, Statement};
use crate::domain::time::span;
use crate::ops::facts::Surroundings;
use crate::ops::release::known_release;
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, approvals, journal};

use super::decide::Decision;
use super::{Matter, matter, signatures};

/// A payload that was signed elsewhere must come back within this time.
const FRESH: Duration = Duration::from_secs(24 * 3600);

/// How a decision is to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Signing {
    /// With a key at hand, where signatures are looked at.
    #[default]
    AtHand,
    /// Not at all.
    Without,
    /// With this key.
    Key(PathBuf),
    /// It is signed already.
    Given(Signed),
}

/// What the machine is asked to sign, and with whose key.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    pub keys: &'a crate::domain::policy::KeyFiles,
    /// The name the key stands for.
    pub person: &'a str,
    pub statement: String,
    pub key: Option<PathBuf>,
    /// Whether it must be a security key.
    pub security_key: bool,
    /// Whether a passphrase or a touch may be asked for at the terminal.
    pub may_ask: bool,
}

/// The text that a signature under this decision would be about.
pub fn payload(cx: &Ctx<'_>, decision: &Decision) -> Result<Statement, OpError> {
    let around = Surroundings::of(cx, cx.service(&decision.release.service)?)?;
    let nonce = cx.machine.nonce().map_err(|why| OpError::new(ErrorKind::Failure, why))?;
    cx.store.read(|tx| {
        let release = known_release(tx, &decision.release)?;
        let matter = matter(cx, &release, &decision.subject, &around)?;
        let answers = super::decide::said(tx, cx, decision, &release, &matter, &around)?;
        Ok(Statement {
            answers,
            instance: signatures::instance(tx)?,
            nonce: nonce.clone(),
            verdict: decision.verdict,
            release: decision.release.clone(),
            subject: decision.subject.clone(),
            expires: decision.expires(cx.now, decision.effective, &matter),
            digest: matter.digest,
            approver: cx.actor.person.human().to_owned(),
            issued: cx.now,
            effective: decision.effective,
            journal: journal::head(tx)?,
            reason: decision.reason()?,
        })
    })
}

/// A signed decision with what its signature proves, or why there is none.
pub(super) type Prepared = Result<Option<(Signed, Assurance)>, String>;

/// Signs outside of the transaction: that may take as long as a person needs to touch a key.
pub(super) fn prepare(cx: &Ctx<'_>, decision: &Decision) -> Result<Prepared, OpError> {
    let policy = cx.policy.terms(&decision.subject).map_or(SignPolicy::Off, |terms| terms.signing);
    let wanted = match &decision.signing {
        Signing::Without => return Ok(Ok(None)),
        Signing::AtHand if !policy.looks() => return Ok(Ok(None)),
        other => other,
    };
    let Some(keys) = &cx.policy.signing else {
        return Ok(Err("relman.toml names no allowed-signers file: nobody's key is known".to_owned()));
    };
    let person = cx.actor.person.human();
    let signed = match wanted {
        Signing::Given(signed) => Ok(signed.clone()),
        _ => cx.machine.sign(&Order {
            keys,
            person,
            statement: payload(cx, decision)?.text(),
            key: match wanted {
                Signing::Key(path) => Some(path.clone()),
                _ => None,
            },
            security_key: policy == SignPolicy::SecurityKey,
            may_ask: cx.actor.via == crate::domain::actor::Via::Cli,
        }),
    };
    let checked = signed.and_then(|signed| {
        let signer = cx.machine.check_signature(keys, &signed, person, cx.now)?;
        Ok((signer.assurance(signed.held), signed))
    });
    Ok(match checked {
        Ok((assurance, signed)) => Ok(Some((signed, assurance))),
        // Nobody asked for it and it is not needed: an unsigned one counts as well.
        Err(_) if *wanted == Signing::AtHand && !policy.demands() => Ok(None),
        Err(why) => Err(why),
    })
}

/// Whether what was signed may stand under this decision: about the same, new, and of this history.
pub(super) fn accept(
    tx: &Tx<'_>,
    cx: &Ctx<'_>,
    approval: &Approval,
    matter: &Matter,
    prepared: &Prepared,
) -> Result<(), OpError> {
    let refuse = |why: &str| Err(unsigned(cx, approval, why));
    let found = match prepared {
        Err(why) => return refuse(why),
        Ok(None) if matter.signing.demands() => return refuse("it is not signed"),
        Ok(None) => return Ok(()),
        Ok(Some(found)) => found,
    };
    let (signed, assurance) = found;
    if matter.signing == SignPolicy::SecurityKey && *assurance != Assurance::SecurityKey {
        return refuse("it takes a security key that is touched for it");
    }
    let statement = match Statement::parse(&signed.statement) {
        Ok(statement) => statement,
        Err(why) => return refuse(&why.to_string()),
    };
    if statement.issued > cx.now.plus(Statement::SKEW) {
        return refuse(&format!(
            "what was signed was written {}, and here it is {}: one of the two clocks is more than {} wrong",
            statement.issued,
            cx.now,
            span(Statement::SKEW)
        ));
    }
    if let Err(why) = statement.speaks_of(approval, &signatures::instance(tx)?) {
        return refuse(&why);
    }
    if let Some(earlier) = approvals::find_by_nonce(tx, &statement.nonce)? {
        return refuse(&format!("this very signature was handed in already, {}", earlier.at));
    }
    if cx.now.since(statement.issued) > FRESH {
        return refuse(&format!(
            "what was signed was written {}; a payload is good for {}",
            statement.issued,
            span(FRESH)
        ));
    }
    let known = match statement.journal.0 {
        0 => true,
        seq => journal::find(tx, seq)?.is_some_and(|entry| entry.hash == statement.journal.1),
    };
    if !known {
        return refuse("it names a history that this store does not have");
    }
    Ok(())
}

/// What to do where a signature is missing or does not hold.
fn unsigned(cx: &Ctx<'_>, approval: &Approval, why: &str) -> OpError {
    let (id, argument) = (&approval.release, approval.subject.as_argument());
    let verb = match approval.verdict {
        crate::domain::approval::Verdict::Approved => "approve",
        crate::domain::approval::Verdict::Rejected => "reject",
    };
    let person = cx.actor.person.human();
    let sentence = format!("the decision was not recorded, because of its signature: {why}");
    let elsewhere = format!("relman {verb} {id}{argument} --print-payload > decision");
    let sign = format!("ssh-keygen -Y sign -n {} -f KEY decision", crate::domain::signature::NAMESPACE);
    OpError::new(ErrorKind::NotPermitted, sentence)
        .hint(format!("put a key that allowed_signers lists for {person} into your agent: ssh-add"))
        .hint(format!(
            "or sign where your key is: {elsewhere}; {sign}; relman {verb} {id}{argument} --signature decision.sig"
        ))
}
