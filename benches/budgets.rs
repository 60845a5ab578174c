//! The budgets of the design, as ratios against a baseline measured in the same run.
//!
//! `cargo bench` prints one line a budget. Nothing here fails a build: the machines are shared, so a number means
//! something only beside its baseline. With an argument, only budgets whose name contains it are measured.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use relman::desk::Desk;
use relman::domain::actor::Via;
use relman::domain::deployment::{Cause, DeploymentState, Outcome, ProcessRef};
use relman::domain::digest::Digest;
use relman::domain::ids::{DeploymentId, ReleaseId};
use relman::domain::policy::{KeyFiles, Service};
use relman::domain::signature::{Signed, Signer};
use relman::domain::subject::ScriptSet;
use relman::domain::time::Timestamp;
use relman::ops::approval::sign::Order;
use relman::ops::deployment::{Ticket, claim, finish, start};
use relman::ops::release::{cancel, create};
use relman::ops::{Ctx, Liveness, Machine};

const RELMAN: &str = env!("CARGO_BIN_EXE_relman");

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, store] = arguments.as_slice()
        && mode == "--bare"
    {
        return bare(Path::new(store));
    }
    let wanted = arguments.iter().find(|word| !word.starts_with('-')).cloned().unwrap_or_default();
    let budgets: [(&str, fn()); 4] = [
        ("first-board", first_board),
        ("deploy-output", deploy_output),
        ("line-latency", line_latency),
        ("idle", idle),
    ];
    for (name, measure) in budgets {
        if name.contains(&wanted) {
            measure();
        }
    }
}

/// A directory with a configuration and a store.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(script: &str) -> Self {
        let place = Self { dir: tempfile::tempdir().expect("a temporary directory") };
        place.write(
            "relman.toml",
            "[relman]\ndatabase = \"state/relman.db\"\n[environments.dev]\n[environments.staging]\n\
             [process.standard]\nenter = \"build\"\n\
             [services.api]\npipeline = [\"dev\", \"staging\"]\nscripts = { deploy = [\"./deploy.sh\"] }\n",
        );
        place.write("deploy.sh", &format!("#!/bin/sh\n{script}\n"));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::File::create(&path).and_then(|mut file| file.write_all(text.as_bytes())).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    fn desk(&self) -> Desk {
        Desk::open(relman::config::load(&self.path("relman.toml")).expect("a configuration"), Via::Cli)
            .expect("a desk")
    }

    fn relman(&self, args: &[&str]) -> Command {
        let mut command = program(RELMAN);
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) {
        let output = self.relman(args).output().expect("relman runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark starts what it measures")]
fn program(name: &str) -> Command {
    Command::new(name)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark waits for what it measures")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ratio(name: &str, budget: f64, ours: Duration, baseline: Duration, what: &str) {
    let ratio = ours.as_secs_f64() / baseline.as_secs_f64();
    let verdict = if ratio <= budget { "within" } else { "OVER" };
    println!(
        "{name:<14} {ratio:>6.3} × {what} (budget {budget} ×: {verdict}); {ours:.1?} against {baseline:.1?}"
    );
}

/// exec → first full board, with 10,000 past releases and 50 open ones, against a bare ratatui program that reads
/// one row of the same file.
fn first_board() {
    let place = Place::new("true");
    fill(&place, 10_000, 50);
    let store = place.path("state/relman.db");
    let own = std::env::current_exe().expect("this program");
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..31 {
        ours.push(time_to(RELMAN, &[], place.dir.path(), "api@2.49.0"));
        let args = ["--bare".to_owned(), store.display().to_string()];
        bare.push(time_to(&own.display().to_string(), &args, place.dir.path(), "one-row:"));
    }
    ratio("first-board", 2.0, median(ours), median(bare), "a bare program");
}

/// Past releases, each deployed once, and open ones.
fn fill(place: &Place, past: usize, open: usize) {
    let desk = place.desk();
    let machine =
        Unmoved { host: desk.cx().machine.host().to_owned(), boot: desk.cx().machine.boot().to_owned() };
    let cx = || Ctx { machine: &machine, ..desk.cx() };
    let new = create::NewRelease::default();
    let id = |line: usize, number: usize| -> ReleaseId {
        format!("api@{line}.{number}.0").parse().expect("an id")
    };
    for number in 0..past {
        let id = id(1, number);
        create::create(&cx(), &id, &new).expect("a release");
        let wish = start::StartDeploy::new(id.clone(), "dev".parse().expect("an environment"));
        let started = start::start(&cx(), &wish).expect("a deployment").deployment;
        claim::claim(&cx(), started.id, started.epoch).expect("a claim");
        finish::settle(&cx(), started.id, started.epoch, &finish::LIVE, &success(cx().now), None)
            .expect("an end");
        cancel::cancel(&cx(), &id, "history").expect("a past release");
    }
    // The newest is registered first, so that the last line of the first screen is known.
    for number in (0..open).rev() {
        create::create(&desk.cx(), &id(2, number), &new).expect("a release");
    }
}

fn success(at: Timestamp) -> Outcome {
    Outcome {
        state: DeploymentState::Succeeded,
        cause: Cause::Completed,
        failed_step: None,
        at,
        log_size: 0,
        log_digest: Digest::of(b""),
        log_dropped: 0,
        left_running: Vec::new(),
    }
}

/// A machine on which nothing is really started: for filling a store with history.
struct Unmoved {
    host: String,
    boot: String,
}

impl Machine for Unmoved {
    fn host(&self) -> &str {
        &self.host
    }
    fn boot(&self) -> &str {
        &self.boot
    }
    fn unix_members(&self, _group: &str) -> BTreeSet<String> {
        BTreeSet::new()
    }
    fn scripts(&self, _service: &Service) -> ScriptSet {
        ScriptSet::default()
    }
    fn launch(&self, _ticket: &Ticket) -> Result<(), String> {
        Ok(())
    }
    fn liveness(&self, _id: DeploymentId) -> Liveness {
        Liveness::Alive
    }
    fn exit_record(&self, _id: DeploymentId, _epoch: i64) -> Option<Outcome> {
        None
    }
    fn script_runs(&self, _script: ProcessRef) -> bool {
        false
    }
    fn adopt(&self, _id: DeploymentId, _script: ProcessRef) -> Result<(), String> {
        Ok(())
    }
    fn set_variables(&self, _names: &[String]) -> Vec<String> {
        Vec::new()
    }
    fn nonce(&self) -> Result<String, String> {
        Err("nothing is signed here".to_owned())
    }
    fn sign(&self, _order: &Order<'_>) -> Result<Signed, String> {
        Err("nothing is signed here".to_owned())
    }
    fn check_signature(
        &self,
        _keys: &KeyFiles,
        _signed: &Signed,
        _person: &str,
        _at: Timestamp,
    ) -> Result<Signer, String> {
        Err("nothing is signed here".to_owned())
    }
    fn log_size(&self, _id: DeploymentId) -> u64 {
        0
    }
    fn log_facts(&self, _id: DeploymentId) -> (u64, Digest) {
        (0, Digest::of(b""))
    }
    fn log_start(&self, _id: DeploymentId, _size: u64) -> Option<(u64, Digest)> {
        None
    }
}

/// The baseline: enter the alternate screen, read one row, draw it, wait to be killed.
fn bare(store: &Path) {
    let mut terminal = ratatui::init();
    let connection = rusqlite::Connection::open(store).expect("the store");
    let row: String =
        connection.query_row("SELECT record FROM releases LIMIT 1", [], |row| row.get(0)).expect("one row");
    terminal
        .draw(|frame| {
            frame.render_widget(ratatui::widgets::Paragraph::new(format!("one-row: {row}")), frame.area());
        })
        .expect("a frame");
    pause(Duration::from_secs(60));
}

/// Starts a program in a terminal of 80×24 and waits until `text` is on its way to the screen.
fn time_to(program: &str, args: &[String], dir: &Path, text: &str) -> Duration {
    let (mut session, output) = open_terminal(program, args, dir);
    let start = session.start;
    let mut seen = String::new();
    while !seen.contains(text) {
        let bytes = output
            .recv_timeout(Duration::from_secs(30))
            .unwrap_or_else(|_| panic!("{text} does not appear in {seen:?}"));
        seen.push_str(&String::from_utf8_lossy(&bytes));
    }
    let took = start.elapsed();
    session.child.kill().expect("it can be ended");
    drop(session.child.wait());
    took
}

struct Terminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    start: Instant,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

fn open_terminal(program: &str, args: &[String], dir: &Path) -> (Terminal, Receiver<Vec<u8>>) {
    let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a terminal");
    let mut command = CommandBuilder::new(program);
    command.args(args);
    command.cwd(dir);
    command.env("TERM", "xterm-256color");
    let mut reader = pair.master.try_clone_reader().expect("its output");
    let start = Instant::now();
    let child = pair.slave.spawn_command(command).expect("the program starts");
    let (sender, output) = channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read) = reader.read(&mut buffer) {
            if read == 0 || sender.send(buffer[..read].to_vec()).is_err() {
                break;
            }
        }
    });
    (Terminal { child, start, _master: pair.master }, output)
}

/// A deployment whose script prints 1,000,000 lines of 100 bytes, against `sh script > file`.
fn deploy_output() {
    let line = "x".repeat(99);
    let script = format!("i=0; while [ $i -lt 1000000 ]; do echo {line}; i=$((i+1)); done");
    let place = Place::new(&script);
    place.run(&["release", "new", "api", "1.0.0"]);
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let start = Instant::now();
        let file = std::fs::File::create(place.path("plain.log")).expect("a file");
        let script = place.path("deploy.sh");
        let status = program("sh").arg(script).stdout(file).status().expect("sh runs");
        assert!(status.success());
        plain.push(start.elapsed());
        let start = Instant::now();
        place.run(&["--json", "deploy", "api@1.0.0", "dev"]);
        ours.push(start.elapsed());
    }
    ratio("deploy-output", 1.05, median(ours), median(plain), "sh script > file");
}

/// A line printed → the line out of `relman log -f` in another process, beside `tail -f` on the same file.
fn line_latency() {
    let place = Place::new("sleep 1; i=0; while [ $i -lt 400 ]; do date +%s%N; sleep 0.01; i=$((i+1)); done");
    place.run(&["release", "new", "api", "1.0.0"]);
    place.run(&["deploy", "api@1.0.0", "dev", "--detach"]);
    let ours = follow(place.relman(&["log", "-f", "1"]));
    let mut tail = program("tail");
    tail.args(["-n", "+1", "-f"]).arg(place.path("state/deployments/1/output.log"));
    let theirs = follow(tail);
    let (ours, theirs) = (ours.recv().expect("latencies"), theirs.recv().expect("latencies"));
    let percentile = |times: &[Duration], percent: usize| times[(times.len() - 1) * percent / 100];
    let (p50, p99) = (percentile(&ours, 50), percentile(&ours, 99));
    let verdict = if p99 <= Duration::from_millis(25) { "within" } else { "OVER" };
    println!(
        "line-latency   p50 {p50:.1?}, p99 {p99:.1?} of {} lines (budget p99 25 ms: {verdict}); tail -f: p50 {:.1?}, p99 {:.1?}",
        ours.len(),
        percentile(&theirs, 50),
        percentile(&theirs, 99)
    );
}

/// Collects how old each stamped line is when it arrives.
fn follow(mut command: Command) -> Receiver<Vec<Duration>> {
    let (sender, result) = channel();
    std::thread::spawn(move || {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it follows");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut ages = Vec::new();
        for line in lines.map_while(Result::ok) {
            let Ok(stamp) = line.trim().parse::<u64>() else { continue };
            ages.push(now().saturating_sub(Duration::from_nanos(stamp)));
            if ages.len() == 400 {
                break;
            }
        }
        drop(child.kill());
        drop(child.wait());
        ages.sort_unstable();
        drop(sender.send(ages));
    });
    result
}

#[expect(clippy::disallowed_methods, reason = "lines are stamped by another process with the wall clock")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

/// Bytes to the terminal in ten idle seconds after the first full board.
fn idle() {
    let place = Place::new("true");
    fill(&place, 20, 10);
    let (mut session, output) = open_terminal(RELMAN, &[], place.dir.path());
    pause(Duration::from_secs(8));
    while output.try_recv().is_ok() {}
    let start = Instant::now();
    let mut bytes = 0;
    while start.elapsed() < Duration::from_secs(10) {
        if let Ok(more) = output.recv_timeout(Duration::from_millis(200)) {
            bytes += more.len();
        }
    }
    let ticks = cpu_ticks(session.child.process_id());
    pause(Duration::from_secs(10));
    let used = cpu_ticks(session.child.process_id()).saturating_sub(ticks);
    println!(
        "idle           {bytes} bytes in 10 s (budget 0), {used} clock ticks of CPU in 10 s (100 ticks are 10 %)"
    );
    drop(session.child.kill());
    drop(session.child.wait());
}

/// User and system time of a process.
fn cpu_ticks(pid: Option<u32>) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.unwrap_or(0))).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    field(11) + field(12)
}
