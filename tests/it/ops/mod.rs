//! Does every verb do what it says, refuse what it must, and leave exactly one entry in the journal?

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod approval;
mod audit;
mod builds;
mod bundle;
mod chain;
mod change;
mod claim;
mod configured;
mod delivery;
mod deployment;
mod evidence;
mod follow_up;
mod freeze;
mod freeze_impact;
mod guide;
mod hook;
mod lock;
mod model;
mod monitors;
mod on_record;
mod overrides;
mod past;
mod phases;
mod presence;
mod prompts;
mod reconcile;
mod record;
mod release;
mod rights;
mod rollback;
mod rules;
mod sides;
mod sign_off;
mod signed;
mod stages;
mod terms;
mod toggle;
mod train;
mod turn;
mod undo;
mod verbs;
pub(crate) mod view;
mod wanted;
mod when;
mod witness;
