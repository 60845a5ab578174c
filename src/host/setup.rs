//! The two ways several people use one store, step by step: what is in order, and the command that mends what is not.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User, getuid};

use super::enforced::{self, not_roots};
use super::people;
use super::state::State;

/// Name, whether it is in order, and what was found.
type Finding = (&'static str, bool, String);

/// A store that a group shares, every member running relman in their own name.
pub fn shared(state: &State, config: &Path) -> Vec<Finding> {
    let mut findings = vec![group_of(state)];
    findings.extend(modes(state, 0o2770, 0o660));
    findings.extend(files(config));
    findings
}

/// A store that a service user owns alone.
pub fn of_service(name: &str, state: &State, config: &Path) -> Vec<Finding> {
    let mut findings = vec![account(name)];
    findings.extend(modes(state, 0o700, 0o600));
    findings.extend(files(config));
    findings
}

fn account(name: &str) -> Finding {
    let what = "service user";
    match User::from_name(name).ok().flatten() {
        None => (
            what,
            false,
            format!("there is no account {name}: useradd --system --shell /usr/sbin/nologin {name}"),
        ),
        Some(user) if user.uid.is_root() => {
            (what, false, format!("{name} is root: make an account of its own"))
        }
        Some(user) => {
            let has_shell = !["nologin", "false"].iter().any(|end| user.shell.ends_with(end));
            let login =
                if has_shell { "; nobody need log in as it: usermod -s /usr/sbin/nologin " } else { "" };
            let whom = if has_shell { name } else { "" };
            (what, true, format!("{name} (user id {}); scripts run as it{login}{whom}", user.uid))
        }
    }
}

fn group_of(state: &State) -> Finding {
    let what = "group";
    let Ok(meta) = state.dir().metadata() else {
        return (what, false, "the state directory cannot be seen".to_owned());
    };
    let name = Group::from_gid(Gid::from_raw(meta.gid())).ok().flatten().map(|group| group.name);
    let Some(name) = name else {
        let dir = state.dir().display();
        return (what, false, format!("the group {} of {dir} has no name: chgrp GROUP {dir}", meta.gid()));
    };
    let members: Vec<String> = people::members(&name).into_iter().collect();
    match members.as_slice() {
        [] => (what, false, format!("nobody is in the group {name}: usermod -aG {name} PERSON")),
        members => (what, true, format!("{name}: {}", members.join(", "))),
    }
}

/// The directory, the store and what SQLite keeps beside it.
fn modes(state: &State, dir_mode: u32, file_mode: u32) -> Vec<Finding> {
    let beside = |end: &str| {
        let mut name = state.store().as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let wanted = [
        (state.dir().to_path_buf(), dir_mode),
        (state.store().to_path_buf(), file_mode),
        (beside("-wal"), file_mode),
        (beside("-shm"), file_mode),
    ];
    let mut wrong = Vec::new();
    for (path, mode) in wanted {
        let Ok(meta) = path.symlink_metadata() else { continue };
        let found = meta.mode() & 0o7777;
        if found != mode {
            let shown = path.display();
            // chmod keeps the setgid of a directory unless it is told with five digits.
            let digits = if found & !mode & 0o7000 == 0 { 4 } else { 5 };
            let told = format!("{shown} has mode {found:04o}: chmod {mode:0digits$o} {shown}");
            wrong.push(("modes", false, told));
        }
    }
    if wrong.is_empty() {
        wrong.push(("modes", true, format!("{dir_mode:04o} and {file_mode:04o}, as they should be")));
    }
    wrong
}

/// What decides what runs in other people's names must be root's.
fn files(config: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(match not_roots(config) {
        None => ("rules", true, format!("{} is root's up the whole path", config.display())),
        Some(why) => {
            ("rules", false, format!("who can write {} sets everybody's rules: {why}", config.display()))
        }
    });
    let program = std::env::current_exe().unwrap_or_default();
    let shown = program.display();
    findings.push(match program.metadata() {
        Ok(meta) if meta.mode() & 0o6000 != 0 => {
            ("program", false, format!("{shown} borrows rights: chmod ug-s {shown}"))
        }
        _ => match not_roots(&program) {
            None => ("program", true, format!("{shown} is root's up the whole path")),
            Some(why) => ("program", false, format!("whoever can replace {shown} acts as everybody: {why}")),
        },
    });
    findings
}

/// Whether the person may reach the service user through sudo without a password, and with nothing of their environment.
pub fn sudo_rule(service: &str) -> Finding {
    let what = "sudo";
    if let Some(uid) = enforced::caller() {
        return (what, true, format!("called through sudo by {}", super::identity::name_of(uid)));
    }
    if enforced::is_run_as(service) {
        return (what, true, format!("not called through sudo: this process acts as {service} itself"));
    }
    let program = std::env::current_exe().unwrap_or_default();
    let rule = format!("%GROUP ALL=({service}) NOPASSWD: {}", program.display());
    let asked = super::process::quiet_output("sudo", &["-n", "-l"]);
    let Some((is_good, text)) = asked else {
        return (what, false, "sudo is not installed: it is the way to the service user".to_owned());
    };
    let program = program.display().to_string();
    let mut lines = text.lines().filter(|line| {
        line.contains(&format!("({service})")) && (line.contains(&program) || line.ends_with(" ALL"))
    });
    // One rule that is too generous is enough.
    let line = lines.clone().find(|line| line.contains("SETENV")).or_else(|| lines.next());
    match line {
        Some(line) if line.contains("SETENV") => (
            what,
            false,
            format!(
                "the rule lets people set any variable, and so run anything as {service}: take SETENV out of it ({})",
                line.trim()
            ),
        ),
        Some(line) => (what, true, line.trim().to_owned()),
        None if getuid() == Uid::from_raw(0) => {
            (what, true, format!("root needs no rule; people need: {rule}"))
        }
        None => {
            let why = if is_good { "no rule leads there" } else { "sudo tells no rules without a password" };
            (what, false, format!("{why}; write with visudo: {rule}"))
        }
    }
}

/// The commands that set up a shared store, as a shell script for root.
pub fn shared_script(group: &str, dir: &Path, config: &Path, program: &Path) -> String {
    let (dir, config, program) = (dir.display(), config.display(), program.display());
    let folder =
        Path::new(&config.to_string()).parent().map_or_else(String::new, |dir| dir.display().to_string());
    format!(
        "# A store that the group {group} shares. Run as root; then log in again, so that the group counts.\n\
         set -eu\n\
         getent group {group} >/dev/null || groupadd {group}\n\
         install -d -m 2770 -o root -g {group} {dir}\n\
         install -d -m 0755 -o root -g root {folder}\n\
         test -e {config} || printf '%s\\n' '[relman]' 'database = \"{dir}/relman.db\"' > {config}\n\
         chown root:root {config} && chmod 0644 {config}\n\
         chown root:root {program} && chmod 0755 {program}\n\
         # each person: usermod -aG {group} PERSON\n\
         # then add [environments.*] and [services.*] to {config}, and as one of them: relman --config {config} doctor\n"
    )
}

/// The commands that set up a service user, as a shell script for root.
pub fn enforced_script(user: &str, group: &str, dir: &Path, config: &Path, program: &Path) -> String {
    let (dir, config, program) = (dir.display(), config.display(), program.display());
    let folder =
        Path::new(&config.to_string()).parent().map_or_else(String::new, |dir| dir.display().to_string());
    format!(
        "# A store that {user} owns alone; the group {group} reaches it through sudo. Run as root.\n\
         set -eu\n\
         getent group {group} >/dev/null || groupadd {group}\n\
         getent passwd {user} >/dev/null || useradd --system --user-group --home-dir {dir} --shell /usr/sbin/nologin {user}\n\
         install -d -m 0700 -o {user} -g {user} {dir} && chmod 00700 {dir}\n\
         install -d -m 0755 -o root -g root {folder}\n\
         test -e {config} || printf '%s\\n' '[relman]' 'database = \"{dir}/relman.db\"' 'service-user = \"{user}\"' > {config}\n\
         grep -q '^service-user = \"{user}\"' {config} || {{ echo 'write into [relman] of {config}: service-user = \"{user}\"; then run this again' >&2; exit 1; }}\n\
         chown root:root {config} && chmod 0644 {config}\n\
         chown root:root {program} && chmod 0755 {program}\n\
         rule=$(mktemp)\n\
         printf '%s\\n' 'Defaults!{program} env_reset, !setenv' '%{group} ALL=({user}) NOPASSWD: {program}' > \"$rule\"\n\
         visudo -cqf \"$rule\"\n\
         install -m 0440 -o root -g root \"$rule\" /etc/sudoers.d/{user}\n\
         rm -f \"$rule\"\n\
         # each person: usermod -aG {group} PERSON\n\
         # then add [environments.*] and [services.*] to {config}, and as one of them: sudo -u {user} {program} doctor\n"
    )
}
