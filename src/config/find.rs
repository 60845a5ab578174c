//! Where relman.toml is looked for.

use std::path::{Path, PathBuf};

use super::problem::Problems;

/// Every place in order: the option, `$RELMAN_CONFIG`, this directory and its parents, the user's configuration,
/// `/etc`.
#[expect(clippy::disallowed_methods, reason = "config/ is where the environment names a configuration file")]
pub fn candidates(option: Option<&Path>, cwd: &Path) -> Vec<PathBuf> {
    if let Some(path) = option {
        return vec![path.to_path_buf()];
    }
    if let Some(path) = std::env::var_os("RELMAN_CONFIG").filter(|path| !path.is_empty()) {
        return vec![PathBuf::from(path)];
    }
    let mut places: Vec<PathBuf> = cwd.ancestors().map(|dir| dir.join("relman.toml")).collect();
    let user = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")));
    places.extend(user.map(|dir| dir.join("relman/relman.toml")));
    places.push(PathBuf::from("/etc/relman/relman.toml"));
    places
}

/// The first that exists. One that is named by option or variable must exist.
pub fn find(option: Option<&Path>, cwd: &Path) -> Result<PathBuf, Problems> {
    let places = candidates(option, cwd);
    if let [named] = places.as_slice() {
        return Ok(named.clone());
    }
    let found = places.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| {
        Problems::plain(
            &cwd.join("relman.toml"),
            "there is no relman.toml here or in a parent directory; write one with: relman init",
        )
    })
}
