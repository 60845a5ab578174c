//! What did an act answer, and is exactly that in the journal?

use std::fmt::Debug;

use relman::domain::journal::Verb;
use relman::ops::{Ctx, ErrorKind, OpError};

use crate::support::world::World;

/// Insists that it was done and left one entry, about `subject`.
#[track_caller]
pub(super) fn done<T>(
    world: &World,
    who: &str,
    verb: Verb,
    subject: &str,
    act: impl FnOnce(&Ctx<'_>) -> Result<T, OpError>,
) -> T {
    let (result, entries) = world.journaled(|| world.as_(who, act));
    let value = result.unwrap_or_else(|error| panic!("{error:#?}"));
    assert_eq!(entries, [format!("{verb} done {subject}")]);
    assert_eq!(world.last_entry().1.actor.name(), who);
    value
}

/// Insists that it was refused and left one entry, which says why.
#[track_caller]
pub(super) fn refused<T: Debug>(
    world: &World,
    who: &str,
    kind: ErrorKind,
    (verb, subject): (Verb, &str),
    act: impl FnOnce(&Ctx<'_>) -> Result<T, OpError>,
) -> OpError {
    let (result, entries) = world.journaled(|| world.as_(who, act));
    let error = result.unwrap_err();
    assert_eq!(error.kind, kind, "{error:#?}");
    assert_eq!(entries, [format!("{verb} refused {subject}")]);
    let body = world.last_entry().1;
    assert_eq!(body.actor.name(), who);
    assert_eq!(body.reason.as_deref(), Some(error.sentence.as_str()));
    error
}

/// Insists that it was a mistake of whoever asked: answered, and nothing for the journal.
#[track_caller]
pub(super) fn mistaken<T: Debug>(
    world: &World,
    who: &str,
    kind: ErrorKind,
    act: impl FnOnce(&Ctx<'_>) -> Result<T, OpError>,
) -> OpError {
    let (result, entries) = world.journaled(|| world.as_(who, act));
    let error = result.unwrap_err();
    assert_eq!(error.kind, kind, "{error:#?}");
    assert!(entries.is_empty(), "{entries:?}");
    error
}
