//! Real accounts: what one person can and cannot do to another on one machine.
//!
//! These tests make users and groups, so they run as root only and say so where they do not. Everything they make has a
//! name of its own and is taken away again, also when they fail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod bastion;
mod enforced;
mod shared;

use bastion::Bastion;
