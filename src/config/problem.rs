//! A mistake in the file, shown where it is.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::raw::known_keys;
use crate::domain::text::{did_you_mean, one_line};

/// Whether work can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
    /// No mistake: something that nothing comes of yet.
    Note,
}

/// One mistake with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub path: PathBuf,
    /// Line and column from 1, and the line with the width to underline; `None` for the file as a whole.
    pub place: Option<Place>,
    pub message: String,
    pub hint: Option<String>,
}

/// Where in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
    pub text: String,
    pub width: usize,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Problem {
    /// Something about the file as a whole that is no mistake in it.
    pub fn note(path: &Path, message: String) -> Self {
        Self { severity: Severity::Note, path: path.to_path_buf(), place: None, message, hint: None }
    }

    /// Place and message on one line.
    pub fn one_line(&self) -> String {
        let line = self.place.as_ref().map(|place| format!(":{}", place.line)).unwrap_or_default();
        format!("{}{line}: {}: {}", self.path.display(), self.severity.as_str(), self.message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.severity.as_str();
        match &self.place {
            None => write!(f, "{}: {kind}: {}", self.path.display(), self.message)?,
            Some(place) => {
                let number = place.line.to_string();
                let margin = " ".repeat(number.len());
                let before = " ".repeat(place.column - 1);
                writeln!(
                    f,
                    "{}:{}:{}: {kind}: {}",
                    self.path.display(),
                    place.line,
                    place.column,
                    self.message
                )?;
                writeln!(f, " {margin} |")?;
                writeln!(f, " {number} | {}", place.text)?;
                write!(f, " {margin} | {before}{}", "^".repeat(place.width))?;
            }
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n   = {hint}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a file, errors first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub(super) fn plain(path: &Path, message: &str) -> Self {
        Self(vec![Problem {
            severity: Severity::Error,
            path: path.to_path_buf(),
            place: None,
            message: message.to_owned(),
            hint: None,
        }])
    }

    pub(super) fn unreadable(path: &Path, why: &std::io::Error) -> Self {
        Self::plain(path, &format!("cannot read it: {why}"))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}
impl std::error::Error for Problems {}

/// One finding of the checks, placed by the path of keys that leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub severity: Severity,
    pub keys: Vec<String>,
    pub message: String,
    pub hint: Option<String>,
}

/// The text of a file with what is needed to point into it.
pub(super) struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text }
    }

    /// What the TOML parser or serde found.
    pub(super) fn syntax(&self, error: &toml::de::Error) -> Problems {
        Problems(vec![Problem {
            severity: Severity::Error,
            path: self.path.to_path_buf(),
            place: error.span().map(|span| self.place(span)),
            message: one_line(error.message().trim()),
            hint: None,
        }])
    }

    pub(super) fn locate(&self, finding: &Finding) -> Problem {
        let span = self.span(&finding.keys, false);
        Problem {
            severity: finding.severity,
            path: self.path.to_path_buf(),
            place: span.map(|span| self.place(span)),
            message: finding.message.clone(),
            hint: finding.hint.clone(),
        }
    }

    /// A key nobody reads: most often a typing mistake.
    pub(super) fn unknown_key(&self, keys: &[String]) -> Problem {
        let (name, parents) =
            keys.split_last().map_or(("", &[][..]), |(name, parents)| (name.as_str(), parents));
        let known = known_keys(parents);
        let section = if parents.is_empty() { String::new() } else { format!(" in [{}]", parents.join(".")) };
        let hint = match did_you_mean(name, known.iter().copied()) {
            Some(near) => Some(format!("did you mean {near}?")),
            None if known.is_empty() => None,
            None => Some(format!("known here: {}", known.join(", "))),
        };
        Problem {
            severity: Severity::Warning,
            path: self.path.to_path_buf(),
            place: self.span(keys, true).map(|span| self.place(span)),
            message: format!("unknown key {}{section}", one_line(name)),
            hint,
        }
    }

    /// The bytes of the key or the value at the end of `keys`; of the nearest parent when it is not there.
    fn span(&self, keys: &[String], of_key: bool) -> Option<Range<usize>> {
        let document = DeTable::parse(self.text).ok()?;
        let mut found: Option<Range<usize>> = None;
        let mut table: Option<&DeTable<'_>> = Some(document.get_ref());
        let mut array: Option<&toml::de::DeArray<'_>> = None;
        for (at, key) in keys.iter().enumerate() {
            let last = at + 1 == keys.len();
            let value = if let Some(items) = array {
                items.get(key.parse::<usize>().ok()?)
            } else {
                let entry = table?.iter().find(|(name, _)| name.get_ref() == key);
                if let Some((name, _)) = entry
                    && (of_key || !last)
                {
                    found = Some(name.span());
                }
                entry.map(|(_, value)| value)
            };
            let Some(value) = value else { break };
            if last && !of_key {
                found = Some(value.span());
            }
            (table, array) = match value.get_ref() {
                DeValue::Table(inner) => (Some(inner), None),
                DeValue::Array(items) => {
                    if !last {
                        found = Some(value.span());
                    }
                    (None, Some(items))
                }
                _ => (None, None),
            };
        }
        found
    }

    fn place(&self, span: Range<usize>) -> Place {
        let start = span.start.min(self.text.len());
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let raw = self.text[line_start..line_end].trim_end_matches('\r');
        let column = self.text[line_start..start].chars().count() + 1;
        let end = span.end.clamp(start, line_end);
        let width = self.text[start..end].trim_end().chars().count().clamp(1, 120);
        let text = raw.chars().map(|c| if crate::domain::text::is_deceptive(c) { ' ' } else { c }).collect();
        Place { line: self.text[..start].matches('\n').count() + 1, column, text, width }
    }
}
