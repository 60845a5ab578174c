//! Signed decisions: what is signed, with whose key, and how much that proves.
//!
//! A decision is signed with the person's SSH key over a [`Statement`]: a short text that says everything that
//! counts. The store only keeps it. What is shown and counted about a signed decision must be in the statement, so
//! that a row somebody edited is worth nothing. Anybody can check one with `ssh-keygen -Y verify` alone (SSHSIG:
//! OpenSSH, PROTOCOL.sshsig).

pub mod signers;
pub mod sshsig;
mod statement;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::approval::Approval;
use super::digest::Digest;
use super::words::words;

pub use self::statement::{BadStatement, Statement};

/// What the signatures are for: one made for something else is no decision.
pub const NAMESPACE: &str = "approval@relman";

/// Whether decisions about an environment are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignPolicy {
    /// Signatures are neither asked for nor looked at.
    #[default]
    Off,
    /// Signed where a key is at hand; unsigned ones count too, and are shown as such.
    Optional,
    /// Only signed ones count.
    Required,
    /// Only those count that were signed with a security key somebody touched.
    SecurityKey,
}

impl SignPolicy {
    pub const ALL: [Self; 4] = [Self::Off, Self::Optional, Self::Required, Self::SecurityKey];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Optional => "optional",
            Self::Required => "required",
            Self::SecurityKey => "security-key",
        }
    }

    pub fn looks(self) -> bool {
        self != Self::Off
    }

    /// Whether an unsigned decision is worth nothing.
    pub fn demands(self) -> bool {
        matches!(self, Self::Required | Self::SecurityKey)
    }
}
words!(SignPolicy, "rule for signed approvals", Self::ALL);

/// How sure one may be that the person decided, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// The word of the store alone.
    Unsigned,
    /// A key in a file, or signed elsewhere and handed in: whoever can read the file can sign.
    File,
    /// A key in an agent: any process of that user could have asked it.
    Agent,
    /// A security key that a hand touched for this signature: its chip says so in what it signed.
    SecurityKey,
}

impl Assurance {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::File => "signed, key file",
            Self::Agent => "signed, agent",
            Self::SecurityKey => "signed, security key touched",
        }
    }
}

impl std::fmt::Display for Assurance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where the private key was when it signed. Known to who signed, proven by nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Held {
    Agent,
    File,
}

impl Held {
    pub const ALL: [Self; 2] = [Self::Agent, Self::File];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::File => "file",
        }
    }
}
words!(Held, "place of a key", Self::ALL);

/// A statement with its signature, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The exact bytes that were signed.
    pub statement: String,
    /// The armoured SSHSIG.
    pub signature: String,
    pub held: Held,
}

impl Signed {
    /// The number that only this statement has.
    pub fn nonce(&self) -> Option<String> {
        Statement::parse(&self.statement).ok().map(|statement| statement.nonce)
    }

    /// Names these very bytes: what was found out about them is kept under it.
    pub fn digest(&self) -> Digest {
        Digest::of(format!("{}\n{}\n{}", self.statement.len(), self.statement, self.signature).as_bytes())
    }
}

/// Whose key a signature was found to be good with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    pub principal: String,
    /// `SHA256:…` as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// `ssh-ed25519`, `sk-ssh-ed25519@openssh.com`, …
    pub key_type: String,
    /// Whether a security key says that it was touched; nothing: it is no security key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touched: Option<bool>,
}

impl Signer {
    pub fn assurance(&self, held: Held) -> Assurance {
        match (self.touched, held) {
            (Some(true), _) => Assurance::SecurityKey,
            // A security key that was not touched: any process that reaches it could have made it sign.
            (Some(false) | None, Held::Agent) => Assurance::Agent,
            (Some(false) | None, Held::File) => Assurance::File,
        }
    }
}

/// What verification found about the signatures at hand, by [`Signed::digest`], and what they must be about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signatures {
    /// Identity of this store: a decision of another one says nothing here.
    pub instance: String,
    pub found: BTreeMap<Digest, Result<Signer, String>>,
}

impl Signatures {
    /// How far the decision is proven to be its author's; why its signature is no proof of anything.
    pub fn judge(&self, approval: &Approval) -> Result<Assurance, String> {
        let Some(signed) = &approval.signed else { return Ok(Assurance::Unsigned) };
        let statement = Statement::parse(&signed.statement).map_err(|why| why.to_string())?;
        statement.speaks_of(approval, &self.instance)?;
        let signer = match self.found.get(&signed.digest()) {
            Some(found) => found.clone()?,
            None => return Err("its signature has not been looked at yet; ask again".to_owned()),
        };
        if signer.principal != statement.approver {
            return Err(format!("it is {}'s by name and signed by {}", statement.approver, signer.principal));
        }
        Ok(signer.assurance(signed.held))
    }
}
