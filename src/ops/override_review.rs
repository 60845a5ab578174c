//! Looks at overrides afterwards: which were used, and whether somebody else found them right.

use crate::domain::actor::Person;
use crate::domain::ids::{DeploymentId, EnvName};
use crate::domain::journal::Verb;
use crate::domain::override_review::{Bypass, Finding, REVIEW, Review};
use crate::domain::text::free;
use crate::domain::time::wall;
use crate::store::{Tx, journal, override_reviews};

use super::{Ctx, ErrorKind, OpError};

/// How many uses are listed where those that were looked at are wanted too.
const MOST: u32 = 200;

fn bypass(cx: &Ctx<'_>, deployment: crate::domain::deployment::Deployment, review: Option<Review>) -> Bypass {
    let env = cx.policy.environments.get(&deployment.environment);
    Bypass::new(deployment, env.map_or(REVIEW, |env| env.override_review), review)
}

/// Those nobody has looked at, oldest first; or `all` of them, newest first.
pub fn list(cx: &Ctx<'_>, all: bool) -> Result<Vec<Bypass>, OpError> {
    cx.store.read(|tx| match all {
        false => open(tx, cx),
        true => {
            let uses = override_reviews::list_uses(tx, MOST)?;
            uses.into_iter()
                .map(|d| {
                    let review = override_reviews::find(tx, d.id)?;
                    Ok(bypass(cx, d, review))
                })
                .collect()
        }
    })
}

pub(super) fn open(tx: &Tx<'_>, cx: &Ctx<'_>) -> Result<Vec<Bypass>, OpError> {
    Ok(override_reviews::list_open(tx)?.into_iter().map(|d| bypass(cx, d, None)).collect())
}

/// Says whether it was right to go past the gates. Never by who did it, and once.
pub fn review(cx: &Ctx<'_>, id: DeploymentId, finding: Finding, note: &str) -> Result<Bypass, OpError> {
    let note = free("note", note, 2000)?;
    let roster = cx.roster();
    cx.act(Verb::OverrideReviewed, id, |tx| {
        let d = super::deployment::known(tx, id)?;
        if d.overrides.is_empty() || d.claimed_at.is_none() || d.noop {
            return Err(OpError::conflict(format!("{id} went past no gate: there is nothing to review"))
                .hint("see what waits for a review with: relman override list"));
        }
        if let Some(known) = override_reviews::find(tx, id)? {
            let (by, at) = (&known.by.name, wall(known.at, cx.policy.zone));
            return Err(OpError::conflict(format!("{by} found {id} {} already, {at}", known.finding)));
        }
        if d.started_by.is_same_as(&cx.actor.person) {
            return Err(OpError::new(
                ErrorKind::NotPermitted,
                format!("{} went past the gates of {id}: somebody else looks at it", cx.actor.name()),
            )
            .hint(format!("ask {}", others(cx, &roster, &d.environment, &d.started_by).join(", "))));
        }
        let groups = reviewers(cx, &d.environment);
        if !groups.iter().any(|group| roster.has(group, &cx.actor.person)) {
            return Err(OpError::new(
                ErrorKind::NotPermitted,
                format!(
                    "{} may not review overrides of {}; it takes someone of {}",
                    cx.actor.name(),
                    d.environment,
                    groups.join(" or ")
                ),
            )
            .hint(format!("ask {}", others(cx, &roster, &d.environment, &d.started_by).join(", "))));
        }
        let review = Review { finding, by: cx.actor.person.clone(), at: cx.now, note: note.clone() };
        override_reviews::insert(tx, id, &review)?;
        let entry = cx.entry(Verb::OverrideReviewed, id).because(Some(&note)).after(&review);
        journal::append(tx, entry)?;
        Ok(bypass(cx, d, Some(review)))
    })
}

/// Groups that have a say about an environment: those that may override there, and those that approve.
fn reviewers<'a>(cx: &Ctx<'a>, env: &EnvName) -> Vec<&'a str> {
    let Some(env) = cx.policy.environments.get(env) else { return Vec::new() };
    let approvers = env.approvals.iter().map(|rule| rule.from.as_str());
    let mut groups: Vec<&str> = env.overriders.iter().map(String::as_str).chain(approvers).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn others(cx: &Ctx<'_>, roster: &crate::domain::actor::Roster, env: &EnvName, but: &Person) -> Vec<String> {
    let people = reviewers(cx, env).into_iter().flat_map(|group| roster.people(group));
    let mut names: Vec<String> = people.filter(|name| !but.is_called(name)).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    if names.is_empty() { vec![format!("somebody of {}", env)] } else { names }
}

/// An override of this person there that should have been looked at by now: until it is, there is no further one.
pub(super) fn owed(tx: &Tx<'_>, cx: &Ctx<'_>, env: &EnvName) -> Result<Option<Bypass>, OpError> {
    let mine = |bypass: &Bypass| {
        bypass.deployment.environment == *env && bypass.deployment.started_by.is_same_as(&cx.actor.person)
    };
    Ok(open(tx, cx)?.into_iter().find(|bypass| mine(bypass) && bypass.is_overdue(cx.now)))
}
