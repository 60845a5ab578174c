//! The grammar of what concerns deployments.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::domain::gate::GateId;
use crate::domain::hold::{Choice, OnFailure};
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ReleaseRef, ServiceName, Version};

#[derive(Debug, Args)]
pub struct Deploy {
    pub release: ReleaseRef,
    pub environment: EnvName,
    /// Why; kept with the deployment
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Open this gate on record: order, needs, soak, checks, checklist, freeze, window, change, approvals, four-eyes or lock; may be
    /// repeated; needs --reason
    #[arg(long = "override", value_name = "GATE")]
    pub overrides: Vec<GateId>,
    /// The version again, where the environment asks for it
    #[arg(long, value_name = "VERSION")]
    pub confirm: Option<String>,
    /// Only run the plan script: what the deployment would do, for those who approve it; asks no approval
    #[arg(long, conflicts_with_all = ["at", "queue", "after", "expire"])]
    pub noop: bool,
    /// Answer to a question of the service; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// The same from a file (- for stdin): for what must not stand in the process list
    #[arg(long = "set-file", value_name = "NAME=FILE")]
    pub set_file: Vec<String>,
    /// What a failed step leads to this time: fail, ask or rollback (default: what the configuration says)
    #[arg(long, value_name = "WHAT", conflicts_with = "noop")]
    pub on_failure: Option<OnFailure>,
    /// Leave this step out (one of [[services.S.steps]] that is not required); may be repeated
    #[arg(long = "leave-out", value_name = "STEP", conflicts_with = "noop")]
    pub leave_out: Vec<String>,
    /// Number of the change ticket it is done under
    #[arg(long, value_name = "NUMBER", conflicts_with = "noop")]
    pub change: Option<String>,
    /// Leave out the hooks that are asked before it begins; on record, needs --reason
    #[arg(long, requires = "reason", conflicts_with = "noop")]
    pub skip_hooks: bool,
    /// Where a second person must confirm it live: show the code to tell them, and wait for them
    #[arg(long, conflicts_with_all = ["noop", "at", "queue", "after", "expire"])]
    pub witness: bool,
    #[command(flatten)]
    pub when: When,
    /// Where something is closed that opens again or that other people open, wait for it instead of refusing
    #[arg(long)]
    pub queue: bool,
    /// Only after this deployment has succeeded; may be repeated
    #[arg(long, value_name = "ID")]
    pub after: Vec<DeploymentId>,
    /// Follow it to its end and exit with its outcome (the default, except with --at and --after)
    #[arg(long, conflicts_with = "detach")]
    pub wait: bool,
    /// Start it and return
    #[arg(long)]
    pub detach: bool,
}

#[derive(Debug, Args)]
pub struct Chain {
    pub environment: EnvName,
    /// One release of each service
    #[arg(required = true, num_args = 1.., value_name = "RELEASE")]
    pub releases: Vec<ReleaseRef>,
    /// Why; kept with each deployment
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// One that fails stops those that have not finished, and takes them back
    #[arg(long)]
    pub together: bool,
    /// The versions in the order of the releases, where the environment asks for them
    #[arg(long, value_name = "VERSION")]
    pub confirm: Vec<String>,
    #[command(flatten)]
    pub when: When,
}

/// When something begins that does not begin at once.
#[derive(Debug, Args)]
pub struct When {
    /// Begin at that time, such as 22:00, "tomorrow 06:30" or +2h; the gates are asked again then
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// IANA zone of --at (default: the configuration's)
    #[arg(long, value_name = "ZONE", requires = "at")]
    pub time_zone: Option<String>,
    /// How long it may take from that time on (or from now) to begin before it counts as missed (default: 1h; what
    /// is moved keeps what it had)
    #[arg(long, value_name = "DURATION")]
    pub expire: Option<String>,
    /// Go before others that wait for the same environment
    #[arg(long)]
    pub first: bool,
}

#[derive(Debug, Args)]
pub struct Reschedule {
    pub id: DeploymentId,
    #[command(flatten)]
    pub when: When,
    /// Go back into the order of those that wait
    #[arg(long, conflicts_with = "first")]
    pub not_first: bool,
}

#[derive(Debug, Args)]
pub struct Rollback {
    pub service: ServiceName,
    pub environment: EnvName,
    /// The release to go back to (default: the last good one)
    #[arg(long, value_name = "VERSION")]
    pub to: Option<Version>,
    /// Why; kept with the deployment and with the block of the release it leaves
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    pub reason: Option<String>,
    /// The version that is gone back to, where the environment asks for it
    #[arg(long, value_name = "VERSION")]
    pub confirm: Option<String>,
    /// Start it and return
    #[arg(long)]
    pub detach: bool,
    /// Only list the releases to go back to
    #[arg(long)]
    pub list: bool,
}

#[derive(Debug, Args)]
pub struct Toggle {
    pub service: ServiceName,
    pub environment: EnvName,
    /// The toggle; without one they are listed
    #[arg(requires = "way")]
    pub name: Option<String>,
    #[arg(requires = "reason")]
    pub way: Option<Way>,
    /// Why; kept with it
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The toggle again, where the environment asks for a confirmation
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Start it and return
    #[arg(long)]
    pub detach: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    On,
    Off,
}

#[derive(Debug, Args)]
pub struct Deployments {
    /// Only of this service
    #[arg(long)]
    pub service: Option<ServiceName>,
    /// Only to this environment
    #[arg(long, alias = "env")]
    pub environment: Option<EnvName>,
    /// Only of this release
    #[arg(long)]
    pub release: Option<ReleaseId>,
    /// Continue after this one
    #[arg(long, value_name = "ID")]
    pub before: Option<DeploymentId>,
    /// How many
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub struct Id {
    pub id: DeploymentId,
}

#[derive(Debug, Args)]
pub struct Log {
    pub id: DeploymentId,
    /// Go on with what is printed from now on, to the end of the deployment
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines
    #[arg(short = 'n', long, value_name = "LINES")]
    pub tail: Option<usize>,
    /// Only from this time on, such as 10m (ago) or "2026-12-01 10:00"
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only lines that hold this text
    #[arg(long, value_name = "TEXT")]
    pub grep: Option<String>,
    /// Only lines that the last good deployment there did not print in the same step
    #[arg(long, conflicts_with = "raw")]
    pub new: bool,
    /// Write it as an asciicast (version 2) into a new file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["follow", "tail", "since", "grep", "new", "raw"])]
    pub cast: Option<PathBuf>,
    /// The bytes as they are; to a terminal only together with --yes
    #[arg(long)]
    pub raw: bool,
    /// That raw bytes may go to this terminal
    #[arg(long, requires = "raw")]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Note {
    pub id: DeploymentId,
    /// What you saw; it stands in the log at this place
    pub text: String,
}

#[derive(Debug, Args)]
pub struct Cancel {
    pub id: DeploymentId,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Give it up: ten minutes after it was asked to stop. Its work may still be going on; needs --reason
    #[arg(long, requires = "reason", conflicts_with = "roll_back")]
    pub abandon: bool,
    /// When it has stopped, go back to the last good release; needs --reason
    #[arg(long, requires = "reason")]
    pub roll_back: bool,
    /// Do not wait until it has stopped
    #[arg(long)]
    pub detach: bool,
}

#[derive(Debug, Args)]
pub struct Guide {
    pub id: DeploymentId,
    /// promote (to the next step), promote-full (to the end, without pauses), retry, skip, fail or roll-back
    pub choice: Choice,
    /// Why; everything but promote and retry needs one
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Return at once instead of following it to its end
    #[arg(long)]
    pub detach: bool,
}

#[derive(Debug, Args)]
pub struct Resolve {
    pub id: DeploymentId,
    pub outcome: ResolveOutcome,
    /// How you know
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ResolveOutcome {
    Succeeded,
    Failed,
}
