//! This machine: clock, people, files, processes, locks. The only layer that may touch it.

pub mod clock;
mod command;
pub mod doctor;
pub mod enforced;
pub mod environment;
pub mod exit_record;
pub mod fault;
pub mod git;
pub mod heads;
mod http;
pub mod identity;
mod itsm;
pub mod kept;
pub mod launch;
pub mod lock;
pub mod logfile;
pub mod machine;
pub mod outside;
pub mod people;
pub mod process;
pub mod regular;
pub mod restore;
pub mod scripts;
pub mod setup;
pub mod signing;
pub mod state;
pub mod store_lock;
