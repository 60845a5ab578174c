//! `relman demo`
use super::args::Demo;
use super::Session;
use crate::ops::OpError;
pub(super) fn run(_session: &mut Session, _args: &Demo) -> Result<u8, OpError> {
    Err(OpError::not_found("demo"))
}
