//! The journal as one file a day, each verified like an export (AUD-4). Making one is on record, and so is taking one away.

use chrono::{DateTime, NaiveDate, TimeDelta};
use serde::Serialize;

use super::export::Range;
use crate::domain::journal::Verb;
use crate::domain::right::{Place, Right};
use crate::domain::text::free;
use crate::domain::time::Timestamp;
use crate::ops::{Ctx, OpError};
use crate::store::journal;

/// How old the day of a file must be before it may go.
pub const KEPT_DAYS: i64 = 30;

/// How the file of a day is called.
pub fn name_of(day: NaiveDate) -> String {
    format!("journal-{day}.jsonl")
}

/// The day of an archive, in UTC.
fn day_of(at: Timestamp) -> NaiveDate {
    at.utc().date_naive()
}

fn start_of(day: NaiveDate) -> Timestamp {
    let midnight: DateTime<chrono::Utc> = day.and_time(chrono::NaiveTime::MIN).and_utc();
    Timestamp::from_millis(midnight.timestamp_millis())
}

/// Every day that is over, had entries, and of which `is_there` knows no file, with its entries, oldest first.
pub fn due(cx: &Ctx<'_>, is_there: impl Fn(NaiveDate) -> bool) -> Result<Vec<(NaiveDate, Range)>, OpError> {
    cx.store.read(|tx| {
        let Some(first) = journal::time_of(tx, 1)? else { return Ok(Vec::new()) };
        let (mut day, today) = (day_of(first), day_of(cx.now));
        let mut since = 1;
        let mut days = Vec::new();
        while day < today {
            let next = day + TimeDelta::days(1);
            let until = journal::seq_at(tx, Timestamp::from_millis(start_of(next).millis() - 1))?;
            if until >= since {
                if !is_there(day) {
                    days.push((day, Range { since, until }));
                }
                since = until + 1;
            }
            day = next;
        }
        Ok(days)
    })
}

#[derive(Serialize)]
struct Removed {
    day: NaiveDate,
}

/// Puts on record that the file of a day is taken away. It is taken away after that: what is gone without a word would be
/// worse than a word about what is still there.
pub fn remove(cx: &Ctx<'_>, day: NaiveDate, reason: &str) -> Result<(), OpError> {
    let reason = free("reason", reason, 2000)?;
    let name = name_of(day);
    cx.act(Verb::ArchiveRemoved, &name, |tx| {
        cx.may(Right::Administer, Place::default())?;
        let age = (day_of(cx.now) - day).num_days();
        if age < KEPT_DAYS {
            return Err(OpError::conflict(format!(
                "{name} is {} old; files of the archive are kept for {KEPT_DAYS} days",
                crate::domain::text::counted(age.max(0).cast_unsigned(), "day", "days")
            ))
            .hint(format!("wait until {}", day + TimeDelta::days(KEPT_DAYS))));
        }
        let entry = cx.entry(Verb::ArchiveRemoved, &name).because(Some(&reason));
        journal::append(tx, entry.detail(&Removed { day })).map(drop)?;
        Ok(())
    })
}
