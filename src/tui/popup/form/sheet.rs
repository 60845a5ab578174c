//! The forms of the sheet: one for each kind of row.

use super::{Field as Entry, Kind, choice, form, preset, text};
use crate::domain::checklist::{Standing, standing};
use crate::domain::release::plan::{Extent, ScopeState, Verdict};
use crate::domain::release::preparation::{Occasion, Word};
use crate::domain::release::review::{IssueState, Sentiment, Severity, Source};
use crate::domain::release::{Field, Level, Origin, Release, Stage};
use crate::domain::time::{Timestamp, span};
use crate::ops::release::announce;
use crate::ops::view::sheet::{List, Slot};
use crate::tui::model::Model;
use crate::tui::popup::Popup;

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

/// A choice that may stay empty.
fn maybe(label: &'static str, value: &str, choices: Vec<String>, example: &'static str) -> Entry {
    Entry { choices, ..preset(label, value, example) }
}

fn levels() -> Vec<String> {
    Level::ALL.map(|level| level.to_string()).to_vec()
}

/// Lines of a list in one field; what people write in them holds commas.
const BETWEEN: &str = "; ";

fn local(model: &Model, at: Timestamp) -> String {
    at.in_zone(model.zone).format("%Y-%m-%d %H:%M").to_string()
}

fn asked(release: &Release, slot: &Slot, title: String, notes: Vec<String>, fields: Vec<Entry>) -> Popup {
    let kind =
        Kind::Sheet { id: release.id.clone(), revision: release.revision, slot: slot.clone(), away: false };
    form(kind, title, notes, fields)
}

/// The form of a row, or why there is none.
pub fn open(model: &Model, release: &Release, slot: &Slot) -> Result<Popup, String> {
    let title = |what: &str| format!("{} of {}", what, release.id);
    let ask = |what: &str, fields: Vec<Entry>| Ok(asked(release, slot, title(what), Vec::new(), fields));
    match slot {
        Slot::Title => ask("Title", vec![preset("title", &release.title, "what people will call it")]),
        Slot::Origin => {
            let at = Origin::ALL.iter().position(|origin| *origin == release.request.origin).unwrap_or(0);
            ask("Origin", vec![choice("origin", words(&Origin::ALL.map(Origin::as_str)), at)])
        }
        Slot::Field(field) => ask(field.as_str(), of_field(model, release, *field)),
        Slot::Next(list) => Ok(next(model, release, slot, *list)),
        Slot::Item(list, number) => item(model, release, slot, *list, *number),
        Slot::Check(name) => Ok(asked_check(model, release, slot, name)),
        Slot::Statement(name) => {
            let known = release.statements.get(name).cloned().unwrap_or_default();
            let notes = vec![format!("{name}: what is so, and where that is written down")];
            Ok(asked(
                release,
                slot,
                title("Statement"),
                notes,
                vec![preset("text", &known, "checked, wiki/legal-17")],
            ))
        }
        Slot::Custom(name) => {
            let known = release.fields.get(name).cloned().unwrap_or_default();
            let notes = vec![format!("{name}: the scripts are told")];
            Ok(asked(release, slot, title("Field"), notes, vec![preset("text", &known, "OPS-12")]))
        }
        Slot::Checklist(name) => {
            let items = &model.policy.stage(Stage::Prepare).checklist;
            let item = items.iter().find(|item| item.name == *name).ok_or("it is on the list no more")?;
            match (standing(item, release, model.now), &item.command) {
                (_, Some(argv)) => Ok(verified(release, slot, name, argv)),
                (Standing::Done { by, .. }, None) => Err(format!("{} has ticked it", by.name)),
                _ => Ok(ticked(release, slot, name)),
            }
        }
        Slot::Backup => ask(
            "Backup",
            vec![
                text("place", "where it lies"),
                preset("taken", &local(model, model.now), "when it was taken"),
                text("restored", "when it was put back to try it"),
            ],
        ),
        Slot::Vote => ask(
            "Your vote on",
            vec![
                maybe("vote", "", words(&Word::ALL.map(Word::as_str)), "go, no-go or abstain"),
                text("reason", "a no-go needs one"),
            ],
        ),
        Slot::Build | Slot::Text => Err("that is not changed".to_owned()),
    }
}

/// What is said of a check; where its service has a script for it, that may be run.
fn asked_check(model: &Model, release: &Release, slot: &Slot, name: &str) -> Popup {
    let service = model.policy.services.get(&release.id.service);
    let has_script = service.is_some_and(|service| service.checks.contains_key(name));
    let mut notes = vec![
        "waive lets it go without until then, with the reason in the note (takes the right waive)."
            .to_owned(),
    ];
    let mut results = vec!["passed", "failed", "waive"];
    if has_script {
        notes.insert(
            0,
            format!("run finds out with the script of {}; its log: row build, Enter.", release.id.service),
        );
        results.insert(0, "run");
    }
    let example = if has_script { "run, passed, failed or waive" } else { "passed, failed or waive" };
    asked(
        release,
        slot,
        format!("Check {name} of {}", release.id),
        notes,
        vec![
            maybe("result", "", words(&results), example),
            text("note", "where the evidence is; why it is waived"),
            text("until", "+7d: until when it counts"),
        ],
    )
}

/// The form that takes a row out, where that can be done.
pub fn away(model: &Model, release: &Release, slot: &Slot) -> Option<Popup> {
    let kind =
        Kind::Sheet { id: release.id.clone(), revision: release.revision, slot: slot.clone(), away: true };
    let what = match slot {
        Slot::Item(List::Scope, number) => {
            let item = release.plan.scope.get(number - 1)?;
            return Some(form(
                kind,
                format!("Leave out: {}", item.text),
                Vec::new(),
                vec![text("reason", "why it is left out")],
            ));
        }
        Slot::Item(List::Milestones, number) => release.plan.milestones.get(number - 1)?.name.clone(),
        Slot::Item(List::Metrics, number) => release.plan.metrics.get(number - 1)?.name.clone(),
        Slot::Field(field) => {
            let filled = of_field(model, release, *field).iter().any(|entry| entry.had_text);
            filled.then(|| field.as_str().to_owned())?
        }
        _ => return None,
    };
    Some(form(
        kind,
        format!("Take out: {what}"),
        Vec::new(),
        vec![maybe("sure", "", words(&["yes"]), "yes; Esc leaves it")],
    ))
}

fn of_field(model: &Model, release: &Release, field: Field) -> Vec<Entry> {
    let known = |value: &Option<String>| value.clone().unwrap_or_default();
    let level = |value: Option<Level>| value.map_or_else(String::new, |level| level.to_string());
    let (request, plan, build) = (&release.request, &release.plan, &release.build);
    let ids = |ids: &[crate::domain::ids::ReleaseId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    match field {
        Field::Need => vec![preset("need", &known(&request.need), "what it is needed for")],
        Field::Objective => vec![preset("objective", &known(&request.objective), "what it is to achieve")],
        Field::Priority => vec![maybe("priority", &level(request.priority), levels(), "low, medium or high")],
        Field::Owner => vec![preset("owner", &known(&plan.owner), "who sees it through")],
        Field::People => vec![preset("people", &plan.people.join(BETWEEN), "Dora: database; Henk: support")],
        Field::Target => {
            let target = plan.target.map(|at| local(model, at)).unwrap_or_default();
            vec![preset("target", &target, "2026-12-01 10:00")]
        }
        Field::Risk => of_risk(plan.risk),
        Field::RollbackPlan => {
            vec![preset("rollback plan", &known(&plan.rollback), "how to go back, and how long it takes")]
        }
        Field::Requires => {
            vec![preset(
                "requires",
                &ids(&plan.requires).join(", "),
                "api@1.2.0: live where it goes, this or newer",
            )]
        }
        Field::Toggles => {
            vec![preset("toggles", &plan.toggles.join(", "), "toggles that guard what it brings")]
        }
        Field::Communication => {
            vec![preset("communication", &known(&plan.communication), "who is told what, when and how")]
        }
        Field::Reversal => {
            let reversal = plan.reversal.as_ref();
            let extent = reversal.map_or_else(String::new, |known| known.extent.to_string());
            let takes = reversal.and_then(|known| known.seconds).map(std::time::Duration::from_secs);
            let no_return = reversal.and_then(|known| known.no_return.clone()).unwrap_or_default();
            vec![
                maybe("extent", &extent, words(&Extent::ALL.map(Extent::as_str)), "full, partial or none"),
                preset("takes", &takes.map(span).unwrap_or_default(), "10m"),
                preset("no way back after", &no_return, "from what on it cannot be taken back"),
            ]
        }
        Field::Commit => vec![preset("commit", &known(&build.commit), "the commit it is built from")],
        Field::Artifact => vec![preset("artifact", &known(&build.artifact), "what is deployed")],
        Field::Digest => {
            let digest = build.digest.as_ref().map(ToString::to_string).unwrap_or_default();
            vec![preset("digest", &digest, "sha256:… of the artifact")]
        }
        Field::Changes => {
            vec![preset("changes", &build.changes.join(BETWEEN), "feat: guest checkout; fix: totals")]
        }
        Field::Impact => of_impact(release),
        Field::Outcome => vec![preset("outcome", &known(&release.review.outcome), "what came of it")],
        Field::Retrospective => {
            vec![preset(
                "retrospective",
                &known(&release.review.retrospective),
                "what was learned, in a few words",
            )]
        }
    }
}

fn of_risk(risk: Option<Level>) -> Vec<Entry> {
    let risk = risk.map_or_else(String::new, |level| level.to_string());
    vec![
        maybe("risk", &risk, levels(), "low, medium or high; or leave it and say what changes"),
        text("reason", "lowering needs one, from somebody else"),
        maybe("size", "", words(&["small", "medium", "large"]), "computes the risk: how much changes"),
        maybe("area", "", levels(), "how critical it is"),
        maybe("schema", "no", words(&["no", "yes"]), "whether the data change"),
        maybe("contract", "no", words(&["no", "yes"]), "whether others must follow"),
    ]
}

fn of_impact(release: &Release) -> Vec<Entry> {
    let impact = release.preparation.impact.as_ref();
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    vec![
        preset("downtime", &text(impact.map(|known| &known.downtime)), "none, 2 minutes"),
        preset("affected", &text(impact.and_then(|known| known.affected.as_ref())), "who notices"),
        preset("workaround", &text(impact.and_then(|known| known.workaround.as_ref())), "what they can do"),
    ]
}

/// The next item of a list.
fn next(model: &Model, release: &Release, slot: &Slot, list: List) -> Popup {
    let id = &release.id;
    let (title, fields) = match list {
        List::Scope => ("In scope", vec![text("item", "what it is to bring")]),
        List::Milestones => {
            ("Milestone", vec![text("name", "code complete"), text("due", "2026-12-01 18:00, +2w")])
        }
        List::Metrics => (
            "Measure of success",
            vec![text("name", "conversion"), text("target", ">= 3 %, < 200 ms, or words")],
        ),
        List::Tasks => {
            ("Task", vec![text("task", "what is to be done before"), text("owner", "who does it")])
        }
        List::Trainings => {
            ("Training", vec![text("audience", "who must know how"), text("material", "where they learn it")])
        }
        List::Announcements => {
            let occasions = words(&Occasion::ALL.map(Occasion::as_str));
            let fields = vec![
                choice("occasion", occasions, 0),
                text("audience", "customers, support"),
                text("channel", "e-mail, #releases"),
                text("text", "empty: written from what is on record"),
            ];
            ("Announcement", fields)
        }
        List::Issues => {
            let environments: Vec<String> =
                model.policy.environments.keys().map(ToString::to_string).collect();
            let fields = vec![
                text("title", "what is wrong"),
                choice("severity", words(&Severity::ALL.map(Severity::as_str)), 2),
                text("owner", "who looks after it"),
                maybe("environment", "", environments, "where it showed"),
            ];
            ("Issue", fields)
        }
        List::Feedback => {
            let stage = Stage::ALL.iter().position(|stage| *stage == release.stage).unwrap_or(0);
            let fields = vec![
                text("text", "what was said"),
                choice("source", words(&Source::ALL.map(Source::as_str)), 0),
                choice("sentiment", words(&Sentiment::ALL.map(Sentiment::as_str)), 1),
                choice("about", words(&Stage::ALL.map(Stage::as_str)), stage),
            ];
            ("Feedback", fields)
        }
        List::WentWell => ("Went well", vec![text("line", "what should stay so")]),
        List::CouldBeBetter => ("Could be better", vec![text("line", "what should change")]),
        List::Lessons => ("Lesson", vec![text("line", "what was learned")]),
        List::Actions => (
            "Action",
            vec![text("action", "what is to be done"), text("owner", "who does it"), text("due", "+2w")],
        ),
    };
    let notes = match list {
        List::Issues => vec!["sev1 and sev2 keep it from going further while they are open.".to_owned()],
        List::Announcements => {
            vec![format!(
                "Without a text: {}",
                announce::plain(Occasion::Planned).lines().next().unwrap_or_default()
            )]
        }
        _ => Vec::new(),
    };
    asked(release, slot, format!("{title}: {id}"), notes, fields)
}

fn ticked(release: &Release, slot: &Slot, what: &str) -> Popup {
    let notes = vec![format!("Your name and the time stand behind it from then on: {what}")];
    let fields = vec![maybe("state", "", words(&["done"]), "done; Esc leaves it open")];
    asked(release, slot, format!("Done? {}", release.id), notes, fields)
}

/// A command finds out, not a person.
fn verified(release: &Release, slot: &Slot, what: &str, argv: &[String]) -> Popup {
    let notes = vec![
        what.to_owned(),
        format!("Runs: {}", argv.join(" ")),
        "What it says stands on record.".to_owned(),
    ];
    let fields = vec![maybe("state", "", words(&["done"]), "done: ask it; Esc does not")];
    asked(release, slot, format!("Ask it? {}", release.id), notes, fields)
}

/// What can be said about an item that is there.
fn item(model: &Model, release: &Release, slot: &Slot, list: List, number: usize) -> Result<Popup, String> {
    let at = number - 1;
    let gone = || "it is there no more".to_owned();
    let is_open = |done: bool, what: &str| match done {
        true => Err(format!("\"{what}\" is done; that stays on record")),
        false => Ok(ticked(release, slot, what)),
    };
    match list {
        List::Scope => {
            let item = release.plan.scope.get(at).ok_or_else(gone)?;
            let state = ScopeState::ALL.iter().position(|state| *state == item.state).unwrap_or(0);
            let fields = vec![
                choice("state", words(&ScopeState::ALL.map(ScopeState::as_str)), state),
                text("reason", "dropped needs one"),
            ];
            Ok(asked(release, slot, item.text.clone(), Vec::new(), fields))
        }
        List::Milestones => {
            let milestone = release.plan.milestones.get(at).ok_or_else(gone)?;
            if milestone.reached.is_some() {
                return Err(format!("\"{}\" is reached; that stays on record", milestone.name));
            }
            let fields = vec![
                maybe("state", "", words(&["reached"]), "reached, or another day below"),
                preset("due", &local(model, milestone.due), ""),
            ];
            Ok(asked(release, slot, milestone.name.clone(), Vec::new(), fields))
        }
        List::Metrics => {
            let metric = release.plan.metrics.get(at).ok_or_else(gone)?;
            let fields = vec![
                text("value", "what was measured: 99.7 %"),
                maybe(
                    "verdict",
                    "",
                    words(&Verdict::ALL.map(Verdict::as_str)),
                    "where the numbers do not say it",
                ),
                preset("target", &metric.target, "what is aimed at"),
            ];
            Ok(asked(release, slot, metric.name.clone(), Vec::new(), fields))
        }
        List::Tasks => {
            let task = release.preparation.tasks.get(at).ok_or_else(gone)?;
            is_open(task.done.is_some(), &task.text)
        }
        List::Trainings => {
            let training = release.preparation.trainings.get(at).ok_or_else(gone)?;
            is_open(training.done.is_some(), &training.audience)
        }
        List::Actions => {
            let action = release.review.actions.get(at).ok_or_else(gone)?;
            is_open(action.done.is_some(), &action.text)
        }
        List::Issues => {
            let issue = release.issues.get(at).ok_or_else(gone)?;
            let state = IssueState::ALL.iter().position(|state| *state == issue.state).unwrap_or(0);
            let fields = vec![choice("state", words(&IssueState::ALL.map(IssueState::as_str)), state)];
            Ok(asked(release, slot, format!("{}: {}", issue.severity, issue.title), Vec::new(), fields))
        }
        List::Feedback => {
            let feedback = release.feedback.get(at).ok_or_else(gone)?;
            let next = feedback.next.as_ref().map(ToString::to_string).unwrap_or_default();
            let fields = vec![
                preset("reply", feedback.reply.as_deref().unwrap_or_default(), "what was answered or done"),
                preset("next", &next, "api@1.5.0: the release that takes it up"),
            ];
            Ok(asked(release, slot, "Feedback".to_owned(), vec![feedback.text.clone()], fields))
        }
        List::Announcements | List::WentWell | List::CouldBeBetter | List::Lessons => {
            Err("that stays on record; n adds another one".to_owned())
        }
    }
}
