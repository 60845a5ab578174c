//! The grammar of what is recorded in the stages of a release.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use crate::domain::ids::{EnvName, ReleaseId, ReleaseRef};
use crate::domain::release::plan::Verdict;
use crate::domain::release::preparation::{Occasion, Word};
use crate::domain::release::review::{IssueState, Sentiment, Severity, Source};
use crate::domain::release::{Level, Stage};
use crate::domain::risk::Size;

#[derive(Debug, Subcommand)]
pub enum Plan {
    /// Everything that is planned
    Show { release: ReleaseRef },
    /// What it is to bring: add an item, or say what became of one
    #[command(group(ArgGroup::new("what").required(true).args(["text", "done", "drop", "reopen"])))]
    Scope {
        release: ReleaseRef,
        text: Option<String>,
        /// Number of an item that is done
        #[arg(long, value_name = "N")]
        done: Option<usize>,
        /// Number of an item that is left out (needs --reason)
        #[arg(long, value_name = "N", requires = "reason")]
        drop: Option<usize>,
        /// Number of an item that is to be done after all
        #[arg(long, value_name = "N")]
        reopen: Option<usize>,
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Something that is to be reached by a day; the same name again is another day for it
    #[command(group(ArgGroup::new("what").required(true).args(["name", "reached", "remove"])))]
    Milestone {
        release: ReleaseRef,
        #[arg(requires = "due")]
        name: Option<String>,
        /// By when, such as "2026-12-01 10:00"
        #[arg(long, value_name = "TIME")]
        due: Option<String>,
        /// Number of one that is reached
        #[arg(long, value_name = "N")]
        reached: Option<usize>,
        /// Number of one that is taken out
        #[arg(long, value_name = "N")]
        remove: Option<usize>,
    },
    /// How one will see whether it was worth it; the same name again is another target
    #[command(group(ArgGroup::new("what").required(true).args(["name", "remove"])))]
    Metric {
        release: ReleaseRef,
        #[arg(requires = "target")]
        name: Option<String>,
        /// What is aimed at: ">= 99.5 %", "< 200 ms", or words
        #[arg(long, value_name = "TEXT")]
        target: Option<String>,
        /// Number of one that is taken out
        #[arg(long, value_name = "N")]
        remove: Option<usize>,
    },
    /// State what rules from outside want stated, as [stages.plan] statements names it
    State {
        release: ReleaseRef,
        /// legal, data protection
        name: String,
        text: String,
    },
    /// How the plan came to be what it is: every change, who made it
    History { release: ReleaseRef },
}

/// Weigh the risk of a release: from what changes, or as you say it
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("said").args(["raise", "lower"]).conflicts_with_all(["size", "schema", "contract", "area"])))]
pub struct Risk {
    pub release: ReleaseRef,
    /// How much changes: small, medium or large
    #[arg(long, requires = "area")]
    pub size: Option<Size>,
    /// The schema of the data changes
    #[arg(long, requires = "size")]
    pub schema: bool,
    /// A contract with others changes: an interface, a file format
    #[arg(long, requires = "size")]
    pub contract: bool,
    /// How critical the area is: low, medium or high
    #[arg(long, value_name = "LEVEL", requires = "size")]
    pub area: Option<Level>,
    /// Say it is higher
    #[arg(long, value_name = "LEVEL")]
    pub raise: Option<Level>,
    /// Say it is lower: somebody else than who said it, with --reason
    #[arg(long, value_name = "LEVEL", requires = "reason")]
    pub lower: Option<Level>,
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Check {
    /// Run the script that finds out about it ([services.S.checks]) and follow its log; relman build --log shows it later
    Run {
        release: ReleaseRef,
        name: String,
        /// Start it and return at once
        #[arg(long)]
        detach: bool,
    },
    /// Record the result of a check for the artifact the release has now
    Record {
        release: ReleaseRef,
        name: String,
        result: CheckResult,
        /// Where the evidence is, for example
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// Where it was made
        #[arg(long, value_name = "ENVIRONMENT")]
        environment: Option<EnvName>,
        /// Until when it counts, such as +7d
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Record what a test runner wrote: JUnit XML from files, or from - (stdin)
    Import {
        release: ReleaseRef,
        name: String,
        /// JUnit XML; several files are one result
        #[arg(required_unless_present = "exit_code")]
        files: Vec<PathBuf>,
        /// The exit code of the runner: another than 0 is a failure whatever the files say
        #[arg(long, value_name = "CODE")]
        exit_code: Option<i32>,
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// Where it was made
        #[arg(long, value_name = "ENVIRONMENT")]
        environment: Option<EnvName>,
        /// Until when it counts, such as +7d
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Let a check go without until a time, on record (takes the right waive)
    Waive {
        release: ReleaseRef,
        name: String,
        /// Until when, such as +2d
        #[arg(long, value_name = "TIME")]
        until: String,
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Every check and what it is worth now
    List { release: ReleaseRef },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CheckResult {
    Passed,
    Failed,
}

#[derive(Debug, Subcommand)]
pub enum Prepare {
    /// Go or no-go on one screen: everything the way to production asks for
    Show { release: ReleaseRef },
    /// Something to do before production: add it, or tick it off
    #[command(group(ArgGroup::new("what").required(true).args(["text", "done"])))]
    Task {
        release: ReleaseRef,
        text: Option<String>,
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        /// Number of one that is done
        #[arg(long, value_name = "N")]
        done: Option<usize>,
    },
    /// The backup to go back to
    Backup {
        release: ReleaseRef,
        /// Where it lies
        #[arg(long, value_name = "TEXT")]
        place: String,
        /// When it was taken (default: now)
        #[arg(long, value_name = "TIME")]
        taken: Option<String>,
        /// When it was put back somewhere to try it
        #[arg(long, value_name = "TIME")]
        restored: Option<String>,
    },
    /// Who must know how before it is there: add an audience, or say that it was trained
    #[command(group(ArgGroup::new("what").required(true).args(["audience", "done"])))]
    Training {
        release: ReleaseRef,
        audience: Option<String>,
        /// Where what they learn from is
        #[arg(long, value_name = "TEXT")]
        material: Option<String>,
        /// Number of one that is done
        #[arg(long, value_name = "N")]
        done: Option<usize>,
    },
    /// What users will notice
    Impact {
        release: ReleaseRef,
        /// none, 2 minutes
        #[arg(long, value_name = "TEXT")]
        downtime: String,
        /// Who is affected
        #[arg(long, value_name = "TEXT")]
        affected: Option<String>,
        #[arg(long, value_name = "TEXT")]
        workaround: Option<String>,
    },
    /// Write an announcement from what is on record, and put down that it was made
    Announce {
        release: ReleaseRef,
        /// planned, starting, done or rolled-back
        occasion: Occasion,
        /// Whom it was sent to
        #[arg(long = "to", value_name = "AUDIENCE")]
        audience: String,
        /// How: e-mail, #releases
        #[arg(long = "by", value_name = "CHANNEL")]
        channel: String,
        /// What was said (default: written from what is on record)
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        /// Only print it
        #[arg(long)]
        draft: bool,
    },
    /// Say whether it shall go
    Vote {
        release: ReleaseRef,
        /// go, no-go or abstain
        word: Word,
        /// A no-go needs one
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Issue {
    /// Put down what is wrong with a release
    New {
        release: ReleaseRef,
        title: String,
        /// sev1 (an outage) to sev4 (a blemish); sev1 and sev2 keep it from going further
        #[arg(long)]
        severity: Severity,
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        /// Where it showed
        #[arg(long)]
        environment: Option<EnvName>,
    },
    /// Say how far one is: open, fixed or verified
    Set { release: ReleaseRef, number: usize, state: IssueState },
    /// Issues of a release, or all that are open, the worst first
    List { release: Option<ReleaseRef> },
}

#[derive(Debug, Subcommand)]
pub enum Feedback {
    /// Put down what somebody said about a release
    New {
        release: ReleaseRef,
        text: String,
        /// user, stakeholder or internal
        #[arg(long, default_value = "user")]
        source: Source,
        /// The stage it is about
        #[arg(long, default_value = "review")]
        phase: Stage,
        /// good, neutral or bad
        #[arg(long)]
        sentiment: Sentiment,
    },
    /// Say what was answered, or which release takes it up
    #[command(group(ArgGroup::new("what").required(true).multiple(true).args(["reply", "next"])))]
    Answer {
        release: ReleaseRef,
        number: usize,
        #[arg(long, value_name = "TEXT")]
        reply: Option<String>,
        /// The release that takes it up
        #[arg(long, value_name = "RELEASE")]
        next: Option<ReleaseId>,
    },
    /// What was said, newest first
    List { release: Option<ReleaseRef> },
}

#[derive(Debug, Subcommand)]
pub enum Review {
    /// Everything about what came of it
    Show { release: ReleaseRef },
    /// What came of a measure of success
    Metric {
        release: ReleaseRef,
        /// Its number in the plan
        number: usize,
        /// What was measured: "99.7 %"
        value: String,
        /// achieved, partly or missed, where the numbers do not say it
        #[arg(long)]
        verdict: Option<Verdict>,
    },
    /// Something that went well
    Well { release: ReleaseRef, text: String },
    /// Something that could be better
    Better { release: ReleaseRef, text: String },
    /// Something that was learned
    Lesson { release: ReleaseRef, text: String },
    /// Something to be done because of it: shown with later plans of the service until it is done
    #[command(group(ArgGroup::new("what").required(true).args(["text", "done"])))]
    Action {
        release: ReleaseRef,
        text: Option<String>,
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        /// By when
        #[arg(long, value_name = "TIME")]
        due: Option<String>,
        /// Number of one that is done
        #[arg(long, value_name = "N")]
        done: Option<usize>,
    },
    /// Actions that are open, of all releases or of one service
    Actions { service: Option<crate::domain::ids::ServiceName> },
}

/// Correct how a deployment counts in the figures, with a reason; its own record stays
#[derive(Debug, Args)]
pub struct Judge {
    pub deployment: crate::domain::ids::DeploymentId,
    /// succeeded or failed
    pub outcome: super::ResolveOutcome,
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// How releasing goes: frequency, lead time, failures, recovery, and what else can be counted
#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// One service (default: all)
    #[arg(long)]
    pub service: Option<crate::domain::ids::ServiceName>,
    /// One environment (default: those of production)
    #[arg(long)]
    pub environment: Option<EnvName>,
    /// From when on (default: the last 90 days)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Up to, not including (default: now)
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// A row or a label for each service: csv, or prometheus (text exposition format)
    #[arg(long)]
    pub format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Csv,
    Prometheus,
}

/// How a document goes out.
#[derive(Debug, Args)]
pub struct Paper {
    /// As HTML instead of Markdown
    #[arg(long)]
    pub html: bool,
    /// Into a new file, as HTML where it ends in .html (default: stdout)
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Release notes, rolled up over the releases that were skipped
#[derive(Debug, Args)]
pub struct NotesArgs {
    pub release: ReleaseRef,
    /// Who reads them: users (what they notice), team (everything), operators (and what one must know to run it)
    #[arg(long = "for", value_name = "WHO", default_value = "users")]
    pub audience: Reader,
    /// Since what is live there (default: the first environment of production)
    #[arg(long, conflicts_with = "since")]
    pub environment: Option<EnvName>,
    /// Since this version
    #[arg(long, value_name = "VERSION")]
    pub since: Option<crate::domain::ids::Version>,
    #[command(flatten)]
    pub paper: Paper,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Reader {
    Users,
    Team,
    Operators,
}

/// What the next shift must know: what runs, waits, is closed, is wrong, and what happened
#[derive(Debug, Args)]
pub struct Handover {
    /// How far back deployments are told (default: 12h)
    #[arg(long, value_name = "TIME")]
    pub last: Option<String>,
    #[command(flatten)]
    pub paper: Paper,
}

/// The whole story of a release, or everything that happened in a span of time
#[derive(Debug, Args)]
pub struct ReportArgs {
    #[arg(conflicts_with = "since")]
    pub release: Option<ReleaseRef>,
    /// Everything since then, for the hours after an incident
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Up to then (default: now)
    #[arg(long, value_name = "TIME", requires = "since")]
    pub until: Option<String>,
    #[command(flatten)]
    pub paper: Paper,
}

/// What really runs where, as the current scripts tell it, beside what is recorded; and staging beside what it mirrors
#[derive(Debug, Args)]
pub struct Drift {
    /// One service (default: all that have a current script)
    pub service: Option<crate::domain::ids::ServiceName>,
    /// One environment
    pub environment: Option<EnvName>,
    /// Ask nobody: tell what was found last
    #[arg(long)]
    pub last: bool,
}
