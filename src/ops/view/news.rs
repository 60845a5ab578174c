//! What was put on record since somebody looked, a sentence each.

use crate::domain::journal::{Body, Done, Entry};
use crate::ops::audit::export::{Range, each};
use crate::ops::{Ctx, OpError};
use crate::store::journal;

/// The number of the newest entry.
pub fn newest(cx: &Ctx<'_>) -> Result<i64, OpError> {
    Ok(cx.store.read(journal::head)?.0)
}

/// What others and what runs by itself put on record behind this entry, oldest first; and the number of the newest.
pub fn since(cx: &Ctx<'_>, seen: i64) -> Result<(i64, Vec<String>), OpError> {
    let until = newest(cx)?;
    let mut news = Vec::new();
    each(cx, Range { since: seen + 1, until }, |entry| {
        let by_others = |body: &Body| body.actor.person != cx.actor.person || body.actor.via != cx.actor.via;
        let told = entry.parsed().filter(by_others);
        news.extend(told.map(|body| format!("{}: {}", body.actor.name(), sentence(entry, &body))));
        Ok(())
    })?;
    Ok((until, news))
}

/// What an entry says, as hooks are told it where they are.
pub(super) fn sentence(entry: &Entry, body: &Body) -> String {
    if let Some(event) = crate::domain::event::of(entry, "").first() {
        return event.text.clone();
    }
    let refused = if body.result == Done::Refused { " (refused)" } else { "" };
    let why = body.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("{} {}{refused}{why}", entry.verb, body.subject)
}
