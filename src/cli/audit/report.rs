//! `relman audit report`: as lines, as JSON, as Markdown.

use super::moment;
use crate::cli::{Session, exit};
use crate::domain::ids::ServiceName;
use crate::domain::text::one_line;
use crate::domain::time::{Tz, wall};
use crate::ops::audit::export::harmless;
use crate::ops::audit::report::{self, Report};
use crate::ops::{ErrorKind, OpError, audit};

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Lines,
    Markdown,
    Csv,
}

pub(super) fn report(
    session: &mut Session,
    from: Option<&str>,
    to: Option<&str>,
    service: Option<&ServiceName>,
    shape: Shape,
) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let from = from.map(|text| moment(&desk, text)).transpose()?;
    let to = to.map(|text| moment(&desk, text)).transpose()?;
    let cx = desk.cx();
    let report = report::report(&cx, audit::range(&cx, from, to)?, service)?;
    let out = &mut session.out;
    if out.is_json() {
        out.json("report", &report);
        return Ok(exit::OK);
    }
    let zone = cx.policy.zone;
    let span = match (report.from, report.to) {
        (Some(from), Some(to)) => format!("{} to {}", wall(from, zone), wall(to, zone)),
        _ => "no time".to_owned(),
    };
    let about = service.map(|service| format!(", {service} only")).unwrap_or_default();
    let title = format!("entries {} to {} ({span}){about}", report.since, report.until);
    let chapters = chapters(&report, zone);
    if shape == Shape::Csv {
        out.bytes(&table(&chapters)?);
        return Ok(exit::OK);
    }
    if shape == Shape::Markdown {
        out.line(format!("# Compliance report: {title}"));
        for (name, rows) in &chapters {
            out.line("");
            out.line(format!("## {name} ({})", rows.len()));
            out.line("");
            for row in rows {
                out.line(format!("- {}", plain(row)));
            }
            if rows.is_empty() {
                out.line("none");
            }
        }
        return Ok(exit::OK);
    }
    out.line(title);
    for (name, rows) in &chapters {
        out.line(format!(
            "{name}: {}",
            if rows.is_empty() { "none".to_owned() } else { rows.len().to_string() }
        ));
        for row in rows {
            out.line(format!("  {row}"));
        }
    }
    Ok(exit::OK)
}

/// A row for each finding, none of which a spreadsheet takes for a formula.
fn table(chapters: &[(&str, Vec<String>)]) -> Result<Vec<u8>, OpError> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut wrote = table.write_record(["chapter", "finding"]);
    for (name, rows) in chapters {
        for row in rows {
            wrote = wrote.and_then(|()| table.write_record([*name, &harmless(&one_line(row))]));
        }
    }
    let failed = |why: &dyn std::fmt::Display| OpError::new(ErrorKind::Failure, why.to_string());
    wrote.map_err(|why| failed(&why))?;
    table.into_inner().map_err(|why| failed(&why))
}

/// Text of people, so that it stays text in Markdown.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

fn chapters(report: &Report, zone: Tz) -> Vec<(&'static str, Vec<String>)> {
    let gap = |gap: &report::Gap| {
        format!("{} left {} without {}: {} (entry {})", gap.release, gap.stage, gap.gate, gap.lacks, gap.seq)
    };
    let over = |over: &report::Override| {
        let reviewed = match &over.review {
            Some(review) => format!("{} by {}: {}", review.finding, review.by.name, review.note),
            None => "not reviewed".to_owned(),
        };
        format!(
            "{} {} to {}: {} opened the {} gate ({}): {}; {reviewed} (entry {}, {})",
            over.deployment,
            over.release,
            over.environment,
            over.by,
            over.gate,
            over.against,
            over.reason,
            over.seq,
            wall(over.at, zone)
        )
    };
    let skip = |skip: &report::Skip| {
        let place = skip.deployment.map(|id| format!(" in {id}")).unwrap_or_default();
        format!("{}{place}: {} was not asked, {} (entry {})", skip.release, skip.gate, skip.why, skip.seq)
    };
    let own = |case: &report::SelfService| format!("{} (entry {})", case.sentence, case.seq);
    let unsigned = |case: &report::Unsigned| {
        format!("{} approved {} for {} unsigned (entry {})", case.person, case.release, case.about, case.seq)
    };
    let waived = |case: &report::Waived| {
        format!("{}: {} by {} (entry {})", case.deployment, case.what, case.by, case.seq)
    };
    let refused = |case: &report::Refused| {
        format!(
            "{} {} {} {}: {} (entry {})",
            wall(case.at, zone),
            case.who,
            case.verb,
            case.subject,
            case.why,
            case.seq
        )
    };
    let counts = report
        .deployments
        .iter()
        .map(|(service, (good, bad))| format!("{service}: {good} succeeded, {bad} did not"))
        .collect();
    vec![
        ("services with deployments that ended", counts),
        ("missing evidence", report.gaps.iter().map(gap).collect()),
        ("overrides", report.overrides.iter().map(over).collect()),
        ("gates skipped for hotfixes", report.skips.iter().map(skip).collect()),
        ("own approvals and self-service", report.self_service.iter().map(own).collect()),
        ("unsigned approvals where signatures are looked at", report.unsigned.iter().map(unsigned).collect()),
        ("steps and pauses passed over", report.waived.iter().map(waived).collect()),
        ("refused attempts", report.refused.iter().map(refused).collect()),
    ]
}
