//! A directory of its own with a configuration, scripts and a store, and the real binary run in it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use relman::domain::digest::Digest;

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
    pub(crate) fn of(output: &std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // A program that was killed has no code; shells say 128 + signal.
        let code = output.status.code().unwrap_or_else(|| {
            128 + std::os::unix::process::ExitStatusExt::signal(&output.status).unwrap_or(0)
        });
        Self { out: text(&output.stdout), err: text(&output.stderr), code }
    }

    /// The answer of a `--json` command.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why}: {self:#?}"))
    }

    /// The error of a `--json` command.
    #[track_caller]
    pub(crate) fn error(&self) -> serde_json::Value {
        let error: serde_json::Value =
            serde_json::from_str(&self.err).unwrap_or_else(|why| panic!("{why}: {self:#?}"));
        assert_eq!(error["schema"], 1, "{self:#?}");
        error["error"].clone()
    }

    /// Insists on everything: exit code, standard output and standard error.
    #[track_caller]
    pub(crate) fn is(&self, code: i32, out: &str, err: &str) {
        assert!(
            (self.code, self.out.as_str(), self.err.as_str()) == (code, out, err),
            "exit {}, not {code}\n--- out ---\n{}--- not ---\n{out}--- err ---\n{}--- not ---\n{err}",
            self.code,
            self.out,
            self.err,
        );
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.exits(0)
    }

    /// Insists on an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

/// The program under test.
const RELMAN: &str = env!("CARGO_BIN_EXE_relman");

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

/// The minimal configuration without its service's scripts: whoever uses it adds the rest of the section.
const WITHOUT_SCRIPTS: &str = r#"
[relman]
database = "state/relman.db"
[environments.staging]
[environments.production]
[process.standard]
enter = "build"
[services.api]
pipeline = ["staging", "production"]
"#;

/// The line that lets a script wait until a test lets it go on.
pub(crate) fn gate(name: &str) -> String {
    format!("while [ ! -e {name} ]; do sleep 0.05; done")
}

/// Waits for a process and what it says; one that does not end is killed, and its test fails.
#[track_caller]
fn bounded(child: Child) -> Said {
    // Far more than the slowest command takes on the slowest machine.
    const PATIENCE: Duration = Duration::from_secs(120);
    let pid = i32::try_from(child.id()).unwrap();
    let (sender, ended) = channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(PATIENCE) else {
        signal(pid, nix::sys::signal::Signal::SIGKILL);
        panic!("a command did not end within {PATIENCE:?}");
    };
    Said::of(&output.unwrap())
}

/// A front end at work, with its streams caught.
pub(crate) struct FrontEnd(Child);

impl FrontEnd {
    pub(crate) fn pid(&self) -> i32 {
        self.0.id().try_into().unwrap()
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(self) -> Said {
        bounded(self.0)
    }
}

impl TestEnv {
    /// With the minimal configuration and a script that prints its variables.
    pub(crate) fn new() -> Self {
        let env = Self { dir: tempfile::tempdir().unwrap(), vars: Vec::new() };
        env.config(MINIMAL);
        env.script("deploy.sh", "echo deploying $RELMAN_SERVICE $RELMAN_VERSION to $RELMAN_ENVIRONMENT");
        env
    }

    /// With these lines in the section of the service `api`; its releases begin in the build stage, so that they
    /// may be deployed to staging at once.
    pub(crate) fn with_service(lines: &str) -> Self {
        let env = Self::new();
        env.config(&format!("{WITHOUT_SCRIPTS}{lines}\n"));
        env
    }

    /// With a deploy script of this body, a grace of one second and the release api@1.0.0.
    pub(crate) fn deploying(body: &str) -> Self {
        let env = Self::with_service("grace = \"1s\"\nscripts = { deploy = [\"./deploy.sh\"] }");
        env.script("deploy.sh", body);
        env.registered("api@1.0.0");
        env
    }

    /// Registers a release where the configuration lets it begin.
    #[track_caller]
    pub(crate) fn registered(&self, id: &str) {
        let (service, version) = id.split_once('@').unwrap();
        drop(self.run(&["release", "new", service, version]).ok());
    }

    /// Starts a deployment of api@1.0.0 to staging and returns its number.
    #[track_caller]
    pub(crate) fn start(&self) -> i64 {
        let said = self.run(&["--json", "deploy", "api@1.0.0", "staging", "--detach"]).ok();
        said.json()["deployment"]["id"].as_i64().unwrap()
    }

    /// Deploys api@1.0.0 to staging and waits for the end.
    pub(crate) fn deploy(&self) -> Said {
        self.run(&["deploy", "api@1.0.0", "staging"])
    }

    /// Starts a front end without waiting for it.
    pub(crate) fn front_end(&self, args: &[&str]) -> FrontEnd {
        Self::at_work(&mut self.command(args))
    }

    /// The same, started by another program.
    pub(crate) fn front_end_through(&self, wrapper: &[&str], args: &[&str]) -> FrontEnd {
        Self::at_work(&mut self.command_through(wrapper, args))
    }

    fn at_work(command: &mut Command) -> FrontEnd {
        FrontEnd(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
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
        self.program(name, &format!("#!/bin/sh\n{body}\n"));
    }

    /// Writes an executable file. Another process does it: a descriptor of ours that is open for writing could live
    /// on for a moment in a process that another test is just starting, and the kernel runs no file that somebody
    /// has open for writing.
    #[expect(clippy::disallowed_methods, reason = "see above")]
    pub(crate) fn program(&self, name: &str, text: &str) {
        let mut cat = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(self.path(name))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut cat.stdin.take().unwrap(), text.as_bytes()).unwrap();
        assert!(cat.wait().unwrap().success(), "{name} could not be written");
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
        let mut command = Command::new(RELMAN);
        command.args(args);
        self.surround(&mut command);
        command
    }

    /// The binary started by another program, such as a shell that changes what it inherits.
    #[expect(clippy::disallowed_methods, reason = "a test starts the program it tests")]
    pub(crate) fn command_through(&self, wrapper: &[&str], args: &[&str]) -> Command {
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(RELMAN).args(args);
        self.surround(&mut command);
        command
    }

    fn surround(&self, command: &mut Command) {
        command
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.dir.path())
            .env("RELMAN_TEST_ACTOR", "alice:1001")
            .envs(self.vars.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
    }

    /// Runs a command to its end.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        Self::finish(&mut self.command(args))
    }

    /// Runs a command as another person.
    #[track_caller]
    pub(crate) fn run_as(&self, who: &str, args: &[&str]) -> Said {
        Self::finish(self.command(args).env("RELMAN_TEST_ACTOR", who))
    }

    #[track_caller]
    pub(crate) fn finish(command: &mut Command) -> Said {
        bounded(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
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

    /// The steps of a deployment.
    #[track_caller]
    pub(crate) fn steps(&self, id: i64) -> Vec<serde_json::Value> {
        let said = self.run(&["--json", "show", &id.to_string()]).ok();
        said.json()["deployment"]["steps"].as_array().unwrap().clone()
    }

    /// Waits until a deployment is in a state.
    #[track_caller]
    pub(crate) fn until_state(&self, id: i64, state: &str) -> serde_json::Value {
        let d = wait::until(
            &format!("deployment {id} to be {state}"),
            || self.deployment(id),
            |d| d["state"] == state,
        );
        // What is shown may come from the exit record; what follows asks the store.
        wait::until(
            &format!("deployment {id} to be recorded as {state}"),
            || self.recorded(id),
            |known| known == state,
        );
        d
    }

    /// The state of a deployment in the store itself.
    pub(crate) fn recorded(&self, id: i64) -> String {
        let store = relman::store::Store::open(&self.path("state/relman.db")).unwrap();
        let id = relman::domain::ids::DeploymentId(id);
        store.read(|tx| relman::store::deployments::get(tx, id)).unwrap().state.to_string()
    }

    /// Waits until the script of a deployment runs and the store knows it; returns the script's process.
    #[track_caller]
    pub(crate) fn until_script(&self, id: i64) -> i32 {
        let d = wait::until(
            &format!("the script of {id} to be known"),
            || self.deployment(id),
            |d| d["script"]["pid"].is_i64(),
        );
        i32::try_from(d["script"]["pid"].as_i64().unwrap()).unwrap()
    }

    /// One of a deployment's files.
    pub(crate) fn file_of(&self, id: i64, name: &str) -> PathBuf {
        self.path(&format!("state/deployments/{id}/{name}"))
    }

    /// A deployment's log so far, as it is on the disk.
    pub(crate) fn log_bytes(&self, id: i64) -> Vec<u8> {
        std::fs::read(self.file_of(id, "output.log")).unwrap_or_default()
    }

    /// The text of a deployment's log so far.
    pub(crate) fn log(&self, id: i64) -> String {
        String::from_utf8_lossy(&self.log_bytes(id)).into_owned()
    }

    /// The outcome in a deployment's exit record, when its checksum is right.
    pub(crate) fn exit_record(&self, id: i64) -> Option<serde_json::Value> {
        let bytes = std::fs::read(self.file_of(id, "exit")).ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let mut lines = text.lines();
        let (line, digest) = (lines.next()?, lines.next()?);
        let record: serde_json::Value = serde_json::from_str(line).ok()?;
        (Digest::of(line.as_bytes()).as_str() == digest).then(|| record["outcome"].clone())
    }

    /// Insists that the store is whole and the journal unbroken.
    #[track_caller]
    pub(crate) fn assert_sound(&self) {
        drop(self.run(&["audit", "verify"]).ok());
        let findings = self.run(&["--json", "doctor"]).json()["findings"].clone();
        let findings = findings.as_array().unwrap();
        for what in ["integrity", "journal"] {
            assert!(findings.iter().any(|f| f["what"] == what && f["ok"] == true), "{what}: {findings:#?}");
        }
    }

    /// Insists that staging takes a deployment again: a fresh one of api@1.0.0 by a script that succeeds.
    #[track_caller]
    pub(crate) fn assert_free(&self) {
        self.script("deploy.sh", "echo free again");
        drop(self.deploy().ok());
    }

    /// The journal's entries about one subject, oldest first.
    #[track_caller]
    pub(crate) fn journal(&self, subject: &str) -> Vec<serde_json::Value> {
        let said = self.run(&["--json", "audit", "list", "--subject", subject, "--limit", "1000"]).ok();
        let mut entries = said.json()["entries"].as_array().unwrap().clone();
        entries.reverse();
        entries
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

    /// The text of a file that a script writes.
    #[track_caller]
    pub(crate) fn until_text(&self, name: &str) -> String {
        let path = self.path(name);
        let text = wait::until(
            &format!("text in {name}"),
            || std::fs::read_to_string(&path).unwrap_or_default(),
            |text| text.ends_with('\n'),
        );
        text.trim_end().to_owned()
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

/// Who has a file open.
pub(crate) fn holder(file: &Path) -> Option<i32> {
    std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let open = std::fs::read_dir(entry.path().join("fd")).ok()?;
        open.flatten().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|to| to == file)).then_some(pid)
    })
}

/// Whether a process runs; one that is dead and not yet collected does not.
pub(crate) fn is_alive(pid: i32) -> bool {
    state_of(pid).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// The kernel's letter for what a process does: `T` when it is stopped.
pub(crate) fn state_of(pid: i32) -> Option<char> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(") ")?.1.chars().next()
}

#[track_caller]
pub(crate) fn until_gone(pid: i32) {
    wait::until(&format!("process {pid} to end"), || is_alive(pid), |alive| !alive);
}

#[track_caller]
pub(crate) fn until_stopped(pid: i32) {
    wait::until(&format!("process {pid} to stop"), || state_of(pid), |state| *state == Some('T'));
}

/// Sends a signal to one process.
pub(crate) fn signal(pid: i32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
}

impl Drop for TestEnv {
    /// Ends what a failed test left behind, and keeps its files.
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            let _gone =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
        if std::thread::panicking() {
            self.dir.disable_cleanup(true);
            println!("the files of this test are in {}", self.dir.path().display());
        }
    }
}
