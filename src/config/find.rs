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
    if let Some(path) = &found {
        trusted(path)?;
    }
    found.ok_or_else(|| {
        Problems::plain(
            &cwd.join("relman.toml"),
            "there is no relman.toml here or in a parent directory; write one with: relman init",
        )
    })
}

/// A file that was only come across decides which scripts run under this user's name: one that somebody else could have
/// put there is not used unless it is named.
fn trusted(path: &Path) -> Result<(), Problems> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = std::fs::metadata(path).map_err(|why| Problems::unreadable(path, &why))?;
    let owner = meta.uid();
    let own = nix::unistd::getuid().as_raw();
    if owner == own || owner == 0 {
        return Ok(());
    }
    Err(Problems::plain(
        path,
        &format!(
            "found here, but it belongs to another user (uid {owner}): it would say which scripts run in your name; if \
             you trust it, name it: relman --config {}",
            path.display()
        ),
    ))
}

/// However it was found: what everyone may write says nothing about what anybody wants to be run.
pub(super) fn guarded(path: &Path, file: &std::fs::File) -> Result<(), Problems> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = file.metadata().map_err(|why| Problems::unreadable(path, &why))?;
    if meta.mode() & 0o002 == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(Problems::plain(
        path,
        &format!(
            "every user of this machine may write this file, and it says which scripts run in your name: chmod o-w {shown}"
        ),
    ))
}
