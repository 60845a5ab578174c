//! Several releases to one environment, each after those it depends on.

use super::deployment::{no_or_yes, when};
use super::{Form, Kind, Ordered, choice, form, preset, text, typed};
use crate::domain::ids::{EnvName, ReleaseId, Version};
use crate::domain::time::span;
use crate::domain::wait::Wait;
use crate::ops::deployment::chain::StartChain;
use crate::ops::deployment::later::Later;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::popup::{Popup, is_protected};

/// The form, with the selected release and where it would go next.
pub fn ask(model: &Model, release: &ReleaseId, environment: &EnvName) -> Popup {
    let notes = vec![
        "One release of each service. Each begins when those it depends on have".to_owned(),
        format!("succeeded and its own gates are open. Times in {}.", model.zone.name()),
    ];
    let fields = vec![
        preset("to", environment.as_str(), "the environment"),
        preset("releases", &release.to_string(), "web@2.0.0, api@1.4.0"),
        text("begin", "22:00, tomorrow 06:30, +2h; empty: as soon as it is open"),
        preset("within", &span(Wait::DEFAULT_EXPIRY), "how long each may take to begin"),
        choice("together", no_or_yes(), 0),
        text("reason", "why, if that is worth keeping"),
        typed("versions", "type them in this order, where the environment asks for it"),
    ];
    form(Kind::Chain, "Deploy several releases", notes, fields)
}

pub(super) fn started(form: &Form, model: &Model) -> Ordered {
    let environment: EnvName = form.value("to").parse().map_err(|why| ("to", format!("{why}")))?;
    if !model.policy.environments.contains_key(&environment) {
        return Err(("to", format!("there is no environment {environment}")).into());
    }
    let parts = |label: &'static str| {
        form.value(label)
            .split([',', ' '])
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let releases = parts("releases").iter().map(|part| part.parse()).collect::<Result<Vec<ReleaseId>, _>>();
    let releases = releases.map_err(|why| ("releases", format!("{why}")))?;
    if releases.is_empty() {
        return Err(("releases", "name at least one release".to_owned()).into());
    }
    let confirm = parts("versions");
    let versions: Vec<&Version> = releases.iter().map(|release| &release.version).collect();
    let asked: Vec<String> = versions.iter().map(ToString::to_string).collect();
    if is_protected(model, &environment) && confirm != asked {
        return Err(("versions", format!("type {} exactly", asked.join(", "))).into());
    }
    let together = match form.value("together") {
        "yes" => true,
        "no" => false,
        _ => return Err(("together", "write yes or no".to_owned()).into()),
    };
    let later = when(form, model)?;
    let later = Later { jumps: None, ..later };
    let reason = form.some("reason");
    Ok(Effect::Chain(Box::new(StartChain { releases, environment, reason, confirm, later, together })))
}
