//! Deliveries: an environment to which a service goes by itself, when, how often and with how much at once (PIP-6, PIP-10,
//! SCH-9). Switched on in the configuration only, for a whole service: never by who may deploy one release.

use std::time::Duration;

use serde::Serialize;

use super::hours::{OpenHours, open_state};
use super::ids::EnvName;
use super::time::{Timestamp, Tz, span, wall};

/// A delivery as the configuration has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delivery {
    pub environment: EnvName,
    /// The person in whose name it begins, by whose relman, and as whom its scripts run.
    pub conductor: String,
    /// When it may begin; empty: always.
    #[serde(skip)]
    pub hours: Vec<OpenHours>,
    /// How long after the last deployment there it may begin.
    pub interval: Duration,
    /// How many changes go at once by themselves; more are a matter for people.
    pub max_changes: usize,
}

impl Delivery {
    /// How many changes go at once where nobody says.
    pub const MAX_CHANGES: usize = 8;

    /// What keeps it from beginning now, besides the gates; `last`: when the last deployment there began.
    pub fn delays(&self, changes: usize, last: Option<Timestamp>, zone: Tz, now: Timestamp) -> Vec<String> {
        let mut delays = Vec::new();
        if let Err(next) = open_state(&self.hours, zone, now) {
            let hours: Vec<&str> = self.hours.iter().map(|rule| rule.text.as_str()).collect();
            let next = next.map(|next| format!("; next {}", wall(next, zone))).unwrap_or_default();
            delays.push(format!("hours: it goes {}{next}", hours.join(", ")));
        }
        if let Some(again) = last.map(|last| last.plus(self.interval)).filter(|again| now < *again) {
            let interval = span(self.interval);
            delays.push(format!("interval: {interval} after the last one, so from {}", wall(again, zone)));
        }
        if changes > self.max_changes {
            let max = self.max_changes;
            delays.push(format!(
                "changes: {changes} at once, where {max} go by themselves; a person may deploy it"
            ));
        }
        delays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_delay_is_said_for_itself() {
        let delivery = Delivery {
            environment: "staging".parse().unwrap(),
            conductor: "erin".to_owned(),
            hours: vec!["Mon-Fri 09:00-11:00".parse().unwrap()],
            interval: Duration::from_secs(1800),
            max_changes: 8,
        };
        let tuesday: Timestamp = "2026-09-01T10:00:00Z".parse().unwrap();
        let hour_ago = Some(tuesday.minus(Duration::from_secs(3600)));
        assert_eq!(delivery.delays(8, hour_ago, Tz::UTC, tuesday), [] as [String; 0]);
        let all = delivery.delays(9, Some(tuesday), Tz::UTC, tuesday.plus(Duration::from_secs(3600)));
        assert!(all[0].starts_with("hours: it goes Mon-Fri 09:00-11:00; next Wed"), "{all:?}");
        assert!(all[1].starts_with("changes: 9 at once, where 8 go"), "{all:?}");
        let soon = delivery.delays(1, Some(tuesday), Tz::UTC, tuesday.plus(Duration::from_secs(1799)));
        assert!(soon.len() == 1 && soon[0].starts_with("interval: 30m"), "{soon:?}");
        assert_eq!(
            delivery.delays(1, Some(tuesday), Tz::UTC, tuesday.plus(Duration::from_secs(1800))),
            [] as [String; 0]
        );
    }
}
