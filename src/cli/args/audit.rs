//! The grammar of what is said about the journal and the store as a whole.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};

use crate::domain::ids::{EnvName, ReleaseRef, ServiceName};

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Entries, newest first
    List(ListEntries),
    /// One entry: who, from where, why, and field by field what it changed
    Show {
        /// Its number
        #[arg(value_name = "SEQ")]
        seq: Seq,
    },
    /// Check chain, rows, logs and what you last saw; names the first bad entry and everything else that is wrong
    Verify {
        /// Only from this entry on
        #[arg(long, value_name = "SEQ", conflicts_with = "file")]
        since: Option<i64>,
        /// Verify an export instead of the store: needs neither store nor configuration
        #[arg(long, value_name = "EXPORT")]
        file: Option<PathBuf>,
    },
    /// The newest entry as a checkpoint, to be put down elsewhere
    Head,
    /// Take the history as it is now for the right one, after a restore for example
    Accept {
        /// Why; kept in the journal
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Write entries out, oldest first; that is on record too
    Export {
        /// jsonl can be verified by anybody, csv is for spreadsheets
        #[arg(long, value_enum, default_value = "jsonl")]
        format: ExportFormat,
        /// From this entry or time on: 41, #41, "2026-11-01", -30d
        #[arg(long, value_name = "SEQ|TIME", allow_hyphen_values = true)]
        since: Option<String>,
        /// Up to and with this entry or time
        #[arg(long, value_name = "SEQ|TIME", allow_hyphen_values = true)]
        until: Option<String>,
        /// Into this new file instead of to stdout
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write every day that is over into a file of its own, one that is there already never anew
    Archive(Archive),
    /// What an auditor asks about: missing evidence, overrides, own approvals, hotfixes, refusals
    Report {
        /// From this entry or time on (default: everything)
        #[arg(long, value_name = "SEQ|TIME", allow_hyphen_values = true)]
        from: Option<String>,
        /// Up to and with this entry or time
        #[arg(long, value_name = "SEQ|TIME", allow_hyphen_values = true)]
        to: Option<String>,
        /// Only this service
        #[arg(long)]
        service: Option<ServiceName>,
        /// As Markdown
        #[arg(long)]
        markdown: bool,
        /// As CSV: a row for each finding
        #[arg(long, conflicts_with = "markdown")]
        csv: bool,
    },
    /// What moved, was approved, deployed and frozen between two moments
    Diff {
        /// The earlier one: #41, "2026-11-01 10:00", -2h
        #[arg(value_name = "MOMENT", allow_hyphen_values = true)]
        from: String,
        /// The later one (default: now)
        #[arg(value_name = "MOMENT", allow_hyphen_values = true)]
        to: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct ListEntries {
    /// Only about this: storefront@1.4.2, #142, F3
    #[arg(long)]
    pub subject: Option<String>,
    /// Only about this release, its deployments and the decisions about it
    #[arg(long)]
    pub release: Option<ReleaseRef>,
    /// Only about this environment
    #[arg(long, alias = "env")]
    pub environment: Option<EnvName>,
    /// Only by this person, under their name or behind another one
    #[arg(long, alias = "by", value_name = "NAME")]
    pub person: Option<String>,
    /// Only such acts: approval.granted, "freeze.*"; may be repeated
    #[arg(long = "verb", value_name = "GLOB")]
    pub verbs: Vec<String>,
    /// Only what was refused
    #[arg(long)]
    pub refused: bool,
    /// From this entry or time on: 41, #41, "2026-11-01", -30d
    #[arg(long, value_name = "SEQ|TIME", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Up to and with this entry or time
    #[arg(long, value_name = "SEQ|TIME", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Continue before this entry
    #[arg(long, value_name = "SEQ")]
    pub before: Option<i64>,
    /// How many
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub struct Archive {
    /// The directory (default: archive in the state directory)
    pub dir: Option<PathBuf>,
    /// Take the file of a day away instead, which must be 30 days old: 2026-09-01
    #[arg(long, value_name = "DAY", requires = "reason")]
    pub remove: Option<NaiveDate>,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", requires = "remove")]
    pub reason: Option<String>,
}

/// The number of an entry, also as `#41`.
#[derive(Debug, Clone, Copy)]
pub struct Seq(pub i64);

impl std::str::FromStr for Seq {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_prefix('#').unwrap_or(text).parse().ok().filter(|seq| *seq > 0);
        number.map(Self).ok_or_else(|| "write the number of an entry, such as 41".to_owned())
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ExportFormat {
    Jsonl,
    Csv,
}

#[derive(Debug, Args)]
pub struct Bundle {
    /// The release, or the word verify and a file
    #[arg(value_name = "RELEASE|verify")]
    pub what: String,
    /// The archive to verify
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Where the archive goes (default: SERVICE-VERSION.relman.tar here)
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only the hashes of the logs
    #[arg(long)]
    pub no_logs: bool,
    /// Entries about other things only as their hashes: less to hand out, less that is proven
    #[arg(long)]
    pub brief: bool,
    /// With verify: whose key is whose, instead of what the archive says about that
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Backup {
    /// A file that does not exist yet
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// A backup
    pub file: PathBuf,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct AsOf {
    /// As it was at a moment of the past: #41 for an entry of the journal, "2026-11-01 10:00", 08:30, -2h
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true)]
    pub as_of: Option<String>,
}

#[derive(Debug, Args)]
pub struct Board {
    #[command(flatten)]
    pub past: AsOf,
    /// What differs between that moment and this one
    #[arg(long, value_name = "MOMENT", requires = "as_of", allow_hyphen_values = true)]
    pub until: Option<String>,
}
