//! iCalendar → what becomes freezes. Never fails as a whole for one event: what cannot be read is named with its line.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::super::freeze::{Running, Scope, Stops};
use super::super::recurrence::{Recurrence, Rule};
use super::super::text::{multi_line, one_line, quoted};
use super::super::time::{Fold, Timestamp, Tz, Window, resolve_edge};

/// The largest file, in bytes.
pub const LIMIT: usize = 4 << 20;
/// The most events, the longest line in bytes, and how deep components may lie in each other.
const EVENTS: usize = 2000;
const LINE: usize = 64 << 10;
const DEPTH: usize = 8;

/// An event that can be a freeze.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The line it begins on.
    pub line: usize,
    pub uid: String,
    pub name: String,
    pub reason: Option<String>,
    pub window: Window,
    pub zone: Tz,
    pub repeats: Option<Recurrence>,
    /// Said by relman itself.
    pub scope: Option<Scope>,
    pub running: Running,
    /// Only where the calendar says so.
    pub stops: Option<Stops>,
    pub suspended: Option<bool>,
}

/// An event that cannot, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    pub line: usize,
    pub what: String,
    pub why: String,
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    pub events: Vec<Event>,
    pub skipped: Vec<Skipped>,
}

/// One content line, unfolded.
struct Line {
    number: usize,
    name: String,
    params: Vec<(String, String)>,
    value: String,
}

impl Line {
    fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why one event is left out: the line and a sentence.
type Wrong = (usize, String);

/// Reads a calendar. Times without a zone and whole days are in `zone`.
pub fn read(bytes: &[u8], zone: Tz) -> Result<Read, String> {
    const FIRST: &str = "BEGIN:VCALENDAR";
    if bytes.len() > LIMIT {
        return Err(format!("the file is larger than {} MiB; no calendar of freezes is", LIMIT >> 20));
    }
    let text = std::str::from_utf8(bytes).map_err(|why| {
        let line = bytes[..why.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line}: the file is not UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_start().get(..FIRST.len()).is_some_and(|first| first.eq_ignore_ascii_case(FIRST)) {
        return Err(format!("line 1: this is no iCalendar file: it does not begin with {FIRST}"));
    }
    let lines = lines(text)?;
    let mut read = Read::default();
    let mut stack: Vec<String> = Vec::new();
    let mut event: Option<(usize, Vec<Line>)> = None;
    let mut count = 0;
    for line in lines {
        let value = line.value.trim().to_ascii_uppercase();
        match line.name.as_str() {
            "BEGIN" => {
                if stack.len() >= DEPTH {
                    return Err(format!(
                        "line {}: components lie in each other more than {DEPTH} deep",
                        line.number
                    ));
                }
                if value == "VEVENT" && stack.len() == 1 {
                    count += 1;
                    if count > EVENTS {
                        return Err(format!("line {}: more than {EVENTS} events", line.number));
                    }
                    event = Some((line.number, Vec::new()));
                }
                stack.push(value);
            }
            "END" => {
                if stack.pop().as_deref() != Some(value.as_str()) {
                    let what = quoted(&line.value, 40);
                    return Err(format!("line {}: END:{what} does not belong here", line.number));
                }
                if stack.len() == 1
                    && let Some((at, lines)) = event.take()
                {
                    match one(at, &lines, zone) {
                        Ok(Some(event)) => read.events.push(event),
                        Ok(None) => {}
                        Err((line, why)) => read.skipped.push(Skipped { line, what: title(&lines), why }),
                    }
                }
            }
            // What lies deeper in an event, an alarm, is none of ours.
            _ if stack.len() == 2 => {
                if let Some((_, lines)) = &mut event {
                    lines.push(line);
                }
            }
            _ => {}
        }
    }
    if let Some(open) = stack.last() {
        return Err(format!("the file ends within {}: it was cut short", quoted(open, 40)));
    }
    Ok(read)
}

/// The lines with what belongs together put together.
fn lines(text: &str) -> Result<Vec<Line>, String> {
    let mut whole: Vec<(usize, String)> = Vec::new();
    for (index, raw) in text.split('\n').enumerate() {
        let raw = raw.strip_suffix('\r').unwrap_or(raw);
        let number = index + 1;
        match (raw.strip_prefix([' ', '\t']), whole.last_mut()) {
            (Some(more), Some((_, line))) => line.push_str(more),
            _ if raw.trim().is_empty() => continue,
            _ => whole.push((number, raw.to_owned())),
        }
        if whole.last().is_some_and(|(_, line)| line.len() > LINE) {
            return Err(format!("line {number}: a line is longer than {} KiB", LINE >> 10));
        }
    }
    whole.into_iter().map(|(number, text)| content(number, &text)).collect()
}

/// `NAME;PARAM=value;PARAM="va:lue":value`.
fn content(number: usize, text: &str) -> Result<Line, String> {
    let (mut quotes, mut colon) = (false, None);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quotes = !quotes,
            ':' if !quotes => {
                colon = Some(at);
                break;
            }
            _ => {}
        }
    }
    let at = colon.ok_or_else(|| format!("line {number}: {} is no line of a calendar", quoted(text, 40)))?;
    let (head, value) = (&text[..at], &text[at + 1..]);
    let mut parts: Vec<String> = vec![String::new()];
    let mut quotes = false;
    for c in head.chars() {
        match c {
            '"' => quotes = !quotes,
            ';' if !quotes => parts.push(String::new()),
            c => {
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
    }
    let mut parts = parts.into_iter();
    let name = parts.next().unwrap_or_default().trim().to_ascii_uppercase();
    let params = parts.filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_ascii_uppercase(), value.to_owned()))
    });
    Ok(Line { number, name, params: params.collect(), value: value.to_owned() })
}

/// Text with its escapes undone and made harmless.
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            c => out.push(c),
        }
    }
    multi_line(out.trim())
}

/// A list with commas, each with its escapes undone.
fn list(value: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut escaped = false;
    for c in value.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            ',' if !escaped => items.push(String::new()),
            c => {
                if let Some(item) = items.last_mut() {
                    item.push(c);
                }
                escaped = false;
            }
        }
    }
    items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn title(lines: &[Line]) -> String {
    let summary = lines.iter().find(|line| line.name == "SUMMARY").map(|line| one_line(&text(&line.value)));
    super::super::text::fit(&summary.unwrap_or_else(|| "an event without a name".to_owned()), 60)
}

/// One event; nothing for one that was called off.
fn one(at: usize, lines: &[Line], zone: Tz) -> Result<Option<Event>, Wrong> {
    let find = |name: &str| lines.iter().find(|line| line.name == name);
    if find("STATUS").is_some_and(|line| line.value.trim().eq_ignore_ascii_case("CANCELLED")) {
        return Ok(None);
    }
    for (name, why) in [
        ("RDATE", "single dates beside a rule (RDATE) cannot be read"),
        ("EXRULE", "rules of exceptions (EXRULE) cannot be read"),
        (
            "RECURRENCE-ID",
            "a single occurrence that was moved cannot be read; the rule itself is another event",
        ),
    ] {
        if let Some(line) = find(name) {
            return Err((line.number, why.to_owned()));
        }
    }
    let start_line =
        find("DTSTART").ok_or((at, "it has no DTSTART: it says not when it begins".to_owned()))?;
    let (start, own_zone) = moment(start_line, zone)?;
    let end = end(lines, start_line, start, own_zone, zone)?;
    let meant = find("X-RELMAN-ZONE").and_then(|line| line.value.trim().parse().ok());
    let rules: Vec<&Line> = lines.iter().filter(|line| line.name == "RRULE").collect();
    let (window, zone, repeats) = match rules.as_slice() {
        [] => {
            let instant = |at, fold| resolve_edge(at, own_zone, fold);
            let window = Window::new(instant(start, Fold::First), instant(end, Fold::Last));
            let window = window.map_err(|why| (start_line.number, why.to_string()))?;
            (window, meant.unwrap_or(own_zone), None)
        }
        [line] => {
            let except = exceptions(lines, own_zone, zone)?;
            let rule: Rule = line.value.parse().map_err(|why| (line.number, format!("{why}")))?;
            let repeats = Recurrence::new(start, end, rule, except, own_zone);
            let repeats = repeats.map_err(|why| (line.number, why.to_string()))?;
            let nothing = || (line.number, "nothing of it is left".to_owned());
            (repeats.first(own_zone).ok_or_else(nothing)?, own_zone, Some(repeats))
        }
        [_, second, ..] => return Err((second.number, "it has several rules".to_owned())),
    };
    let uid = find("UID").map(|line| one_line(&text(&line.value))).filter(|uid| !uid.is_empty());
    let uid = uid.ok_or((at, "it has no UID: it could not be found again".to_owned()))?;
    if uid.len() > 500 {
        return Err((at, "its UID is longer than 500 bytes".to_owned()));
    }
    let name = one_line(&find("SUMMARY").map(|line| text(&line.value)).unwrap_or_default());
    let scope = scope(find("X-RELMAN-SERVICES"), find("X-RELMAN-ENVIRONMENTS"))?;
    let stops = find("X-RELMAN-STOPS").and_then(|line| line.value.trim().parse().ok());
    let suspended = find("X-RELMAN-SUSPENDED").map(|line| line.value.trim() == "TRUE");
    let running = find("X-RELMAN-RUNNING").and_then(|line| line.value.trim().parse().ok());
    Ok(Some(Event {
        line: at,
        uid,
        name: if name.trim().is_empty() { "an event without a name".to_owned() } else { name },
        reason: find("DESCRIPTION").map(|line| text(&line.value)).filter(|reason| !reason.is_empty()),
        window,
        zone,
        repeats,
        scope,
        running: running.unwrap_or_default(),
        stops,
        suspended,
    }))
}

fn scope(services: Option<&Line>, environments: Option<&Line>) -> Result<Option<Scope>, Wrong> {
    let Some(environments) = environments else { return Ok(None) };
    let services = services.map(|line| list(&line.value)).unwrap_or_default();
    let made = Scope::new(services, list(&environments.value));
    made.map(Some).map_err(|why| (environments.number, why.to_string()))
}

/// When it ends, by the clock of `own`, the zone of its start.
fn end(
    lines: &[Line],
    start_line: &Line,
    start: NaiveDateTime,
    own: Tz,
    zone: Tz,
) -> Result<NaiveDateTime, Wrong> {
    if let Some(line) = lines.iter().find(|line| line.name == "DTEND") {
        let (end, its) = moment(line, zone)?;
        // An end in another zone, by the clock of the start's.
        return Ok(if its == own {
            end
        } else {
            resolve_edge(end, its, Fold::Last).in_zone(own).naive_local()
        });
    }
    if let Some(line) = lines.iter().find(|line| line.name == "DURATION") {
        let wrong = || (line.number, format!("{} is no duration", quoted(&line.value, 40)));
        let length = duration(line.value.trim()).ok_or_else(wrong)?;
        return start.checked_add_signed(length).ok_or_else(wrong);
    }
    match start_line.param("VALUE") {
        // A day without an end is that day.
        Some(kind) if kind.eq_ignore_ascii_case("DATE") => Ok(start + TimeDelta::days(1)),
        _ => Err((start_line.number, "it has neither an end nor a duration: it closes nothing".to_owned())),
    }
}

/// Days on which it does not come, by the clock of its start.
fn exceptions(lines: &[Line], own: Tz, zone: Tz) -> Result<BTreeSet<NaiveDate>, Wrong> {
    let mut days = BTreeSet::new();
    for line in lines.iter().filter(|line| line.name == "EXDATE") {
        for value in line.value.split(',') {
            let single = Line {
                number: line.number,
                name: String::new(),
                params: line.params.clone(),
                value: value.trim().to_owned(),
            };
            let (at, its) = moment(&single, zone)?;
            let local =
                if its == own { at } else { resolve_edge(at, its, Fold::First).in_zone(own).naive_local() };
            days.insert(local.date());
        }
    }
    Ok(days)
}

/// A date or a time with the zone it is in.
fn moment(line: &Line, floating: Tz) -> Result<(NaiveDateTime, Tz), Wrong> {
    let value = line.value.trim();
    let wrong = || (line.number, format!("{} is not a time of a calendar", quoted(value, 40)));
    let fits = |at: NaiveDateTime| (1970..=2200).contains(&chrono::Datelike::year(&at.date()));
    let zone = match line.param("TZID") {
        Some(name) => known_zone(name).ok_or_else(|| {
            (
                line.number,
                format!(
                    "the time zone {} is not known; --time-zone does not stand in for it",
                    quoted(name, 60)
                ),
            )
        })?,
        None => floating,
    };
    let (at, zone) = if let Some(utc) = value.strip_suffix('Z') {
        (NaiveDateTime::parse_from_str(utc, "%Y%m%dT%H%M%S").map_err(|_| wrong())?, Tz::UTC)
    } else if value.contains('T') {
        (NaiveDateTime::parse_from_str(value, "%Y%m%dT%H%M%S").map_err(|_| wrong())?, zone)
    } else {
        let day = NaiveDate::parse_from_str(value, "%Y%m%d").map_err(|_| wrong())?;
        (day.and_time(NaiveTime::MIN), zone)
    };
    if fits(at) { Ok((at, zone)) } else { Err(wrong()) }
}

/// An IANA zone under its own name, behind the path some programs put before it, or under the name Windows has for it.
fn known_zone(name: &str) -> Option<Tz> {
    let name = name.trim().trim_matches('"');
    if let Ok(zone) = name.parse() {
        return Some(zone);
    }
    let parts: Vec<&str> = name.split('/').collect();
    let tail = (1..parts.len()).find_map(|from| parts[from..].join("/").parse::<Tz>().ok());
    if tail.is_some() && name.starts_with('/') {
        return tail;
    }
    let windows = BTreeMap::from([
        ("AUS Eastern Standard Time", Tz::Australia__Sydney),
        ("Central Europe Standard Time", Tz::Europe__Budapest),
        ("Central European Standard Time", Tz::Europe__Warsaw),
        ("Central Standard Time", Tz::America__Chicago),
        ("China Standard Time", Tz::Asia__Shanghai),
        ("E. South America Standard Time", Tz::America__Sao_Paulo),
        ("Eastern Standard Time", Tz::America__New_York),
        ("FLE Standard Time", Tz::Europe__Kiev),
        ("GMT Standard Time", Tz::Europe__London),
        ("GTB Standard Time", Tz::Europe__Bucharest),
        ("Greenwich Standard Time", Tz::Atlantic__Reykjavik),
        ("India Standard Time", Tz::Asia__Kolkata),
        ("Israel Standard Time", Tz::Asia__Jerusalem),
        ("Mountain Standard Time", Tz::America__Denver),
        ("Pacific Standard Time", Tz::America__Los_Angeles),
        ("Romance Standard Time", Tz::Europe__Paris),
        ("Russian Standard Time", Tz::Europe__Moscow),
        ("Singapore Standard Time", Tz::Asia__Singapore),
        ("Tokyo Standard Time", Tz::Asia__Tokyo),
        ("UTC", Tz::UTC),
        ("W. Europe Standard Time", Tz::Europe__Berlin),
    ]);
    windows.get(name).copied()
}

/// What lasts as long is taken for a mistake.
const LONGEST: TimeDelta = TimeDelta::days(3660);

/// `P1W`, `P2DT3H`, `PT90M`.
fn duration(text: &str) -> Option<TimeDelta> {
    let rest = text.trim_start_matches('+').strip_prefix('P')?;
    let mut total = TimeDelta::zero();
    let mut number = String::new();
    for c in rest.chars() {
        match c {
            'T' if number.is_empty() => {}
            c if c.is_ascii_digit() && number.len() < 9 => number.push(c),
            unit => {
                let count: i64 = std::mem::take(&mut number).parse().ok()?;
                let seconds = match unit {
                    'W' => 7 * 86_400,
                    'D' => 86_400,
                    'H' => 3600,
                    'M' => 60,
                    'S' => 1,
                    _ => return None,
                };
                total = total.checked_add(&TimeDelta::try_seconds(count.checked_mul(seconds)?)?)?;
                // Nothing that follows makes it shorter.
                if total >= LONGEST {
                    return None;
                }
            }
        }
    }
    (number.is_empty() && total > TimeDelta::zero()).then_some(total)
}

/// Which instant an event is about, for who lists it.
impl Event {
    pub fn is_over(&self, now: Timestamp) -> bool {
        match &self.repeats {
            Some(repeats) => repeats.is_over(now, self.zone),
            None => self.window.end <= now,
        }
    }
}
