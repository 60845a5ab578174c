//! How many hints of the first run a person has been told, in their own state directory.

use std::io;

use super::{enforced, heads};

/// How many; `all` where nothing can be remembered, so that nobody is told the same for ever.
pub fn told(all: usize) -> usize {
    let Some(file) = heads::beside("toured").filter(|_| enforced::service().is_none()) else { return all };
    match std::fs::read_to_string(&file) {
        Ok(text) => text.trim().parse().unwrap_or(all),
        Err(why) if why.kind() == io::ErrorKind::NotFound => 0,
        Err(_) => all,
    }
}

/// Remembers it. Where there is no place for it, it is told again the next time: no reason to stop anybody.
pub fn remember(told: usize) -> io::Result<()> {
    match heads::beside("toured").filter(|_| enforced::service().is_none()) {
        Some(file) => heads::put_in_place(&file, &format!("{told}\n")),
        None => Ok(()),
    }
}
