//! `relman metrics`

use std::fmt::Write as _;
use std::time::Duration;

use super::args::{Format, MetricsArgs};
use super::stages::moment;
use super::{Session, exit};
use crate::domain::ids::ServiceName;
use crate::domain::metrics::{Figures, Share};
use crate::domain::release::Origin;
use crate::domain::time::{Timestamp, day};
use crate::ops::view::metrics::{Asked, Metrics, metrics};
use crate::ops::{Ctx, ErrorKind, OpError};

/// Without a word about it the figures are of the last so many days.
const DAYS: u64 = 90;

pub(super) fn run(session: &mut Session, args: &MetricsArgs) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let to = args.until.as_deref().map_or(Ok(cx.now), |until| moment(&cx, until))?;
    let from = match &args.since {
        Some(since) => moment(&cx, since)?,
        None => to.minus(Duration::from_secs(DAYS * 86_400)),
    };
    if from >= to {
        return Err(OpError::new(ErrorKind::Usage, "that span is empty: it ends before it begins"));
    }
    let asked = |service: Option<&ServiceName>| Asked {
        service: service.cloned(),
        environment: args.environment.clone(),
        from,
        to,
    };
    let known = |name: &ServiceName| cx.policy.services.contains_key(name);
    if let Some(name) = args.service.as_ref().filter(|name| !known(name)) {
        return Err(OpError::not_found(format!("service {name}")));
    }
    if let Some(env) = args.environment.as_ref().filter(|env| !cx.policy.environments.contains_key(*env)) {
        return Err(OpError::not_found(format!("environment {env}")));
    }
    if session.out.is_json() || args.format.is_none() {
        let found = metrics(&cx, &asked(args.service.as_ref()))?;
        match session.out.is_json() {
            true => session.out.json("metrics", &found),
            false => print(session, &cx, &found),
        }
        return Ok(exit::OK);
    }
    // One row for each service, so that they can be compared.
    let services: Vec<&ServiceName> = match &args.service {
        Some(service) => vec![service],
        None => cx.policy.services.keys().collect(),
    };
    let all = services
        .into_iter()
        .map(|service| metrics(&cx, &asked(Some(service))))
        .collect::<Result<Vec<Metrics>, OpError>>()?;
    let text = match args.format {
        Some(Format::Csv) => csv(&all)?,
        _ => prometheus(&all),
    };
    session.out.bytes(text.as_bytes());
    Ok(exit::OK)
}

/// Every figure as a name, the unit in it, and a number; nothing where there is nothing to compute from.
fn numbers(figures: &Figures) -> Vec<(&'static str, &'static str, Option<f64>)> {
    #[expect(clippy::cast_precision_loss, reason = "seconds and counts stay far below 2^52")]
    let seconds = |value: Option<u64>| value.map(|value| value as f64);
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let count = |value: usize| Some(value as f64);
    let ratio = |share: Share| share.percent().map(|percent| percent / 100.0);
    let f = figures;
    vec![
        ("deployments", "Successful deployments in the span", count(f.deployments)),
        ("deployments_per_week", "Successful deployments a week", Some(f.per_week)),
        (
            "lead_time_seconds",
            "Median: oldest change registered to live",
            seconds(f.lead_time.median_seconds),
        ),
        (
            "request_to_production_seconds",
            "Median: release registered to live",
            seconds(f.request_to_production.median_seconds),
        ),
        ("change_failure_ratio", "Changes that failed, were faulty or went back", ratio(f.change_failures)),
        (
            "time_to_recovery_seconds",
            "Median: failure to the next success",
            seconds(f.time_to_recovery.median_seconds),
        ),
        ("rollbacks", "Rollbacks in the span", count(f.rollbacks)),
        ("deployment_duration_seconds", "Median: begin to end", seconds(f.duration.median_seconds)),
        ("queue_seconds", "Median: wanted to begun", seconds(f.queue.median_seconds)),
        ("on_time_ratio", "Releases live by their target date", ratio(f.on_time)),
        ("slip_seconds", "Median lateness of those that were late", seconds(f.slip.median_seconds)),
        ("milestone_hit_ratio", "Milestones reached in time", ratio(f.milestones)),
        ("scope_done_ratio", "Planned scope that is done", ratio(f.scope)),
        ("defect_escape_ratio", "Issues found in production, of all", ratio(f.defect_escape)),
        ("good_feedback_ratio", "Good feedback, of good and bad", ratio(f.good_feedback)),
        ("override_ratio", "Deployments past a gate on record", ratio(f.overrides)),
        ("freeze_overrides", "Deployments past a freeze on record", count(f.freeze_overrides)),
    ]
}

fn csv(all: &[Metrics]) -> Result<String, OpError> {
    let failed =
        |why: &dyn std::fmt::Display| OpError::new(ErrorKind::Failure, format!("cannot write CSV: {why}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut head = vec!["service".to_owned(), "from".to_owned(), "to".to_owned()];
    if let Some(first) = all.first() {
        head.extend(numbers(&first.figures).into_iter().map(|(name, ..)| name.to_owned()));
    }
    head.extend(["stale_approval_ratio".to_owned(), "audit_ready_ratio".to_owned()]);
    head.extend(Origin::ALL.map(|origin| format!("registered_from_{origin}")));
    writer.write_record(&head).map_err(|why| failed(&why))?;
    for one in all {
        let mut row = vec![
            one.service.as_ref().map(ToString::to_string).unwrap_or_default(),
            one.figures.from.to_string(),
            one.figures.to.to_string(),
        ];
        let ratio = |share: Share| share.percent().map(|percent| percent / 100.0);
        let beside = [ratio(one.stale_approvals), ratio(one.audit_ready)];
        let values = numbers(&one.figures).into_iter().map(|(.., value)| value).chain(beside);
        row.extend(values.map(|value| value.map(|value| value.to_string()).unwrap_or_default()));
        row.extend(one.origins.iter().map(|one| one.registered.to_string()));
        writer.write_record(&row).map_err(|why| failed(&why))?;
    }
    let bytes = writer.into_inner().map_err(|why| failed(&why.error().to_string()))?;
    String::from_utf8(bytes).map_err(|why| failed(&why))
}

/// The text exposition format: gauges over the span, as it slides.
fn prometheus(all: &[Metrics]) -> String {
    let mut text = String::new();
    let names: Vec<(&'static str, &'static str)> = all
        .first()
        .map(|one| numbers(&one.figures).iter().map(|(name, help, _)| (*name, *help)).collect())
        .unwrap_or_default();
    for (at, (name, help)) in names.iter().enumerate() {
        let values = all.iter().map(|one| (one, numbers(&one.figures)[at].2));
        family(&mut text, name, help, values);
    }
    let stale = all.iter().map(|one| (one, one.stale_approvals.percent().map(|percent| percent / 100.0)));
    let help = "Approvals that became stale before they were used, of all";
    family(&mut text, "stale_approval_ratio", help, stale);
    let ready = all.iter().map(|one| (one, one.audit_ready.percent().map(|percent| percent / 100.0)));
    family(&mut text, "audit_ready_ratio", "Closed releases with everything that was asked of them", ready);
    let mut lines = all.iter().flat_map(|one| {
        let service = one.service.as_ref().map(ToString::to_string).unwrap_or_default();
        one.origins.iter().map(move |from| {
            let (origin, count) = (from.origin, from.registered);
            format!("relman_registered_releases{{service=\"{service}\",origin=\"{origin}\"}} {count}\n")
        })
    });
    let head = "# HELP relman_registered_releases Releases registered in the span, by where the wish came from.\n\
                # TYPE relman_registered_releases gauge\n";
    text.push_str(head);
    text.extend(&mut lines);
    text
}

fn family<'a>(
    text: &mut String,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (&'a Metrics, Option<f64>)>,
) {
    let lines: Vec<String> = values
        .filter_map(|(one, value)| {
            let service = one.service.as_ref().map(ToString::to_string).unwrap_or_default();
            Some(format!("relman_{name}{{service=\"{service}\"}} {}", value?))
        })
        .collect();
    if !lines.is_empty() {
        let _infallible =
            writeln!(text, "# HELP relman_{name} {help}.\n# TYPE relman_{name} gauge\n{}", lines.join("\n"));
    }
}

fn print(session: &mut Session, cx: &Ctx<'_>, found: &Metrics) {
    let zone = cx.policy.zone;
    let what = found.service.as_ref().map_or_else(|| "all services".to_owned(), ToString::to_string);
    let places: Vec<String> = found.environments.iter().map(ToString::to_string).collect();
    let out = &mut session.out;
    let last = Timestamp::from_millis(found.figures.to.millis() - 1);
    out.line(format!(
        "{what} in {}, {} to {}",
        places.join(", "),
        day(found.figures.from, zone),
        day(last, zone)
    ));
    for (label, text) in found.lines(false) {
        out.line(format!("  {label:<22} {text}"));
    }
}
