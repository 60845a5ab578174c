//! The grammar of freezes.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use crate::domain::freeze::{Running, Stops};

#[derive(Debug, Subcommand)]
pub enum Freeze {
    /// Add a closed window [start, end), once or again and again
    Add(AddFreeze),
    /// Change a freeze: longer, shorter, another name, scope or rule
    Edit(EditFreeze),
    /// Freezes that are not over
    List,
    /// One freeze: when it closes next, and what it hits
    Show { freeze: String },
    /// Take one away, by its id or name
    Remove {
        freeze: String,
        /// Why; kept in the journal
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Set a freeze aside without taking it away: it closes nothing until it is resumed
    Suspend(SetAside),
    /// Let a suspended freeze close again what it closes
    Resume(SetAside),
    /// Stop the line: nothing starts from now on
    Now(FreezeNow),
    /// Write freezes as an iCalendar file
    Export(ExportFreezes),
    /// Make freezes of the events of an iCalendar file; those known by their UID are changed, not doubled
    Import(ImportFreezes),
}

#[derive(Debug, Args)]
pub struct SetAside {
    /// Its id or name
    pub freeze: String,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct ExportFreezes {
    /// A new file, or - for stdout
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// Only freezes that close something from then on (default: now)
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// … and until then
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
}

#[derive(Debug, Args)]
pub struct ImportFreezes {
    /// The file, or - for stdin
    pub file: PathBuf,
    /// What the events close: glob over service names; may be repeated (default: all)
    #[arg(long = "service", value_name = "GLOB")]
    pub services: Vec<String>,
    /// What the events close: glob over environment names; may be repeated
    #[arg(long = "environment", alias = "env", value_name = "GLOB")]
    pub environments: Vec<String>,
    /// IANA zone of whole days and of times without a zone (default: the configuration's)
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// Only say what would become of the events
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct AddFreeze {
    pub name: String,
    /// Such as "2026-12-24 18:00", "tomorrow 09:00", +2h
    #[arg(long, value_name = "TIME")]
    pub start: String,
    /// The first moment that is open again; +2h is counted from the start
    #[arg(long, value_name = "TIME")]
    pub end: String,
    /// Why; whoever is refused reads it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Glob over service names; may be repeated (default: all)
    #[arg(long = "service", value_name = "GLOB")]
    pub services: Vec<String>,
    /// Glob over environment names; may be repeated (default: all)
    #[arg(long = "environment", alias = "env", value_name = "GLOB")]
    pub environments: Vec<String>,
    /// IANA zone of start and end (default: the configuration's)
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// Close again and again: every friday, weekdays, monthly, or an RFC 5545 rule such as "FREQ=WEEKLY;BYDAY=FR", in the wall
    /// clock of the zone
    #[arg(long, value_name = "RULE")]
    pub rrule: Option<String>,
    /// A day on which it does not close although the rule says so, such as 2026-12-25; may be repeated
    #[arg(long, value_name = "DAY", requires = "rrule")]
    pub except: Vec<NaiveDate>,
    /// What becomes of what runs when it begins: finish (default) or stop-at-step
    #[arg(long, value_name = "WHAT", default_value_t)]
    pub running: Running,
    /// Whom it stops: all (default), automation (what begins by itself: deliveries, trains, what is scheduled) or people
    #[arg(long, value_name = "WHOM", default_value_t)]
    pub stops: Stops,
    /// Only say what it would hit
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct EditFreeze {
    /// Its id or name
    pub freeze: String,
    #[arg(long)]
    pub name: Option<String>,
    /// What whoever is refused reads
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
    /// Another start; of one that repeats of the first one
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// Another end; +2h is counted from the start
    #[arg(long, value_name = "TIME")]
    pub end: Option<String>,
    /// Glob over service names; may be repeated
    #[arg(long = "service", value_name = "GLOB")]
    pub services: Vec<String>,
    /// Glob over environment names; may be repeated
    #[arg(long = "environment", alias = "env", value_name = "GLOB")]
    pub environments: Vec<String>,
    /// IANA zone of its times
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// Another rule; "none": it closes once
    #[arg(long, value_name = "RULE")]
    pub rrule: Option<String>,
    /// One more day on which it does not close; may be repeated
    #[arg(long, value_name = "DAY")]
    pub except: Vec<NaiveDate>,
    /// What becomes of what runs when it begins: finish or stop-at-step
    #[arg(long, value_name = "WHAT")]
    pub running: Option<Running>,
    /// Whom it stops: all, automation or people
    #[arg(long, value_name = "WHOM")]
    pub stops: Option<Stops>,
    /// Why it is changed; must be said where it closes something now
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Only say what it would hit
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct FreezeNow {
    /// Why; whoever is refused reads it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// How long
    #[arg(long = "for", value_name = "DURATION", default_value = "4h")]
    pub length: String,
    /// Glob over service names; may be repeated (default: all)
    #[arg(long = "service", value_name = "GLOB")]
    pub services: Vec<String>,
    /// Glob over environment names; may be repeated (default: all)
    #[arg(long = "environment", alias = "env", value_name = "GLOB")]
    pub environments: Vec<String>,
    /// How to call it (otherwise: Stop the line, with a number if there is one already)
    #[arg(long)]
    pub name: Option<String>,
    /// What becomes of what runs: finish (default) or stop-at-step
    #[arg(long, value_name = "WHAT", default_value_t)]
    pub running: Running,
    /// Whom it stops: all (default), automation (what begins by itself: deliveries, trains, what is scheduled) or people
    #[arg(long, value_name = "WHOM", default_value_t)]
    pub stops: Stops,
}
