//! What about this machine could end deployments or make relman misbehave.

use super::environment;

/// Name, whether it is in order, and what was found.
pub fn examine() -> Vec<(&'static str, bool, String)> {
    let mut findings = vec![logout()];
    let term = environment::variable("TERM").unwrap_or_else(|| "unset".to_owned());
    let inside = match (environment::variable("TMUX"), environment::variable("STY")) {
        (Some(_), _) => ", inside tmux",
        (None, Some(_)) => ", inside screen",
        (None, None) => "",
    };
    findings.push(("terminal", term != "unset", format!("TERM={term}{inside}")));
    findings.push(("time zone data", true, format!("IANA {}", chrono_tz::IANA_TZDB_VERSION)));
    findings
}

/// Room that several deployments with their logs need, and the store to grow.
const ENOUGH: u64 = 64 << 20;

/// Whether the disk of the store has room. On a full one scripts run on, but their output is lost and no outcome is
/// recorded until there is room again.
pub fn room(dir: &std::path::Path) -> (&'static str, bool, String) {
    let what = "disk";
    let Ok(disk) = nix::sys::statvfs::statvfs(dir) else {
        return (what, false, format!("how full the disk of {} is cannot be seen", dir.display()));
    };
    let size = disk.fragment_size();
    let (free, whole) = (disk.blocks_available() * size, disk.blocks() * size);
    let mib = |bytes: u64| bytes >> 20;
    // Some file systems count no files.
    let few_files = disk.files() > 0 && disk.files_available() < 1000;
    let text = format!("{} MiB free of {} MiB at {}", mib(free), mib(whole), dir.display());
    match (free < ENOUGH, few_files) {
        (false, false) => (what, true, text),
        (true, _) => (what, false, format!("{text}: make room, output and outcomes get lost on a full disk")),
        (false, true) => (what, false, format!("{text}, but for hardly any more files: take old ones away")),
    }
}

/// logind may kill everything a person started when they log out, detached or not: what is started in a login session
/// belongs to it, and lingering does not change that (logind.conf(5)).
fn logout() -> (&'static str, bool, String) {
    let what = "logout";
    if !std::path::Path::new("/run/systemd/seats").exists() {
        return (what, true, "no logind here: nothing ends detached processes".to_owned());
    }
    let user = super::identity::name_of(nix::unistd::getuid().as_raw());
    if !kills_at_logout(&logind_lines(), &user) {
        return (what, true, "logind leaves detached processes alone at logout".to_owned());
    }
    let text = format!(
        "logind ends what {user} started at logout (KillUserProcesses=yes): a deployment would die with the session; add \
         {user} to KillExcludeUsers= in /etc/systemd/logind.conf, or start relman in a session that stays: systemd-run \
         --user --scope tmux"
    );
    (what, false, text)
}

/// The lines of logind's configuration in the order in which later ones win.
fn logind_lines() -> Vec<String> {
    let main = ["/etc", "/run", "/usr/lib"].map(|root| format!("{root}/systemd/logind.conf"));
    let mut files: Vec<String> =
        main.into_iter().find(|path| std::path::Path::new(path).exists()).into_iter().collect();
    let mut drop_ins = std::collections::BTreeMap::new();
    for root in ["/usr/lib", "/run", "/etc"] {
        let dir = format!("{root}/systemd/logind.conf.d");
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().ends_with(".conf") {
                drop_ins.insert(name, entry.path().display().to_string());
            }
        }
    }
    files.extend(drop_ins.into_values());
    let texts = files.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn kills_at_logout(lines: &[String], user: &str) -> bool {
    let mut kills = false;
    let mut spared: Vec<String> = vec!["root".to_owned()];
    for line in lines {
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        match (key.trim(), value.trim()) {
            ("KillUserProcesses", value) => {
                kills = matches!(value.to_ascii_lowercase().as_str(), "yes" | "true" | "on" | "1");
            }
            ("KillExcludeUsers", value) => spared = value.split_whitespace().map(str::to_owned).collect(),
            _ => {}
        }
    }
    kills && !spared.iter().any(|name| name == user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kills(text: &str, user: &str) -> bool {
        kills_at_logout(&text.lines().map(str::to_owned).collect::<Vec<_>>(), user)
    }

    #[test]
    fn the_last_word_of_logind_counts_and_those_it_spares_are_spared() {
        assert!(!kills("[Login]\n#KillUserProcesses=yes", "alice"));
        assert!(kills("[Login]\nKillUserProcesses=yes", "alice"));
        assert!(!kills("KillUserProcesses=yes\nKillUserProcesses=no", "alice"));
        assert!(!kills("KillUserProcesses=yes", "root"));
        assert!(!kills("KillUserProcesses=yes\nKillExcludeUsers=root alice", "alice"));
    }
}
