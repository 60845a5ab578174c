//! `relman init`, `relman config check | show`, `relman paths`

use std::path::PathBuf;

use super::args::{Config, Init};
use super::{Session, current_dir, exit, write_new};
use crate::config;
use crate::domain::ids::ServiceName;
use crate::domain::policy::{Policy, Rule, Service, StageRules};
use crate::domain::release::{ReleaseKind, Stage};
use crate::domain::time::{span, wall};
use crate::ops::{ErrorKind, OpError};

pub(super) fn init(session: &mut Session, args: &Init) -> Result<u8, OpError> {
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
    }
}

fn check(session: &mut Session) -> Result<u8, OpError> {
    let path = session.config_path()?;
    let (problems, notes) = match config::load(&path) {
        Ok(config) => (config.warnings, config.notes),
        Err(problems) => (problems.0, Vec::new()),
    };
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
    for (name, members) in &policy.groups {
        let members: Vec<String> = members.iter().map(ToString::to_string).collect();
        out.line(format!("group      {name}: {}", members.join(", ")));
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
        for (role, argv) in &service.scripts {
            out.line(format!("  {role}: {}", argv.join(" ")));
        }
        for (env, strategy) in &service.strategies {
            out.line(format!("  strategy in {env}: {}", strategy.as_str()));
        }
    }
    for freeze in &policy.freezes {
        let (start, end) = (wall(freeze.window.start, freeze.zone), wall(freeze.window.end, freeze.zone));
        out.line(format!("freeze \"{}\": {} from {start} until {end}", freeze.name, freeze.scope.describe()));
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
        ("checks", rules.checks.join(", ")),
        ("checklist", rules.checklist.join(", ")),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(label, text)| format!("{label} {text}"))
    .collect()
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
    if let Some(rule) = &env.four_eyes {
        let from = if rule.from.is_empty() { "anybody else".to_owned() } else { rule.from.join(" or ") };
        let exempt = if rule.exempt.is_empty() {
            String::new()
        } else {
            format!("; not for {}", rule.exempt.join(", "))
        };
        add("four-eyes", format!("{from} confirms it live, within {}{exempt}", span(rule.ttl)));
    }
    add("deployers", env.deployers.join(", "));
    add("override", env.overriders.join(", "));
    add("soak", if env.soak.is_zero() { String::new() } else { span(env.soak) });
    let hours: Vec<&str> = env.hours.iter().map(|rule| rule.text.as_str()).collect();
    add("hours", hours.join(", "));
    add("confirm", if env.confirm { "the version must be typed".to_owned() } else { String::new() });
    lines
}

/// The JSON form of the configuration in force.
fn as_json(config: &config::Config) -> serde_json::Value {
    let policy: &Policy = &config.policy;
    let seconds = |time: Option<std::time::Duration>| time.map(|time| time.as_secs());
    let env = |env: &crate::domain::policy::Environment| {
        let hours: Vec<&str> = env.hours.iter().map(|rule| rule.text.as_str()).collect();
        serde_json::json!({
            "name": env.name, "kind": env.kind, "mirrors": env.mirrors, "approvals": env.approvals,
            "rollback-approvals": env.rollback_approvals, "approval-ttl-seconds": env.approval_ttl.as_secs(),
            "four-eyes": env.four_eyes.as_ref().map(|rule| serde_json::json!({
                "from": rule.from, "exempt": rule.exempt, "ttl-seconds": rule.ttl.as_secs(),
            })),
            "deployers": env.deployers, "override": env.overriders, "confirm": env.confirm,
            "self-approval": env.self_approval, "soak-seconds": env.soak.as_secs(), "hours": hours,
        })
    };
    let service = |service: &crate::domain::policy::Service| {
        serde_json::json!({
            "name": service.name, "pipeline": service.pipeline, "phases": service.pipeline.phases(), "owner": service.owner,
            "working-dir": service.working_dir, "scripts": service.scripts, "strategies": service.strategies,
            "timeout-seconds": seconds(service.timeout), "quiet-timeout-seconds": seconds(service.quiet_timeout),
            "step-timeout-seconds": seconds(service.step_timeout),
            "grace-seconds": service.grace.as_secs(), "pass-env": service.pass_env, "secrets": service.secrets,
        })
    };
    let stage = |stage: &Stage| {
        let rules = policy.stage(*stage);
        serde_json::json!({
            "stage": stage, "require": rules.require, "approvals": rules.approvals, "checks": rules.checks,
            "checklist": rules.checklist,
        })
    };
    let process = |kind: &ReleaseKind| {
        let process = policy.process(*kind);
        serde_json::json!({ "kind": kind, "enter": process.enter, "skip": process.skip })
    };
    let groups: serde_json::Map<String, serde_json::Value> = policy
        .groups
        .iter()
        .map(|(name, members)| (name.clone(), members.iter().map(ToString::to_string).collect()))
        .collect();
    serde_json::json!({
        "path": config.path,
        "database": config.database,
        "log-retention-seconds": seconds(config.log_retention),
        "time-zone": policy.zone.name(),
        "groups": groups,
        "environments": policy.environments.values().map(env).collect::<Vec<_>>(),
        "services": policy.services.values().map(service).collect::<Vec<_>>(),
        "stages": Stage::ALL.iter().map(stage).collect::<Vec<_>>(),
        "process": ReleaseKind::ALL.iter().map(process).collect::<Vec<_>>(),
        "freezes": policy.freezes,
    })
}

pub(super) fn paths(session: &mut Session) -> Result<u8, OpError> {
    let cwd = current_dir()?;
    let mut rows: Vec<(String, PathBuf)> = config::candidates(session.config.as_deref(), &cwd)
        .into_iter()
        .map(|path| ("configuration".to_owned(), path))
        .collect();
    if let Ok(path) = session.config_path()
        && let Ok(config) = config::load(&path)
    {
        rows.retain(|(_, candidate)| candidate.exists() || *candidate == path);
        let dir = config.database.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
        rows.push(("store".to_owned(), config.database.clone()));
        rows.push(("state directory".to_owned(), dir.clone()));
        rows.push(("deployments".to_owned(), dir.join("deployments")));
        rows.push(("backups".to_owned(), dir.join("backups")));
        for service in config.policy.services.values() {
            rows.push((format!("scripts of {}", service.name), service.working_dir.clone()));
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
