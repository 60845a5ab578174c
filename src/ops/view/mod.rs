//! Read models: what a pane or a listing shows, put together in one transaction.

pub mod board;
pub mod brief;
pub mod calendar;
pub mod deployment;
mod going_back;
pub mod handover;
pub mod metrics;
pub mod news;
pub mod notes;
pub mod open_items;
pub mod plan_history;
pub mod queue;
pub mod readiness;
pub mod release;
pub mod rights;
pub mod script_diff;
pub mod sheet;
pub mod story;
pub mod when;
