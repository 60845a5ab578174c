//! What the forms of the sheet amount to.

use super::{Form, Ordered};
use crate::domain::release::Field;
use crate::domain::release::Stage;
use crate::domain::release::plan::{Reversal, ScopeState};
use crate::domain::release::preparation::Impact;
use crate::domain::time::{Fold, Timestamp, parse_duration, parse_when};
use crate::ops::release::edit::Edit;
use crate::ops::release::record::Record;
use crate::ops::view::sheet::{List, Slot};
use crate::tui::model::Model;
use crate::tui::msg::Effect;

/// Lines of a list in one field; what people write in them holds commas.
fn split(text: &str) -> Vec<String> {
    text.split(';').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The order the form of a row amounts to.
pub(super) fn ordered(form: &Form, model: &Model, of: &super::OfSheet<'_>) -> Ordered {
    let record = |what: Record| Ok(Effect::Record { id: of.id.clone(), what: Box::new(what) });
    let edit = |edit: Edit| {
        let edit = Edit { seen: Some(of.revision), ..edit };
        Ok(Effect::Edit { id: of.id.clone(), edit: Box::new(edit) })
    };
    if of.away {
        return match of.slot {
            Slot::Item(List::Scope, item) => {
                record(Record::ScopeIs { item: *item, state: ScopeState::Dropped, why: Some(form.reason()?) })
            }
            _ if form.value("sure") != "yes" => Err(("sure", "choose yes, or Esc".to_owned()).into()),
            Slot::Item(List::Milestones, item) => record(Record::MilestoneGone(*item)),
            Slot::Item(List::Metrics, item) => record(Record::MetricGone(*item)),
            Slot::Field(field) => edit(Edit { clear: [*field].into(), ..Edit::default() }),
            _ => Err(("sure", "that stays on record".to_owned()).into()),
        };
    }
    match of.slot {
        Slot::Title => edit(Edit { title: Some(needed(form, "title")?), ..Edit::default() }),
        Slot::Origin => {
            let origin = form.value("origin").parse().map_err(|why| ("origin", format!("{why}")))?;
            edit(Edit { origin: Some(origin), ..Edit::default() })
        }
        Slot::Field(Field::Risk) => record(risk(form)?),
        Slot::Field(Field::Impact) => record(Record::Impact(Impact {
            downtime: needed(form, "downtime")?,
            affected: form.some("affected"),
            workaround: form.some("workaround"),
        })),
        Slot::Field(field) => edit(field_edit(form, model, *field)?),
        Slot::Check(name) => check(form, model, of, name),
        Slot::Statement(name) => record(Record::Stated { name: name.clone(), text: needed(form, "text")? }),
        Slot::Custom(name) => {
            let fields = std::iter::once((name.clone(), form.value("text").to_owned())).collect();
            edit(Edit { fields, ..Edit::default() })
        }
        Slot::Checklist(item) => {
            is_done(form)?;
            let items = &model.policy.stage(Stage::Prepare).checklist;
            let is_asked = items.iter().any(|known| known.name == *item && known.command.is_some());
            let (id, item) = (of.id.clone(), item.clone());
            Ok(if is_asked { Effect::Verify { id, item } } else { Effect::Tick { id, item } })
        }
        Slot::Backup => record(Record::Backup {
            taken: moment(form, model, "taken")?.unwrap_or(model.now),
            place: needed(form, "place")?,
            restored: moment(form, model, "restored")?,
        }),
        Slot::Vote => {
            let word = form.value("vote").parse().map_err(|why| ("vote", format!("{why}")))?;
            record(Record::Voted { word, reason: form.some("reason") })
        }
        Slot::Next(list) => record(added(form, model, *list)?),
        Slot::Item(list, number) => record(said(form, model, *list, *number)?),
        Slot::Build | Slot::Text => Err(("", "that is not changed".to_owned()).into()),
    }
}

type Wrong = (&'static str, String);

fn needed(form: &Form, label: &'static str) -> Result<String, Wrong> {
    form.some(label).ok_or((label, "say it in a few words".to_owned()))
}

fn moment(form: &Form, model: &Model, label: &'static str) -> Result<Option<Timestamp>, Wrong> {
    let found = form.some(label).map(|text| parse_when(&text, model.now, model.zone, Fold::First));
    found.transpose().map_err(|why| (label, why.to_string()))
}

fn is_done(form: &Form) -> Result<(), Wrong> {
    match form.value("state") {
        "done" => Ok(()),
        _ => Err(("state", "choose done, or Esc".to_owned())),
    }
}

fn read<T: std::str::FromStr>(form: &Form, label: &'static str) -> Result<T, Wrong>
where
    T::Err: std::fmt::Display,
{
    form.value(label).parse().map_err(|why: T::Err| (label, why.to_string()))
}

fn risk(form: &Form) -> Result<Record, Wrong> {
    if form.some("size").is_none() {
        return Ok(Record::RiskIs { level: read(form, "risk")?, why: form.some("reason") });
    }
    Ok(Record::Assessed(crate::domain::risk::Inputs {
        size: read(form, "size")?,
        schema: form.value("schema") == "yes",
        contract: form.value("contract") == "yes",
        area: read(form, "area")?,
    }))
}

fn field_edit(form: &Form, model: &Model, field: Field) -> Result<Edit, Wrong> {
    let plain = Edit::default();
    let list = |label| -> Vec<String> {
        let parts = form.value(label).split(',').map(|part| part.trim().to_owned());
        parts.filter(|part| !part.is_empty()).collect()
    };
    // What is emptied is taken out with x, so that nothing is lost by leaving a field empty.
    Ok(match field {
        Field::Need => Edit { need: Some(needed(form, "need")?), ..plain },
        Field::Objective => Edit { objective: Some(needed(form, "objective")?), ..plain },
        Field::Priority => Edit { priority: Some(read(form, "priority")?), ..plain },
        Field::Owner => Edit { owner: Some(needed(form, "owner")?), ..plain },
        Field::People => Edit { people: Some(split(&needed(form, "people")?)), ..plain },
        Field::Target => {
            let target = moment(form, model, "target")?;
            Edit { target: Some(target.ok_or(("target", "say when".to_owned()))?), ..plain }
        }
        Field::RollbackPlan => Edit { rollback_plan: Some(needed(form, "rollback plan")?), ..plain },
        Field::Requires => {
            let parsed: Result<Vec<_>, _> = list("requires").iter().map(|id| id.parse()).collect();
            let parsed = parsed.map_err(|why: crate::domain::ids::BadName| ("requires", why.to_string()))?;
            Edit { requires: Some(parsed), ..plain }
        }
        Field::Toggles => Edit { toggles: Some(list("toggles")), ..plain },
        Field::Communication => Edit { communication: Some(needed(form, "communication")?), ..plain },
        Field::Reversal => {
            let takes = form.some("takes").map(|text| parse_duration(&text)).transpose();
            let takes = takes.map_err(|why| ("takes", why.to_string()))?;
            let reversal = Reversal {
                extent: read(form, "extent")?,
                seconds: takes.map(|takes| takes.as_secs()),
                no_return: form.some("no way back after"),
            };
            Edit { reversal: Some(reversal), ..plain }
        }
        Field::Commit => Edit { commit: Some(needed(form, "commit")?), ..plain },
        Field::Artifact => Edit { artifact: Some(needed(form, "artifact")?), ..plain },
        Field::Digest => Edit { digest: Some(read(form, "digest")?), ..plain },
        Field::Changes => Edit { changes: Some(split(&needed(form, "changes")?)), ..plain },
        Field::Outcome => Edit { outcome: Some(needed(form, "outcome")?), ..plain },
        Field::Retrospective => Edit { retrospective: Some(needed(form, "retrospective")?), ..plain },
        Field::Risk | Field::Impact => plain,
    })
}

fn check(form: &Form, model: &Model, of: &super::OfSheet<'_>, name: &str) -> Ordered {
    let until = moment(form, model, "until")?;
    match form.value("result") {
        "run" => Ok(Effect::RunCheck { id: of.id.clone(), name: name.to_owned() }),
        "waive" => {
            let reason = form.some("note").ok_or(("note", "say why it is let go without".to_owned()))?;
            let expires = until.ok_or(("until", "say until when: +2d".to_owned()))?;
            let what = Record::Waived { check: name.to_owned(), reason, expires };
            Ok(Effect::Record { id: of.id.clone(), what: Box::new(what) })
        }
        result @ ("passed" | "failed") => Ok(Effect::Evidence {
            id: of.id.clone(),
            name: name.to_owned(),
            evidence: Box::new(crate::ops::release::evidence::Evidence {
                passed: result == "passed",
                note: form.some("note"),
                expires: until,
                ..crate::ops::release::evidence::Evidence::default()
            }),
        }),
        _ => Err(("result", "choose passed, failed or waive".to_owned()).into()),
    }
}

fn added(form: &Form, model: &Model, list: List) -> Result<Record, Wrong> {
    Ok(match list {
        List::Scope => Record::Scope(needed(form, "item")?),
        List::Milestones => Record::Milestone {
            name: needed(form, "name")?,
            due: moment(form, model, "due")?.ok_or(("due", "say by when".to_owned()))?,
        },
        List::Metrics => Record::Metric { name: needed(form, "name")?, target: needed(form, "target")? },
        List::Tasks => Record::Task { text: needed(form, "task")?, owner: form.some("owner") },
        List::Trainings => {
            Record::Training { audience: needed(form, "audience")?, material: form.some("material") }
        }
        List::Announcements => Record::Announced {
            occasion: read(form, "occasion")?,
            audience: needed(form, "audience")?,
            channel: needed(form, "channel")?,
            text: form.some("text").unwrap_or_default(),
        },
        List::Issues => Record::Issue {
            title: needed(form, "title")?,
            severity: read(form, "severity")?,
            owner: form.some("owner"),
            environment: match form.some("environment") {
                Some(_) => Some(read(form, "environment")?),
                None => None,
            },
        },
        List::Feedback => Record::Feedback {
            source: read(form, "source")?,
            phase: read(form, "about")?,
            sentiment: read(form, "sentiment")?,
            text: needed(form, "text")?,
        },
        List::WentWell => Record::WentWell(needed(form, "line")?),
        List::CouldBeBetter => Record::CouldBeBetter(needed(form, "line")?),
        List::Lessons => Record::Lesson(needed(form, "line")?),
        List::Actions => Record::Action {
            text: needed(form, "action")?,
            owner: form.some("owner"),
            due: moment(form, model, "due")?,
        },
    })
}

fn said(form: &Form, model: &Model, list: List, item: usize) -> Result<Record, Wrong> {
    Ok(match list {
        List::Scope => Record::ScopeIs { item, state: read(form, "state")?, why: form.some("reason") },
        List::Milestones if form.value("state") == "reached" => Record::MilestoneReached(item),
        List::Milestones => Record::MilestoneDue {
            item,
            due: moment(form, model, "due")?.ok_or(("due", "say by when".to_owned()))?,
        },
        List::Metrics if form.some("value").is_none() => {
            Record::MetricTarget { item, target: needed(form, "target")? }
        }
        List::Metrics => Record::Measured {
            item,
            value: needed(form, "value")?,
            verdict: match form.some("verdict") {
                Some(_) => Some(read(form, "verdict")?),
                None => None,
            },
        },
        List::Tasks => is_done(form).map(|()| Record::TaskDone(item))?,
        List::Trainings => is_done(form).map(|()| Record::TrainingDone(item))?,
        List::Actions => is_done(form).map(|()| Record::ActionDone(item))?,
        List::Issues => Record::IssueIs { item, state: read(form, "state")? },
        List::Feedback => Record::Answered {
            item,
            reply: form.some("reply"),
            next: match form.some("next") {
                Some(_) => Some(read(form, "next")?),
                None => None,
            },
        },
        List::Announcements | List::WentWell | List::CouldBeBetter | List::Lessons => {
            return Err(("", "that stays on record".to_owned()));
        }
    })
}
