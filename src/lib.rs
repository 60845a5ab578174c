//! relman: release coordination from a terminal.
pub mod domain;
pub mod store;
