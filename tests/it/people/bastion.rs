//! A machine with two people, a group, a program that is root's and a place for a store.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::support::env::Said;

/// Accounts are made one after the other: the tools lock the files they change and do not wait.
static ACCOUNTS: Mutex<()> = Mutex::new(());
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// What is made for one test, and taken away when it ends.
pub(super) struct Bastion {
    /// Root's directory with the program, the configuration and the scripts.
    base: PathBuf,
    pub alice: String,
    pub bob: String,
    /// The service user, where the set-up script makes one.
    pub service: String,
    pub group: String,
}

#[expect(clippy::disallowed_methods, reason = "a test runs the tools of the system")]
fn tool(program: &str, args: &[&str]) -> Option<Output> {
    Command::new(program).args(args).stdin(Stdio::null()).output().ok()
}

fn is_there(program: &str) -> bool {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].iter().any(|dir| Path::new(dir).join(program).exists())
}

/// Runs a tool that changes the accounts; another process may hold their lock for a moment.
fn change(program: &str, args: &[&str]) -> bool {
    let _one: MutexGuard<'_, ()> = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let Some(output) = tool(program, args) else { return false };
        let is_locked = String::from_utf8_lossy(&output.stderr).contains("lock");
        if output.status.success() || !is_locked || std::time::Instant::now() > deadline {
            return output.status.success();
        }
        std::thread::yield_now();
    }
}

impl Bastion {
    /// `None` where this cannot be tried, which is said.
    pub(super) fn new(needs: &[&str]) -> Option<Self> {
        if !nix::unistd::getuid().is_root() {
            crate::support::skipped("needs root");
            return None;
        }
        let tools = ["useradd", "userdel", "groupadd", "groupdel", "setpriv"];
        if let Some(missing) = tools.iter().chain(needs).find(|name| !is_there(name)) {
            crate::support::skipped(&format!("there is no {missing} here"));
            return None;
        }
        let tag = format!("{}n{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let bastion = Self {
            base: PathBuf::from(format!("/var/lib/rlmtest-{tag}")),
            alice: format!("rlma{tag}"),
            bob: format!("rlmb{tag}"),
            service: format!("rlms{tag}"),
            group: format!("rlmg{tag}"),
        };
        let made = change("groupadd", &[&bastion.group])
            && [&bastion.alice, &bastion.bob]
                .iter()
                .all(|name| change("useradd", &["-M", "-s", "/bin/sh", "-G", &bastion.group, name.as_str()]));
        if !made {
            crate::support::skipped("accounts cannot be made here");
            return None;
        }
        for dir in ["", "bin", "etc"] {
            std::fs::create_dir(bastion.path(dir)).unwrap();
        }
        // A copy that is root's and that everybody can reach.
        std::fs::copy(env!("CARGO_BIN_EXE_relman"), bastion.program()).unwrap();
        bastion.script("deploy.sh", "id -un; echo deployed $RELMAN_VERSION for $RELMAN_ACTOR in $HOME");
        Some(bastion)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    pub(super) fn program(&self) -> PathBuf {
        self.path("bin/relman")
    }

    pub(super) fn config_path(&self) -> PathBuf {
        self.path("etc/relman.toml")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.path("state")
    }

    #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
    pub(super) fn write(&self, name: &str, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(self.path(name), text).unwrap();
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(super) fn script(&self, name: &str, body: &str) {
        self.write(name, &format!("#!/bin/sh\n{body}\n"), 0o755);
    }

    /// Rules for the two: bob approves production, `lines` go into `[relman]`.
    pub(super) fn rules(&self, name: &str, lines: &str) {
        let text = format!(
            "[relman]\ndatabase = \"{}/relman.db\"\n{lines}\n[groups]\nmanagers = [\"{}\"]\nteam = [\"%{}\"]\n\
             [environments.staging]\n[environments.production]\nconfirm = \"none\"\n\
             approvals = [{{ from = \"managers\" }}]\ndeployers = [\"team\"]\n[process.standard]\nenter = \"deploy\"\n\
             [services.api]\npipeline = [\"staging\", \"production\"]\nscripts = {{ deploy = [\"{}\"] }}\n",
            self.state().display(),
            self.bob,
            self.group,
            self.path("deploy.sh").display()
        );
        self.write(name, &text, 0o644);
    }

    /// Prints the set-up with relman itself and lets root's shell carry it out.
    #[track_caller]
    pub(super) fn set_up(&self, way: &str) {
        drop(self.tries_to_set_up(way).ok());
    }

    /// The same, and what came of it.
    pub(super) fn tries_to_set_up(&self, way: &str) -> Said {
        let (dir, base) = (self.state().display().to_string(), self.base.display().to_string());
        let mut args = vec!["setup", way, "--group", self.group.as_str(), "--dir", dir.as_str()];
        if way == "enforced" {
            args.extend(["--user", self.service.as_str()]);
        }
        let printed = self.at("root", &self.program(), &args, &[]).ok();
        self.write("setup.sh", &printed.out, 0o644);
        let _one = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
        Said::of(&tool("sh", &[&format!("{base}/setup.sh")]).unwrap())
    }

    /// Runs a program as somebody, with a clean environment and what `vars` add or forge.
    #[expect(clippy::disallowed_methods, reason = "a test starts the program it tests")]
    #[track_caller]
    pub(super) fn at(&self, who: &str, program: &Path, args: &[&str], vars: &[(&str, &str)]) -> Said {
        let mut command = Command::new("setpriv");
        if who == "root" {
            command.arg("--reuid=0");
        } else if who.chars().all(|c| c.is_ascii_digit()) {
            command.args([&format!("--reuid={who}"), &format!("--regid={who}"), "--clear-groups"]);
        } else {
            command.args([&format!("--reuid={who}"), &format!("--regid={who}"), "--init-groups"]);
        }
        let output = command
            .arg("--")
            .arg(program)
            .args(args)
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin")
            .env("HOME", "/")
            .env("RELMAN_TEST_SYSTEM_CONFIG", self.config_path())
            .envs(vars.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said::of(&output)
    }

    /// relman as somebody, directly.
    #[track_caller]
    pub(super) fn relman(&self, who: &str, args: &[&str]) -> Said {
        self.at(who, &self.program(), args, &[])
    }

    /// relman as the service user, reached through sudo.
    #[track_caller]
    pub(super) fn through_sudo(&self, who: &str, args: &[&str]) -> Said {
        let program = self.program().display().to_string();
        let all = [&["-n", "-u", self.service.as_str(), program.as_str()], args].concat();
        self.at(who, Path::new("/usr/bin/sudo"), &all, &[])
    }

    /// Lets the variable through that names the configuration of this test; real ones stand in /etc/relman.
    pub(super) fn let_test_config_through(&self) {
        let rule =
            format!("Defaults!{} env_keep += \"RELMAN_TEST_SYSTEM_CONFIG\"\n", self.program().display());
        self.write("test-rule", &rule, 0o440);
        std::fs::copy(self.path("test-rule"), format!("/etc/sudoers.d/{}-test", self.service)).unwrap();
    }

    /// Adds a rule of sudo behind the others.
    pub(super) fn also_rule(&self, rule: &str) {
        self.write("careless", rule, 0o440);
        std::fs::copy(self.path("careless"), format!("/etc/sudoers.d/{}-zcareless", self.service)).unwrap();
    }
}

impl Drop for Bastion {
    fn drop(&mut self) {
        for name in [&self.alice, &self.bob, &self.service] {
            change("userdel", &["-f", name]);
        }
        for name in [&self.group, &self.alice, &self.bob, &self.service] {
            change("groupdel", &[name]);
        }
        for end in ["", "-test", "-zcareless"] {
            let _gone = std::fs::remove_file(format!("/etc/sudoers.d/{}{end}", self.service));
        }
        let _gone = std::fs::remove_dir_all(&self.base);
    }
}
