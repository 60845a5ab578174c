//! The rule itself: the parts of an RFC 5545 RRULE that make sense for days, read, checked and said in words.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, Weekday};
use serde::{Deserialize, Serialize};

use crate::domain::text::{any_of, quoted};
use crate::domain::time::{Fold, Timestamp, Tz, resolve_edge};

/// What is allowed, for whoever wrote something else.
pub const ALLOWED: &str = "write for example FREQ=WEEKLY;BYDAY=FR; what can be said: FREQ (DAILY, WEEKLY, MONTHLY, YEARLY), INTERVAL, \
                           BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, COUNT or UNTIL, WKST";

/// Why a rule was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    #[error("{0}; {ALLOWED}")]
    Rule(String),
    #[error("{0}")]
    Times(String),
}

impl BadRule {
    fn rule(why: impl Into<String>) -> Self {
        Self::Rule(why.into())
    }
}

/// How coarse the rule is. Nothing finer: clocks are put forward and back within a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freq {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Freq {
    fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::Monthly => "MONTHLY",
            Self::Yearly => "YEARLY",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Daily => "day",
            Self::Weekly => "week",
            Self::Monthly => "month",
            Self::Yearly => "year",
        }
    }
}

/// The last moment at which an occurrence may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    Utc(Timestamp),
    Local(NaiveDateTime),
    /// The day belongs to it.
    Day(NaiveDate),
}

/// When it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    Never,
    Count(u32),
    Until(Until),
}

/// A weekday, every one or the n-th of the month or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    pub nth: Option<i8>,
    pub weekday: Weekday,
}

/// On which days something comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rule {
    pub freq: Freq,
    pub interval: u16,
    pub by_day: Vec<Day>,
    pub by_month_day: Vec<i8>,
    pub by_month: Vec<u8>,
    pub by_set_pos: Vec<i16>,
    pub ends: Ends,
    pub week_start: Weekday,
}

const DAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Mon),
    ("TU", Weekday::Tue),
    ("WE", Weekday::Wed),
    ("TH", Weekday::Thu),
    ("FR", Weekday::Fri),
    ("SA", Weekday::Sat),
    ("SU", Weekday::Sun),
];

fn code(weekday: Weekday) -> &'static str {
    DAYS.iter().find(|(_, day)| *day == weekday).map_or("MO", |(code, _)| code)
}

fn weekday(text: &str) -> Option<Weekday> {
    DAYS.iter().find(|(code, _)| *code == text).map(|(_, day)| *day)
}

/// Reads a list of numbers, each at most `most` from nought and not nought itself; negative ones count from the end.
fn numbers(part: &str, text: &str, least: i16, most: i16) -> Result<Vec<i16>, BadRule> {
    let mut list = Vec::new();
    for item in text.split(',') {
        let number = item.trim().parse::<i16>().ok().filter(|n| *n != 0 && *n >= least && *n <= most);
        let Some(number) = number else {
            let range =
                if least < 0 { format!("1 to {most} or -1 to {least}") } else { format!("1 to {most}") };
            return Err(BadRule::rule(format!(
                "{part}={} is not a list of numbers from {range}",
                quoted(item, 20)
            )));
        };
        if !list.contains(&number) {
            list.push(number);
        }
    }
    list.sort_unstable();
    Ok(list)
}

fn small(list: Vec<i16>) -> Vec<i8> {
    list.into_iter().filter_map(|number| i8::try_from(number).ok()).collect()
}

fn day(item: &str) -> Option<Day> {
    let item = item.trim();
    let at = item.len().checked_sub(2).filter(|at| item.is_char_boundary(*at))?;
    let (nth, name) = item.split_at(at);
    let nth = match nth {
        "" => None,
        nth => Some(nth.parse::<i8>().ok().filter(|nth| *nth != 0 && (-53..=53).contains(nth))?),
    };
    Some(Day { nth, weekday: weekday(name)? })
}

fn until(text: &str) -> Option<Until> {
    let fits = |date: NaiveDate| (1970..=9998).contains(&date.year());
    if let Some(utc) = text.strip_suffix('Z') {
        let at = NaiveDateTime::parse_from_str(utc, "%Y%m%dT%H%M%S").ok().filter(|at| fits(at.date()))?;
        return Some(Until::Utc(Timestamp::new(at.and_utc())));
    }
    if let Ok(at) = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S") {
        return fits(at.date()).then_some(Until::Local(at));
    }
    let day = ["%Y%m%d", "%Y-%m-%d"].iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok());
    day.filter(|day| fits(*day)).map(Until::Day)
}

impl FromStr for Rule {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        const LONGEST: usize = 500;
        let said = super::words::rule(text);
        let text = said.as_deref().unwrap_or(text).trim().to_ascii_uppercase();
        let text = text.strip_prefix("RRULE:").unwrap_or(&text);
        if text.len() > LONGEST {
            return Err(BadRule::rule(format!("a rule has at most {LONGEST} characters")));
        }
        let mut rule = Self {
            freq: Freq::Daily,
            interval: 1,
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            by_month: Vec::new(),
            by_set_pos: Vec::new(),
            ends: Ends::Never,
            week_start: Weekday::Mon,
        };
        let mut seen: Vec<&str> = Vec::new();
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| BadRule::rule(format!("{} is no part of a rule", quoted(part, 40))))?;
            let (name, value) = (name.trim(), value.trim());
            if seen.contains(&name) {
                return Err(BadRule::rule(format!("{} is said twice", quoted(name, 20))));
            }
            seen.push(name);
            rule.part(name, value)?;
        }
        if !seen.contains(&"FREQ") {
            return Err(BadRule::rule("a rule says how often: FREQ is missing"));
        }
        if seen.contains(&"COUNT") && seen.contains(&"UNTIL") {
            return Err(BadRule::rule("COUNT and UNTIL exclude each other"));
        }
        rule.agrees()?;
        Ok(rule)
    }
}

impl Rule {
    /// The longest interval, in periods.
    const INTERVAL: u16 = 366;
    /// The most occurrences that can be counted.
    const COUNT: u32 = 1000;

    fn part(&mut self, name: &str, value: &str) -> Result<(), BadRule> {
        let shown = quoted(value, 40);
        match name {
            "FREQ" => {
                self.freq = match value {
                    "DAILY" => Freq::Daily,
                    "WEEKLY" => Freq::Weekly,
                    "MONTHLY" => Freq::Monthly,
                    "YEARLY" => Freq::Yearly,
                    "HOURLY" | "MINUTELY" | "SECONDLY" => {
                        return Err(BadRule::rule(format!(
                            "FREQ={value} is finer than a day, which no freeze is"
                        )));
                    }
                    _ => return Err(BadRule::rule(format!("FREQ={shown} is not known"))),
                };
            }
            "INTERVAL" => {
                let number = value.parse::<u16>().ok().filter(|n| (1..=Self::INTERVAL).contains(n));
                let wrong = || {
                    BadRule::rule(format!("INTERVAL={shown} is not a number from 1 to {}", Self::INTERVAL))
                };
                self.interval = number.ok_or_else(wrong)?;
            }
            "COUNT" => {
                let number = value.parse::<u32>().ok().filter(|n| (1..=Self::COUNT).contains(n));
                let wrong = || {
                    BadRule::rule(format!(
                        "COUNT={shown} is not a number from 1 to {}; UNTIL reaches further",
                        Self::COUNT
                    ))
                };
                self.ends = Ends::Count(number.ok_or_else(wrong)?);
            }
            "UNTIL" => {
                let wrong = || {
                    BadRule::rule(format!(
                        "UNTIL={shown} is not a time; write UNTIL=20271231, 20271231T180000 or 20271231T170000Z"
                    ))
                };
                self.ends = Ends::Until(until(value).ok_or_else(wrong)?);
            }
            "BYDAY" => {
                for item in value.split(',') {
                    let wrong = || {
                        BadRule::rule(format!(
                            "BYDAY={} is not a weekday; write MO,FR, or 1MO and -1FR of a month",
                            quoted(item, 20)
                        ))
                    };
                    let day = day(item).ok_or_else(wrong)?;
                    if !self.by_day.contains(&day) {
                        self.by_day.push(day);
                    }
                }
                self.by_day.sort_by_key(|day| (day.nth, day.weekday.num_days_from_monday()));
            }
            "BYMONTHDAY" => self.by_month_day = small(numbers(name, value, -31, 31)?),
            "BYMONTH" => {
                let months = numbers(name, value, 1, 12)?;
                self.by_month = months.into_iter().filter_map(|month| u8::try_from(month).ok()).collect();
            }
            "BYSETPOS" => self.by_set_pos = numbers(name, value, -366, 366)?,
            "WKST" => {
                let wrong = || BadRule::rule(format!("WKST={shown} is not a weekday such as MO"));
                self.week_start = weekday(value).ok_or_else(wrong)?;
            }
            _ => return Err(BadRule::rule(format!("{} cannot be said of a freeze", quoted(name, 20)))),
        }
        Ok(())
    }

    /// The highest number a weekday can have in the month or year that is meant.
    pub(super) fn weeks(&self) -> i16 {
        match self.freq {
            Freq::Monthly => 5,
            Freq::Yearly if !self.by_month.is_empty() => 5,
            Freq::Yearly => 53,
            Freq::Daily | Freq::Weekly => 0,
        }
    }

    /// The most days from one day it names to the next; nothing: it ends, or that is not plain to see.
    pub(super) fn longest_step(&self) -> Option<i64> {
        let names_more =
            !(self.by_month.is_empty() && self.by_month_day.is_empty() && self.by_set_pos.is_empty());
        if self.ends != Ends::Never || names_more {
            return None;
        }
        let interval = i64::from(self.interval);
        match self.freq {
            Freq::Daily if self.by_day.is_empty() => Some(interval),
            // Every weekday of each such week, counted from where weeks begin.
            Freq::Weekly => {
                let from = self.week_start;
                let at = |day: &Day| i64::from(day.weekday.days_since(from));
                let mut days: Vec<i64> = self.by_day.iter().map(at).collect();
                days.sort_unstable();
                let over = days.first()? + 7 * interval - days.last()?;
                days.windows(2).map(|pair| pair[1] - pair[0]).chain([over]).max()
            }
            Freq::Daily | Freq::Monthly | Freq::Yearly => None,
        }
    }

    /// What RFC 5545 says about parts together.
    fn agrees(&self) -> Result<(), BadRule> {
        let most = self.weeks();
        let far = self.by_day.iter().filter_map(|day| day.nth).find(|nth| i16::from(*nth).abs() > most);
        match far {
            Some(nth) if most == 0 => {
                return Err(BadRule::rule(format!(
                    "BYDAY with a number ({nth}) goes with FREQ=MONTHLY or YEARLY only"
                )));
            }
            Some(nth) => {
                return Err(BadRule::rule(format!(
                    "BYDAY: there is no weekday number {nth}; {most} is the most"
                )));
            }
            None => {}
        }
        if self.freq == Freq::Weekly && !self.by_month_day.is_empty() {
            return Err(BadRule::rule("BYMONTHDAY does not go with FREQ=WEEKLY"));
        }
        let has_set = !(self.by_day.is_empty() && self.by_month_day.is_empty() && self.by_month.is_empty());
        if !self.by_set_pos.is_empty() && !has_set {
            return Err(BadRule::rule(
                "BYSETPOS picks from the days that BYDAY or BYMONTHDAY name: there is none",
            ));
        }
        Ok(())
    }

    /// The same with the days it takes from its start written down, so that they do not depend on it any more.
    #[must_use]
    pub(super) fn anchored(mut self, start: NaiveDateTime) -> Self {
        if self.by_day.is_empty() && self.by_month_day.is_empty() {
            match self.freq {
                Freq::Daily => {}
                Freq::Weekly => self.by_day = vec![Day { nth: None, weekday: start.weekday() }],
                Freq::Monthly => self.by_month_day = vec![i8::try_from(start.day()).unwrap_or(1)],
                Freq::Yearly => {
                    self.by_month_day = vec![i8::try_from(start.day()).unwrap_or(1)];
                    if self.by_month.is_empty() {
                        self.by_month = vec![u8::try_from(start.month()).unwrap_or(1)];
                    }
                }
            }
        }
        self
    }

    /// Whether an occurrence that begins then, in the wall clock of `zone`, is not too late.
    pub(super) fn reaches(&self, start: NaiveDateTime, zone: Tz) -> bool {
        match self.ends {
            Ends::Never | Ends::Count(_) => true,
            Ends::Until(Until::Utc(at)) => resolve_edge(start, zone, Fold::First) <= at,
            Ends::Until(Until::Local(at)) => start <= at,
            Ends::Until(Until::Day(day)) => start.date() <= day,
        }
    }

    /// `every week on Fri and Sat`, `every 2 months on the last Fri`, `every year in Dec on day 24, 10 times`.
    pub fn in_words(&self) -> String {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let noun = self.freq.noun();
        let mut words = match self.interval {
            1 => format!("every {noun}"),
            many => format!("every {many} {noun}s"),
        };
        if !self.by_month.is_empty() {
            let months: Vec<String> = self
                .by_month
                .iter()
                .filter_map(|month| Some((*MONTHS.get(usize::from(*month) - 1)?).to_owned()))
                .collect();
            words.push_str(&format!(" in {}", all_of(&months)));
        }
        if !self.by_day.is_empty() {
            let days: Vec<String> = self.by_day.iter().map(|day| day.in_words()).collect();
            words.push_str(&format!(" on {}", all_of(&days)));
        }
        if !self.by_month_day.is_empty() {
            let days: Vec<String> = self.by_month_day.iter().map(|day| month_day(*day)).collect();
            let on = if self.by_day.is_empty() { " on" } else { ", if it is" };
            words.push_str(&format!("{on} {}", any_of(&days)));
        }
        if !self.by_set_pos.is_empty() {
            let which: Vec<String> = self.by_set_pos.iter().map(|at| nth(*at)).collect();
            words.push_str(&format!(" (the {} of these)", all_of(&which)));
        }
        match self.ends {
            Ends::Never => {}
            Ends::Count(1) => words.push_str(", once"),
            Ends::Count(count) => words.push_str(&format!(", {count} times")),
            Ends::Until(Until::Utc(at)) => {
                words.push_str(&format!(", until {}", at.utc().format("%Y-%m-%d %H:%M UTC")));
            }
            Ends::Until(Until::Local(at)) => {
                words.push_str(&format!(", until {}", at.format("%Y-%m-%d %H:%M")));
            }
            Ends::Until(Until::Day(day)) => words.push_str(&format!(", until {}", day.format("%Y-%m-%d"))),
        }
        words
    }
}

impl Day {
    fn in_words(self) -> String {
        match self.nth {
            None => self.weekday.to_string(),
            Some(at) => format!("the {} {}", nth(i16::from(at)), self.weekday),
        }
    }
}

/// `a`, `a and b`, `a, b and c`.
fn all_of(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn month_day(day: i8) -> String {
    match day {
        -1 => "the last day".to_owned(),
        day if day < 0 => format!("the {} day", nth(i16::from(day))),
        day => format!("day {day}"),
    }
}

/// `1st`, `22nd`, `last`, `2nd last`.
fn nth(at: i16) -> String {
    let number = at.unsigned_abs();
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    match at {
        -1 => "last".to_owned(),
        at if at < 0 => format!("{number}{end} last"),
        _ => format!("{number}{end}"),
    }
}

/// As RFC 5545 writes it, always in the same order.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: ToString>(list: &[T]) -> String {
            list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        }
        write!(f, "FREQ={}", self.freq.as_str())?;
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        if !self.by_month.is_empty() {
            write!(f, ";BYMONTH={}", list(&self.by_month))?;
        }
        if !self.by_month_day.is_empty() {
            write!(f, ";BYMONTHDAY={}", list(&self.by_month_day))?;
        }
        if !self.by_day.is_empty() {
            let day = |day: &Day| {
                format!("{}{}", day.nth.map(|n| n.to_string()).unwrap_or_default(), code(day.weekday))
            };
            write!(f, ";BYDAY={}", self.by_day.iter().map(day).collect::<Vec<_>>().join(","))?;
        }
        if !self.by_set_pos.is_empty() {
            write!(f, ";BYSETPOS={}", list(&self.by_set_pos))?;
        }
        match self.ends {
            Ends::Never => Ok(()),
            Ends::Count(count) => write!(f, ";COUNT={count}"),
            Ends::Until(Until::Utc(at)) => write!(f, ";UNTIL={}", at.utc().format("%Y%m%dT%H%M%SZ")),
            Ends::Until(Until::Local(at)) => write!(f, ";UNTIL={}", at.format("%Y%m%dT%H%M%S")),
            Ends::Until(Until::Day(day)) => write!(f, ";UNTIL={}", day.format("%Y%m%d")),
        }?;
        if self.week_start == Weekday::Mon { Ok(()) } else { write!(f, ";WKST={}", code(self.week_start)) }
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> String {
        rule.to_string()
    }
}
impl TryFrom<String> for Rule {
    type Error = BadRule;
    fn try_from(text: String) -> Result<Self, BadRule> {
        text.parse()
    }
}
