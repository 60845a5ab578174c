//! What comes again and again: an RFC 5545 rule in the wall clock of one zone.
//!
//! The rule is expanded over wall clocks alone, where every day has 24 hours; only then each occurrence is laid into the
//! zone. So it begins at the same local time in summer and winter, and days with 23 or 25 hours are met here, in one
//! place: a start or an end that the clock skips lies where it is put forward; of a time that it shows twice a start is
//! the first and an end the last, so that a freeze covers both passes.

mod rule;
mod words;

use std::collections::BTreeSet;

use chrono::{Datelike as _, Month, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};

pub use self::rule::{ALLOWED, BadRule, Ends, Freq, Rule, Until};
use super::time::{Fold, Timestamp, Tz, Window, resolve_edge};

/// Days on which something begins again, from a wall clock to a wall clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    /// The first occurrence in the wall clock of its zone; the others last as long by that clock.
    pub start: NaiveDateTime,
    pub end: NaiveDateTime,
    pub rule: Rule,
    /// Days on which none begins although the rule says so.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub except: BTreeSet<NaiveDate>,
    /// When the last one begins, where the rule counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<NaiveDateTime>,
}

impl Recurrence {
    /// The longest one occurrence may be.
    pub const LONGEST: TimeDelta = TimeDelta::days(31);
    /// The most days that may be excepted.
    pub const EXCEPTIONS: usize = 500;

    /// The first occurrence is the first day of the rule from `start` on.
    pub fn new(
        start: NaiveDateTime,
        end: NaiveDateTime,
        rule: Rule,
        except: BTreeSet<NaiveDate>,
        zone: Tz,
    ) -> Result<Self, BadRule> {
        let wrong = |why: String| Err(BadRule::Times(why));
        let length = end - start;
        if length <= TimeDelta::zero() {
            return wrong("the end is not after the start".to_owned());
        }
        if length > Self::LONGEST {
            let most = Self::LONGEST.num_days();
            return wrong(format!("what repeats lasts at most {most} days each time; this is longer"));
        }
        if !(1970..=2200).contains(&start.year()) {
            return wrong("what repeats begins between 1970 and 2200".to_owned());
        }
        if except.len() > Self::EXCEPTIONS {
            return wrong(format!("at most {} days can be excepted", Self::EXCEPTIONS));
        }
        let rule = rule.anchored(start);
        let mut made = Self { start, end, rule, except, last: None };
        let Some(first) = made.starts(start).next() else {
            return wrong(format!("\"{}\" names no day that ever comes", made.rule));
        };
        (made.start, made.end) = (first, first + length);
        if let Ends::Count(count) = made.rule.ends {
            made.last = made.starts(first).take(usize::try_from(count).unwrap_or(usize::MAX)).last();
        }
        if made.first(zone).is_none() {
            return wrong(format!("nothing of \"{}\" is left: it ends before it begins", made.rule));
        }
        Ok(made)
    }

    /// The same from the first window, as people give it.
    pub fn of(window: Window, rule: Rule, except: BTreeSet<NaiveDate>, zone: Tz) -> Result<Self, BadRule> {
        let local = |at: Timestamp| at.in_zone(zone).naive_local();
        Self::new(local(window.start), local(window.end), rule, except, zone)
    }

    /// `every week on Fri, except 2026-12-25`.
    pub fn in_words(&self) -> String {
        const SHOWN: usize = 3;
        let days: Vec<String> = self.except.iter().take(SHOWN).map(ToString::to_string).collect();
        let more = self.except.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let except =
            if days.is_empty() { String::new() } else { format!(", except {}{more}", days.join(", ")) };
        format!("{}{except}", self.rule.in_words())
    }

    /// The first occurrence that there is.
    pub fn first(&self, zone: Tz) -> Option<Window> {
        self.windows(self.start, zone).next()
    }

    /// Wall clocks at which the rule begins, from `from` on; how often and until when is not asked.
    fn starts(&self, from: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> + use<> {
        let from = from.max(self.start);
        let base = self.near(from);
        // Nobody looks further ahead, and the arithmetic ends somewhere.
        let horizon = from.date().year().saturating_add(100);
        let begun = self.expand(base).into_iter().flat_map(|set| set.into_iter()).map(|at| at.naive_utc());
        begun.skip_while(move |at| *at < from).take_while(move |at| at.date().year() <= horizon)
    }

    /// The rule from `base` on, as the calendar library takes it: in a zone without changes of the clock.
    fn expand(&self, base: NaiveDateTime) -> Option<rrule::RRuleSet> {
        use rrule::{Frequency, NWeekday, RRule};
        let rule = &self.rule;
        let freq = match rule.freq {
            Freq::Daily => Frequency::Daily,
            Freq::Weekly => Frequency::Weekly,
            Freq::Monthly => Frequency::Monthly,
            Freq::Yearly => Frequency::Yearly,
        };
        // The library takes the days of both kinds that fit, where the standard wants those of either: so every one of a
        // month is said by its numbers beside others that are.
        let numbered = rule.by_day.iter().any(|day| day.nth.is_some());
        let days = rule.by_day.iter().flat_map(|day| match day.nth {
            Some(nth) => vec![NWeekday::new(Some(i16::from(nth)), day.weekday)],
            None if numbered => (1..=rule.weeks()).map(|nth| NWeekday::new(Some(nth), day.weekday)).collect(),
            None => vec![NWeekday::Every(day.weekday)],
        });
        let days = days.collect();
        let months: Vec<Month> =
            rule.by_month.iter().filter_map(|month| Month::try_from(*month).ok()).collect();
        let made = RRule::new(freq)
            .interval(rule.interval)
            .week_start(rule.week_start)
            .by_weekday(days)
            .by_month(&months)
            .by_month_day(rule.by_month_day.clone())
            .by_set_pos(rule.by_set_pos.iter().map(|at| i32::from(*at)).collect());
        let base = base.and_utc().with_timezone(&rrule::Tz::UTC);
        let made = made.validate(base).ok()?;
        Some(rrule::RRuleSet::new(base).limit().rrule(made))
    }

    /// A day to count from: whole periods of the rule after its start and not after `from`, so that a freeze of ten years
    /// ago costs no more than one of today.
    fn near(&self, from: NaiveDateTime) -> NaiveDateTime {
        let (start, interval) = (self.start, i64::from(self.rule.interval));
        let whole = |periods: i64| (periods / interval - 1).max(0) * interval;
        let months = |at: NaiveDateTime| i64::from(at.year()) * 12 + i64::from(at.month0());
        let days = (from - start).num_days();
        match self.rule.freq {
            Freq::Daily => start + TimeDelta::days(whole(days)),
            // From the first day of a week: the library counts positions within what is left of the week it begins in.
            Freq::Weekly => {
                let week = start + TimeDelta::days(7 * whole(days / 7));
                let since = week.weekday().days_since(self.rule.week_start);
                week - TimeDelta::days(i64::from(since))
            }
            Freq::Monthly | Freq::Yearly => {
                let by = match self.rule.freq {
                    Freq::Monthly => whole(months(from) - months(start)),
                    _ => 12 * whole(i64::from(from.year() - start.year())),
                };
                if by == 0 {
                    return start;
                }
                let month = months(start) + by;
                let month = if self.rule.freq == Freq::Yearly { month - month.rem_euclid(12) } else { month };
                let year = i32::try_from(month.div_euclid(12)).unwrap_or(i32::MAX);
                let number = u32::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
                NaiveDate::from_ymd_opt(year, number, 1).map_or(start, |day| day.and_time(start.time()))
            }
        }
    }

    /// The occurrences that begin at this wall clock or later, in order.
    fn windows(&self, from: NaiveDateTime, zone: Tz) -> impl Iterator<Item = Window> {
        let length = self.end - self.start;
        let counted = move |at: &NaiveDateTime| self.last.is_none_or(|last| *at <= last);
        self.starts(from)
            .take_while(counted)
            .take_while(move |at| self.rule.reaches(*at, zone))
            .filter(|at| !self.except.contains(&at.date()))
            .filter_map(move |at| {
                let start = resolve_edge(at, zone, Fold::First);
                // One that the clock skips as a whole does not take place.
                Window::new(start, resolve_edge(at + length, zone, Fold::Last)).ok()
            })
    }

    /// A wall clock surely before everything that begins at `at` or later.
    fn before(at: Timestamp, zone: Tz) -> NaiveDateTime {
        let local = at.in_zone(zone).naive_local();
        local.checked_sub_signed(TimeDelta::days(2)).unwrap_or(NaiveDate::MIN.and_time(NaiveTime::MIN))
    }

    /// Whether it is known that each occurrence begins before the one before it has ended, for ever. Where it cannot be told
    /// from the rule alone the answer is no.
    pub fn has_no_gap(&self) -> bool {
        let step = self.rule.longest_step().filter(|_| self.except.is_empty());
        // By the wall clock: of an hour that is shown twice or not at all, one ends no earlier than the next begins.
        step.is_some_and(|days| self.end - self.start >= TimeDelta::days(days))
    }

    /// Occurrences that have a part in the span, at most `most`.
    pub fn occurrences(&self, span: Window, zone: Tz, most: usize) -> Vec<Window> {
        let from = Self::before(span.start, zone) - (self.end - self.start);
        self.windows(from, zone)
            .skip_while(|window| window.end <= span.start)
            .take_while(|window| window.start < span.end)
            .take(most)
            .collect()
    }

    /// The occurrence in which `at` lies; of several the one that ends last.
    pub fn covering(&self, at: Timestamp, zone: Tz) -> Option<Window> {
        let from = Self::before(at, zone) - (self.end - self.start);
        let begun = self.windows(from, zone).take_while(|window| window.start <= at);
        begun.filter(|window| window.covers(at)).max_by_key(|window| window.end)
    }

    /// The first occurrence that begins after `at`.
    pub fn next(&self, at: Timestamp, zone: Tz) -> Option<Window> {
        self.windows(Self::before(at, zone), zone).find(|window| window.start > at)
    }

    /// A moment by which nothing of it is left; nothing: it has no end.
    pub fn over_at(&self, zone: Tz) -> Option<Timestamp> {
        let last = match self.rule.ends {
            Ends::Never => return None,
            Ends::Count(_) => self.last?,
            // Whatever the clock does around then.
            Ends::Until(Until::Utc(at)) => at.in_zone(zone).naive_local() + TimeDelta::days(1),
            Ends::Until(Until::Local(at)) => at,
            Ends::Until(Until::Day(day)) => day.and_time(NaiveTime::MIN) + TimeDelta::days(1),
        };
        Some(resolve_edge(last + (self.end - self.start), zone, Fold::Last))
    }

    pub fn is_over(&self, now: Timestamp, zone: Tz) -> bool {
        let ended = |end: Timestamp| {
            end <= now || (self.covering(now, zone).is_none() && self.next(now, zone).is_none())
        };
        self.over_at(zone).is_some_and(ended)
    }
}

#[cfg(test)]
mod tests;
