//! What `[trains.*]` says.

use std::time::Duration;

use super::Checker;
use crate::config::raw::RawTrain;
use crate::domain::freeze::Scope;
use crate::domain::ids::TrainName;
use crate::domain::time::parse_zone;
use crate::domain::train::{Timetable, Train};
use crate::domain::wait::Wait;

impl Checker {
    pub(super) fn train(&mut self, name: &str, raw: RawTrain) -> Option<Train> {
        let at = |key: &str| -> Vec<String> { vec!["trains".to_owned(), name.to_owned(), key.to_owned()] };
        let train: Option<TrainName> = self.parsed(keys!["trains", name], name);
        let zone = match raw.time_zone.as_deref().map(parse_zone) {
            None => self.zone,
            Some(Ok(zone)) => zone,
            Some(Err(why)) => {
                self.error(&at("time-zone"), why);
                return None;
            }
        };
        let required = |checker: &mut Self, key: &str, value: &Option<String>, example: &str| {
            if value.is_none() {
                let hint = Some(format!("{key} = \"{example}\""));
                checker.hinted(keys!["trains", name], format!("train {name} has no {key}"), hint);
            }
        };
        required(self, "departs", &raw.departs, "Tue,Thu 10:00");
        required(self, "from", &raw.from, "staging");
        required(self, "to", &raw.to, "production");
        required(self, "conductor", &raw.conductor, "carol");
        let departs = raw
            .departs
            .as_deref()
            .and_then(|text| Timetable::new(text, zone).map_err(|why| self.error(&at("departs"), why)).ok());
        let from = raw.from.as_ref().and_then(|env| self.environment_name(&at("from"), env));
        let to = raw.to.as_ref().and_then(|env| self.environment_name(&at("to"), env));
        let scope = Scope::new(raw.services, Vec::new());
        let scope = scope.map_err(|why| self.error(&at("services"), why)).ok();
        let on_failure = raw.on_failure.as_deref().unwrap_or("halt");
        self.one_of(&at("on-failure"), on_failure, &["halt", "continue"]);
        let expire = self.limit(&at("expire"), raw.expire.as_ref()).unwrap_or(Wait::DEFAULT_EXPIRY);
        if expire < Duration::from_secs(60) || expire > Duration::from_secs(86_400) {
            self.error(&at("expire"), "a departure waits between 1m and 24h");
        }
        Some(Train {
            name: train?,
            departs: departs?,
            from: from?,
            to: to?,
            services: scope?.services,
            cut_off: self.duration(&at("cut-off"), raw.cut_off.as_ref()).unwrap_or_default(),
            conductor: raw.conductor?,
            goes_on: on_failure == "continue",
            expire,
        })
    }
}
