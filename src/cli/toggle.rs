//! `relman toggle`: what a release brings, switched off and on without a deployment.

use super::args::{Toggle, Way};
use super::deployment::{settle_orphans, started_or_followed};
use super::{Session, exit};
use crate::domain::time::relative;
use crate::domain::toggle::Flip;
use crate::ops::OpError;
use crate::ops::deployment::toggle::{self, StartToggle};

pub(super) fn toggle(session: &mut Session, args: Toggle) -> Result<u8, OpError> {
    let (Some(name), Some(way)) = (args.name.clone(), args.way) else {
        return list(session, &args);
    };
    let desk = session.desk()?;
    settle_orphans(&desk);
    let wanted = StartToggle {
        service: args.service,
        environment: args.environment,
        flip: Flip { name, on: way == Way::On },
        reason: args.reason.unwrap_or_default(),
        confirm: args.confirm,
    };
    let started = toggle::toggle(&desk.cx(), &wanted)?;
    started_or_followed(session, &desk, started.deployment.id, args.detach)
}

fn list(session: &mut Session, args: &Toggle) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let known = toggle::list(&cx, &args.service, &args.environment)?;
    if session.out.is_json() {
        session.out.json("toggles", &known);
        return Ok(exit::OK);
    }
    let live =
        known.live.as_ref().map_or_else(|| "nothing is live".to_owned(), |live| format!("{live} is live"));
    session.out.note(&format!("{live} in {}", args.environment));
    let rows = known.toggles.iter().map(|known| {
        let (state, when) = match (&known.last, known.is_on()) {
            (Some(last), Some(on)) => {
                let at = last.finished_at.map(|at| relative(at, cx.now)).unwrap_or_default();
                let way = if on { "on" } else { "off" };
                (way.to_owned(), format!("{at}, {} by {}", last.id, last.started_by.name))
            }
            _ => ("as deployed".to_owned(), "never switched here".to_owned()),
        };
        let guards = if known.listed { "yes" } else { "no" };
        let what = known.toggle.description.clone().unwrap_or_default();
        vec![known.toggle.name.clone(), state, when, guards.to_owned(), what]
    });
    session.out.table(&["TOGGLE", "STATE", "SINCE", "OF THIS RELEASE", "WHAT"], rows.collect());
    Ok(exit::OK)
}
