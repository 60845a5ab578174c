//! The panes: what keys do to the state and what stands on the screen, without a terminal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod accidents;
mod answers;
mod approvals;
mod board;
mod builds;
mod calendar;
mod copy;
mod deploy_dialog;
mod discovery;
mod finding;
mod forms;
mod guide_dialog;
mod hands;
mod later;
mod log;
mod log_views;
mod marks;
mod options;
mod past;
mod presence;
mod requests;
mod rights;
mod rollback_dialog;
mod screens;
mod sheet;
mod sizes;
mod spoken;
mod state;
mod timeline;
mod tour;
mod undo;
mod witness;
