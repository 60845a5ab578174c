//! The grammar of the command line.

mod audit;
mod changes;
mod deployment;
pub(super) mod freeze;
pub(super) mod lock;
mod monitor;
mod outside;
mod overrides;
mod papers;
mod people;
mod release;
mod requests;
mod stages;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use self::audit::{
    Archive, AsOf, Audit, Backup, Board, Bundle, ExportFormat, ListEntries, Restore,
};
pub(super) use self::deployment::{
    Cancel, Chain, Deploy, Deployments, Guide, Id, Log, Note, Reschedule, Resolve, ResolveOutcome, Rollback,
    Toggle, Way, When,
};
pub(super) use self::freeze::Freeze;
pub(super) use self::lock::{Lock, Unlock};
pub(super) use self::monitor::Monitor;
pub(super) use self::outside::{Change, Hooks};
pub(super) use self::overrides::Override;
pub(super) use self::papers::{Keys, ManArgs};
pub(super) use self::people::{Rights, Setup};
pub(super) use self::release::{Build, Checklist, Edit, NewRelease, Release, ServiceOrRelease};
pub(super) use self::requests::Requests;
pub(super) use self::stages::{
    Check, CheckResult, Drift, Feedback, Format, Handover, Issue, Judge, MetricsArgs, NotesArgs, Paper, Plan,
    Prepare, Reader, ReportArgs, Review, Risk,
};
use crate::domain::approval::ApprovalSubject;
use crate::domain::digest::Digest;
use crate::domain::ids::{EnvName, ReleaseRef, ServiceName, TrainName};

/// Version, with the features that must never be in a release build.
pub(in crate::cli) const VERSION: &str = if cfg!(feature = "test-hooks") {
    concat!(env!("CARGO_PKG_VERSION"), " +test-hooks (NOT FOR USE: the clock and the actor can be faked)")
} else {
    env!("CARGO_PKG_VERSION")
};

/// Coordinates software releases from a terminal.
#[derive(Debug, Parser)]
#[command(name = "relman", version = VERSION, after_help = crate::cli::exit::HELP)]
#[command(
    long_about = "Coordinates software releases from a terminal: a release pipeline board, an approval queue, \
a freeze calendar and live deploy logs.\n\nWithout a command, relman opens the panes. Every command answers in JSON \
with --json and never asks."
)]
pub struct Cli {
    /// The configuration file (otherwise: $RELMAN_CONFIG, relman.toml here or above, the user's, /etc/relman)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Only look: every command and key that changes something is refused
    #[arg(long, global = true)]
    pub readonly: bool,
    /// Answer in JSON (errors too, on stderr)
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Colour,
    /// Letters only, no lines and marks beyond ASCII
    #[arg(long, global = true)]
    pub ascii: bool,
    /// The colours of the panes
    #[arg(long, value_name = "NAME", value_parser = crate::tui::theme::NAMES)]
    pub theme: Option<String>,
    /// Line by line instead of in panes: for screen readers and very slow lines (also: RELMAN_A11Y=1, TERM=dumb)
    #[arg(long)]
    pub plain: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Colour {
    Auto,
    Always,
    Never,
}

impl Colour {
    /// What was said, if anything.
    pub(in crate::cli) fn said(self) -> Option<bool> {
        match self {
            Self::Always => Some(true),
            Self::Never => Some(false),
            Self::Auto => None,
        }
    }

    pub(in crate::cli) fn wanted(self, no_color: bool) -> Option<bool> {
        self.said().or(no_color.then_some(false))
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented relman.toml into this directory
    Init(Init),
    /// Fill the store with sample releases by really running the demo scripts
    Demo,
    /// Register, look at, change and move releases
    #[command(subcommand)]
    Release(Release),
    /// Scope, milestones, measures of success
    #[command(subcommand)]
    Plan(Plan),
    /// Weigh the risk of a release: from what changes, or as you say it
    Risk(Risk),
    /// Run the build script of a release and record what it made
    Build(Build),
    /// Record test evidence, import what test runners wrote, let a check go without
    #[command(subcommand)]
    Check(Check),
    /// Tick items of the preparation checklist
    #[command(subcommand)]
    Checklist(Checklist),
    /// Tasks, backup, training, announcements, go or no-go
    #[command(subcommand)]
    Prepare(Prepare),
    /// What is wrong with a release
    #[command(subcommand)]
    Issue(Issue),
    /// What people ask for, before a version is known that brings it
    #[command(subcommand)]
    Request(Requests),
    /// Take back the last thing you did, where that can be taken back
    Undo(Undo),
    /// What people say about a release
    #[command(subcommand)]
    Feedback(Feedback),
    /// What is asked after a deployment whether it does well, and what it said
    #[command(subcommand)]
    Monitor(Monitor),
    /// What came of a release, and what was learned
    #[command(subcommand)]
    Review(Review),
    /// Approve a release for an environment, or its request when none is named
    Approve(Decide),
    /// Reject it, with a reason
    Reject(Decide),
    /// Take your own decision back
    Withdraw(Withdraw),
    /// Decisions that are open, or all about one release
    Approvals(Approvals),
    /// Closed windows
    #[command(subcommand)]
    Freeze(Freeze),
    /// Deploy a release to an environment
    Deploy(Deploy),
    /// Deploy releases of several services to an environment, each after those it depends on
    Chain(Chain),
    /// Go back to a release that was good in an environment
    Rollback(Rollback),
    /// Switch a feature toggle of what is live in an environment, or list its toggles
    Toggle(Toggle),
    /// List deployments, newest first
    Deployments(Deployments),
    /// One deployment: steps, gates, outcome
    Show(Id),
    /// Print the log of a deployment
    Log(Log),
    /// Write a note into the log of a deployment
    Note(Note),
    /// Follow a running deployment to its end
    Attach(Id),
    /// Ask a deployment to stop; a second time kills it at once
    Cancel(Cancel),
    /// Decide how a deployment that waits for a person goes on
    Decide(Guide),
    /// Give a deployment that has not begun another time
    Reschedule(Reschedule),
    /// Say how a lost deployment ended
    Resolve(Resolve),
    /// Correct how a deployment counts in the figures, with a reason; its own record stays
    Judge(Judge),
    /// How releasing goes: frequency, lead time, failures, recovery, and what else can be counted
    Metrics(MetricsArgs),
    /// Release notes, rolled up over the releases that were skipped
    Notes(NotesArgs),
    /// What the next shift must know: what runs, waits, is closed, is wrong, and what happened
    Handover(Handover),
    /// The whole story of a release, or everything that happened in a span of time
    Report(ReportArgs),
    /// Settle what lost its process, revive what waits, send off trains: for a timer or cron
    Tick,
    /// What goes where by itself, and what it waits for
    Deliveries,
    /// Release trains: they depart at their times with whatever is ready
    #[command(subcommand)]
    Train(Train),
    /// Who is told of what happens, what was told, and what could not be
    #[command(subcommand)]
    Hooks(Hooks),
    /// The change ticket of a release for an environment
    #[command(subcommand)]
    Change(Change),
    /// Keep everybody else from deploying somewhere, with a reason; or list and edit locks
    Lock(Lock),
    /// Lift a lock
    Unlock(Unlock),
    /// Overrides that were used, and whether they were right
    #[command(subcommand)]
    Override(Override),
    /// Open releases by stage
    Board(Board),
    /// What runs where
    Status(AsOf),
    /// Say that you look after a deployment that waits for a person; takes it over from whoever was on it
    Take(Id),
    /// Confirm live what somebody else is starting, with the code they tell you
    Witness(Witness),
    /// What really runs where, as the current scripts tell it, beside what is recorded
    Drift(Drift),
    /// Who has the panes open, and what they look at
    Who(Who),
    /// Why a release may or may not go somewhere
    Why(Why),
    /// When a release could go somewhere: the next slots that are open long enough
    When(WhenSlots),
    /// Freezes and deployments of the coming weeks
    Calendar(Calendar),
    /// What you, or somebody else, may do where, and which line of relman.toml says so
    Rights(Rights),
    /// The journal: everything done and refused
    #[command(subcommand)]
    Audit(Audit),
    /// Everything about a release as one archive that can be verified without relman's store; or verify one
    Bundle(Bundle),
    /// Copy the store into a new file and check the copy
    Backup(Backup),
    /// Put a backup in the place of the store, which is kept
    Restore(Restore),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(Config),
    /// Every path relman uses
    Paths,
    /// Print the commands that let several people use one store: shared by a group, or enforced by a service user
    #[command(subcommand)]
    Setup(Setup),
    /// Check this machine, the store and its modes
    Doctor,
    /// Every key of the panes, as it is in force here, with the command that does the same
    Keys(Keys),
    /// The manual: the page of the program, or all pages into a directory
    Man(ManArgs),
    /// Completions for a shell, to stdout
    Completions(Completions),
}

#[derive(Debug, Args)]
pub struct Init {
    /// Name of the first service (default: this directory's name)
    pub service: Option<ServiceName>,
}

#[derive(Debug, Args)]
pub struct Decide {
    pub release: ReleaseRef,
    /// An environment, sign-off, or review-sign-off; without one: about the request itself; several: each is recorded for
    /// itself
    #[arg(value_name = "ENVIRONMENT")]
    pub about: Vec<ApprovalSubject>,
    /// Why; a rejection needs one
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Only if the content still has this digest (as `relman why --json` shows it)
    #[arg(long, value_name = "DIGEST")]
    pub seen: Option<Digest>,
    /// From when on it counts (default: at once)
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Sign it with this key (default: a key of yours that allowed-signers lists, from the agent or ~/.ssh)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["unsigned", "signature", "print_payload"])]
    pub key: Option<PathBuf>,
    /// Do not sign it
    #[arg(long, conflicts_with_all = ["signature", "print_payload"])]
    pub unsigned: bool,
    /// Print the text to sign elsewhere with: ssh-keygen -Y sign -n approval@relman -f KEY FILE; records nothing
    #[arg(long, conflicts_with = "signature")]
    pub print_payload: bool,
    /// The signature that was made elsewhere; - reads it from stdin, behind what was signed where no --payload is named
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// What was signed (default: the name of the signature without .sig)
    #[arg(long, value_name = "FILE", requires = "signature")]
    pub payload: Option<PathBuf>,
    /// Answers what approvers are asked there; what is left out stays as the approver before you said it
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// The same with what a file holds; - for stdin
    #[arg(long, value_name = "NAME=FILE")]
    pub set_file: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Withdraw {
    pub release: ReleaseRef,
    /// An environment, sign-off, or review-sign-off; without one: the decision about the request
    #[arg(value_name = "ENVIRONMENT")]
    pub about: Option<ApprovalSubject>,
}

#[derive(Debug, Args)]
pub struct Approvals {
    /// Every decision about this one, with why it does not count
    pub release: Option<ReleaseRef>,
    /// What one should know before deciding about it: an environment, request, sign-off or review-sign-off
    #[arg(value_name = "ENVIRONMENT")]
    pub about: Option<ApprovalSubject>,
    /// What changed in the scripts since what is live there was deployed
    #[arg(long, requires = "about", conflicts_with = "as_of")]
    pub diff: bool,
    /// Ask anew for a decision that timed out
    #[arg(long, requires = "about", conflicts_with_all = ["as_of", "diff"])]
    pub ask: bool,
    #[command(flatten)]
    pub past: AsOf,
}

#[derive(Debug, Args)]
pub struct WhenSlots {
    pub release: ReleaseRef,
    pub environment: EnvName,
    /// How long it must be open (default: as long as it usually takes there)
    #[arg(long = "for", value_name = "DURATION")]
    pub length: Option<String>,
    /// How many slots
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub count: u16,
}

#[derive(Debug, Subcommand)]
pub enum Train {
    /// Every train and when it departs next
    List,
    /// What the next departure would take along, and why the rest stays behind
    Show { train: TrainName },
    /// Leave the next departure out; later ones are not affected
    Skip {
        train: TrainName,
        /// Why; kept in the journal
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Let a train depart again after something of its last departure failed
    Resume {
        train: TrainName,
        /// What was found; kept in the journal
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub struct Witness {
    /// Without one: who asks for a witness now
    #[arg(requires = "environment")]
    pub release: Option<ReleaseRef>,
    pub environment: Option<EnvName>,
    /// The code the starter was shown (default: asked for on a terminal)
    #[arg(long, requires = "release")]
    pub code: Option<String>,
}

#[derive(Debug, Args)]
pub struct Undo {
    /// The entry of the journal; without it the newest of your own within an hour
    pub entry: Option<i64>,
    /// Do again what was undone last
    #[arg(long, conflicts_with = "entry")]
    pub redo: bool,
}

#[derive(Debug, Args)]
pub struct Who {
    /// Say a line to all of them instead
    #[arg(long, value_name = "TEXT")]
    pub say: Option<String>,
}

#[derive(Debug, Args)]
pub struct Why {
    pub release: ReleaseRef,
    /// Without one: why it may or may not leave its stage
    pub environment: Option<EnvName>,
}

#[derive(Debug, Args)]
pub struct Calendar {
    #[command(flatten)]
    pub past: AsOf,
    /// How many days from today
    #[arg(long, default_value_t = 42)]
    pub days: u16,
    /// A month as the pane shows it, such as 2026-12 (without one: this month)
    #[arg(long, value_name = "YYYY-MM", num_args = 0..=1, default_missing_value = "now", conflicts_with_all = ["week", "days"])]
    pub month: Option<String>,
    /// A week as the pane shows it, such as 2026-W49 (without one: this week)
    #[arg(long, value_name = "YYYY-Www", num_args = 0..=1, default_missing_value = "now", conflicts_with = "days")]
    pub week: Option<String>,
    /// IANA zone of days and times (default: the configuration's)
    #[arg(long, visible_alias = "zone", value_name = "ZONE")]
    pub time_zone: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Every mistake and every oddity; oddities fail too
    Check,
    /// What is in force
    Show,
    /// Say that a shared store is used under this configuration from now on (the state directory's owner, or root)
    Adopt,
    /// What differs between the rules in force and those that were confirmed last, or those before the last change
    Diff,
    /// Say that you stand by the rules in force (where confirm-rules asks for a second person)
    Confirm {
        /// Why; kept in the journal
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct Completions {
    pub shell: clap_complete::Shell,
}
