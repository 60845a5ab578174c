//! When a release could go somewhere: the slots in which every gate that opens by itself is open (N6).

use std::time::Duration;

use serde::Serialize;

use crate::domain::deployment::Deployment;
use crate::domain::gate::slots::{open, owed, shut};
use crate::domain::gate::{Answer, Checked, DeployFacts, GateId, GateReport, Overrides};
use crate::domain::ids::{EnvName, ReleaseId};
use crate::domain::time::{Timestamp, Tz, Window, relative, span, wall};
use crate::ops::deployment::{Errand, Place, ask};
use crate::ops::facts::{self, Surroundings};
use crate::ops::{Ctx, ErrorKind, OpError};
use crate::store::{Tx, deployments, pending, releases};

/// How far ahead it is looked.
const AHEAD: Duration = Duration::from_secs(400 * 86_400);
/// How long a deployment counts as where none was made there before.
const UNKNOWN: Duration = Duration::from_secs(30 * 60);
/// The longest one that is asked about.
pub const LONGEST: Duration = Duration::from_secs(31 * 86_400);

/// A slot: `[start, end)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slot {
    pub start: Timestamp,
    /// Nothing: it is open as far as was looked.
    pub end: Option<Timestamp>,
    /// Gates that people or other deployments must open until then.
    pub closed: Vec<GateId>,
}

impl Slot {
    /// `from Mon 2026-09-07 09:00 CEST (in 2d20h) until Mon 2026-09-07 17:00 CEST, 8h`.
    pub fn sentence(&self, zone: Tz, now: Timestamp) -> String {
        let start = match self.start <= now {
            true => "now".to_owned(),
            false => format!("from {} ({})", wall(self.start, zone), relative(self.start, now)),
        };
        match self.end {
            Some(end) => format!("{start} until {}, {}", wall(end, zone), span(end.since(self.start))),
            None => format!("{start}, with no end in sight"),
        }
    }
}

/// Something that must be done first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owed {
    pub gate: GateId,
    /// From this slot on, where it is not yet needed for the first one: an approval that will have expired, for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    pub why: String,
    /// What to do, and who can.
    pub next: String,
}

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct When {
    pub release: ReleaseId,
    pub environment: EnvName,
    /// How long it must be open, in milliseconds, and whether that is how long it took there before.
    pub length_ms: u64,
    pub usual: bool,
    pub slots: Vec<Slot>,
    /// What else is needed for these slots.
    pub also_needed: Vec<Owed>,
    /// Deployments that are scheduled there and kept clear of.
    pub around: Vec<Deployment>,
    /// The end of what was looked at.
    pub looked_until: Timestamp,
    /// What the gates say now.
    pub now: GateReport,
}

/// The next `count` slots of at least `length` (nothing: as long as it usually takes).
pub fn when(
    cx: &Ctx<'_>,
    id: &ReleaseId,
    env: &EnvName,
    length: Option<Duration>,
    count: usize,
) -> Result<When, OpError> {
    if length.is_some_and(|length| length.is_zero() || length > LONGEST) {
        return Err(OpError::new(ErrorKind::Usage, "a slot is longer than nothing and at most 31 days"));
    }
    let service = cx.service(&id.service)?;
    let environment = facts::environment(cx, env)?;
    if !service.pipeline.contains(env) {
        return Err(OpError::not_in_pipeline(service, env));
    }
    let around = Surroundings::of(cx, service)?;
    cx.store.read(|tx| {
        let release = releases::find(tx, id)?.ok_or_else(|| OpError::not_found(format!("release {id}")))?;
        let place = Place { service, environment, around: &around, starts: false, automatic: false };
        let asked = ask(tx, cx, &place, &release, Errand::Deploy, &Overrides::default())?;
        let usual = usual(tx, id, env)?;
        let wanted = length.or(usual).unwrap_or(UNKNOWN);
        let others = others(tx, id, env, cx.now)?;
        let busy = usual.unwrap_or(UNKNOWN);
        let taken: Vec<Window> = others
            .iter()
            .filter_map(|d| d.wait.as_ref()?.at)
            .map(|at| Window { start: at, end: at.plus(busy) })
            .collect();
        let ahead = Window { start: cx.now, end: cx.now.plus(AHEAD) };
        let shut = shut(&asked.facts, &taken, ahead);
        let open = open(&shut, ahead, wanted);
        let slots: Vec<Slot> =
            open.iter().take(count).map(|window| slot(&asked.facts, *window, ahead)).collect();
        let also_needed = also_needed(&asked.facts, &slots);
        Ok(When {
            release: id.clone(),
            environment: env.clone(),
            length_ms: u64::try_from(wanted.as_millis()).unwrap_or(u64::MAX),
            usual: length.is_none() && usual.is_some(),
            slots,
            also_needed,
            around: others,
            looked_until: ahead.end,
            now: asked.report,
        })
    })
}

fn slot(facts: &DeployFacts, window: Window, ahead: Window) -> Slot {
    let closed = owed(facts, window.start).iter().map(|check| check.gate).collect();
    Slot { start: window.start, end: Some(window.end).filter(|end| *end < ahead.end), closed }
}

/// The mean of what it took there before.
fn usual(tx: &Tx<'_>, id: &ReleaseId, env: &EnvName) -> Result<Option<Duration>, OpError> {
    let known = deployments::recent_successes(tx, &id.service, env, 10)?;
    let took: Vec<u64> = known.into_iter().filter_map(|(_, _, took)| took).collect();
    let count = u64::try_from(took.len()).unwrap_or(1);
    let mean = took.iter().sum::<u64>().checked_div(count);
    // Whole minutes: nobody plans closer than that.
    Ok(mean.map(|mean| Duration::from_secs(mean.div_ceil(60_000).max(1) * 60)))
}

/// Deployments of the service that are scheduled there, of other releases.
fn others(tx: &Tx<'_>, id: &ReleaseId, env: &EnvName, now: Timestamp) -> Result<Vec<Deployment>, OpError> {
    let pending = pending::list_of(tx, &id.service, env)?;
    let is_to_come = |d: &Deployment| d.wait.as_ref().and_then(|wait| wait.at).is_some_and(|at| at > now);
    Ok(pending.into_iter().filter(|d| d.release != *id && is_to_come(d)).collect())
}

/// What people owe for the slots, each said once.
fn also_needed(facts: &DeployFacts, slots: &[Slot]) -> Vec<Owed> {
    let mut all: Vec<Owed> = Vec::new();
    for (place, slot) in slots.iter().enumerate() {
        for check in owed(facts, slot.start) {
            if all.iter().all(|known| known.gate != check.gate) {
                all.push(Owed { from: Some(slot.start).filter(|_| place > 0), ..of(facts, &check) });
            }
        }
    }
    all
}

fn of(facts: &DeployFacts, check: &Checked) -> Owed {
    let (release, env) = (&facts.release.id, &facts.environment.name);
    let (why, next) = match &check.answer {
        Answer::Blocked { reason } => (reason.to_string(), reason.next_step(release, env)),
        Answer::Unknown { why } => (format!("unknown: {why}"), String::new()),
        _ => (String::new(), String::new()),
    };
    Owed { gate: check.gate, from: None, why, next }
}
