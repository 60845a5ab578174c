//! `relman init`, `relman config check | show`, `relman paths`

use std::path::PathBuf;

use super::args::{Config, Init};
use super::{Session, current_dir, exit, write_new};
use crate::config;
use crate::desk::Desk;
use crate::domain::hook::Guard;
use crate::domain::ids::ServiceName;
use crate::domain::policy::{Reminders, Rule, Service, StageRules};
use crate::domain::release::{ReleaseKind, Stage};
use crate::domain::right::Grant;
use crate::domain::rules;
use crate::domain::time::{span, wall};
use crate::host::{enforced, people};
use crate::ops::{ErrorKind, OpError, configured};
use crate::tui::dress;

pub(super) fn init(session: &mut Session, args: &Init) -> Result<u8, OpError> {
    session.may_touch_files()?;
    let dir = current_dir()?;
    let service = args.service.clone().unwrap_or_else(|| name_of(&dir));
    let path = dir.join("relman.toml");
    write_new(&path, &config::starter(service.as_str()))?;
    if session.out.is_json() {
        session.out.json("written", &path);
    } else {
        session.out.line(format!("wrote {}", path.display()));
        session.out.note("next: name your scripts in it, then: relman config check");
    }
    Ok(exit::OK)
}

/// A service named after a directory, as far as that is a name.
fn name_of(dir: &std::path::Path) -> ServiceName {
    let raw = dir.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name: String =
        raw.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    name.trim_matches('-').parse().unwrap_or_else(|_| "app".parse().expect("a name"))
}

pub(super) fn run(session: &mut Session, verb: Config) -> Result<u8, OpError> {
    match verb {
        Config::Check => check(session),
        Config::Show => show(session),
        Config::Adopt => adopt(session),
        Config::Diff => diff(session),
        Config::Confirm { reason } => confirm(session, reason.as_deref()),
    }
}

fn adopt(session: &mut Session) -> Result<u8, OpError> {
    let path = session.config_path()?;
    let is_news = Desk::adopt(session.load(&path)?)?;
    if session.out.is_json() {
        session.out.json("adopted", &serde_json::json!({ "path": path, "changed": is_news }));
    } else if is_news {
        session.out.line(format!("the store is used under {} from now on", path.display()));
    } else {
        session.out.line(format!("the store is used under {} already", path.display()));
    }
    Ok(exit::OK)
}

/// What has become other in the rules, and whether somebody has to look at it.
fn diff(session: &mut Session) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let standing = cx.store.read(|tx| configured::standing(tx, &cx))?;
    let changes = configured::changes(&cx)?;
    if session.out.is_json() {
        session.out.json("rules", &serde_json::json!({ "standing": standing, "differences": changes }));
        return Ok(exit::OK);
    }
    match &changes {
        None => session.out.line("no earlier rules are on record: there is nothing to compare with"),
        Some(changes) if changes.is_empty() => session.out.line("no rule is another one"),
        Some(changes) => changes.iter().for_each(|change| session.out.line(change.to_string())),
    }
    let Some(standing) = standing else { return Ok(exit::OK) };
    let zone = cx.policy.zone;
    match (&standing.confirmed, &standing.brought) {
        (Some((by, at)), _) => {
            session.out.line(format!("{by} confirmed the rules in force {}", wall(*at, zone)));
        }
        (None, brought) => {
            let first = brought
                .as_ref()
                .map(|(by, at)| format!(", first used by {} {}", by.human(), wall(*at, zone)));
            session.out.line(format!(
                "not confirmed{}: nothing begins in production until one of {} says so: relman config confirm",
                first.unwrap_or_default(),
                standing.by.join(", ")
            ));
        }
    }
    Ok(exit::OK)
}

fn confirm(session: &mut Session, reason: Option<&str>) -> Result<u8, OpError> {
    let desk = session.desk()?;
    let cx = desk.cx();
    let changes = configured::changes(&cx)?.unwrap_or_default();
    let confirmed = configured::confirm(&cx, reason)?;
    if session.out.is_json() {
        session.out.json("confirmed", &serde_json::json!({ "rules": confirmed, "differences": changes }));
        return Ok(exit::OK);
    }
    for change in changes {
        session.out.line(change.to_string());
    }
    session.out.line(format!("you stand by the rules of {}", confirmed.file.display()));
    Ok(exit::OK)
}

fn check(session: &mut Session) -> Result<u8, OpError> {
    let path = session.config_path()?;
    let (problems, mut notes, policy) = match config::load(&path) {
        Ok(mut config) => {
            config.warnings.extend(dress::check(&config.panes));
            (config.warnings, config.notes, Some(config.policy))
        }
        Err(problems) => (problems.0, Vec::new(), None),
    };
    // Not failures: the file may be checked on another machine than the one it is for. There, doctor insists.
    notes.extend(policy.iter().flat_map(people::vacancies).map(|why| config::Problem::note(&path, why)));
    if session.out.is_json() {
        let rows: Vec<_> = problems
            .iter()
            .chain(&notes)
            .map(|problem| {
                serde_json::json!({
                    "severity": problem.severity.as_str(),
                    "path": problem.path,
                    "line": problem.place.as_ref().map(|place| place.line),
                    "column": problem.place.as_ref().map(|place| place.column),
                    "message": problem.message,
                    "hint": problem.hint,
                })
            })
            .collect();
        session.out.json("problems", &rows);
    } else {
        for problem in &problems {
            session.out.lines(&problem.to_string());
            session.out.line("");
        }
        if problems.is_empty() {
            session.out.line(format!("{} is in order", path.display()));
        }
        for note in &notes {
            session.out.line(note.one_line());
        }
    }
    // What is only a warning elsewhere fails here (SPEC 9): a check is asked to be strict.
    Ok(if problems.is_empty() { exit::OK } else { exit::code(ErrorKind::BadConfig) })
}

fn show(session: &mut Session) -> Result<u8, OpError> {
    let path = session.config_path()?;
    let config =
        config::load(&path).map_err(|problems| OpError::new(ErrorKind::BadConfig, problems.to_string()))?;
    let policy = &config.policy;
    if session.out.is_json() {
        session.out.json("config", &as_json(&config));
        return Ok(exit::OK);
    }
    let out = &mut session.out;
    out.line(format!("file       {}", config.path.display()));
    out.line(format!("database   {}", config.database.display()));
    out.line(format!("time zone  {}", policy.zone));
    if policy.readonly {
        out.line("read-only  nothing is changed from here");
    }
    for (name, members) in &policy.groups {
        let members: Vec<String> = members.iter().map(ToString::to_string).collect();
        out.line(format!("group      {name}: {}", members.join(", ")));
    }
    for grant in policy.rights.values() {
        out.line(right_line(grant));
    }
    for env in policy.environments.values() {
        out.line(format!("environment {} ({})", env.name, env.kind));
        for line in environment(env) {
            out.line(format!("  {line}"));
        }
    }
    for service in policy.services.values() {
        out.line(format!("service {}: {}", service.name, service.pipeline.describe()));
        for line in service_lines(service) {
            out.line(format!("  {line}"));
        }
        for grant in service.rights.values() {
            out.line(format!("  {}", right_line(grant)));
        }
        for (role, argv) in &service.scripts {
            out.line(format!("  {role}: {}", argv.join(" ")));
        }
        for (env, strategy) in &service.strategies {
            out.line(format!("  strategy in {env}: {}", strategy.as_str()));
        }
    }
    for freeze in &policy.freezes {
        let (start, end) = (wall(freeze.window.start, freeze.zone), wall(freeze.window.end, freeze.zone));
        let again =
            freeze.repeats.as_ref().map(|repeats| format!(", {}", repeats.in_words())).unwrap_or_default();
        let scope = freeze.scope.describe();
        out.line(format!("freeze \"{}\": {scope} from {start} until {end}{again}", freeze.title()));
    }
    for hook in &policy.hooks.list {
        out.line(format!("hook {}: {} → {}", hook.key, hook.events.join(", "), hook.target()));
    }
    if let Some(change) = &policy.change {
        let words = |words: &[String]| words.join(", ");
        out.line(format!("change tickets: {}", change.system()));
        out.line(format!("  go on in {}; wait in {}", words(&change.proceed), words(&change.wait)));
    }
    for stage in Stage::ALL {
        for line in stage_lines(policy.stage(stage)) {
            out.line(format!("stage {stage}: {line}"));
        }
    }
    for kind in ReleaseKind::ALL {
        let process = policy.process(kind);
        let skip: Vec<&str> = process.skip.iter().map(String::as_str).collect();
        let skips = if skip.is_empty() { String::new() } else { format!(", skips {}", skip.join(", ")) };
        out.line(format!("process {kind}: enters in the {} stage{skips}", process.enter));
    }
    Ok(exit::OK)
}

fn service_lines(service: &Service) -> Vec<String> {
    let time =
        |label: &str, time: Option<std::time::Duration>| time.map(|time| format!("{label}: {}", span(time)));
    let list =
        |label: &str, names: &[String]| (!names.is_empty()).then(|| format!("{label}: {}", names.join(", ")));
    [
        service.owner.as_ref().map(|owner| format!("owner: {owner}")),
        Some(format!("in {}", service.working_dir.display())),
        time("timeout", service.timeout),
        time("quiet timeout", service.quiet_timeout),
        time("step timeout", service.step_timeout),
        time("grace", Some(service.grace)),
        list("pass-env", &service.pass_env),
        list("secrets", &service.secrets),
        service.change_controlled.then(|| "change-controlled".to_owned()),
        (!service.guards.is_empty()).then(|| {
            let command = |guard: &Guard| match guard.scope.environments.as_slice() {
                [all] if all == "*" => guard.command.join(" "),
                some => format!("{} (in {})", guard.command.join(" "), some.join(", ")),
            };
            let commands = service.guards.iter().map(command);
            format!("before it begins: {}", commands.collect::<Vec<_>>().join("; "))
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn stage_lines(rules: &StageRules) -> Vec<String> {
    let approvals: Vec<String> =
        rules.approvals.iter().map(|rule| format!("{} from {}", rule.count, rule.from)).collect();
    let require: Vec<&str> = rules.require.iter().map(|gate| gate.as_str()).collect();
    [
        ("requires", require.join(", ")),
        ("approvals", approvals.join(", ")),
        ("approvals count for", rules.approval_ttl.map(span).unwrap_or_default()),
        ("self-approval", if rules.self_approval { "allowed".to_owned() } else { String::new() }),
        ("signed approvals", if rules.signing.looks() { rules.signing.to_string() } else { String::new() }),
        ("remind every", rules.reminders.every.map(span).unwrap_or_default()),
        ("escalate", escalation(&rules.reminders)),
        ("decisions time out after", rules.reminders.timeout.map(span).unwrap_or_default()),
        ("checks", rules.checks.join(", ")),
        ("checklist", rules.checklist.iter().map(|item| item.name.as_str()).collect::<Vec<_>>().join(", ")),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(label, text)| format!("{label} {text}"))
    .collect()
}

/// `after 2h to leads`; empty: nobody else is told.
fn escalation(reminders: &Reminders) -> String {
    let told = |after| format!("after {} to {}", span(after), reminders.escalate_to.join(", "));
    reminders.escalate_after.map(told).unwrap_or_default()
}

fn environment(env: &crate::domain::policy::Environment) -> Vec<String> {
    let rules = |rules: &[Rule]| {
        let rules: Vec<String> =
            rules.iter().map(|rule| format!("{} from {}", rule.count, rule.from)).collect();
        rules.join(", ")
    };
    let mut lines = Vec::new();
    let mut add = |label: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("{label}: {value}"));
        }
    };
    add("mirrors", env.mirrors.as_ref().map(ToString::to_string).unwrap_or_default());
    add("approvals", rules(&env.approvals));
    add("rollback approvals", rules(&env.rollback_approvals));
    if !env.approvals.is_empty() {
        add("approvals count for", span(env.approval_ttl));
    }
    add("self-approval", if env.self_approval { "allowed".to_owned() } else { String::new() });
    add(
        "older releases",
        if env.newest_only { "rejected with a yes to a newer one".to_owned() } else { String::new() },
    );
    for (right, grant) in &env.rights {
        let groups = grant.written().join(", ");
        let groups = if groups.is_empty() { "nobody".to_owned() } else { groups };
        add(right.short_form().unwrap_or(right.as_str()), groups);
    }
    if let Some(rule) = &env.four_eyes {
        let from = if rule.from.is_empty() { "anybody else".to_owned() } else { rule.from.join(" or ") };
        let exempt = if rule.exempt.is_empty() {
            String::new()
        } else {
            format!("; not for {}", rule.exempt.join(", "))
        };
        add("four-eyes", format!("{from} confirms it live, within {}{exempt}", span(rule.ttl)));
    }
    add("soak", if env.soak.is_zero() { String::new() } else { span(env.soak) });
    let hours: Vec<&str> = env.hours.iter().map(|rule| rule.text.as_str()).collect();
    add("hours", hours.join(", "));
    add("change tickets", if env.change_controlled { "asked for".to_owned() } else { String::new() });
    add("remind every", env.reminders.every.map(span).unwrap_or_default());
    add("escalate", escalation(&env.reminders));
    add("decisions time out after", env.reminders.timeout.map(span).unwrap_or_default());
    add("confirm", if env.confirm { "the version must be typed".to_owned() } else { String::new() });
    lines
}

/// The configuration in force, for programs.
pub(super) fn as_json(config: &config::Config) -> serde_json::Value {
    let mut all = rules::told(&config.policy);
    all["path"] = serde_json::json!(config.path);
    all["database"] = serde_json::json!(config.database);
    all["log-retention-seconds"] = serde_json::json!(config.log_retention.map(|time| time.as_secs()));
    all
}

fn right_line(grant: &Grant) -> String {
    let groups = grant.written().join(", ");
    let groups = if groups.is_empty() { "nobody".to_owned() } else { groups };
    format!("{}: {groups}", grant.line)
}

pub(super) fn paths(session: &mut Session) -> Result<u8, OpError> {
    let cwd = current_dir()?;
    let places = match session.enforced()? {
        Some(only) => vec![only],
        None => config::candidates(session.config.as_deref(), &cwd),
    };
    let mut rows: Vec<(String, PathBuf)> =
        places.into_iter().map(|path| ("configuration".to_owned(), path)).collect();
    if let Ok(path) = session.config_path()
        && let Ok(config) = config::load(&path)
    {
        rows.retain(|(_, candidate)| candidate.exists() || *candidate == path);
        let dir = config.database.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
        rows.push(("store".to_owned(), config.database.clone()));
        rows.push(("state directory".to_owned(), dir.clone()));
        rows.push(("deployments".to_owned(), dir.join("deployments")));
        rows.push(("backups".to_owned(), dir.join("backups")));
        rows.extend(crate::host::heads::file().map(|file| ("what you saw last".to_owned(), file)));
        for service in config.policy.services.values() {
            let by = enforced::service().map(|user| format!(" (run as {})", user.name)).unwrap_or_default();
            rows.push((format!("scripts of {}{by}", service.name), service.working_dir.clone()));
        }
    }
    if session.out.is_json() {
        let rows: Vec<_> = rows
            .iter()
            .map(|(what, path)| serde_json::json!({ "what": what, "path": path, "exists": path.exists() }))
            .collect();
        session.out.json("paths", &rows);
        return Ok(exit::OK);
    }
    let rows = rows
        .into_iter()
        .map(|(what, path)| {
            let there = if path.exists() { "yes" } else { "no" };
            vec![what, there.to_owned(), path.display().to_string()]
        })
        .collect();
    session.out.table(&["WHAT", "EXISTS", "PATH"], rows);
    Ok(exit::OK)
}
