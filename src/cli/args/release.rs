//! The grammar of releases: register, change, move, build, tick off.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::domain::digest::Digest;
use crate::domain::ids::{ReleaseId, ReleaseRef, RequestId, ServiceName};
use crate::domain::release::plan::Extent;
use crate::domain::release::{Field, Level, Origin, ReleaseKind, Stage};
use crate::domain::version_template::VersionSaid;

/// `ticket=OPS-12`
fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a field is written NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[derive(Debug, Subcommand)]
pub enum Release {
    /// Register a release
    New(Box<NewRelease>),
    /// One release with everything recorded about it
    Show { release: ReleaseRef },
    /// Open releases, or with --past the ended ones
    List {
        /// Ended releases, newest first
        #[arg(long)]
        past: bool,
        /// How many of the ended ones
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Change what is recorded about a release
    Edit(Box<Edit>),
    /// Move it to the next stage
    Advance { release: ReleaseRef },
    /// Move it back to an earlier stage; voids what depended on it
    Back {
        release: ReleaseRef,
        /// The stage (default: one back)
        #[arg(long)]
        to: Option<Stage>,
        /// Why; kept in the journal
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Keep it from going further
    Block {
        release: ReleaseRef,
        /// Why; kept in the journal
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Lift the block
    Unblock {
        release: ReleaseRef,
        /// Why; kept in the journal
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Give it up
    Cancel {
        release: ReleaseRef,
        /// Why; kept in the journal
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// `storefront`, or with its version `storefront@1.4.2`.
#[derive(Debug, Clone)]
pub enum ServiceOrRelease {
    Service(ServiceName),
    Release(ReleaseId),
}

impl std::str::FromStr for ServiceOrRelease {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.contains('@') {
            true => text.parse().map(Self::Release).map_err(|why| format!("{why}")),
            false => text.parse().map(Self::Service).map_err(|why| format!("{why}")),
        }
    }
}

#[derive(Debug, Args)]
pub struct NewRelease {
    /// The service, or both in one: storefront@1.4.2
    #[arg(required_unless_present = "from_json")]
    pub service: Option<ServiceOrRelease>,
    /// Or patch, minor, major, a template such as c.i.0 (without it: the template of the service)
    pub version: Option<VersionSaid>,
    /// standard or hotfix
    #[arg(long)]
    pub kind: Option<ReleaseKind>,
    #[command(flatten)]
    pub about: AboutRelease,
    /// Take version, title, commit and changes from git: tags and conventional commits since the last release
    #[arg(long, conflicts_with = "from_json")]
    pub from_git: bool,
    /// The repository (default: repo of the service, or its working-dir)
    #[arg(long, value_name = "DIR", requires = "from_git")]
    pub repo: Option<PathBuf>,
    /// The commit to release (default: HEAD)
    #[arg(long, value_name = "REF", requires = "from_git")]
    pub to: Option<String>,
    /// Only say what would be registered
    #[arg(long, requires = "from_git")]
    pub dry_run: bool,
    /// Take the plan over from an earlier release: people, measures, tasks, who is trained and told
    #[arg(long, value_name = "RELEASE")]
    pub like: Option<ReleaseId>,
    /// The channel it is to be in (without it: the one whose rules take the version)
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// A request it brings, R7; may be said again. What is not said about the release is taken from the first
    #[arg(long = "request", value_name = "REQUEST")]
    pub requests: Vec<RequestId>,
    /// Read the release as a JSON object from a file or - (keys as the options, plus service and version)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["service", "version"])]
    pub from_json: Option<PathBuf>,
}

/// What is said of a release when it is registered and may be said again later.
#[derive(Debug, Args)]
pub struct AboutRelease {
    /// What people will call it
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// feedback, market, internal, incident or other
    #[arg(long)]
    pub origin: Option<Origin>,
    /// What it is needed for
    #[arg(long, value_name = "TEXT")]
    pub need: Option<String>,
    /// What it is to achieve
    #[arg(long, value_name = "TEXT")]
    pub objective: Option<String>,
    /// low, medium or high
    #[arg(long)]
    pub priority: Option<Level>,
    /// The commit it is built from
    #[arg(long)]
    pub commit: Option<String>,
    /// What is deployed: a file name, an image, an address
    #[arg(long, value_name = "NAME")]
    pub artifact: Option<String>,
    /// sha256:… of the artifact
    #[arg(long)]
    pub digest: Option<Digest>,
    /// One line of the change list; may be repeated; an edit replaces the list
    #[arg(long = "change", value_name = "TEXT")]
    pub changes: Vec<String>,
    /// Release that must be live where it goes, this version or a newer one, such as api@1.2.0; may be repeated; an edit
    /// replaces them
    #[arg(long, value_name = "RELEASE")]
    pub requires: Vec<ReleaseId>,
    /// A field of the service: ticket=OPS-12; may be repeated; without a value it is emptied
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = field)]
    pub fields: Vec<(String, String)>,
    /// Toggle of the service that guards what it brings; may be repeated; an edit replaces them
    #[arg(long = "toggle", value_name = "NAME")]
    pub toggles: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Edit {
    pub release: ReleaseRef,
    #[command(flatten)]
    pub about: AboutRelease,
    /// Who sees it through
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// When it is to be live, such as "2026-12-01 10:00"
    #[arg(long, value_name = "TIME")]
    pub target: Option<String>,
    /// low, medium or high
    #[arg(long)]
    pub risk: Option<Level>,
    /// How to go back, and how long it takes
    #[arg(long, value_name = "TEXT")]
    pub rollback_plan: Option<String>,
    /// Who does what: "Dora: database"; may be repeated; replaces the list
    #[arg(long = "person", value_name = "TEXT")]
    pub people: Vec<String>,
    /// Who is told what, when and how
    #[arg(long, value_name = "TEXT")]
    pub communication: Option<String>,
    /// How far it can be taken back: full, partial or none
    #[arg(long, value_name = "EXTENT")]
    pub reversal: Option<Extent>,
    /// How long going back takes, such as 10m
    #[arg(long, value_name = "TIME", requires = "reversal")]
    pub reversal_takes: Option<String>,
    /// From what on there is no way back
    #[arg(long, value_name = "TEXT", requires = "reversal")]
    pub no_return: Option<String>,
    /// What came of it (review)
    #[arg(long, value_name = "TEXT")]
    pub outcome: Option<String>,
    /// What was learned (review)
    #[arg(long, value_name = "TEXT")]
    pub retrospective: Option<String>,
    /// Why; a risk is not lowered without
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Opens your editor ($VISUAL, $EDITOR) on a long text: need, objective, rollback-plan, communication, outcome or
    /// retrospective
    #[arg(long, value_name = "FIELD")]
    pub editor: Option<Field>,
    /// Empties a field (need, objective, priority, owner, target, risk, rollback-plan, requires, toggles, people,
    /// communication, reversal, commit, artifact, digest, changes, impact, outcome, retrospective); may be repeated
    #[arg(long, value_name = "FIELD")]
    pub clear: Vec<Field>,
}

#[derive(Debug, Subcommand)]
pub enum Checklist {
    /// Tick an item
    Tick { release: ReleaseRef, item: String },
    /// Ask the commands of items: those named, otherwise all that have one; exits 1 where one does not say yes
    Verify { release: ReleaseRef, items: Vec<String> },
    /// Every item and how it stands
    List { release: ReleaseRef },
}

#[derive(Debug, Args)]
pub struct Build {
    pub release: ReleaseRef,
    /// Start it and return at once
    #[arg(long, conflicts_with_all = ["cancel", "log"])]
    pub detach: bool,
    /// Ask the build that runs to stop; a second time kills it at once
    #[arg(long, conflicts_with = "log")]
    pub cancel: bool,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", requires = "cancel")]
    pub reason: Option<String>,
    /// Print the log of a build: of the newest one, or of that number; follows one that runs
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "0")]
    pub log: Option<usize>,
}
