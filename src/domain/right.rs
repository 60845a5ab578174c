//! Rights: who may do what, where. Lists of groups in the configuration; the most specific list that names a right decides.
//!
//! A list stands in `[rights]`, `[environments.E.rights]` or `[services.S.rights]`. One of an environment or a service
//! takes the place of the general one. Where both an environment and a service name a right, it takes both: what protects
//! production is never widened by a service. Where no list names it, [`Right::otherwise`] says what holds. A group with a
//! `!` before it is kept out by every list that reaches there, also by a general one that another has taken the place of.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::actor::{Person, Roster};
use super::freeze::{Scope, fits};
use super::ids::{EnvName, ServiceName};
use super::journal::Verb;
use super::policy::{Policy, Service};
use super::text::any_of;
use super::words::words;

/// Everything that can be given to some and not to others. Approving is not among them: approval rules say who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Register releases.
    Request,
    /// Edit, advance, move back and give up releases.
    Plan,
    /// Record checks, tick the checklist.
    Evidence,
    /// Run the build script.
    Build,
    /// Let a check go without.
    Waive,
    Block,
    Unblock,
    /// Begin, schedule and move deployments, go back, switch toggles, let a pause end.
    Deploy,
    /// Stop what somebody else has started.
    Cancel,
    /// Say how a lost deployment ended, decide about a failed step.
    Resolve,
    /// Open a gate on record.
    Override,
    /// Let a deployment go to its end without its pauses and analyses.
    PromoteFull,
    /// Add and remove freezes, stop the line.
    Freeze,
    Lock,
    /// Leave a departure out, let a halted train go on.
    Trains,
    /// Say whether an override of somebody else was right.
    Review,
    /// Look after the store: put a backup in its place, tell again what hooks were not told.
    Administer,
}

/// What holds where no list names a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// Everyone who may use the store.
    Everyone,
    Nobody,
    /// Whoever has this other right there.
    Like(Right),
}

impl Right {
    pub const ALL: [Self; 17] = [
        Self::Request,
        Self::Plan,
        Self::Evidence,
        Self::Build,
        Self::Waive,
        Self::Block,
        Self::Unblock,
        Self::Deploy,
        Self::Cancel,
        Self::Resolve,
        Self::Override,
        Self::PromoteFull,
        Self::Freeze,
        Self::Lock,
        Self::Trains,
        Self::Review,
        Self::Administer,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Plan => "plan",
            Self::Evidence => "evidence",
            Self::Build => "build",
            Self::Waive => "waive",
            Self::Block => "block",
            Self::Unblock => "unblock",
            Self::Deploy => "deploy",
            Self::Cancel => "cancel",
            Self::Resolve => "resolve",
            Self::Override => "override",
            Self::PromoteFull => "promote-full",
            Self::Freeze => "freeze",
            Self::Lock => "lock",
            Self::Trains => "trains",
            Self::Review => "review",
            Self::Administer => "administer",
        }
    }

    /// Completes "alice may not …".
    pub fn act(self) -> &'static str {
        match self {
            Self::Request => "register releases",
            Self::Plan => "change releases",
            Self::Evidence => "record evidence",
            Self::Build => "run builds",
            Self::Waive => "let checks go without",
            Self::Block => "block releases",
            Self::Unblock => "unblock releases",
            Self::Deploy => "run deployments",
            Self::Cancel => "stop deployments",
            Self::Resolve => "settle deployments",
            Self::Override => "override gates",
            Self::PromoteFull => "pass over pauses",
            Self::Freeze => "set or lift freezes",
            Self::Lock => "set or lift locks",
            Self::Trains => "halt or resume trains",
            Self::Review => "review overrides",
            Self::Administer => "administer the store",
        }
    }

    /// What holds where no list names it: as it was before there were rights. Stopping is never harder than starting.
    pub fn otherwise(self) -> Otherwise {
        match self {
            Self::Request | Self::Plan | Self::Block | Self::Deploy | Self::Freeze | Self::Administer => {
                Otherwise::Everyone
            }
            Self::Evidence => Otherwise::Like(Self::Plan),
            Self::Build => Otherwise::Like(Self::Evidence),
            Self::Unblock => Otherwise::Like(Self::Block),
            Self::Cancel | Self::Resolve | Self::Lock | Self::Trains => Otherwise::Like(Self::Deploy),
            Self::PromoteFull | Self::Review => Otherwise::Like(Self::Override),
            Self::Override | Self::Waive => Otherwise::Nobody,
        }
    }

    /// Whether it can be asked about an environment, and so be given there.
    pub fn has_environment(self) -> bool {
        !matches!(
            self,
            Self::Request
                | Self::Plan
                | Self::Evidence
                | Self::Build
                | Self::Waive
                | Self::Block
                | Self::Unblock
                | Self::Administer
        )
    }

    /// Whether it can be asked about a service, and so be given there. A train takes many along, a store holds all.
    pub fn has_service(self) -> bool {
        !matches!(self, Self::Trains | Self::Administer)
    }

    /// The older key of an environment that says the same.
    pub fn short_form(self) -> Option<&'static str> {
        match self {
            Self::Deploy => Some("deployers"),
            Self::Override => Some("override"),
            Self::PromoteFull => Some("promote-full"),
            _ => None,
        }
    }
}
words!(Right, "right", Right::ALL);

/// One list of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    pub groups: Vec<String>,
    /// Who never has it by way of this list, written with a `!`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// Where it is written: `[environments.production] deployers`.
    pub line: String,
}

impl Grant {
    /// What stands in the file: `["sre", "!contractors"]`.
    pub fn new(written: Vec<String>, line: String) -> Self {
        let (except, groups): (Vec<String>, Vec<String>) =
            written.into_iter().partition(|group| group.starts_with('!'));
        Self { groups, except: except.iter().map(|group| group[1..].to_owned()).collect(), line }
    }

    /// The groups as they are written.
    pub fn written(&self) -> Vec<String> {
        self.groups.iter().cloned().chain(self.except.iter().map(|group| format!("!{group}"))).collect()
    }

    /// Whether it says who has the right, and not only who has not.
    fn gives(&self) -> bool {
        !self.groups.is_empty() || self.except.is_empty()
    }

    fn covers(&self, roster: &Roster, person: &Person) -> bool {
        let is_given = !self.gives() || self.groups.iter().any(|group| roster.has(group, person));
        is_given && self.excludes(roster, person).is_none()
    }

    fn excludes(&self, roster: &Roster, person: &Person) -> Option<&String> {
        self.except.iter().find(|group| roster.has(group, person))
    }

    /// Which group it keeps out by name, of those a person is in; else only its groups pass.
    pub fn excluded(&self, roster: &Roster, person: &Person) -> Option<String> {
        self.excludes(roster, person).cloned()
    }

    /// The same about somebody known by name alone.
    fn covers_name(&self, roster: &Roster, name: &str) -> bool {
        let is_in = |group: &String| roster.is_open(group) || roster.people(group).any(|known| known == name);
        (!self.gives() || self.groups.iter().any(is_in)) && !self.except.iter().any(is_in)
    }

    /// Whether everybody is in it whom it does not keep out.
    fn is_open(&self, roster: &Roster) -> bool {
        let passes = !self.gives() || self.groups.iter().any(|group| roster.is_open(group));
        passes && !self.except.iter().any(|group| roster.is_open(group))
    }

    /// Only what it keeps out, for places where another list says who has the right.
    fn only_exceptions(&self) -> Option<Self> {
        (!self.except.is_empty()).then(|| Self { groups: Vec::new(), ..self.clone() })
    }
}

/// The lists of one section.
pub type Rights = BTreeMap<Right, Grant>;

/// Where something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place<'a> {
    pub service: Option<&'a ServiceName>,
    pub environment: Option<&'a EnvName>,
}

impl<'a> Place<'a> {
    pub fn service(service: &'a ServiceName) -> Self {
        Self { service: Some(service), environment: None }
    }

    pub fn environment(environment: &'a EnvName) -> Self {
        Self { service: None, environment: Some(environment) }
    }

    pub fn both(service: &'a ServiceName, environment: &'a EnvName) -> Self {
        Self { service: Some(service), environment: Some(environment) }
    }
}

impl fmt::Display for Place<'_> {
    /// ` of api in production`, with the space; nothing for everywhere.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(service) = self.service {
            write!(f, " of {service}")?;
        }
        self.environment.map_or(Ok(()), |environment| write!(f, " in {environment}"))
    }
}

/// What the configuration says about a right in one place: every list must let a person pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ruling {
    /// The right whose lists decide: the asked one, or the one it goes with.
    pub right: Right,
    pub grants: Vec<Grant>,
    /// Whether everyone has it, where no list says anything.
    pub is_open: bool,
}

impl Ruling {
    pub fn allows(&self, roster: &Roster, person: &Person) -> bool {
        (self.is_open || self.grants.iter().any(Grant::gives)) && self.obstacle(roster, person).is_none()
    }

    /// The list that keeps this person out.
    pub fn obstacle(&self, roster: &Roster, person: &Person) -> Option<&Grant> {
        self.grants.iter().find(|grant| !grant.covers(roster, person))
    }

    /// Everyone known by name who has it, sorted.
    pub fn people(&self, roster: &Roster) -> Vec<String> {
        let named = self.grants.iter().flat_map(|grant| &grant.groups);
        let mut people: Vec<&str> = named.flat_map(|group| roster.people(group)).collect();
        people.sort_unstable();
        people.dedup();
        people.retain(|name| self.grants.iter().all(|grant| grant.covers_name(roster, name)));
        people.into_iter().map(str::to_owned).collect()
    }

    /// Whether somebody could have it: a list of empty groups gives it to nobody.
    pub fn is_anyones(&self, roster: &Roster) -> bool {
        if !self.is_open && !self.grants.iter().any(Grant::gives) {
            return false;
        }
        // Where every list is open; else one must be known by name who is in all of them.
        self.grants.iter().all(|grant| grant.is_open(roster)) || !self.people(roster).is_empty()
    }
}

/// Why a person may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Which right is missing, which line gives it to whom.
    pub sentence: String,
    /// What to do about it.
    pub remedy: String,
}

impl Policy {
    /// What the lists say about a right in a place.
    pub fn ruling(&self, right: Right, place: Place<'_>) -> Ruling {
        let of_environment = place.environment.and_then(|name| self.environments.get(name));
        let of_service = place.service.and_then(|name| self.services.get(name));
        let environment = of_environment.and_then(|known| known.rights.get(&right));
        let service = of_service.and_then(|known| known.rights.get(&right));
        let mut grants: Vec<Grant> = [environment, service].into_iter().flatten().cloned().collect();
        if let Some(general) = self.rights.get(&right) {
            match grants.iter().any(Grant::gives) {
                true => grants.extend(general.only_exceptions()),
                false => grants.push(general.clone()),
            }
        }
        let gives = grants.iter().any(Grant::gives);
        match right.otherwise() {
            Otherwise::Like(other) if grants.is_empty() => self.ruling(other, place),
            // Only who has it not is named: as the other right says, without them.
            Otherwise::Like(other) if !gives => {
                let base = self.ruling(other, place);
                grants.extend(base.grants);
                Ruling { right, grants, is_open: base.is_open }
            }
            otherwise => Ruling { right, grants, is_open: otherwise == Otherwise::Everyone && !gives },
        }
    }

    /// Whether a person may do that there.
    pub fn may(
        &self,
        right: Right,
        place: Place<'_>,
        roster: &Roster,
        person: &Person,
    ) -> Result<(), Denied> {
        let ruling = self.ruling(right, place);
        if ruling.allows(roster, person) {
            return Ok(());
        }
        let why = match ruling.obstacle(roster, person) {
            None => format!("nobody has the right {right} there"),
            Some(grant) => match grant.excluded(roster, person) {
                Some(group) => format!("{group} may not ({})", grant.line),
                None if grant.groups.is_empty() => format!("nobody has this right ({})", grant.line),
                None => format!("only {} may ({})", any_of(&grant.groups), grant.line),
            },
        };
        let people = ruling.people(roster);
        Err(Denied {
            sentence: format!("{} may not {}{place}: {why}", person.described(), right.act()),
            remedy: match people.as_slice() {
                [] => format!("name groups in {}", Self::line_for(right, place, &ruling)),
                people => format!("ask {}", any_of(people)),
            },
        })
    }

    fn line_for(right: Right, place: Place<'_>, ruling: &Ruling) -> String {
        if let Some(grant) = ruling.grants.first() {
            return grant.line.clone();
        }
        match (place.environment, right.short_form()) {
            (Some(env), Some(key)) => format!("[environments.{env}] {key}"),
            _ => format!("[rights] {right}"),
        }
    }

    /// Whether a person may do that everywhere a scope reaches (FRZ-9): what closes production takes a right there.
    pub fn may_in_scope(
        &self,
        right: Right,
        scope: &Scope,
        roster: &Roster,
        person: &Person,
    ) -> Result<(), Denied> {
        let covers = |patterns: &[String], name: &str| patterns.iter().any(|pattern| fits(pattern, name));
        let mut is_anywhere = false;
        for env in self.environments.keys().filter(|env| covers(&scope.environments, env.as_str())) {
            is_anywhere = true;
            let goes_there = self.services.values().filter(|service| {
                covers(&scope.services, service.name.as_str()) && service.pipeline.contains(env)
            });
            let mut is_somebodys = false;
            for service in goes_there {
                is_somebodys = true;
                self.may(right, Place::both(&service.name, env), roster, person)?;
            }
            if !is_somebodys {
                self.may(right, Place::environment(env), roster, person)?;
            }
        }
        if is_anywhere { Ok(()) } else { self.may(right, Place::default(), roster, person) }
    }

    /// Whether there is any place where a person may do that; `Err` is the first no.
    pub fn may_somewhere(&self, right: Right, roster: &Roster, person: &Person) -> Result<(), Denied> {
        let mut first = None;
        for service in self.services.values() {
            match self.may_anywhere_of(right, service, roster, person) {
                Ok(()) => return Ok(()),
                Err(denied) => first = first.or(Some(denied)),
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// The same about one service.
    pub fn may_anywhere_of(
        &self,
        right: Right,
        service: &Service,
        roster: &Roster,
        person: &Person,
    ) -> Result<(), Denied> {
        if !right.has_environment() {
            // What is about no service in particular has no list there.
            return self.may(right, Place::service(&service.name), roster, person);
        }
        let mut last = Ok(());
        for env in &service.pipeline {
            last = self.may(right, Place::both(&service.name, env), roster, person);
            if last.is_ok() {
                break;
            }
        }
        last
    }
}

/// What a verb of a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Right(Right),
    /// No right, and why not.
    Free(&'static str),
}

/// The right that each verb takes. A deployment asks through its gate, so that the answer stands with the others.
#[expect(clippy::too_many_lines, reason = "one row for each verb")]
pub fn asked_by(verb: Verb) -> Asks {
    match verb {
        Verb::ReleaseCreated
        | Verb::RequestAdded
        | Verb::RequestChanged
        | Verb::RequestUndone
        | Verb::ApprovalAskedAnew => Asks::Right(Right::Request),
        Verb::ReleaseEdited
        | Verb::ReleaseAdvanced
        | Verb::ReleaseMovedBack
        | Verb::ReleaseCancelled
        | Verb::PlanChanged
        | Verb::RiskAssessed
        | Verb::AnnouncementMade
        // Whatever else was undone takes the right that doing it took.
        | Verb::ReleaseUndone
        | Verb::ReviewRecorded => Asks::Right(Right::Plan),
        Verb::CheckRecorded | Verb::ChecklistTicked | Verb::PreparationRecorded => {
            Asks::Right(Right::Evidence)
        }
        Verb::CheckWaived => Asks::Right(Right::Waive),
        // A run that finds out about a check takes the right to put its result down.
        Verb::RunStarted => Asks::Right(Right::Build),
        Verb::VoteCast => Asks::Free("voters of the prepare stage says who votes"),
        Verb::IssueRecorded | Verb::FeedbackRecorded => {
            Asks::Free("what is wrong, and what people say, may be put down by everybody")
        }
        Verb::ReleaseBlocked => Asks::Right(Right::Block),
        Verb::ReleaseUnblocked => Asks::Right(Right::Unblock),
        Verb::DeploymentStarted | Verb::DeploymentScheduled | Verb::DeploymentRescheduled => {
            Asks::Right(Right::Deploy)
        }
        // The ticket it goes there under; a second person for what is started at once.
        Verb::ChangeAssigned | Verb::WitnessAsked => Asks::Right(Right::Deploy),
        // A pause; a failed step asks for the right to resolve, and going past every pause for promote-full.
        Verb::DeploymentGuided => Asks::Right(Right::Deploy),
        Verb::CancelRequested | Verb::DeploymentAbandoned | Verb::RunCancelRequested => {
            Asks::Right(Right::Cancel)
        }
        // At a pause it takes the right to deploy.
        Verb::DeploymentResolved | Verb::DeploymentTaken | Verb::DeploymentJudged => {
            Asks::Right(Right::Resolve)
        }
        Verb::FreezeAdded | Verb::FreezeChanged | Verb::FreezeRemoved => Asks::Right(Right::Freeze),
        Verb::LockSet | Verb::LockEdited | Verb::LockLifted => Asks::Right(Right::Lock),
        Verb::TrainSkipped | Verb::TrainResumed => Asks::Right(Right::Trains),
        Verb::OverrideReviewed => Asks::Right(Right::Review),
        Verb::ApprovalGranted | Verb::ApprovalRejected => {
            Asks::Free("the approval rules of the environment say who decides")
        }
        Verb::ApprovalWithdrawn => Asks::Free("an own decision may always be taken back"),
        Verb::WitnessGave => Asks::Free("the four-eyes rule of the environment says who confirms"),
        Verb::NoteAdded => Asks::Free("what was seen may be written down by everybody"),
        Verb::ReleaseRejected => Asks::Free("follows from the rejection of a request"),
        Verb::StoreCreated | Verb::StoreMigrated => Asks::Free("whoever comes first with a new relman"),
        Verb::StoreRestored | Verb::DeliveryRetried | Verb::ArchiveRemoved => Asks::Right(Right::Administer),
        Verb::HistoryAccepted => Asks::Free("what one remembers oneself"),
        Verb::RecordExported => Asks::Free("whoever may read the store can take it away"),
        Verb::ConfigConfirmed => Asks::Free("confirm-rules, as it was confirmed last, says who confirms"),
        Verb::ConfigChanged => {
            Asks::Free("the file itself says who may write it; this only puts it on record")
        }
        Verb::ApprovalRequested
        | Verb::ApprovalReminded
        | Verb::ApprovalEscalated
        | Verb::ApprovalTimedOut
        | Verb::ApprovalExpired
        | Verb::FreezeBegan
        | Verb::FreezeEnded
        | Verb::QueueBlocked
        | Verb::ChangeOpened
        | Verb::DriftObserved
        | Verb::MilestoneLate
        | Verb::RunEnded
        | Verb::MonitorJudged
        | Verb::LogsRemoved
        | Verb::TrainDeparted
        | Verb::TrainHalted
        | Verb::TrainMissed
        | Verb::DeploymentWaits
        | Verb::DeploymentLookedAhead
        | Verb::DeploymentClaimed
        | Verb::DeploymentPaused
        | Verb::DeploymentResumed
        | Verb::DeploymentFinished
        | Verb::DeploymentLost => Asks::Free("the program does it by itself"),
    }
}
