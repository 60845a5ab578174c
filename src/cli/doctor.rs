//! `relman doctor`: is everything in order for work?

use serde::Serialize;

use super::Session;
use super::out::Tone;
use crate::config;
use crate::desk::Desk;
use crate::domain::actor::Via;
use crate::domain::hook::Way;
use crate::domain::policy::Service;
use crate::host::state::State;
use crate::host::{
    doctor as machine, enforced, identity as machine_identity, people, scripts, setup, signing, store_lock,
};
use crate::ops::deployment::tick;
use crate::ops::hook::show;
use crate::ops::{OpError, audit};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    text: String,
}

pub(super) fn doctor(session: &mut Session) -> Result<u8, OpError> {
    let mut findings = Vec::new();
    let mut add = |what, ok, text: String| findings.push(Finding { what, ok, text });
    match session.config_path() {
        Err(error) => add("configuration", false, error.sentence),
        Ok(path) => match config::load(&path) {
            Err(problems) => add("configuration", false, problems.to_string()),
            Ok(config) => {
                let odd = config.warnings.len();
                let text = format!("{} ({odd} warnings; relman config check shows them)", path.display());
                add("configuration", odd == 0, text);
                for why in people::vacancies(&config.policy) {
                    add("people", false, why);
                }
                for service in config.policy.services.values() {
                    let (ok, text) = script_state(service);
                    add("scripts", ok, text);
                }
                if let Some(keys) = &config.policy.signing {
                    for (ok, text) in signing::examine(keys, &config.path) {
                        add("signers", ok, text);
                    }
                }
                let holder = store_lock::holder(&config.database);
                let config = session.as_asked(config);
                for (what, ok, text) in steps(&config) {
                    add(what, ok, text);
                }
                match Desk::open(config, Via::Cli) {
                    Err(error) => add("store", false, format!("{error} {}", error.hints.join("; "))),
                    Ok(desk) => store(&desk, holder, &mut add),
                }
            }
        },
    }
    for (what, ok, text) in machine::examine() {
        add(what, ok, text);
    }
    if session.out.is_json() {
        session.out.json("findings", &findings);
    } else {
        for finding in &findings {
            let mark = if finding.ok {
                session.out.paint(Tone::Good, "✓")
            } else {
                session.out.paint(Tone::Bad, "✗")
            };
            session.out.line(format!("{mark} {:<14} {}", finding.what, finding.text));
        }
    }
    Ok(u8::from(findings.iter().any(|finding| !finding.ok)))
}

fn store(desk: &Desk, holder: Option<String>, add: &mut impl FnMut(&'static str, bool, String)) {
    let state = desk.state();
    let shape = match (enforced::service(), state.is_shared()) {
        (Some(_), _) => "of the service user",
        (None, true) => "shared by a group",
        (None, false) => "of one person",
    };
    add("store", true, format!("{} ({shape})", state.store().display()));
    add("identity", true, identity(desk));
    add("mode", true, mode());
    let (what, ok, text) = machine::room(state.dir());
    add(what, ok, text);
    if let Some(holder) = holder {
        add("lock", true, format!("held right now by {holder}"));
    }
    match desk.cx().store.integrity() {
        Ok(()) => add("integrity", true, "every page of the store reads well".to_owned()),
        Err(error) => add("integrity", false, error.sentence),
    }
    match tick::abandoned(&desk.cx()) {
        Ok(alone) if alone.is_empty() => {}
        Ok(alone) => {
            let owners: Vec<String> =
                alone.iter().map(|d| format!("{} ({})", d.id, d.started_by.name)).collect();
            let text = format!(
                "nothing waits for {}: it would be missed; whoever asked for it runs relman tick",
                owners.join(", ")
            );
            add("schedule", false, text);
        }
        Err(error) => add("schedule", false, error.sentence),
    }
    told(desk, add);
    match audit::verify(&desk.cx()) {
        Ok(verified) => match verified.findings.list.first() {
            None => add("journal", true, format!("{} entries, unbroken", verified.entries)),
            Some(first) => {
                add("journal", false, format!("{}; everything: relman audit verify", first.sentence));
            }
        },
        Err(error) => add("journal", false, error.sentence),
    }
}

/// The steps of the set-up, as far as they can be seen: also where the store cannot be opened, which one of them may explain.
fn steps(config: &config::Config) -> Vec<(&'static str, bool, String)> {
    let state = State::existing(&config.database).ok();
    match (&config.service_user, state) {
        (Some(name), state) => {
            let own = state.filter(|_| enforced::is_run_as(name));
            let mut steps =
                own.map(|state| setup::of_service(name, &state, &config.path)).unwrap_or_default();
            steps.push(setup::sudo_rule(name));
            steps
        }
        (None, Some(state)) if state.is_shared() => setup::shared(&state, &config.path),
        (None, _) => Vec::new(),
    }
}

/// Who this is, and how sure that is.
fn identity(desk: &Desk) -> String {
    let actor = &desk.actor;
    let login = match (&actor.person.login, machine_identity::knows_login()) {
        (Some(login), _) => format!("logged in as {login}"),
        (None, true) => "the same who logged in".to_owned(),
        (None, false) => "weak: the kernel does not know who logged in (pam_loginuid)".to_owned(),
    };
    let key = match &actor.key {
        Some(key) => format!("; key {key}, as the session says"),
        None => String::new(),
    };
    format!("{} (user id {}); {login}{key}", actor.name(), actor.person.uid)
}

fn mode() -> String {
    match enforced::service() {
        Some(service) => {
            format!(
                "enforced: only {} can write the store; its scripts run as {}",
                service.name, service.name
            )
        }
        None => {
            "cooperative: every operator can write the file; relman audit verify names what was changed, \
                 only signatures tell a well-made lie from the truth"
                .to_owned()
        }
    }
}

/// Whether everybody hears of what they want to hear of.
fn told(desk: &Desk, add: &mut impl FnMut(&'static str, bool, String)) {
    let hooks = match show::hooks(&desk.cx()) {
        Ok(hooks) if hooks.is_empty() => return,
        Ok(hooks) => hooks,
        Err(error) => return add("hooks", false, error.sentence),
    };
    for hook in &desk.config.policy.hooks.list {
        if let Way::Command { argv, working_dir, .. } = &hook.way
            && let Some(why) = scripts::cannot_run(argv, working_dir)
        {
            add("hooks", false, format!("{}: {why}", hook.key));
        }
    }
    let given_up: usize = hooks.iter().map(|hook| hook.given_up).sum();
    let pending: usize = hooks.iter().map(|hook| hook.pending).sum();
    for hook in hooks.iter().filter(|hook| hook.lacks.is_some()) {
        let why = hook.lacks.clone().unwrap_or_default();
        add("hooks", true, format!("{}: {why}; it is told where that is set", hook.hook));
    }
    match given_up {
        0 => {
            let text = format!("{}, {} to be told", counted(hooks.len(), "hook"), counted(pending, "event"));
            add("hooks", true, text);
        }
        count => {
            let what = counted(count, "event");
            add("hooks", false, format!("given up, could not be told: {what}; relman hooks retry"));
        }
    }
}

/// `1 hook`, `3 hooks`.
fn counted(count: usize, what: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {what}{end}")
}

fn script_state(service: &Service) -> (bool, String) {
    let files = scripts::of(service).all_files();
    let missing: Vec<&str> =
        files.iter().filter(|file| file.digest.is_none()).map(|file| file.path.as_str()).collect();
    if service.scripts.is_empty() {
        return (false, format!("{} has no scripts: it cannot be deployed", service.name));
    }
    if !missing.is_empty() {
        return (false, format!("{}: missing or unreadable: {}", service.name, missing.join(", ")));
    }
    let open = files.iter().find_map(|file| scripts::is_open_to_all(std::path::Path::new(&file.path)));
    if let Some(why) = open {
        return (false, format!("{}: {why}", service.name));
    }
    let roles = service.scripts.iter().map(|(role, argv)| (role.to_string(), argv.clone()));
    let broken: Vec<String> = roles
        .chain(service.commands())
        .filter_map(|(name, argv)| {
            let why = scripts::cannot_run(&argv, &service.working_dir)?;
            Some(format!("{name}: {why}"))
        })
        .collect();
    match broken.as_slice() {
        [] => (true, format!("{}: {}", service.name, counted(files.len(), "file"))),
        broken => (false, format!("{}: {}", service.name, broken.join("; "))),
    }
}
