//! Approvals: who decided what about which content, and whether that adds up to a policy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::actor::{Person, Roster};
use super::deployment::Deployment;
use super::digest::Digest;
use super::ids::{ApprovalId, EnvName, ReleaseId};
use super::policy::Rule;
use super::prompt::{Prompt, open_questions};
use super::release::{Release, Stage};
use super::seats::{self, Shortage};
use super::signature::{Assurance, SignPolicy, Signatures, Signed};
use super::subject_changes::differences;
use super::text::one_line;
use super::time::{Timestamp, Tz, wall};

/// What a decision is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "about", content = "environment", rename_all = "lowercase")]
pub enum ApprovalSubject {
    /// The request itself: may this become a release?
    Request,
    /// Its acceptance by those who use it: that what was tested is what they want.
    SignOff,
    /// The same once it is live: that what was delivered does what it was made for (APR-25).
    #[serde(rename = "review-sign-off")]
    ReviewSignOff,
    /// Deploying it to this environment.
    Environment(EnvName),
}

/// Names of subjects that are no environments.
pub const REQUEST: &str = "request";
pub const SIGN_OFF: &str = "sign-off";
pub const REVIEW_SIGN_OFF: &str = "review-sign-off";

impl ApprovalSubject {
    /// One word for columns and screens: `request`, `sign-off`, `review-sign-off`, or the environment's name.
    pub fn as_text(&self) -> &str {
        match self {
            Self::Request => REQUEST,
            Self::SignOff => SIGN_OFF,
            Self::ReviewSignOff => REVIEW_SIGN_OFF,
            Self::Environment(env) => env.as_str(),
        }
    }

    /// What a command calls it behind the name of the release: the request is meant where nothing is said.
    pub fn as_argument(&self) -> String {
        match self {
            Self::Request => String::new(),
            other => format!(" {}", other.as_text()),
        }
    }

    pub fn environment(&self) -> Option<&EnvName> {
        match self {
            Self::Environment(env) => Some(env),
            Self::Request | Self::SignOff | Self::ReviewSignOff => None,
        }
    }

    /// What is decided about a release before it leaves this stage, where people are asked at all.
    pub fn of_stage(stage: Stage) -> Option<Self> {
        match stage {
            Stage::Request => Some(Self::Request),
            Stage::Test => Some(Self::SignOff),
            Stage::Review => Some(Self::ReviewSignOff),
            Stage::Plan | Stage::Build | Stage::Prepare | Stage::Deploy => None,
        }
    }

    /// The stage whose exit it opens; nothing: it is about an environment.
    pub fn stage(&self) -> Option<Stage> {
        match self {
            Self::Request => Some(Stage::Request),
            Self::SignOff => Some(Stage::Test),
            Self::ReviewSignOff => Some(Stage::Review),
            Self::Environment(_) => None,
        }
    }
}

impl std::str::FromStr for ApprovalSubject {
    type Err = super::ids::BadName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            REQUEST => Ok(Self::Request),
            SIGN_OFF => Ok(Self::SignOff),
            REVIEW_SIGN_OFF => Ok(Self::ReviewSignOff),
            env => env.parse().map(Self::Environment),
        }
    }
}

/// Yes or no. A no ends the request until it is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Approved,
    Rejected,
}

impl Verdict {
    pub const ALL: [Self; 2] = [Self::Approved, Self::Rejected];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}
super::words::words!(Verdict, "verdict", Self::ALL);

/// One decision of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub id: ApprovalId,
    pub release: ReleaseId,
    pub subject: ApprovalSubject,
    pub verdict: Verdict,
    pub by: Person,
    pub at: Timestamp,
    pub reason: Option<String>,
    /// What it was about, as a digest ...
    pub digest: Digest,
    /// ... and in full, so that a difference can be named.
    pub content: String,
    /// From when on it counts, where its author wanted it to wait (APR-12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    /// When it stopped counting: withdrawn by its author or voided by moving the release back.
    pub ended_at: Option<Timestamp>,
    pub ended_why: Option<String>,
    /// Its author's signature under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
    /// What its author said to what approvers are asked (APR-19).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, String>,
}

impl Approval {
    /// What was answered with it, as it is told.
    pub fn answered(&self) -> Option<String> {
        let one = |(name, value): (&String, &String)| format!("{name}={}", one_line(value));
        let all: Vec<String> = self.answers.iter().map(one).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// What was decided, and for how long it counts, as it is told to who decided.
    pub fn told(&self, zone: Tz) -> String {
        let from = self.effective_at.map(|at| format!(", counts from {} on", wall(at, zone)));
        let until = self.expires_at.map(|at| format!(", counts until {}", wall(at, zone)));
        let signed = if self.signed.is_some() { ", signed" } else { "" };
        let (about, by) = (self.subject.as_text(), &self.by.name);
        let (from, until) = (from.unwrap_or_default(), until.unwrap_or_default());
        let said = self.answered().map(|said| format!(", with {said}")).unwrap_or_default();
        format!("{} {} for {about} by {by}{from}{until}{signed}{said}", self.release, self.verdict)
    }
}

/// Why a decision does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum Ignored {
    Ended {
        why: String,
    },
    Expired {
        at: Timestamp,
    },
    /// It counts from a later moment on.
    NotYet {
        at: Timestamp,
    },
    Stale {
        /// What is another than when it was given.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changed: Vec<String>,
    },
    /// Only signed ones count here.
    Unsigned,
    /// Only those count here that were made with a security key somebody touched.
    Untouched,
    BadSignature {
        why: String,
    },
    OwnRelease,
    NoLongerEligible,
    AlreadyCounted,
}

impl Ignored {
    /// Completes "alice's approval does not count: …".
    pub fn sentence(&self, zone: Tz) -> String {
        match self {
            Self::Ended { why } => why.clone(),
            Self::Expired { at } => format!("valid only until {}", wall(*at, zone)),
            Self::NotYet { at } => format!("it counts from {} on", wall(*at, zone)),
            Self::Stale { changed } if changed.is_empty() => {
                "it was given for other content than there is now".to_owned()
            }
            Self::Stale { changed } => {
                format!("it was given for other content than there is now: {}", changed.join("; "))
            }
            Self::Unsigned => "it is not signed, and only signed ones count here".to_owned(),
            Self::Untouched => {
                "it was not signed with a touched security key, and only such ones count here".to_owned()
            }
            Self::BadSignature { why } => format!("its signature does not hold: {why}"),
            Self::OwnRelease => {
                "who requested, created, scheduled or starts a release may not approve it".to_owned()
            }
            Self::NoLongerEligible => "its author is in none of the groups that may approve".to_owned(),
            Self::AlreadyCounted => "its author has been counted already".to_owned(),
        }
    }
}

/// One rule and who has met it so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleState {
    pub group: String,
    pub needed: u8,
    pub by: Vec<String>,
    /// How far that is proven, for each in `by`, where signatures are looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub signed: BTreeMap<String, Assurance>,
    /// Who else could: members who have not decided and may.
    pub candidates: Vec<String>,
}

impl RuleState {
    /// Who has met it, each with the assurance of their signature where that is looked at.
    pub fn named(&self) -> Vec<String> {
        let one = |name: &String| match self.signed.get(name) {
            Some(assurance) => format!("{name} ({assurance})"),
            None => name.clone(),
        };
        self.by.iter().map(one).collect()
    }

    pub fn missing(&self) -> usize {
        usize::from(self.needed).saturating_sub(self.by.len())
    }
}

/// How decisions add up to a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub rules: Vec<RuleState>,
    /// A standing no: who and why.
    pub rejected: Option<(String, String)>,
    pub ignored: Vec<(String, Ignored)>,
    /// Why these rules cannot be met, whoever decides from now on (APR-4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortage: Option<Shortage>,
    /// What was answered to what approvers are asked: the last decision that counts says it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, String>,
    /// Who said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// What must be answered and is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
}

impl Tally {
    /// Who has met the rules, each with the assurance of their signature where that is looked at.
    pub fn proven(&self) -> String {
        self.rules.iter().flat_map(RuleState::named).collect::<Vec<_>>().join(", ")
    }

    pub fn is_met(&self) -> bool {
        self.has_enough() && self.unanswered.is_empty()
    }

    /// Whether enough people said yes, whatever else is asked of them.
    fn has_enough(&self) -> bool {
        self.rejected.is_none() && self.rules.iter().all(|rule| rule.missing() == 0)
    }

    /// Everybody who could bring a missing approval, sorted.
    pub fn askable(&self) -> Vec<String> {
        let open = self.rules.iter().filter(|rule| rule.missing() > 0);
        let mut people: Vec<String> = open.flat_map(|rule| rule.candidates.clone()).collect();
        people.sort();
        people.dedup();
        people
    }
}

/// Whose approval of a release does not count where self-approval is off: who wished for it or registered it, and who has
/// scheduled its deployment (SPEC 5).
pub fn interested<'a>(
    release: &'a Release,
    schedulers: impl IntoIterator<Item = &'a Person>,
) -> Vec<&'a Person> {
    release.authors().into_iter().chain(schedulers).collect()
}

/// Who has asked for a deployment of this release to this environment that has not begun.
pub fn schedulers<'a>(
    pending: impl IntoIterator<Item = &'a Deployment>,
    release: &ReleaseId,
    environment: &EnvName,
) -> Vec<&'a Person> {
    let is_such = |d: &&Deployment| {
        d.release == *release && d.environment == *environment && d.state.is_pending() && !d.noop
    };
    pending.into_iter().filter(is_such).map(|d| &d.started_by).collect()
}

/// What counting depends on besides the decisions themselves.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub rules: &'a [Rule],
    pub roster: &'a Roster,
    /// The digest of what is there now.
    pub digest: &'a Digest,
    /// The same in full, for what is to be said about a decision on something else.
    pub content: &'a str,
    pub signing: SignPolicy,
    /// What is known about signatures.
    pub signatures: &'a Signatures,
    /// People whose approval does not count unless `self_approval`: requester, creator, starter.
    pub interested: &'a [&'a Person],
    pub self_approval: bool,
    /// What is asked of who approves.
    pub asks: &'a [Prompt],
    pub now: Timestamp,
}

/// Counts decisions against rules. One person counts for one rule; which one is chosen so that as many rules as
/// possible are met (a bipartite matching, so the order in which people decided never matters).
pub fn tally(question: &Question<'_>, approvals: &[Approval]) -> Tally {
    let mut result = Tally::default();
    let mut valid: Vec<&Approval> = Vec::new();
    for approval in approvals.iter().filter(|approval| !is_replaced(approval, approvals)) {
        match ignored(question, approval, &valid) {
            Some(why) => result.ignored.push((approval.by.name.clone(), why)),
            None if approval.verdict == Verdict::Rejected => {
                let reason = approval.reason.clone().unwrap_or_default();
                result.rejected.get_or_insert((approval.by.name.clone(), reason));
            }
            None => valid.push(approval),
        }
    }
    let assigned = assign(question, &valid);
    for (at, rule) in question.rules.iter().enumerate() {
        let by: Vec<&Approval> =
            valid.iter().zip(&assigned).filter(|(_, to)| **to == Some(at)).map(|(a, _)| *a).collect();
        result.rules.push(RuleState {
            group: rule.from.clone(),
            needed: rule.count,
            by: by.iter().map(|approval| approval.by.name.clone()).collect(),
            signed: by.iter().filter_map(|approval| proven(question, approval)).collect(),
            candidates: candidates(question, at, &valid, &assigned),
        });
    }
    if !result.has_enough() {
        result.shortage = shortage(question);
    }
    let last = valid.iter().max_by_key(|approval| approval.id.0);
    result.answered_by = last.filter(|one| !one.answers.is_empty()).map(|one| one.by.name.clone());
    result.answers = last.map(|approval| approval.answers.clone()).unwrap_or_default();
    if result.has_enough() && !question.rules.is_empty() {
        result.unanswered = open_questions(question.asks, &result.answers);
    }
    result
}

/// Why one decision does not count by itself, whatever others were made; nothing: it does.
pub fn standing(question: &Question<'_>, approval: &Approval) -> Option<Ignored> {
    ignored(question, approval, &[])
}

/// The first moment at which decisions that wait for their time would add up, if nothing else happened.
pub fn met_at(question: &Question<'_>, approvals: &[Approval]) -> Option<Timestamp> {
    let mut moments: Vec<Timestamp> =
        approvals.iter().filter_map(|a| a.effective_at).filter(|at| *at > question.now).collect();
    moments.sort_unstable();
    moments.into_iter().find(|at| tally(&Question { now: *at, ..*question }, approvals).is_met())
}

/// The name of who decided with what their signature proves, where signatures are looked at.
fn proven(question: &Question<'_>, approval: &Approval) -> Option<(String, Assurance)> {
    let assurance = question.signing.looks().then(|| question.signatures.judge(approval).ok()).flatten()?;
    Some((approval.by.name.clone(), assurance))
}

/// A decision that its author has replaced by a later one says nothing any more.
fn is_replaced(approval: &Approval, all: &[Approval]) -> bool {
    let later = |other: &&Approval| other.id.0 > approval.id.0 && other.by.is_same_as(&approval.by);
    approval.ended_why.is_some() && all.iter().any(|other| later(&other))
}

fn ignored(question: &Question<'_>, approval: &Approval, counted: &[&Approval]) -> Option<Ignored> {
    if let Some(why) = &approval.ended_why {
        return Some(Ignored::Ended { why: why.clone() });
    }
    if approval.digest != *question.digest {
        return Some(Ignored::Stale { changed: differences(&approval.content, question.content) });
    }
    let is_eligible = question.rules.iter().any(|rule| question.roster.has(&rule.from, &approval.by));
    if approval.verdict == Verdict::Rejected {
        // A no does not expire and may come from whoever asked for it; it takes a say in this to give one.
        return (!is_eligible).then_some(Ignored::NoLongerEligible);
    }
    if let Some(at) = approval.expires_at.filter(|at| *at <= question.now) {
        return Some(Ignored::Expired { at });
    }
    if let Some(at) = approval.effective_at.filter(|at| *at > question.now) {
        return Some(Ignored::NotYet { at });
    }
    if let Some(why) = unproven(question, approval) {
        return Some(why);
    }
    if !question.self_approval && question.interested.iter().any(|person| person.is_same_as(&approval.by)) {
        return Some(Ignored::OwnRelease);
    }
    if !is_eligible {
        return Some(Ignored::NoLongerEligible);
    }
    counted.iter().any(|other| other.by.is_same_as(&approval.by)).then_some(Ignored::AlreadyCounted)
}

/// What its signature lacks, where signatures are looked at.
fn unproven(question: &Question<'_>, approval: &Approval) -> Option<Ignored> {
    if !question.signing.looks() {
        return None;
    }
    match question.signatures.judge(approval) {
        Err(why) => Some(Ignored::BadSignature { why }),
        Ok(Assurance::Unsigned) if question.signing.demands() => Some(Ignored::Unsigned),
        Ok(Assurance::File | Assurance::Agent) if question.signing == SignPolicy::SecurityKey => {
            Some(Ignored::Untouched)
        }
        Ok(_) => None,
    }
}

/// Gives each approval at most one rule (index), meeting as many seats as possible: augmenting paths.
fn assign(question: &Question<'_>, valid: &[&Approval]) -> Vec<Option<usize>> {
    let seats: Vec<usize> = question
        .rules
        .iter()
        .enumerate()
        .flat_map(|(at, rule)| std::iter::repeat_n(at, usize::from(rule.count)))
        .collect();
    let mut seat_of: Vec<Option<usize>> = vec![None; seats.len()];
    for person in 0..valid.len() {
        let mut tried = vec![false; seats.len()];
        augment(question, valid, &seats, person, &mut seat_of, &mut tried);
    }
    let mut rule_of = vec![None; valid.len()];
    for (seat, person) in seat_of.iter().enumerate() {
        if let Some(person) = person {
            rule_of[*person] = Some(seats[seat]);
        }
    }
    rule_of
}

fn augment(
    question: &Question<'_>,
    valid: &[&Approval],
    seats: &[usize],
    person: usize,
    seat_of: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for seat in 0..seats.len() {
        let group = &question.rules[seats[seat]].from;
        if tried[seat] || !question.roster.has(group, &valid[person].by) {
            continue;
        }
        tried[seat] = true;
        let free = match seat_of[seat] {
            None => true,
            Some(other) => augment(question, valid, seats, other, seat_of, tried),
        };
        if free {
            seat_of[seat] = Some(person);
            return true;
        }
    }
    false
}

/// Who may decide about this at all, of those known by name in a group.
fn eligible<'a>(question: &'a Question<'_>, group: &str) -> impl Iterator<Item = &'a str> {
    let may = |name: &&str| {
        question.self_approval || !question.interested.iter().any(|person| person.is_called(name))
    };
    question.roster.people(group).filter(may)
}

/// Whether there are people for all the rules together, whoever has decided so far.
fn shortage(question: &Question<'_>) -> Option<Shortage> {
    let people = |group: &str| (!question.roster.is_open(group)).then(|| eligible(question, group).collect());
    seats::shortage(question.rules, people)
}

/// Whose approval would help a rule: members of its group, and while a seat of it is empty also those who could let
/// somebody move there who sits elsewhere now.
fn candidates(
    question: &Question<'_>,
    rule: usize,
    valid: &[&Approval],
    assigned: &[Option<usize>],
) -> Vec<String> {
    let rules = question.rules;
    let mut reached = vec![rule];
    let mut next = 0;
    let seated = assigned.iter().filter(|to| **to == Some(rule)).count();
    while seated < usize::from(rules[rule].count) && next < reached.len() {
        let group = &rules[reached[next]].from;
        let could_move = valid.iter().zip(assigned).filter(|(one, _)| question.roster.has(group, &one.by));
        for at in could_move.filter_map(|(_, to)| *to) {
            if !reached.contains(&at) {
                reached.push(at);
            }
        }
        next += 1;
    }
    let mut names: Vec<String> = Vec::new();
    for group in reached.iter().map(|at| &rules[*at].from) {
        let open = question.roster.is_open(group).then_some("anyone");
        let undecided = |name: &&str| !valid.iter().any(|approval| approval.by.is_called(name));
        for name in eligible(question, group).filter(undecided).chain(open) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::actor::Members;
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn person(name: &str) -> Person {
        Person { name: name.into(), uid: 1, login: None }
    }

    fn yes(name: &str) -> Approval {
        Approval {
            id: ApprovalId(1),
            release: "api@1.0.0".parse().unwrap(),
            subject: ApprovalSubject::Request,
            verdict: Verdict::Approved,
            by: person(name),
            at: Timestamp::from_millis(0),
            reason: None,
            digest: Digest::of(b"now"),
            content: String::new(),
            effective_at: None,
            answers: BTreeMap::new(),
            expires_at: None,
            ended_at: None,
            ended_why: None,
            signed: None,
        }
    }

    fn roster(groups: &[(&str, &[&str])]) -> Roster {
        let members = |names: &[&str]| Members {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            everyone: false,
        };
        Roster::new(
            groups.iter().map(|(g, names)| ((*g).to_owned(), members(names))).collect::<BTreeMap<_, _>>(),
        )
    }

    fn rules(rules: &[(&str, u8)]) -> Vec<Rule> {
        rules.iter().map(|(from, count)| Rule { from: (*from).into(), count: *count, risk: None }).collect()
    }

    fn count(rules: &[Rule], roster: &Roster, interested: &[&Person], approvals: &[Approval]) -> Tally {
        let digest = Digest::of(b"now");
        let now = Timestamp::from_millis(1000);
        let question = Question {
            rules,
            roster,
            digest: &digest,
            content: "",
            signing: SignPolicy::Off,
            signatures: &Signatures::default(),
            interested,
            self_approval: false,
            asks: &[],
            now,
        };
        tally(&question, approvals)
    }

    #[test]
    fn one_person_counts_for_one_rule() {
        let roster = roster(&[("rm", &["ana"]), ("sre", &["ana", "bo"])]);
        let rules = rules(&[("rm", 1), ("sre", 1)]);
        let alone = count(&rules, &roster, &[], &[yes("ana")]);
        assert!(!alone.is_met());
        assert_eq!(alone.rules.iter().map(RuleState::missing).sum::<usize>(), 1);
        assert!(count(&rules, &roster, &[], &[yes("ana"), yes("bo")]).is_met());
    }

    #[test]
    fn people_are_seated_so_that_the_most_rules_are_met() {
        // ana may sit in both groups; whoever comes first, bo needs the seat in sre.
        let roster = roster(&[("sre", &["ana", "bo"]), ("rm", &["ana"])]);
        let rules = rules(&[("sre", 1), ("rm", 1)]);
        assert!(count(&rules, &roster, &[], &[yes("ana"), yes("bo")]).is_met());
        assert!(count(&rules, &roster, &[], &[yes("bo"), yes("ana")]).is_met());
    }

    #[test]
    fn an_own_approval_does_not_count() {
        let roster = roster(&[("rm", &["ana", "bo"])]);
        let rules = rules(&[("rm", 1)]);
        let ana = person("ana");
        let tally = count(&rules, &roster, &[&ana], &[yes("ana")]);
        assert!(!tally.is_met());
        assert_eq!(tally.ignored, [("ana".to_owned(), Ignored::OwnRelease)]);
        assert_eq!(tally.rules[0].candidates, ["bo"]);
    }

    #[test]
    fn sudo_does_not_make_an_own_approval_count() {
        let roster = roster(&[("rm", &["ana", "bo"])]);
        let mut approval = yes("bo");
        approval.by.login = Some("ana".into());
        let tally = count(&rules(&[("rm", 1)]), &roster, &[&person("ana")], &[approval]);
        assert!(!tally.is_met());
    }

    #[test]
    fn stale_expired_and_withdrawn_ones_do_not_count() {
        let roster = roster(&[("rm", &["ana"])]);
        let rules = rules(&[("rm", 1)]);
        let stale = Approval { digest: Digest::of(b"before"), ..yes("ana") };
        let expired = Approval { expires_at: Some(Timestamp::from_millis(1000)), ..yes("ana") };
        let withdrawn = Approval { ended_why: Some("withdrawn".into()), ..yes("ana") };
        for approval in [stale, expired, withdrawn] {
            assert!(!count(&rules, &roster, &[], &[approval]).is_met());
        }
        let in_time = Approval { expires_at: Some(Timestamp::from_millis(1001)), ..yes("ana") };
        assert!(count(&rules, &roster, &[], &[in_time]).is_met());
    }

    #[test]
    fn a_no_stands_against_any_number_of_yes() {
        let roster = roster(&[("rm", &["ana", "bo"])]);
        let no = Approval { verdict: Verdict::Rejected, reason: Some("not today".into()), ..yes("bo") };
        let tally = count(&rules(&[("rm", 1)]), &roster, &[], &[yes("ana"), no]);
        assert!(!tally.is_met());
        assert_eq!(tally.rejected, Some(("bo".into(), "not today".into())));
    }

    #[test]
    fn a_policy_nobody_can_meet_is_noticed() {
        let roster = roster(&[("rm", &["ana"])]);
        let ana = person("ana");
        let tally = count(&rules(&[("rm", 1)]), &roster, &[&ana], &[]);
        assert_eq!(tally.shortage.unwrap().to_string(), "nobody left in rm may approve this");
    }

    #[test]
    fn rules_that_want_the_same_person_twice_are_noticed() {
        let both = rules(&[("rm", 1), ("sre", 1)]);
        let only_bo = roster(&[("rm", &["bo"]), ("sre", &["bo"])]);
        for so_far in [&[][..], &[yes("bo")]] {
            let said = count(&both, &only_bo, &[], so_far).shortage.unwrap().to_string();
            assert_eq!(said, "rm and sre want 2 people, and only bo may approve this");
        }
        let ana = person("ana");
        let with_ana = roster(&[("rm", &["bo", "ana"]), ("sre", &["bo", "ana"])]);
        assert_eq!(count(&both, &with_ana, &[], &[]).shortage, None);
        assert!(count(&both, &with_ana, &[&ana], &[]).shortage.is_some(), "ana may not approve her own");
    }

    #[test]
    fn who_could_let_somebody_move_to_the_empty_seat_is_asked() {
        // ana sits in sre; the seat in rm is hers alone, and bo would set her free for it.
        let roster = roster(&[("sre", &["ana", "bo"]), ("rm", &["ana"])]);
        let tally = count(&rules(&[("sre", 1), ("rm", 1)]), &roster, &[], &[yes("ana")]);
        assert_eq!((tally.shortage.as_ref(), tally.askable()), (None, vec!["bo".to_owned()]));
    }

    proptest! {
        #[test]
        fn taking_an_approval_away_never_meets_a_policy(
            members in prop::collection::vec(prop::collection::btree_set(0u8..6, 0..6), 1..4),
            counts in prop::collection::vec(0u8..3, 1..4),
            voters in prop::collection::vec(0u8..6, 0..6),
        ) {
            let named = |people: &BTreeSet<u8>| people.iter().map(|p| format!("p{p}")).collect();
            let groups: BTreeMap<String, Members> = members.iter().enumerate()
                .map(|(at, people)| (format!("g{at}"), Members { names: named(people), everyone: false })).collect();
            let rules: Vec<Rule> = counts.iter().take(groups.len()).enumerate()
                .map(|(at, count)| Rule { from: format!("g{at}"), count: *count, risk: None }).collect();
            let roster = Roster::new(groups);
            let all: Vec<Approval> = voters.iter().map(|v| yes(&format!("p{v}"))).collect();
            let full = count(&rules, &roster, &[], &all).is_met();
            for leave_out in 0..all.len() {
                let mut fewer = all.clone();
                fewer.remove(leave_out);
                prop_assert!(full || !count(&rules, &roster, &[], &fewer).is_met());
            }
            let mut reversed = all.clone();
            reversed.reverse();
            prop_assert_eq!(full, count(&rules, &roster, &[], &reversed).is_met());
        }
    }
}
