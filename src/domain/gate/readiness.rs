//! What the stages ask for beside plain fields: whether what was planned, tested, prepared and learned is there.

use super::Newest;
use super::stage_exit::ExitFacts;
use crate::domain::checklist::standing;
use crate::domain::drift::{Observed, State, differences};
use crate::domain::ids::EnvName;
use crate::domain::monitor::{self, Monitor};
use crate::domain::policy::{Environment, ScriptRole, StageGate};
use crate::domain::release::build::{CHECK, REVIEW};
use crate::domain::release::evidence::Worth;
use crate::domain::release::plan::{Track, Verdict};
use crate::domain::release::preparation::{Occasion, Word};
use crate::domain::release::{Release, Stage};
use crate::domain::time::{Timestamp, span, wall};

/// What is there, or what is not and what to do about it.
type Found = Result<String, (String, String)>;

/// Whether the gate is worth a line: somebody asks for it, or something is on record that it is about.
pub(super) fn is_asked(gate: StageGate, release: &Release, facts: &ExitFacts<'_>) -> bool {
    let rules = facts.policy.stage(gate.stage());
    let is_there = match gate {
        // Without a script to ask it could not be met: then it is shown only where it is required.
        StageGate::Mirror => {
            let service = facts.policy.services.get(&release.id.service);
            service.is_some_and(|service| service.scripts.contains_key(&ScriptRole::Current))
        }
        StageGate::Statements => !rules.statements.is_empty(),
        StageGate::Version => release.build.misfit.is_some(),
        StageGate::Reviewed => release.checks.contains_key(REVIEW),
        StageGate::Built => {
            let service = facts.policy.services.get(&release.id.service);
            service.is_some_and(|service| service.scripts.contains_key(&ScriptRole::Build))
                || release.checks.contains_key(CHECK)
        }
        StageGate::Scope => !release.plan.scope.is_empty(),
        StageGate::Milestones => !release.plan.milestones.is_empty(),
        StageGate::Metrics | StageGate::Measured => !release.plan.metrics.is_empty(),
        StageGate::Communication => release.plan.communication.is_some(),
        StageGate::Backup => release.preparation.backup.is_some(),
        StageGate::Training => !release.preparation.trainings.is_empty(),
        StageGate::Announced => !release.preparation.announcements.is_empty(),
        StageGate::Impact => release.preparation.impact.is_some(),
        StageGate::GoNoGo => !rules.voters.is_empty(),
        StageGate::Conformance => !release.plan.differences(facts.now).is_empty(),
        StageGate::Issues => !release.issues.is_empty(),
        StageGate::Baked => rules.bake.is_some(),
        StageGate::Monitored => watched(release, facts).next().is_some(),
        StageGate::Lessons => !release.review.lessons.is_empty() || !release.review.actions.is_empty(),
        _ => return true,
    };
    // Where nothing is kept like anything there is nothing to look at, whatever is required.
    if gate == StageGate::Mirror && mirrors(release, facts).next().is_none() {
        return false;
    }
    is_there || rules.require.contains(&gate)
}

pub(super) fn recorded(gate: StageGate, release: &Release, facts: &ExitFacts<'_>) -> Option<Found> {
    Some(match gate {
        StageGate::Version => match &release.build.misfit {
            Some(why) => {
                Err(lacks(why.clone(), "register it under another version, or let it be".to_owned()))
            }
            None => Ok("it fits what changed".to_owned()),
        },
        StageGate::Reviewed => reviewed(release, facts),
        StageGate::Built => built(release, facts),
        StageGate::Mirror => mirror(release, facts),
        StageGate::Statements => statements(release, facts),
        StageGate::Scope => scope(release),
        StageGate::Milestones => milestones(release, facts),
        StageGate::Metrics => metrics(release),
        StageGate::Communication => release.plan.communication.clone().ok_or_else(|| {
            lacks(
                "who is told what and when is not recorded",
                format!("relman release edit {} --communication \"…\"", release.id),
            )
        }),
        StageGate::Checks => checks(release, facts),
        StageGate::Checklist => checklist(release, facts),
        StageGate::Backup => backup(release, facts),
        StageGate::Training => training(release),
        StageGate::Announced => announced(release, facts),
        StageGate::Impact => impact(release),
        StageGate::GoNoGo => go_no_go(release, facts),
        StageGate::Conformance => conformance(release, facts),
        StageGate::Issues => issues(release),
        StageGate::Baked => baked(release, facts),
        StageGate::Monitored => monitored(release, facts),
        StageGate::Measured => measured(release),
        StageGate::Lessons => lessons(release),
        _ => return None,
    })
}

fn lacks(what: impl Into<String>, remedy: String) -> (String, String) {
    (what.into(), remedy)
}

/// Environments of the pipeline that are kept like another one, with that one.
fn mirrors<'a>(
    release: &'a Release,
    facts: &'a ExitFacts<'_>,
) -> impl Iterator<Item = (&'a Environment, &'a EnvName)> {
    let service = facts.policy.services.get(&release.id.service);
    let pipeline = service.into_iter().flat_map(|service| service.pipeline_of(release).iter());
    let environments = pipeline.filter_map(|env| facts.policy.environments.get(env));
    environments.filter_map(|env| Some((env, env.mirrors.as_ref()?)))
}

/// Somebody has looked at both lately, what runs there is what is recorded, and neither has what the other lacks (ENV-4).
/// Where it became good of late, as many places as are needed, and since when: the last of them counts.
fn good_since(release: &Release, facts: &ExitFacts<'_>) -> Option<Timestamp> {
    let spots = facts.goal.spots.iter().filter_map(|spot| spot.good.as_ref());
    let mut since: Vec<Timestamp> =
        spots.filter(|good| good.proves(release)).filter_map(|good| good.finished_at).collect();
    since.sort_unstable();
    facts.goal.needed.checked_sub(1).and_then(|last| since.get(last)).copied()
}

fn baked(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let needed = facts.policy.stage(Stage::Review).bake.unwrap_or_default();
    let Some(since) = good_since(release, facts) else {
        return Err((
            "since when it is live is not on record".to_owned(),
            "look at where it is live".to_owned(),
        ));
    };
    let end = since.plus(needed);
    match facts.now >= end {
        true => Ok(format!("live for {}, {} asked", span(facts.now.since(since)), span(needed))),
        false => Err((format!("it bakes until {}", wall(end, facts.policy.zone)), "wait".to_owned())),
    }
}

/// Monitors of what was brought where it was to go, with the deployment that brought it.
fn watched<'a>(
    release: &'a Release,
    facts: &'a ExitFacts<'a>,
) -> impl Iterator<Item = (&'a EnvName, &'a Newest, &'a Monitor)> {
    let monitors =
        facts.policy.services.get(&release.id.service).map_or(&[][..], |service| &service.monitors);
    let spots = facts.goal.spots.iter().filter_map(|spot| Some((&spot.environment, spot.good.as_ref()?)));
    spots.flat_map(move |(env, good)| {
        let there =
            monitors.iter().filter(move |one| one.environments.is_empty() || one.environments.contains(env));
        there.map(move |monitor| (env, good, monitor))
    })
}

fn monitored(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let zone = facts.policy.zone;
    let (mut passed, mut lacks) = (Vec::new(), Vec::new());
    for (env, good, monitor) in watched(release, facts) {
        let name = &monitor.name;
        let known = release.monitored.iter().find(|watch| watch.is_of(good.id, name));
        match known.map(|watch| (watch.verdict, watch)) {
            Some((monitor::Verdict::Passed, _)) => passed.push(format!("{name} in {env}")),
            Some((_, watch)) => lacks.push(format!("{name} in {env} {}", watch.told())),
            None => {
                let end = good.finished_at.map(|at| at.plus(monitor.after).plus(monitor.lasts));
                lacks.push(match end {
                    Some(end) if facts.now < end => {
                        format!("{name} in {env} is asked until {}", wall(end, zone))
                    }
                    _ => format!("{name} in {env} was not asked"),
                });
            }
        }
    }
    match lacks.is_empty() {
        true => Ok(format!("passed: {}", passed.join(", "))),
        false => Err((lacks.join("; "), format!("look at them: relman monitor list {}", release.id))),
    }
}

/// Whether somebody who did not make the release has read what is in it.
fn reviewed(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let id = &release.id;
    let remedy = format!("relman check record {id} {REVIEW} passed --note \"…\"");
    if let Worth::Waived { by, .. } = release.worth(REVIEW, facts.now) {
        return Ok(format!("waived by {by}"));
    }
    let note = |note: &Option<String>| note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    match (release.checks.get(REVIEW), release.valid_review()) {
        (None, _) => Err(("nobody has reviewed what is in it".to_owned(), remedy)),
        (Some(_), None) => Err(("what was reviewed is another commit".to_owned(), remedy)),
        (_, Some(check)) if !check.passed => {
            Err((format!("{} wants it otherwise{}", check.by.name, note(&check.note)), remedy))
        }
        (_, Some(check)) if check.is_expired(facts.now) => {
            Err(("it was reviewed too long ago".to_owned(), remedy))
        }
        (_, Some(check)) if release.authors().iter().any(|author| author.is_same_as(&check.by)) => {
            Err((format!("{} asked for it: somebody else reviews it", check.by.name), remedy))
        }
        (_, Some(check)) => Ok(format!("by {}{}", check.by.name, note(&check.note))),
    }
}

/// Whether what is recorded as built was built well. Somebody else's word counts like the script's end.
fn built(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let id = &release.id;
    let service = facts.policy.services.get(&id.service);
    let has_script = service.is_some_and(|service| service.scripts.contains_key(&ScriptRole::Build));
    let remedy = match has_script {
        true => format!("relman build {id}"),
        false => format!("relman check record {id} {CHECK} passed"),
    };
    if let Some((number, _)) = release.build.running().filter(|(_, run)| run.check.is_none()) {
        return Err((format!("build {number} is running"), format!("relman build {id} --log")));
    }
    let source = || release.checks.get(CHECK).and_then(|check| check.source.clone());
    match release.worth(CHECK, facts.now) {
        Worth::Passed => Ok(format!("{} passed", source().unwrap_or_else(|| "the build".to_owned()))),
        Worth::Waived { by, .. } => Ok(format!("waived by {by}")),
        Worth::Failed => Err((
            match release.build.last() {
                Some((number, run)) => run.told(number),
                None => "the build failed".to_owned(),
            },
            remedy,
        )),
        Worth::Expired(_) => Err(("it was built too long ago".to_owned(), remedy)),
        Worth::Other => Err(("what is recorded as built is not what the build made".to_owned(), remedy)),
        Worth::Missing => Err(("it has not been built here".to_owned(), remedy)),
    }
}

fn mirror(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let service = &release.id.service;
    let most = facts.policy.stage(Stage::Test).mirror_max_age;
    let mut told = Vec::new();
    for (env, like) in mirrors(release, facts) {
        let look = |name: &EnvName| -> Result<&Observed, (String, String)> {
            let remedy = || format!("relman drift {service} {name}");
            let found = facts.goal.observed.iter().find(|one| one.environment == *name);
            let found =
                found.ok_or_else(|| lacks(format!("nobody has looked what runs in {name}"), remedy()))?;
            let age = facts.now.since(found.at);
            if let Some(most) = most.filter(|most| age > *most) {
                let what =
                    format!("the look at {name} is {} old; it may be {} at most", span(age), span(most));
                return Err(lacks(what, remedy()));
            }
            match found.state {
                State::InSync | State::Deploying => Ok(found),
                State::OutOfSync => {
                    let runs = found.runs.as_deref().unwrap_or("nothing");
                    let recorded =
                        found.recorded.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
                    let what = format!("{name} has drifted: {runs} runs, {recorded} is recorded");
                    Err(lacks(what, format!("deploy there again, then {}", remedy())))
                }
                State::Unknown => {
                    let why = found.trouble.clone().unwrap_or_default();
                    Err(lacks(format!("what runs in {name} is not known: {why}"), remedy()))
                }
            }
        };
        let (ours, theirs) = (look(&env.name)?, look(like)?);
        let found = differences(ours, theirs, &env.drift_ignore);
        if !found.is_empty() {
            let remedy = format!("make {} like {like}, then relman drift {service} {}", env.name, env.name);
            return Err(lacks(format!("{} is not like {like}: {}", env.name, found.join("; ")), remedy));
        }
        told.push(format!("{} is like {like}, {} ago", env.name, span(facts.now.since(ours.at))));
    }
    Ok(told.join("; "))
}

fn statements(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let wanted = &facts.policy.stage(Stage::Plan).statements;
    let open: Vec<&str> =
        wanted.iter().filter(|name| !release.statements.contains_key(*name)).map(String::as_str).collect();
    match open.first() {
        None => Ok(format!("stated: {}", wanted.join(", "))),
        Some(first) => Err(lacks(
            format!("not stated: {}", open.join(", ")),
            format!("relman plan state {} \"{first}\" \"…\"", release.id),
        )),
    }
}

fn scope(release: &Release) -> Found {
    match release.plan.scope.len() {
        0 => Err(lacks(
            "what it is to bring is not recorded",
            format!("relman plan scope {} \"…\"", release.id),
        )),
        1 => Ok("1 item".to_owned()),
        count => Ok(format!("{count} items")),
    }
}

fn milestones(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let all = &release.plan.milestones;
    if all.is_empty() {
        let remedy = format!("relman plan milestone {} NAME --due TIME", release.id);
        return Err(lacks("no milestone is set", remedy));
    }
    let track = |track| all.iter().filter(|one| one.track(all, facts.now) == track).count();
    let (late, risky) = (track(Track::Late), track(Track::AtRisk));
    Ok(match (late, risky) {
        (0, 0) => format!("{} on track", all.len()),
        _ => format!("{} in all, {late} late, {risky} at risk", all.len()),
    })
}

fn metrics(release: &Release) -> Found {
    let names: Vec<&str> = release.plan.metrics.iter().map(|metric| metric.name.as_str()).collect();
    match names.is_empty() {
        true => Err(lacks(
            "how one will see whether it was worth it is not recorded",
            format!("relman plan metric {} NAME --target \">= 99.5 %\"", release.id),
        )),
        false => Ok(names.join(", ")),
    }
}

fn checks(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let rules = facts.policy.stage(Stage::Test);
    let worth = |name: &String| release.worth(name, facts.now);
    let open: Vec<(&String, Worth)> =
        rules.checks.iter().map(|name| (name, worth(name))).filter(|(_, worth)| !worth.opens()).collect();
    if let Some((first, _)) = open.first() {
        let all: Vec<String> = open.iter().map(|(name, worth)| told(name, worth)).collect();
        let remedy = format!("relman check record {} {first} passed", release.id);
        return Err(lacks(format!("not passed for this artifact: {}", all.join(", ")), remedy));
    }
    let waived: Vec<String> = rules
        .checks
        .iter()
        .filter_map(|name| match worth(name) {
            Worth::Waived { by, until } => {
                Some(format!("{name} waived by {by} until {}", wall(until, facts.policy.zone)))
            }
            _ => None,
        })
        .collect();
    let passed = rules.checks.iter().filter(|name| worth(name) == Worth::Passed);
    let passed: Vec<String> = passed.cloned().collect();
    let passed = if passed.is_empty() { String::new() } else { format!("passed: {}", passed.join(", ")) };
    let optional: Vec<&str> = rules
        .allowed_failures
        .iter()
        .filter(|name| worth(name) == Worth::Failed)
        .map(String::as_str)
        .collect();
    let optional = if optional.is_empty() {
        String::new()
    } else {
        format!("failed, which is allowed: {}", optional.join(", "))
    };
    let all = [passed, waived.join(", "), optional];
    Ok(all.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; "))
}

/// The name, with what is wrong with what is on record.
fn told(name: &str, worth: &Worth) -> String {
    match worth {
        Worth::Failed => format!("{name} (failed)"),
        Worth::Expired(_) => format!("{name} (expired)"),
        _ => name.to_owned(),
    }
}

fn checklist(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let items = &facts.policy.stage(Stage::Prepare).checklist;
    let tasks = &release.preparation.tasks;
    let stands = items.iter().map(|item| (item, standing(item, release, facts.now)));
    let open: Vec<_> = stands.filter(|(_, stands)| !stands.is_done()).collect();
    let undone: Vec<(usize, &str)> = tasks
        .iter()
        .enumerate()
        .filter(|(_, task)| task.done.is_none())
        .map(|(at, task)| (at + 1, task.text.as_str()))
        .collect();
    let remedy = match (open.first(), undone.first()) {
        (Some((first, _)), _) => first.remedy(&release.id),
        (None, Some((number, _))) => format!("relman prepare task {} --done {number}", release.id),
        (None, None) => return Ok(format!("all {} items done", items.len() + tasks.len())),
    };
    let open = open.into_iter().map(|(item, stands)| stands.told(&item.name));
    let all: Vec<String> = open.chain(undone.into_iter().map(|(_, text)| text.to_owned())).collect();
    Err(lacks(format!("not done: {}", all.join(", ")), remedy))
}

fn backup(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let remedy =
        || format!("relman prepare backup {} --place WHERE --taken TIME --restored TIME", release.id);
    let Some(backup) = &release.preparation.backup else {
        return Err(lacks("no backup is recorded", remedy()));
    };
    let age = facts.now.since(backup.taken);
    if let Some(most) = facts.policy.stage(Stage::Prepare).backup_max_age
        && age > most
    {
        let what = format!("the backup is {} old; it may be {} at most", span(age), span(most));
        return Err(lacks(what, remedy()));
    }
    match backup.restored {
        Some(_) => Ok(format!("{} old, in {}, restored to try it", span(age), backup.place)),
        None => Err(lacks(format!("the backup in {} was not restored to try it", backup.place), remedy())),
    }
}

fn training(release: &Release) -> Found {
    let all = &release.preparation.trainings;
    let open: Vec<(usize, &str)> = all
        .iter()
        .enumerate()
        .filter(|(_, training)| training.done.is_none())
        .map(|(at, training)| (at + 1, training.audience.as_str()))
        .collect();
    match (all.is_empty(), open.first()) {
        (true, _) => Err(lacks(
            "nobody is named who has to learn how it works",
            format!("relman prepare training {} AUDIENCE", release.id),
        )),
        (_, Some((number, _))) => {
            let audiences: Vec<&str> = open.iter().map(|(_, audience)| *audience).collect();
            let remedy = format!("relman prepare training {} --done {number}", release.id);
            Err(lacks(format!("not trained: {}", audiences.join(", ")), remedy))
        }
        (false, None) => {
            let audiences: Vec<&str> = all.iter().map(|training| training.audience.as_str()).collect();
            Ok(format!("trained: {}", audiences.join(", ")))
        }
    }
}

fn announced(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let planned = release.preparation.announcements.iter().filter(|one| one.occasion == Occasion::Planned);
    let Some(first) = planned.min_by_key(|one| one.at) else {
        let remedy = format!("relman prepare announce {} planned --to AUDIENCE --by CHANNEL", release.id);
        return Err(lacks("it was not announced", remedy));
    };
    let zone = facts.policy.zone;
    let told = format!("to {} by {}, {}", first.audience, first.channel, wall(first.at, zone));
    match facts.policy.stage(Stage::Prepare).announce_before {
        Some(lead) if first.at.plus(lead) > facts.now => {
            let earliest = wall(first.at.plus(lead), zone);
            let what = format!("announced {told}: people were promised {} notice", span(lead));
            Err(lacks(what, format!("wait until {earliest}")))
        }
        _ => Ok(told),
    }
}

fn impact(release: &Release) -> Found {
    match &release.preparation.impact {
        Some(impact) => Ok(format!("downtime: {}", impact.downtime)),
        None => Err(lacks(
            "what users will notice is not recorded",
            format!("relman prepare impact {} --downtime none", release.id),
        )),
    }
}

/// Each group that is asked says go at least once, and nobody says no-go; what was said of other content is void.
fn go_no_go(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let groups = &facts.policy.stage(Stage::Prepare).voters;
    let content = release.build.content();
    let valid: Vec<_> = release.preparation.votes.values().filter(|vote| vote.content == content).collect();
    if let Some(no) = valid.iter().find(|vote| vote.word == Word::NoGo) {
        let why = no.reason.clone().unwrap_or_default();
        let remedy = format!("talk to {}, who may: relman prepare vote {} go", no.by.name, release.id);
        return Err(lacks(format!("NO-GO by {}: {why}", no.by.name), remedy));
    }
    let says_go =
        |group: &&String| valid.iter().any(|vote| vote.word == Word::Go && facts.roster.has(group, &vote.by));
    let open: Vec<&String> = groups.iter().filter(|group| !says_go(group)).collect();
    if let Some(first) = open.first() {
        let names: Vec<&str> = open.iter().map(|group| group.as_str()).collect();
        let people: Vec<&str> = facts.roster.people(first).collect();
        let who = if people.is_empty() { (*first).clone() } else { people.join(", ") };
        let remedy = format!("{who} may: relman prepare vote {} go", release.id);
        return Err(lacks(format!("no go yet from {}", names.join(", ")), remedy));
    }
    if groups.is_empty() {
        let remedy = "name the groups: [stages.prepare] voters = [\"…\"] in relman.toml".to_owned();
        return Err(lacks("nobody is asked to vote", remedy));
    }
    let names: Vec<&str> =
        valid.iter().filter(|vote| vote.word == Word::Go).map(|vote| vote.by.name.as_str()).collect();
    Ok(format!("go by {}", names.join(", ")))
}

fn conformance(release: &Release, facts: &ExitFacts<'_>) -> Found {
    let differences = release.plan.differences(facts.now);
    match differences.is_empty() {
        true => Ok("as planned".to_owned()),
        false => Err(lacks(
            differences.join("; "),
            format!("bring the plan up to what there is: relman plan show {}", release.id),
        )),
    }
}

fn issues(release: &Release) -> Found {
    let open: Vec<String> = release
        .blocking_issues()
        .map(|(number, issue)| format!("{number} {}: {}", issue.severity, issue.title))
        .collect();
    match release.blocking_issues().next() {
        None => Ok(match release.issues.len() {
            1 => "1 issue, none open that is severe".to_owned(),
            count => format!("{count} issues, none open that is severe"),
        }),
        Some((number, _)) => Err(lacks(
            format!("open: {}", open.join(", ")),
            format!("once it is fixed: relman issue set {} {number} fixed", release.id),
        )),
    }
}

fn measured(release: &Release) -> Found {
    let open = release.plan.metrics.iter().enumerate().find(|(_, metric)| metric.measured.is_none());
    if let Some((at, metric)) = open {
        let remedy = format!("relman review metric {} {} VALUE", release.id, at + 1);
        return Err(lacks(format!("not measured: {}", metric.name), remedy));
    }
    let verdict = release.review.verdict.unwrap_or(Verdict::Partly);
    match release.plan.metrics.is_empty() {
        true => Err(lacks(
            "no measure of success was planned",
            format!("relman plan metric {} NAME --target \">= 99.5 %\"", release.id),
        )),
        false => Ok(format!("{verdict}: {} measures", release.plan.metrics.len())),
    }
}

fn lessons(release: &Release) -> Found {
    let review = &release.review;
    match (review.lessons.len(), review.actions.len()) {
        (0, 0) => Err(lacks(
            "what was learned is not recorded",
            format!("relman review lesson {} \"…\"", release.id),
        )),
        (lessons, actions) => Ok(format!("{lessons} lessons, {actions} actions")),
    }
}
