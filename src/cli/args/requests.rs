//! The grammar of `relman request`.

use clap::{Args, Subcommand};

use crate::domain::ids::{ReleaseRef, RequestId, ServiceName};
use crate::domain::release::{Level, Origin};
use crate::domain::wanted::State;

#[derive(Debug, Subcommand)]
pub enum Requests {
    /// Put something on the list
    New {
        title: String,
        #[command(flatten)]
        about: AboutRequest,
        /// What somebody said that leads to it: the release it was said about and its number, api@1.4.2:3
        #[arg(long, value_name = "RELEASE:N")]
        from_feedback: Option<SaidAbout>,
    },
    /// What is asked for: what waits and what is on its way, the most urgent first
    List {
        #[arg(long, value_name = "SERVICE")]
        service: Option<ServiceName>,
        /// feedback, market, internal, incident or other
        #[arg(long)]
        origin: Option<Origin>,
        /// open, planned, done or declined
        #[arg(long)]
        state: Option<State>,
        /// Also what is done or declined
        #[arg(long)]
        all: bool,
    },
    /// One request, and what has become of it
    Show { request: RequestId },
    /// Change what is known about it
    Edit {
        request: RequestId,
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
        #[command(flatten)]
        about: AboutRequest,
    },
    /// Say that nothing comes of it
    Decline {
        request: RequestId,
        /// Why; kept in the journal
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The request that asks for the same
        #[arg(long, value_name = "REQUEST")]
        duplicate_of: Option<RequestId>,
    },
    /// Open one again that was declined
    Reopen { request: RequestId },
    /// Take requests into the scope of a release: relman request take R3 R7 api@1.5.0
    Take {
        #[arg(required = true)]
        requests: Vec<RequestId>,
        release: ReleaseRef,
    },
}

#[derive(Debug, Args)]
pub struct AboutRequest {
    /// The service it is about
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<ServiceName>,
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
}

/// `api@1.4.2:3`
#[derive(Debug, Clone)]
pub struct SaidAbout {
    pub release: ReleaseRef,
    pub number: usize,
}

impl std::str::FromStr for SaidAbout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || "write the release and the number of what was said about it: api@1.4.2:3".to_owned();
        let (release, number) = text.rsplit_once(':').ok_or_else(shape)?;
        let number = number.parse().map_err(|_| shape())?;
        Ok(Self { release: release.parse().map_err(|why| format!("{why}"))?, number })
    }
}
