//! tui
pub fn run(_config: &std::path::Path) -> Result<u8, crate::ops::OpError> { Ok(0) }
