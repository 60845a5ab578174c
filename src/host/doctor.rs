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

/// logind may kill everything a person started when they log out, detached or not.
fn logout() -> (&'static str, bool, String) {
    let what = "logout";
    if !std::path::Path::new("/run/systemd/seats").exists() {
        return (what, true, "no logind here: nothing ends detached processes".to_owned());
    }
    let kills = ["/etc/systemd/logind.conf", "/usr/lib/systemd/logind.conf"].iter().any(|path| {
        std::fs::read_to_string(path).is_ok_and(|text| {
            text.lines()
                .any(|line| line.trim().replace(' ', "").eq_ignore_ascii_case("KillUserProcesses=yes"))
        })
    });
    let user = super::identity::name_of(nix::unistd::getuid().as_raw());
    let lingers = std::path::Path::new("/var/lib/systemd/linger").join(&user).exists();
    match (kills, lingers) {
        (false, _) => (what, true, "logind leaves detached processes alone at logout".to_owned()),
        (true, true) => (what, true, format!("logind kills processes at logout, but {user} lingers")),
        (true, false) => {
            let text = format!(
                "logind kills what {user} started at logout (KillUserProcesses=yes): deployments would die; \
                 run: loginctl enable-linger {user}"
            );
            (what, false, text)
        }
    }
}
