//! Freezes and deployments of a span of time.

use serde::Serialize;

use crate::domain::deployment::Deployment;
use crate::domain::freeze::Freeze;
use crate::domain::ids::TrainName;
use crate::domain::time::{Timestamp, Window};
use crate::domain::train::Departure;
use crate::ops::{Ctx, OpError, facts};
use crate::store::{deployments, freezes, pending, trains};

/// What happens, or may not happen, in a span.
#[derive(Debug, Clone, Serialize)]
pub struct Calendar {
    pub span: Window,
    /// Freezes that overlap the span, by start.
    pub freezes: Vec<Freeze>,
    /// Their windows in it, in the same order.
    pub windows: Vec<Vec<Window>>,
    /// Deployments requested within it, newest first.
    pub deployments: Vec<Deployment>,
    /// Deployments that are to begin within it.
    pub scheduled: Vec<Deployment>,
    /// Departures of trains within it, in order.
    pub departures: Vec<TrainStop>,
}

/// The most windows of one freeze that are looked at.
const MOST: usize = 400;

/// A departure, past or to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrainStop {
    pub train: TrainName,
    pub at: Timestamp,
    /// What became of it; nothing: it is to come.
    pub departure: Option<Departure>,
}

/// Every freeze that is not over, however far away, by start.
pub fn freezes(cx: &Ctx<'_>) -> Result<Vec<Freeze>, OpError> {
    let mut standing = cx.store.read(|tx| facts::freezes(tx, cx))?;
    standing.sort_by_key(|freeze| (freeze.current(cx.now).start, freeze.current(cx.now).end));
    Ok(standing)
}

pub fn calendar(cx: &Ctx<'_>, span: Window) -> Result<Calendar, OpError> {
    cx.store.read(|tx| {
        let mut overlapping: Vec<Freeze> =
            cx.policy.freezes.iter().filter(|freeze| freeze.touches(span)).cloned().collect();
        let standing = freezes::list_standing(tx, span.start)?;
        overlapping.extend(standing.into_iter().filter(|freeze| freeze.touches(span)));
        overlapping
            .sort_by_key(|freeze| freeze.windows(span, 1).first().map(|window| (window.start, window.end)));
        let windows = overlapping.iter().map(|freeze| freeze.windows(span, MOST)).collect();
        let deployments = deployments::list_between(tx, span, 500)?;
        let deployments = deployments.into_iter().map(|d| facts::as_it_stands(cx, d)).collect();
        let begins =
            |d: &Deployment| d.wait.as_ref().and_then(|wait| wait.at).is_some_and(|at| span.covers(at));
        let scheduled = pending::list(tx)?.into_iter().filter(begins).collect();
        let mut departures = Vec::new();
        for train in cx.policy.trains.values() {
            for at in train.departs.between(span.start, span.end) {
                let departure = trains::find(tx, &train.name, at)?;
                if departure.is_some() || at > cx.now {
                    departures.push(TrainStop { train: train.name.clone(), at, departure });
                }
            }
        }
        departures.sort_by_key(|stop| stop.at);
        Ok(Calendar { span, freezes: overlapping, windows, deployments, scheduled, departures })
    })
}
