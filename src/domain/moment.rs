//! A moment of the past as people write it: an entry of the journal, or a time.

use super::text::quoted;
use super::time::{BadTime, Fold, Timestamp, Tz, parse_duration, parse_when};
use std::time::Duration;

/// Which state is meant: the one behind this entry, or the one at this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Entry(i64),
    At(Timestamp),
}

impl Moment {
    /// Reads `#41`, `41`, `-2h`, and every time a schedule takes too; a bare time of day is the last one there was.
    pub fn parse(text: &str, now: Timestamp, zone: Tz) -> Result<Self, BadTime> {
        let text = text.trim();
        if let Ok(seq) = text.strip_prefix('#').unwrap_or(text).parse::<i64>()
            && seq > 0
            && !text.starts_with('+')
        {
            return Ok(Self::Entry(seq));
        }
        if text.eq_ignore_ascii_case("yesterday") {
            return Self::parse("today", now.minus(Duration::from_secs(86_400)), zone);
        }
        if let Some(span) = text.strip_prefix('-') {
            return parse_duration(span).map(|span| Self::At(now.minus(span)));
        }
        let at = parse_when(text, now, zone, Fold::First).map_err(|why| match why {
            BadTime::Unreadable(shown) => BadTime::NoMoment(shown),
            other => other,
        })?;
        // A bare time of day means the next one where something is planned; here it means the last one.
        let is_bare = text.contains(':') && !text.contains('-') && !text.contains(' ');
        if is_bare && at > now {
            return Ok(Self::At(at.minus(Duration::from_secs(86_400))));
        }
        if at > now {
            return Err(BadTime::ToCome(quoted(text, 40)));
        }
        Ok(Self::At(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_moment_is_read() {
        let now: Timestamp = "2026-09-10T12:00:00Z".parse().unwrap();
        let at = |text: &str| Moment::At(text.parse().unwrap());
        for (text, moment) in [
            ("#41", Moment::Entry(41)),
            ("41", Moment::Entry(41)),
            ("-2h", at("2026-09-10T10:00:00Z")),
            ("now", at("2026-09-10T12:00:00Z")),
            ("yesterday", at("2026-09-09T00:00:00Z")),
            ("today 08:00", at("2026-09-10T08:00:00Z")),
            ("08:00", at("2026-09-10T08:00:00Z")),
            ("18:00", at("2026-09-09T18:00:00Z")),
            ("2026-09-01", at("2026-09-01T00:00:00Z")),
            ("2026-09-01 08:30", at("2026-09-01T08:30:00Z")),
            ("2026-09-01T08:30:00Z", at("2026-09-01T08:30:00Z")),
        ] {
            assert_eq!(Moment::parse(text, now, Tz::UTC).unwrap(), moment, "{text}");
        }
        for ahead in ["tomorrow 09:00", "+2h", "2026-09-10 12:01"] {
            let why = Moment::parse(ahead, now, Tz::UTC).unwrap_err().to_string();
            assert!(why.contains("still to come"), "{ahead}: {why}");
        }
        for bad in ["", "#", "#0", "0", "-", "-x", "#-1", "last week"] {
            assert!(Moment::parse(bad, now, Tz::UTC).is_err(), "{bad}");
        }
    }
}
