//! Orders that only look: what is read for a dialog or a page.

use std::time::Duration;

use crate::ops::deployment::{rollback, start};
use crate::ops::view::{deployment as listing, handover, metrics, queue, release, script_diff, when};
use crate::ops::{Ctx, OpError, build, configured, train, wanted};
use crate::tui::msg::{Effect, Msg};

/// So many slots are looked for.
const SLOTS: usize = 3;
/// How long a shift is: as far back the next one is told.
const SHIFT: Duration = Duration::from_hours(12);
/// So many deployments stand in a timeline.
const TIMELINE: u32 = 300;

/// What there is to see; nothing where the order does something.
pub fn look(cx: &Ctx<'_>, order: &Effect) -> Result<Option<Msg>, OpError> {
    Ok(Some(match order {
        Effect::Preview { release, environment } => {
            let preview = start::preview(cx, release, environment)?;
            Msg::Previewed(Box::new(preview), environment.clone())
        }
        Effect::Explain { release, environment } => {
            let report = start::explain(cx, release, environment)?;
            let found = when::when(cx, release, environment, None, SLOTS)?;
            Msg::Explained(Box::new(report), found.slots)
        }
        Effect::Differ { release, subject } => {
            Msg::Differed(Box::new(script_diff::of_decision(cx, release, subject)?))
        }
        Effect::ShowRules => {
            let standing = cx.store.read(|tx| configured::standing(tx, cx))?;
            let waits = standing.is_some_and(|standing| !standing.is_confirmed());
            Msg::RulesShown(rules(cx)?, waits)
        }
        Effect::AskBuild(id) => {
            let (number, tail) = build::tail(cx, id)?;
            Msg::BuildShown(id.clone(), number, tail)
        }
        Effect::AskRequests => Msg::Requested(wanted::list(cx)?),
        Effect::AskHandover => Msg::Handover(Box::new(handover::handover(cx, SHIFT)?)),
        Effect::AskTimeline(environment) => {
            Msg::Timeline(environment.clone(), listing::of_environment(cx, environment, TIMELINE)?)
        }
        Effect::AskMetrics { service, days } => {
            let asked = metrics::Asked {
                service: service.clone(),
                environment: None,
                from: cx.now.minus(Duration::from_secs(days * 86_400)),
                to: cx.now,
            };
            Msg::Measured(Box::new(metrics::metrics(cx, &asked)?), *days)
        }
        Effect::AskSlots { release, environment } => {
            let slots = when::when(cx, release, environment, None, SLOTS)?.slots;
            Msg::Slots { release: release.clone(), environment: environment.clone(), slots }
        }
        Effect::AskChoices { service, environment } => {
            let choices = Box::new(rollback::choices(cx, service, environment)?);
            let needs_confirmation = cx.policy.environments.get(environment).is_some_and(|env| env.confirm);
            let (service, environment) = (service.clone(), environment.clone());
            Msg::Choices { service, environment, choices, needs_confirmation }
        }
        Effect::Prognosis(name) => Msg::Foretold(Box::new(train::prognosis(cx, name)?)),
        Effect::Detail(id) => Msg::Detailed(Box::new(release::release(cx, id)?)),
        Effect::ShowWitness(request) => {
            let item = queue::of_deployment(cx, &request.release, &request.environment)?;
            Msg::WitnessShown(request.clone(), Box::new(item))
        }
        _ => return Ok(None),
    }))
}

/// What became other in the rules, a line each.
pub(super) fn rules(cx: &Ctx<'_>) -> Result<Vec<String>, OpError> {
    Ok(configured::changes(cx)?.unwrap_or_default().iter().map(ToString::to_string).collect())
}
