//! What `[[freezes]]` says.

use super::Checker;
use crate::config::raw::RawFreeze;
use crate::domain::freeze::{Freeze, FreezeOrigin, Scope};
use crate::domain::time::{Fold, Timestamp, Tz, Window, parse_when, parse_zone};

impl Checker {
    pub(super) fn freeze(&mut self, index: usize, raw: RawFreeze) -> Option<Freeze> {
        let at = |key: &str| -> Vec<String> { vec!["freezes".to_owned(), index.to_string(), key.to_owned()] };
        if raw.name.trim().is_empty() {
            self.error(keys!["freezes", index], "a freeze needs a name");
        }
        if raw.rrule.is_some() {
            let hint = Some("write one [[freezes]] for each time".to_owned());
            self.hinted(&at("rrule"), "freezes that repeat are not supported by this version", hint);
        }
        match raw.running.as_deref() {
            None | Some("finish") => {}
            Some("stop-at-step") => {
                let hint =
                    Some("use \"finish\": what runs when the freeze begins runs to its end".to_owned());
                self.hinted(&at("running"), "\"stop-at-step\" is not supported by this version", hint);
            }
            Some(other) => {
                self.one_of(&at("running"), other, &["finish", "stop-at-step"]);
            }
        }
        let zone = match raw.time_zone.as_deref().map(parse_zone) {
            None => self.zone,
            Some(Ok(zone)) => zone,
            Some(Err(why)) => {
                self.error(&at("time-zone"), why);
                return None;
            }
        };
        let start = self.instant(&at("start"), raw.start.as_deref(), zone, Fold::First);
        let end = self.instant(&at("end"), raw.end.as_deref(), zone, Fold::Last);
        let scope = Scope::new(raw.services, raw.environments);
        let scope = scope.map_err(|why| self.error(keys!["freezes", index], why)).ok();
        let window = Window::new(start?, end?).map_err(|why| self.error(&at("end"), why)).ok();
        Some(Freeze {
            origin: FreezeOrigin::Config,
            name: raw.name,
            reason: raw.reason.unwrap_or_else(|| "no reason given".to_owned()),
            scope: scope?,
            window: window?,
            zone,
            created_by: None,
        })
    }

    /// An absolute local time: words such as "tomorrow" mean something else every day and have no place in a file.
    fn instant(&mut self, keys: &[String], text: Option<&str>, zone: Tz, fold: Fold) -> Option<Timestamp> {
        let Some(text) = text else {
            self.error(keys, "a freeze needs a start and an end, such as \"2026-12-24 18:00\"");
            return None;
        };
        if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.contains('-') {
            self.error(keys, "write the date and the time, such as \"2026-12-24 18:00\"");
            return None;
        }
        parse_when(text, Timestamp::from_millis(0), zone, fold).map_err(|why| self.error(keys, why)).ok()
    }
}
