//! A directory of its own with a configuration, scripts and a store, and the real binary run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::wait;

/// A place to run relman in. Kept on the disk when a test fails.
pub(crate) struct TestEnv {
    dir: tempfile::TempDir,
    /// Variables added to the clean environment.
    pub vars: Vec<(String, String)>,
}

/// What a command said and how it ended.
#[derive(Debug, Clone)]
#[must_use]
pub(crate) struct Said {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl Said {
    /// The answer of a `--json` command.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why}: {self:#?}"))
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }
}

/// Two environments, one service whose deploy script is `deploy.sh`; production asks for the version.
pub(crate) const MINIMAL: &str = r#"
[relman]
database = "state/relman.db"
[environments.staging]
[environments.production]
[services.api]
pipeline = ["staging", "production"]
grace = "1s"
scripts = { deploy = ["./deploy.sh"] }
"#;

impl TestEnv {
    /// With the minimal configuration and a script that prints its variables.
    pub(crate) fn new() -> Self {
        let env = Self { dir: tempfile::tempdir().unwrap(), vars: Vec::new() };
        env.config(MINIMAL);
        env.script("deploy.sh", "echo deploying $RELMAN_SERVICE $RELMAN_VERSION to $RELMAN_ENVIRONMENT");
        env
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Replaces relman.toml.
    pub(crate) fn config(&self, text: &str) {
        self.write("relman.toml", text, 0o644);
    }

    /// Writes an executable `sh` script.
    pub(crate) fn script(&self, name: &str, body: &str) {
        self.write(name, &format!("#!/bin/sh\n{body}\n"), 0o755);
    }

    #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The binary with a clean environment, as the person `alice`.
    #[expect(clippy::disallowed_methods, reason = "a test starts the program it tests")]
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relman"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.dir.path())
            .env("RELMAN_TEST_ACTOR", "alice:1001")
            .envs(self.vars.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        Self::finish(&mut self.command(args))
    }

    /// Runs a command as another person.
    pub(crate) fn run_as(&self, who: &str, args: &[&str]) -> Said {
        Self::finish(self.command(args).env("RELMAN_TEST_ACTOR", who))
    }

    pub(crate) fn finish(command: &mut Command) -> Said {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // A program that was killed has no code; shells say 128 + signal.
        let code = output.status.code().unwrap_or_else(|| {
            128 + std::os::unix::process::ExitStatusExt::signal(&output.status).unwrap_or(0)
        });
        Said { out: text(&output.stdout), err: text(&output.stderr), code }
    }

    /// Registers a release and brings it to the deploy stage.
    pub(crate) fn release(&self, id: &str) {
        let (service, version) = id.split_once('@').unwrap();
        self.run(&["release", "new", service, version]).ok().code.to_string();
        for _ in 0..5 {
            drop(self.run(&["release", "advance", id]).ok());
        }
    }

    /// One deployment as `relman show --json` tells it.
    pub(crate) fn deployment(&self, id: i64) -> serde_json::Value {
        let said = self.run(&["--json", "show", &id.to_string()]);
        if said.code == 0 { said.json()["deployment"]["deployment"].clone() } else { serde_json::Value::Null }
    }

    /// Waits until a deployment is in a state.
    #[track_caller]
    pub(crate) fn until_state(&self, id: i64, state: &str) -> serde_json::Value {
        wait::until(
            &format!("deployment {id} to be {state}"),
            || self.deployment(id),
            |d| d["state"] == state,
        )
    }

    /// The text of a deployment's log so far.
    pub(crate) fn log(&self, id: i64) -> String {
        let path = self.path(&format!("state/deployments/{id}/output.log"));
        std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn until_log(&self, id: i64, text: &str) -> String {
        wait::until(&format!("{text:?} in the log of {id}"), || self.log(id), |log| log.contains(text))
    }

    /// Waits until a file appears.
    #[track_caller]
    pub(crate) fn until_file(&self, name: &str) {
        let path = self.path(name);
        wait::until(&format!("{name} to appear"), || path.exists(), |there| *there);
    }

    /// A file the scripts wait for.
    pub(crate) fn touch(&self, name: &str) {
        self.write(name, "", 0o644);
    }

    /// Processes (pid, command line) that mention this directory or were started in it.
    pub(crate) fn processes(&self) -> Vec<(i32, String)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            let cwd = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let own = self.dir.path().canonicalize().unwrap();
            if (cwd == own || Path::starts_with(&cwd, &own)) && !line.is_empty() {
                found.push((pid, line.trim().to_owned()));
            }
        }
        found
    }

    /// The process of this directory whose command line holds `text`.
    #[track_caller]
    pub(crate) fn process(&self, text: &str) -> i32 {
        let found = wait::until(
            &format!("a process {text}"),
            || self.processes(),
            |all| all.iter().any(|p| p.1.contains(text)),
        );
        found.into_iter().find(|(_, line)| line.contains(text)).unwrap().0
    }
}

/// Sends a signal to one process.
pub(crate) fn signal(pid: i32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
}

impl Drop for TestEnv {
    /// Ends what a failed test left behind, and keeps its files.
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            drop(nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL));
        }
        if std::thread::panicking() {
            self.dir.disable_cleanup(true);
            println!("the files of this test are in {}", self.dir.path().display());
        }
    }
}
