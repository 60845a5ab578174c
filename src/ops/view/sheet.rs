//! Everything that is recorded about a release, stage by stage, row by row: the same in the panes, on the command line and
//! in the report.

use serde::Serialize;

use crate::domain::checklist::{Item, Standing, standing};
use crate::domain::monitor::{Verdict, Watch};
use crate::domain::policy::Policy;
use crate::domain::release::build::{CHECK, REVIEW};
use crate::domain::release::evidence::Worth;
use crate::domain::release::plan::{ScopeState, Track};
use crate::domain::release::preparation::{Tick, Word};
use crate::domain::release::review::IssueState;
use crate::domain::release::{Field, Level, Release, Stage};
use crate::domain::risk;
use crate::domain::time::{Timestamp, Tz, day, wall};

/// A list whose items are numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum List {
    Scope,
    Milestones,
    Metrics,
    Tasks,
    Trainings,
    Announcements,
    Issues,
    Feedback,
    WentWell,
    CouldBeBetter,
    Lessons,
    Actions,
}

/// What a row is about, and so what can be done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    Title,
    Origin,
    Field(Field),
    Item(List, usize),
    /// The end of a list: where its next item goes.
    Next(List),
    /// The runs of the build script.
    Build,
    Check(String),
    Statement(String),
    /// A field of the service.
    Custom(String),
    Checklist(String),
    Backup,
    Vote,
    /// Only to be read.
    Text,
}

/// How a row is meant; a mark says it, never a colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    Plain,
    Done,
    Open,
    Wrong,
    Missing,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub slot: Slot,
    pub label: String,
    /// Nothing: not recorded.
    pub text: Option<String>,
    pub tone: Tone,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    pub stage: Stage,
    pub rows: Vec<Row>,
}

/// The whole sheet; `asked` are the monitors that are still being asked, of whichever release.
pub fn sheet(
    policy: &Policy,
    release: &Release,
    asked: &[Watch],
    (zone, now): (Tz, Timestamp),
) -> Vec<Section> {
    let with = With { policy, release, asked, zone, now };
    Stage::ALL.into_iter().map(|stage| Section { stage, rows: with.stage(stage) }).collect()
}

struct With<'a> {
    policy: &'a Policy,
    release: &'a Release,
    asked: &'a [Watch],
    zone: Tz,
    now: Timestamp,
}

fn plain(slot: Slot, label: &str, text: Option<String>) -> Row {
    let tone = if text.is_some() { Tone::Plain } else { Tone::Missing };
    Row { slot, label: label.to_owned(), text, tone }
}

fn field(field: Field, text: Option<String>) -> Row {
    plain(Slot::Field(field), &field.as_str().replace('-', " "), text)
}

fn list(items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| items.join(", "))
}

impl With<'_> {
    fn stage(&self, stage: Stage) -> Vec<Row> {
        match stage {
            Stage::Request => self.request(),
            Stage::Plan => self.plan(),
            Stage::Build => self.build(),
            Stage::Test => self.test(),
            Stage::Prepare => self.prepare(),
            Stage::Deploy => Vec::new(),
            Stage::Review => self.review(),
        }
    }

    /// Items under one label; behind them, where the next one goes.
    fn items<T>(list: List, label: &str, all: &[T], one: impl Fn(&T) -> (Tone, String)) -> Vec<Row> {
        let row = |(at, item): (usize, &T)| {
            let (tone, text) = one(item);
            let label = if at == 0 { label } else { "" };
            let text = Some(format!("{} {text}", at + 1));
            Row { slot: Slot::Item(list, at + 1), label: label.to_owned(), text, tone }
        };
        let mut rows: Vec<Row> = all.iter().enumerate().map(row).collect();
        let label = if rows.is_empty() { label } else { "" };
        rows.push(Row { slot: Slot::Next(list), label: label.to_owned(), text: None, tone: Tone::Missing });
        rows
    }

    fn done(&self, tick: Option<&Tick>) -> (Tone, String) {
        match tick {
            Some(tick) => (Tone::Done, format!("  ({}, {})", tick.by.name, day(tick.at, self.zone))),
            None => (Tone::Open, String::new()),
        }
    }

    fn request(&self) -> Vec<Row> {
        let request = &self.release.request;
        vec![
            plain(Slot::Title, "title", Some(self.release.title.clone())),
            plain(Slot::Text, "requested by", Some(request.requester.name.clone())),
            plain(Slot::Origin, "origin", Some(request.origin.to_string())),
            field(Field::Need, request.need.clone()),
            field(Field::Objective, request.objective.clone()),
            field(Field::Priority, request.priority.map(|level| level.to_string())),
        ]
    }

    fn plan(&self) -> Vec<Row> {
        let plan = &self.release.plan;
        let mut rows =
            vec![field(Field::Owner, plan.owner.clone()), field(Field::People, list(&plan.people))];
        rows.push(field(Field::Target, plan.target.map(|at| wall(at, self.zone))));
        rows.extend(Self::items(List::Scope, "scope", &plan.scope, |item| {
            let why = item.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            let late = if item.late { "  (added later)" } else { "" };
            match item.state {
                ScopeState::Planned => (Tone::Open, format!("{}{late}", item.named())),
                ScopeState::Done => (Tone::Done, format!("{}{late}", item.named())),
                ScopeState::Dropped => (Tone::Wrong, format!("{} dropped{why}", item.named())),
            }
        }));
        rows.extend(Self::items(List::Milestones, "milestones", &plan.milestones, |one| {
            let track = one.track(&plan.milestones, self.now);
            let tone = match track {
                Track::Reached => Tone::Done,
                Track::OnTrack => Tone::Open,
                Track::AtRisk | Track::Late => Tone::Wrong,
            };
            (tone, format!("{} {}, {track}", day(one.due, self.zone), one.name))
        }));
        rows.push(Row {
            tone: if plan.risk == Some(Level::High) {
                Tone::Wrong
            } else {
                field(Field::Risk, plan.risk.map(|_| String::new())).tone
            },
            ..field(Field::Risk, plan.risk.map(|risk| self.risk(risk)))
        });
        rows.extend(Self::items(List::Metrics, "success", &plan.metrics, |metric| match &metric.measured {
            Some(found) => {
                let tone = match found.verdict {
                    crate::domain::release::plan::Verdict::Achieved => Tone::Done,
                    _ => Tone::Wrong,
                };
                (tone, format!("{} {}: {}, {}", metric.name, metric.target, found.value, found.verdict))
            }
            None => (Tone::Open, format!("{} {}", metric.name, metric.target)),
        }));
        let wanted = &self.policy.stage(Stage::Plan).statements;
        let others = self.release.statements.keys().filter(|name| !wanted.contains(name));
        for name in wanted.iter().chain(others) {
            let text = self.release.statements.get(name).cloned();
            rows.push(plain(Slot::Statement(name.clone()), name, text));
        }
        rows.push(field(Field::Communication, plan.communication.clone()));
        rows.push(field(Field::RollbackPlan, plan.rollback.clone()));
        rows.push(field(Field::Reversal, plan.reversal.as_ref().map(ToString::to_string)));
        let requires: Vec<String> = plan.requires.iter().map(ToString::to_string).collect();
        rows.push(field(Field::Requires, list(&requires)));
        rows.push(field(Field::Toggles, list(&plan.toggles)));
        let service = self.policy.services.get(&self.release.id.service);
        for name in service.into_iter().flat_map(|service| &service.fields) {
            rows.push(plain(Slot::Custom(name.clone()), name, self.release.fields.get(name).cloned()));
        }
        rows
    }

    /// The level, and what it comes from.
    fn risk(&self, level: Level) -> String {
        let plan = &self.release.plan;
        let said = plan.risk_said.as_ref().map(|said| {
            let why = said.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            format!(" by {}{why}", said.by.name)
        });
        let points = plan.assessment.map(|found| {
            let why: Vec<String> = risk::explain(&found.inputs, &found.record)
                .into_iter()
                .map(|(points, why)| format!("{why} +{points}"))
                .collect();
            let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
            format!("; {} points{why}", found.points)
        });
        format!("{level}{}{}", said.unwrap_or_default(), points.unwrap_or_default())
    }

    fn build(&self) -> Vec<Row> {
        let build = &self.release.build;
        let changes = match build.changes.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            all => Some(format!("{} and {} more", all[0], all.len() - 1)),
        };
        vec![
            field(Field::Commit, build.commit.clone()),
            field(Field::Artifact, build.artifact.clone()),
            field(Field::Digest, build.digest.as_ref().map(ToString::to_string)),
            field(Field::Changes, changes),
            self.reviewed(),
            self.built(),
        ]
    }

    fn test(&self) -> Vec<Row> {
        let rules = self.policy.stage(Stage::Test);
        let mut names: Vec<&String> = rules.checks.iter().chain(&rules.allowed_failures).collect();
        let others = self
            .release
            .checks
            .keys()
            .filter(|name| !names.contains(name) && !matches!(name.as_str(), CHECK | REVIEW));
        names.extend(others.collect::<Vec<_>>());
        let row = |name: &&String| {
            let running = self.release.build.running().filter(|(_, run)| run.check.as_ref() == Some(name));
            let (tone, text) = match running {
                Some((number, run)) => (Tone::Open, Some(format!("{}, {}", run.told(number), run.by.name))),
                None => self.check(name),
            };
            let text = match (rules.allowed_failures.contains(name), text) {
                (true, text) => Some(format!("{} (may fail)", text.unwrap_or_else(|| "not run".to_owned()))),
                (false, text) => text,
            };
            Row { slot: Slot::Check((*name).clone()), label: (*name).clone(), text, tone }
        };
        names.iter().map(row).collect()
    }

    /// Who has read what is in it.
    fn reviewed(&self) -> Row {
        let row =
            |tone, text| Row { slot: Slot::Check(REVIEW.to_owned()), label: REVIEW.to_owned(), text, tone };
        let Some(check) = self.release.checks.get(REVIEW) else { return row(Tone::Missing, None) };
        if matches!(self.release.worth(REVIEW, self.now), Worth::Waived { .. }) {
            let (tone, text) = self.check(REVIEW);
            return row(tone, text);
        }
        let note = check.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        let by = format!("by {}, {}{note}", check.by.name, day(check.at, self.zone));
        match self.release.valid_review() {
            None => row(Tone::Wrong, Some(format!("of another commit, {by}"))),
            Some(check) if check.passed => row(Tone::Done, Some(format!("passed {by}"))),
            Some(_) => row(Tone::Wrong, Some(format!("FAILED {by}"))),
        }
    }

    /// How the build stands: the run that goes on, or what is known of the last one.
    fn built(&self) -> Row {
        let row = |tone, text| Row { slot: Slot::Build, label: CHECK.to_owned(), text, tone };
        if let Some((number, run)) = self.release.build.running().filter(|(_, run)| run.check.is_none()) {
            return row(Tone::Open, Some(format!("{}, {}", run.told(number), run.by.name)));
        }
        match self.check(CHECK) {
            (tone, Some(text)) => row(tone, Some(text)),
            (tone, None) => row(tone, self.release.build.last().map(|(number, run)| run.told(number))),
        }
    }

    fn check(&self, name: &str) -> (Tone, Option<String>) {
        let worth = self.release.worth(name, self.now);
        let told = self.release.checks.get(name).map(|check| {
            let counts = check.counts.map(|counts| format!(" {counts}")).unwrap_or_default();
            let source = check.source.as_ref().map(|source| format!(", {source}")).unwrap_or_default();
            let place = check.environment.as_ref().map(|env| format!(" in {env}")).unwrap_or_default();
            let note = check.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            format!("{counts}{place} by {}, {}{source}{note}", check.by.name, day(check.at, self.zone))
        });
        let told = told.unwrap_or_default();
        match worth {
            Worth::Passed => (Tone::Done, Some(format!("passed{told}"))),
            Worth::Failed => (Tone::Wrong, Some(format!("FAILED{told}"))),
            Worth::Expired(at) => (Tone::Wrong, Some(format!("expired {}{told}", day(at, self.zone)))),
            Worth::Other => (Tone::Wrong, Some(format!("for another artifact{told}"))),
            Worth::Waived { by, until } => {
                let why =
                    self.release.waivers.get(name).map(|waiver| waiver.reason.clone()).unwrap_or_default();
                (Tone::Wrong, Some(format!("WAIVED by {by} until {}: {why}", wall(until, self.zone))))
            }
            Worth::Missing => (Tone::Missing, None),
        }
    }

    /// How an item of the checklist stands, in words.
    fn item(&self, item: &Item) -> (Tone, String) {
        let stands = standing(item, self.release, self.now);
        let when = |at| wall(at, self.zone);
        match &stands {
            Standing::Open => (Tone::Open, item.name.clone()),
            Standing::Done { by, at, until } => {
                let until = until.map(|until| format!(", until {}", when(until))).unwrap_or_default();
                (Tone::Done, format!("{}  ({}, {}{until})", item.name, by.name, when(*at)))
            }
            Standing::Stale { at } => (Tone::Wrong, format!("{}, {}", stands.told(&item.name), when(*at))),
            Standing::Not { .. } => (Tone::Wrong, stands.told(&item.name)),
        }
    }

    fn prepare(&self) -> Vec<Row> {
        let rules = self.policy.stage(Stage::Prepare);
        let preparation = &self.release.preparation;
        let mut rows: Vec<Row> = Vec::new();
        for (at, item) in rules.checklist.iter().enumerate() {
            let (tone, text) = self.item(item);
            let label = if at == 0 { "checklist" } else { "" };
            let slot = Slot::Checklist(item.name.clone());
            rows.push(Row { slot, label: label.to_owned(), text: Some(text), tone });
        }
        rows.extend(Self::items(List::Tasks, "tasks", &preparation.tasks, |task| {
            let (tone, who) = self.done(task.done.as_ref());
            let owner = task.owner.as_ref().map(|owner| format!(", {owner}")).unwrap_or_default();
            (tone, format!("{}{owner}{who}", task.text))
        }));
        let backup = preparation.backup.as_ref().map(|backup| {
            let tried = match backup.restored {
                Some(at) => format!("restored to try it {}", day(at, self.zone)),
                None => "NOT restored to try it".to_owned(),
            };
            format!("{} in {}, {tried}", wall(backup.taken, self.zone), backup.place)
        });
        rows.push(plain(Slot::Backup, "backup", backup));
        rows.extend(Self::items(List::Trainings, "training", &preparation.trainings, |training| {
            let (tone, who) = self.done(training.done.as_ref());
            let material = training.material.as_ref().map(|text| format!(", {text}")).unwrap_or_default();
            (tone, format!("{}{material}{who}", training.audience))
        }));
        let impact = preparation.impact.as_ref().map(|impact| {
            let more = [("affected", &impact.affected), ("workaround", &impact.workaround)];
            let more =
                more.iter().filter_map(|(word, text)| text.as_ref().map(|text| format!("; {word}: {text}")));
            format!("downtime: {}{}", impact.downtime, more.collect::<String>())
        });
        rows.push(field(Field::Impact, impact));
        rows.extend(Self::items(List::Announcements, "announced", &preparation.announcements, |one| {
            let text = format!(
                "{} to {} by {}, {} by {}",
                one.occasion,
                one.audience,
                one.channel,
                wall(one.at, self.zone),
                one.by.name
            );
            (Tone::Done, text)
        }));
        rows.extend(self.votes());
        rows
    }

    fn votes(&self) -> Vec<Row> {
        let content = self.release.build.content();
        let mut rows: Vec<Row> = Vec::new();
        for vote in self.release.preparation.votes.values() {
            let label = if rows.is_empty() { "go/no-go" } else { "" };
            let why = vote.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            let stale = if vote.content == content { "" } else { " (for another artifact: void)" };
            let tone = match vote.word {
                Word::Go if stale.is_empty() => Tone::Done,
                Word::NoGo => Tone::Wrong,
                _ => Tone::Open,
            };
            let word = if vote.word == Word::NoGo { "NO-GO".to_owned() } else { vote.word.to_string() };
            let text = Some(format!("{word} by {}{why}{stale}", vote.by.name));
            rows.push(Row { slot: Slot::Vote, label: label.to_owned(), text, tone });
        }
        if rows.is_empty() && !self.policy.stage(Stage::Prepare).voters.is_empty() {
            rows.push(plain(Slot::Vote, "go/no-go", None));
        }
        rows
    }

    /// What monitors came to, and how those stand that are still asked.
    fn monitors(&self) -> Vec<Row> {
        let open = self.asked.iter().filter(|watch| watch.release == self.release.id);
        let mut rows: Vec<Row> = Vec::new();
        for watch in self.release.monitored.iter().chain(open) {
            let tone = match watch.verdict {
                Verdict::Passed => Tone::Done,
                Verdict::Open => Tone::Open,
                Verdict::Failed | Verdict::Inconclusive | Verdict::Error => Tone::Wrong,
            };
            let until = match watch.verdict {
                Verdict::Open => format!(", until {}", wall(watch.until, self.zone)),
                _ => String::new(),
            };
            let (monitor, env, id) = (&watch.monitor, &watch.environment, watch.deployment);
            let label = if rows.is_empty() { "monitors" } else { "" };
            let text = Some(format!("{monitor} in {env} ({id}){until}: {}", watch.told()));
            rows.push(Row { slot: Slot::Text, label: label.to_owned(), text, tone });
        }
        rows
    }

    fn review(&self) -> Vec<Row> {
        let (release, review) = (self.release, &self.release.review);
        let mut rows = self.monitors();
        rows.extend(Self::items(List::Issues, "issues", &release.issues, |issue| {
            let tone = match issue.state {
                IssueState::Open if issue.blocks() => Tone::Wrong,
                IssueState::Open => Tone::Open,
                IssueState::Fixed | IssueState::Verified => Tone::Done,
            };
            let more = [&issue.environment, &issue.owner];
            let more: String = more.into_iter().flatten().map(|text| format!(", {text}")).collect();
            let after =
                issue.found_after.map(|minutes| format!(", found after {minutes} min")).unwrap_or_default();
            (tone, format!("{} {}: {}{more}{after}", issue.severity, issue.state, issue.title))
        }));
        rows.extend(Self::items(List::Feedback, "feedback", &release.feedback, |one| {
            let reply = one.reply.as_ref().map(|reply| format!(" → {reply}")).unwrap_or_default();
            let next = one.next.as_ref().map(|next| format!(" → {next}")).unwrap_or_default();
            let asked = one.request.map(|request| format!(" → {request}")).unwrap_or_default();
            let text =
                format!("{}, {}, {}: {}{reply}{asked}{next}", one.source, one.phase, one.sentiment, one.text);
            (
                if one.reply.is_some() || one.next.is_some() || one.request.is_some() {
                    Tone::Done
                } else {
                    Tone::Open
                },
                text,
            )
        }));
        let verdict = review.verdict.map(|verdict| format!("{verdict}: ")).unwrap_or_default();
        let outcome = match (&review.outcome, review.verdict) {
            (Some(text), _) => Some(format!("{verdict}{text}")),
            (None, Some(verdict)) => Some(verdict.to_string()),
            (None, None) => None,
        };
        rows.push(field(Field::Outcome, outcome));
        let line = |text: &String| (Tone::Plain, text.clone());
        rows.extend(Self::items(List::WentWell, "went well", &review.went_well, line));
        rows.extend(Self::items(List::CouldBeBetter, "could be better", &review.could_be_better, line));
        rows.extend(Self::items(List::Lessons, "lessons", &review.lessons, line));
        rows.extend(Self::items(List::Actions, "actions", &review.actions, |action| {
            let (tone, who) = self.done(action.done.as_ref());
            let owner = action.owner.as_ref().map(|owner| format!(", {owner}")).unwrap_or_default();
            let due = action.due.map(|due| format!(", due {}", day(due, self.zone))).unwrap_or_default();
            let is_late = action.done.is_none() && action.due.is_some_and(|due| due < self.now);
            (if is_late { Tone::Wrong } else { tone }, format!("{}{owner}{due}{who}", action.text))
        }));
        rows.push(field(Field::Retrospective, review.retrospective.clone()));
        rows
    }
}
