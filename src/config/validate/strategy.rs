//! What `strategy.ENV` says: kind and what belongs to it.

use super::Checker;
use crate::config::raw::RawStrategy;
use crate::domain::hold::{OnFailure, Retries};
use crate::domain::strategy::{Judge, Strategy};

impl Checker {
    /// What happens when a step fails.
    pub(super) fn on_failure(&mut self, keys: &[String], word: Option<&str>) -> Option<OnFailure> {
        let word = word?;
        self.one_of(&[keys, keys!["on-failure"]].concat(), word, &OnFailure::ALL.map(OnFailure::as_str));
        word.parse().ok()
    }

    /// How often a failed step is run again by itself.
    pub(super) fn retries(&mut self, keys: &[String], raw: &RawStrategy) -> Option<Retries> {
        let delay = self.duration(&[keys, keys!["retry-delay"]].concat(), raw.retry_delay.as_ref());
        let Some(times) = raw.retries else {
            if delay.is_some() {
                self.error(&[keys, keys!["retry-delay"]].concat(), "a retry-delay needs retries = 1 or more");
            }
            return None;
        };
        let times = u32::try_from(times).ok().filter(|times| (1..=Retries::MOST).contains(times));
        if times.is_none() {
            let why = format!("a failed step is run again 1 to {} times", Retries::MOST);
            self.error(&[keys, keys!["retries"]].concat(), why);
        }
        Some(Retries { times: times?, delay: delay.unwrap_or_default() })
    }

    pub(super) fn strategy(
        &mut self,
        keys: &[String],
        raw: &RawStrategy,
        has_analysis: bool,
    ) -> Option<Strategy> {
        let at = |key: &str| [keys, keys![key]].concat();
        let known = ["all-at-once", "rolling", "canary", "blue-green"];
        if !self.one_of(&at("kind"), &raw.kind, &known) {
            return None;
        }
        self.keys_of_another_kind(keys, raw);
        match raw.kind.as_str() {
            "rolling" => {
                if raw.targets.is_empty() {
                    self.error(&at("targets"), "rolling needs its targets: targets = [\"web-1\", \"web-2\"]");
                }
                let sound = |target: &String| {
                    !target.is_empty()
                        && !target.starts_with('-')
                        && target.chars().all(|c| c.is_ascii_graphic())
                };
                if let Some(bad) = raw.targets.iter().find(|target| !sound(target)) {
                    let shown = crate::domain::text::quoted(bad, 40);
                    self.error(
                        &at("targets"),
                        format!("{shown} is not a target: use letters, digits and -._:@/"),
                    );
                }
                let batch = usize::try_from(raw.batch.unwrap_or(1)).ok().filter(|batch| *batch > 0);
                if batch.is_none() {
                    self.error(&at("batch"), "a batch is at least 1");
                }
                let threshold = raw.success_threshold.unwrap_or(100);
                let percent = usize::try_from(threshold).ok().filter(|percent| (1..=100).contains(percent));
                if percent.is_none() {
                    self.error(&at("success-threshold"), "a success-threshold is a percentage from 1 to 100");
                }
                // As many must succeed as the threshold says, rounded up.
                let spare = raw.targets.len() * (100 - percent?) / 100;
                Some(Strategy::Rolling { targets: raw.targets.clone(), batch: batch?, spare })
            }
            "canary" => {
                let percents: Vec<u8> = raw.percents.iter().filter_map(|n| u8::try_from(*n).ok()).collect();
                let rising = percents.windows(2).all(|pair| pair[0] < pair[1]);
                let sound = percents.len() == raw.percents.len() && rising && percents.first() > Some(&0);
                if !sound || percents.last() != Some(&100) {
                    self.error(
                        &at("percents"),
                        "canary percents rise from above 0 to 100, such as [10, 50, 100]",
                    );
                }
                let judge = self.judge(&at("judge"), raw.judge.as_deref(), has_analysis);
                // A pause for a person was always written here, too.
                let is_manual = raw.pause.as_deref() == Some("manual");
                let pause = raw.pause.as_ref().filter(|_| !is_manual);
                let pause = self.duration(&at("pause"), pause).unwrap_or_default();
                Some(Strategy::Canary {
                    percents,
                    pause,
                    judge: judge.or(is_manual.then_some(Judge::Person)),
                })
            }
            "blue-green" => {
                let judge = raw.judge.as_deref();
                let is_held = judge.is_some_and(|judge| self.one_of(&at("judge"), judge, &["person"]));
                Some(Strategy::BlueGreen { keep: self.duration(&at("keep"), raw.keep.as_ref()), is_held })
            }
            _ => Some(Strategy::AllAtOnce),
        }
    }

    /// A key that its kind does not know would be believed in and do nothing.
    fn judge(&mut self, keys: &[String], word: Option<&str>, has_analysis: bool) -> Option<Judge> {
        let word = word?;
        self.one_of(keys, word, &["person", "analysis"]);
        match word {
            "person" => Some(Judge::Person),
            "analysis" if !has_analysis => {
                let hint = Some("scripts = { analyse = [\"./analyse.sh\"] }".to_owned());
                self.hinted(keys, "there is no analyse script that could judge", hint);
                None
            }
            "analysis" => Some(Judge::Analysis),
            _ => None,
        }
    }

    fn keys_of_another_kind(&mut self, keys: &[String], raw: &RawStrategy) {
        for (key, set, kind) in [
            ("targets", !raw.targets.is_empty(), "rolling"),
            ("batch", raw.batch.is_some(), "rolling"),
            ("success-threshold", raw.success_threshold.is_some(), "rolling"),
            ("percents", !raw.percents.is_empty(), "canary"),
            ("pause", raw.pause.is_some(), "canary"),
            ("judge", raw.judge.is_some() && raw.kind != "blue-green", "canary"),
            ("keep", raw.keep.is_some(), "blue-green"),
        ] {
            if set && raw.kind != kind {
                let message = format!("{key} belongs to kind = \"{kind}\"; {} does not know it", raw.kind);
                self.error(&[keys, keys![key]].concat(), message);
            }
        }
    }
}
