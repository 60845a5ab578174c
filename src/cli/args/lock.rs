//! The grammar of locks.

use clap::{Args, Subcommand};

use crate::domain::ids::LockId;
use crate::domain::lock::LockKind;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Lock {
    #[command(subcommand)]
    pub verb: Option<LockVerb>,
    #[command(flatten)]
    pub set: SetLock,
}

#[derive(Debug, Subcommand)]
pub enum LockVerb {
    /// Change reason or end of a lock without lifting it
    Edit(EditLock),
    /// Locks that stand
    List,
}

#[derive(Debug, Args)]
pub struct SetLock {
    /// Why; whoever is refused reads it
    #[arg(long, value_name = "TEXT", required = true)]
    pub reason: Option<String>,
    /// Name of a service or a pattern; may be repeated (default: all)
    #[arg(long = "service", value_name = "GLOB")]
    pub services: Vec<String>,
    /// Name of an environment or a pattern; may be repeated (default: all)
    #[arg(long = "environment", alias = "env", value_name = "GLOB")]
    pub environments: Vec<String>,
    /// How long; without it, until somebody lifts it
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "until")]
    pub length: Option<String>,
    /// Until when, such as 18:00 or "tomorrow 09:00"
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// exclusive (nobody but you deploys), warning (whoever deploys reads the reason) or automation (nothing begins by
    /// itself)
    #[arg(long, default_value = "exclusive")]
    pub kind: LockKind,
}

#[derive(Debug, Args)]
pub struct EditLock {
    pub id: LockId,
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["length", "until", "no_end"])]
    pub reason: Option<String>,
    /// How long from now on
    #[arg(long = "for", value_name = "DURATION", conflicts_with_all = ["until", "no_end"])]
    pub length: Option<String>,
    /// Until when
    #[arg(long, value_name = "TIME", conflicts_with = "no_end")]
    pub until: Option<String>,
    /// It stands until somebody lifts it
    #[arg(long)]
    pub no_end: bool,
}

#[derive(Debug, Args)]
pub struct Unlock {
    /// Its number, such as L3 (see: relman lock list)
    pub id: LockId,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}
