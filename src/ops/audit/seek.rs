//! Entries of the journal by what they are about, who made them, and how they ended.

use super::export::Range;
use crate::domain::freeze::fits;
use crate::domain::ids::{EnvName, ReleaseId};
use crate::domain::journal::{Body, Done, Entry};
use crate::ops::{Ctx, OpError};
use crate::store::journal;

/// How many entries are read at once.
const PAGE: u32 = 500;

/// What is looked for; everything that is named must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sought {
    /// Exactly this subject: `api@1.4.2`, `#142`, `F3`.
    pub subject: Option<String>,
    /// The release itself and its deployments and decisions.
    pub release: Option<ReleaseId>,
    pub environment: Option<EnvName>,
    /// Under that name or behind it.
    pub person: Option<String>,
    /// Patterns such as `approval.*`; empty: all.
    pub verbs: Vec<String>,
    /// Only what was refused.
    pub refused: bool,
}

impl Sought {
    fn fits(&self, entry: &Entry) -> bool {
        let is_verb = self.verbs.is_empty() || self.verbs.iter().any(|verb| fits(verb, &entry.verb));
        let Some(body) = entry.parsed().filter(|_| is_verb) else { return false };
        let person = &body.actor.person;
        self.subject.as_ref().is_none_or(|subject| *subject == body.subject)
            && self.release.as_ref().is_none_or(|release| is_about(&body, release))
            && self.environment.as_ref().is_none_or(|env| body.environment() == Some(env.as_str()))
            && self.person.as_ref().is_none_or(|name| person.is_called(name))
            && (!self.refused || body.result == Done::Refused)
    }
}

fn is_about(body: &Body, release: &ReleaseId) -> bool {
    let name = release.to_string();
    let records = [&body.after, &body.before, &body.detail];
    let named = records.into_iter().flatten().filter_map(|record| record.get("release")?.as_str());
    body.subject == name || named.into_iter().any(|found| found == name)
}

/// Those that fit, newest first, at most `limit`, within the range and before the entry `before`.
pub fn seek(
    cx: &Ctx<'_>,
    sought: &Sought,
    range: Range,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Entry>, OpError> {
    let mut found = Vec::new();
    let mut before = before.unwrap_or(i64::MAX).min(range.until.saturating_add(1));
    while found.len() < limit {
        let page = cx.store.read(|tx| journal::list(tx, Some(before), sought.subject.as_deref(), PAGE))?;
        let Some(last) = page.last().map(|entry| entry.seq) else { break };
        before = last;
        let in_range = page.into_iter().filter(|entry| entry.seq >= range.since && sought.fits(entry));
        found.extend(in_range.take(limit - found.len()));
        if before <= range.since {
            break;
        }
    }
    Ok(found)
}
