//! The panes go on under the rules as they are now.

use crate::support::env::{MINIMAL, TestEnv};
use crate::support::pty::Terminal;

#[test]
fn a_changed_configuration_is_in_force_at_once_and_a_broken_one_is_said() {
    let env = TestEnv::new();
    let rules = format!("{MINIMAL}[process.standard]\nenter = \"build\"\n");
    env.config(&rules);
    env.script("deploy.sh", "echo ran");
    env.registered("api@1.0.0");
    let mut panes = Terminal::with(&env, (120, 40), &[]);
    panes.wait_for("staging is open");

    let stricter = "[groups]\nsre = [\"nobody-here\", \"nor-here\"]\n[environments.staging]\napprovals = [{ from = \"sre\" }]";
    let closed = rules.replace("[environments.staging]", stricter);
    env.config(&closed);
    panes.wait_for("relman.toml was changed; its rules are in force");
    panes.wait_for("waits for sre");

    env.config("[relman\n");
    panes.wait_for("relman.toml was changed and cannot be used");
    panes.send("j");
    panes.wait_without("cannot be used");
    panes.wait_for("waits for sre");

    env.config(&closed.replace("state/relman.db", "elsewhere/relman.db"));
    panes.wait_for("elsewhere/relman.db");
    assert!(!env.path("elsewhere").exists());

    env.config(&rules);
    panes.wait_for("staging is open");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}
