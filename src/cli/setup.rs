//! `relman setup shared|enforced`: prints the commands; it runs none of them.

use std::path::Path;

use super::args::Setup;
use super::{Session, exit};
use crate::host::{enforced, setup as machine};
use crate::ops::{ErrorKind, OpError};

pub(super) fn setup(session: &mut Session, way: &Setup) -> Result<u8, OpError> {
    let program = std::env::current_exe()
        .map_err(|why| OpError::new(ErrorKind::Failure, format!("this program cannot be found: {why}")))?;
    let config = enforced::system_config();
    let (way, script) = match way {
        Setup::Shared(place) => {
            plain(&[&place.group], &[&place.dir, &config, &program])?;
            ("shared", machine::shared_script(&place.group, &place.dir, &config, &program))
        }
        Setup::Enforced { user, place } => {
            plain(&[user, &place.group], &[&place.dir, &config, &program])?;
            ("enforced", machine::enforced_script(user, &place.group, &place.dir, &config, &program))
        }
    };
    if session.out.is_json() {
        session.out.json("setup", &serde_json::json!({ "way": way, "script": script }));
    } else {
        session.out.lines(&script);
    }
    Ok(exit::OK)
}

/// What goes into a script for root holds nothing that a shell would read.
fn plain(names: &[&String], paths: &[&Path]) -> Result<(), OpError> {
    let is_name = |name: &str| {
        name.len() <= 32
            && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
    };
    let is_path = |path: &Path| {
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-".contains(c));
        path.is_absolute() && path.to_str().is_some_and(is_plain)
    };
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        let shown = crate::domain::text::quoted(name, 40);
        return Err(OpError::new(ErrorKind::Usage, format!("{shown} is no name of an account or a group")));
    }
    match paths.iter().find(|path| !is_path(path)) {
        None => Ok(()),
        Some(path) => Err(OpError::new(
            ErrorKind::Usage,
            format!("{} is no absolute path of plain letters", path.display()),
        )),
    }
}
