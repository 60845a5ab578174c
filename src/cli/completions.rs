//! `relman completions SHELL`

use clap::CommandFactory as _;

use super::args::{Cli, Completions};
use super::{Session, exit};
use crate::ops::OpError;

pub(super) fn completions(session: &mut Session, args: &Completions) -> Result<u8, OpError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "relman", &mut script);
    session.out.bytes(&script);
    Ok(exit::OK)
}
