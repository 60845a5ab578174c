//! One deployment with its steps, gates and expected duration; and listings of many.

use serde::Serialize;

use crate::domain::deployment::{Cause, Deployment, DeploymentState, Step};
use crate::domain::gate::GateReport;
use crate::domain::ids::{DeploymentId, EnvName};
use crate::domain::note::Note;
use crate::domain::override_review::Review;
use crate::domain::strategy::{StepPlan, cut_over};
use crate::ops::{Ctx, OpError, facts};
use crate::store::deployments::{self, Filter};
use crate::store::{Tx, notes, override_reviews, pending, steps};

/// Everything about one deployment but its output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeploymentView {
    pub deployment: Deployment,
    pub steps: Vec<Step>,
    /// What the gates said, when [`Self::gates_asked`] says.
    pub report: GateReport,
    /// What people wrote beside its output, in the order of their places.
    pub notes: Vec<Note>,
    /// The last success before it in the same environment.
    pub baseline: Option<DeploymentId>,
    /// Mean duration of the last successes of this service here, in milliseconds.
    pub usual_ms: Option<u64>,
    /// The deployments before and after it, wherever they went.
    pub older: Option<DeploymentId>,
    pub newer: Option<DeploymentId>,
    /// What somebody else found about the gates it went past.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// Its place among those that wait for the same environment, from 1, and how many wait (SCH-10).
    pub in_line: Option<(usize, usize)>,
}

impl DeploymentView {
    /// The gates it went past, with what somebody else found about that.
    pub fn overridden(&self) -> String {
        let gates = self.deployment.overrides.join(", ");
        match (&self.review, self.deployment.claimed_at) {
            (Some(review), _) => {
                format!("{gates}; {} found that {}: {}", review.by.name, review.finding, review.note)
            }
            (None, Some(_)) => format!("{gates}; not reviewed yet"),
            (None, None) => gates,
        }
    }

    /// `2 of 3 that wait`, where others wait as well.
    pub fn place(&self) -> Option<String> {
        let (place, count) = self.in_line.filter(|(_, count)| *count > 1)?;
        Some(format!("{place} of {count} that wait"))
    }

    /// Where it ended, or waits for a person, before anything but what was there begins to serve: the step that would have
    /// changed that (RBK-9).
    pub fn before_cut_over(&self) -> Option<&str> {
        let d = &self.deployment;
        let is_asked =
            matches!(d.state, DeploymentState::Failed | DeploymentState::Cancelled) || d.hold.is_some();
        if d.noop || d.claimed_at.is_none() || !is_asked {
            return None;
        }
        let plans: Vec<StepPlan> = self.latest_attempts().map(|step| step.plan.clone()).collect();
        let at = cut_over(&plans)?;
        let untouched = self.latest_attempts().skip(at).all(|step| step.started_at.is_none());
        let name = self.latest_attempts().nth(at)?.plan.name.as_str();
        // What failed had begun, whatever was recorded of its beginning.
        let hold = d.hold.as_ref().filter(|hold| hold.is_trouble());
        let failed = hold.map(|hold| hold.step.as_str()).or(d.failed_step.as_deref());
        let had_begun = d.state == DeploymentState::Failed || hold.is_some();
        (untouched && !(had_begun && failed == Some(name))).then_some(name)
    }

    /// The same as a sentence.
    pub fn still_serves(&self) -> Option<String> {
        let step = self.before_cut_over()?;
        let there =
            self.deployment.previous.as_ref().map_or("what was there".to_owned(), ToString::to_string);
        Some(format!("{there} still serves: {step} had not begun"))
    }

    /// When the gates said what is shown: `started`, `was turned down`.
    pub fn gates_asked(&self) -> &'static str {
        let d = &self.deployment;
        match (&d.cause, d.claimed_at) {
            (_, Some(_)) => "started",
            (Some(Cause::Refused { .. }), None) => "was turned down",
            (_, None) if d.state == DeploymentState::Launching => "started",
            (_, None) => "was asked for",
        }
    }

    /// The steps in order, each as its newest attempt stands.
    pub fn latest_attempts(&self) -> impl Iterator<Item = &Step> {
        let is_last =
            |at: usize| self.steps.get(at + 1).is_none_or(|next| next.index != self.steps[at].index);
        self.steps.iter().enumerate().filter(move |(at, _)| is_last(*at)).map(|(_, step)| step)
    }
}

pub fn deployment(cx: &Ctx<'_>, id: DeploymentId) -> Result<DeploymentView, OpError> {
    cx.store.read(|tx| {
        let recorded = crate::ops::deployment::known(tx, id)?;
        let (was_live, deployment) = (recorded.state.is_live(), facts::as_it_stands(cx, recorded));
        let mut steps = steps::list_of(tx, id)?;
        if was_live && deployment.state.is_over() {
            steps = steps.into_iter().map(|step| step.after(&deployment)).collect();
        }
        let good =
            deployments::recent_successes(tx, &deployment.release.service, &deployment.environment, 10)?;
        let took: Vec<u64> = good.iter().filter_map(|(_, _, took)| *took).collect();
        // What deploys nothing takes its own time.
        let usual_ms =
            (!took.is_empty() && !deployment.noop).then(|| took.iter().sum::<u64>() / took.len() as u64);
        // Among the last ones it is found without asking again.
        let before = good.iter().find(|(_, epoch, _)| *epoch < deployment.epoch).map(|(id, ..)| *id);
        let baseline = match before {
            None if good.len() == 10 => deployments::find_good_before(tx, &deployment)?.map(|good| good.id),
            found => found,
        };
        let (older, newer) = deployments::neighbours(tx, id)?;
        Ok(DeploymentView {
            review: match deployment.overrides.is_empty() {
                true => None,
                false => override_reviews::find(tx, deployment.id)?,
            },
            in_line: in_line(tx, cx, &deployment)?,
            older,
            newer,
            steps,
            notes: notes::list_of(tx, id)?,
            baseline,
            report: deployments::report_of(tx, id)?,
            usual_ms,
            deployment,
        })
    })
}

fn in_line(tx: &Tx<'_>, cx: &Ctx<'_>, d: &Deployment) -> Result<Option<(usize, usize)>, OpError> {
    let Some(env) =
        cx.policy.environments.get(&d.environment).filter(|_| d.state == DeploymentState::Waiting)
    else {
        return Ok(None);
    };
    let mut waiting = pending::list_of(tx, &d.release.service, &d.environment)?;
    waiting.retain(|other| other.state == DeploymentState::Waiting);
    let before = waiting.iter().filter(|other| other.id != d.id && env.queue.prefers(other.rank(), d.rank()));
    Ok(Some((before.count() + 1, waiting.len())))
}

/// What went to an environment, newest first.
pub fn of_environment(cx: &Ctx<'_>, environment: &EnvName, limit: u32) -> Result<Vec<Deployment>, OpError> {
    list(cx, &Filter { environment: Some(environment.clone()), ..Filter::default() }, limit)
}

/// Newest first.
pub fn list(cx: &Ctx<'_>, filter: &Filter, limit: u32) -> Result<Vec<Deployment>, OpError> {
    let listed = cx.store.read(|tx| deployments::list(tx, filter, limit))?;
    Ok(listed.into_iter().map(|d| facts::as_it_stands(cx, d)).collect())
}
