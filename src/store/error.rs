//! What can go wrong with the store, as sentences with the next step.

use std::time::Duration;

use crate::domain::time::span;

/// What kind of trouble it is; front ends choose the exit code by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody else holds the store.
    Busy,
    /// Something with that name exists, or a rule of the schema said no.
    Conflict,
    /// The schema is newer than this program.
    TooNew,
    /// No room on the disk.
    Full,
    /// The disk reports an error.
    Disk,
    /// May not be written: file system, permissions.
    ReadOnly,
    /// Opened to look only.
    Sealed,
    /// Not a relman store, or one that was replaced or tampered with.
    Foreign,
    /// Damaged.
    Corrupt,
    /// A row that must be there is not.
    Missing,
    /// Anything else.
    Broken,
}

/// Trouble with the store.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{sentence}")]
pub struct StoreError {
    pub kind: Kind,
    pub sentence: String,
    /// The constraint that was violated, when that is the trouble.
    pub constraint: Option<String>,
}

impl StoreError {
    pub(super) fn new(kind: Kind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into(), constraint: None }
    }

    pub(super) fn busy(waited: Duration) -> Self {
        Self::new(Kind::Busy, format!("the store has been locked by another process for {}", span(waited)))
    }

    pub(super) fn missing(what: impl std::fmt::Display) -> Self {
        Self::new(Kind::Missing, format!("there is no {what}"))
    }

    pub(super) fn unreadable(column: &str, why: impl std::fmt::Display) -> Self {
        Self::new(
            Kind::Corrupt,
            format!("column {column} holds what this program cannot read ({why}); check with: relman doctor"),
        )
    }

    /// Whether the given unique index or constraint said no.
    pub fn violates(&self, name: &str) -> bool {
        self.constraint.as_deref().is_some_and(|constraint| constraint.contains(name))
    }
}
