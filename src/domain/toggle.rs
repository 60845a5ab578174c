//! Feature toggles: what a release brings can be taken back by switching it off, without another deployment (RBK-10).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::policy::Argv;

/// A toggle as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Toggle {
    pub name: String,
    /// What it switches, for people.
    pub description: Option<String>,
    pub on: Argv,
    pub off: Argv,
}

/// Which way somebody switches a toggle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flip {
    pub name: String,
    pub on: bool,
}

impl Flip {
    /// The name under which its command is kept.
    pub fn key(&self) -> String {
        format!("toggle {} {}", self.name, self.way())
    }

    pub fn way(&self) -> &'static str {
        if self.on { "on" } else { "off" }
    }
}

impl FromStr for Flip {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once(' ') {
            Some((name, "on")) => Ok(Self { name: name.to_owned(), on: true }),
            Some((name, "off")) => Ok(Self { name: name.to_owned(), on: false }),
            _ => Err(format!("{text:?} does not say which toggle goes which way")),
        }
    }
}

/// `new-checkout off`.
impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.way())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_switched_reads_back() {
        for on in [true, false] {
            let flip = Flip { name: "new-checkout".to_owned(), on };
            assert_eq!(flip.to_string().parse(), Ok(flip));
        }
        assert!("new-checkout".parse::<Flip>().is_err());
    }
}
