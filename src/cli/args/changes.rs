//! Which commands change something: those that a relman which only looks refuses.

use super::{Checklist, Command, Config, Freeze, Release, Train, lock};

impl Command {
    /// Whether it changes the store, starts something or writes a file into a directory of its own choice.
    pub(in crate::cli) fn changes(&self) -> bool {
        match self {
            Self::Init(_)
            | Self::Demo
            | Self::Check(_)
            | Self::Approve(_)
            | Self::Reject(_)
            | Self::Withdraw(_)
            | Self::Deploy(_)
            | Self::Chain(_)
            | Self::Rollback(_)
            | Self::Note(_)
            | Self::Cancel(_)
            | Self::Decide(_)
            | Self::Reschedule(_)
            | Self::Resolve(_)
            | Self::Tick
            | Self::Unlock(_) => true,
            Self::Release(verb) => !matches!(verb, Release::Show { .. } | Release::List { .. }),
            Self::Checklist(verb) => !matches!(verb, Checklist::List { .. }),
            Self::Freeze(verb) => !matches!(verb, Freeze::List),
            Self::Train(verb) => !matches!(verb, Train::List | Train::Show { .. }),
            Self::Lock(lock) => !matches!(lock.verb, Some(lock::LockVerb::List)),
            Self::Config(verb) => matches!(verb, Config::Adopt),
            Self::Toggle(toggle) => toggle.name.is_some(),
            Self::Approvals(_)
            | Self::Deployments(_)
            | Self::Show(_)
            | Self::Log(_)
            | Self::Attach(_)
            | Self::Deliveries
            | Self::Board
            | Self::Status
            | Self::Why(_)
            | Self::Calendar(_)
            | Self::Rights(_)
            | Self::Audit(_)
            | Self::Paths
            | Self::Setup(_)
            | Self::Doctor
            | Self::Completions(_) => false,
        }
    }
}
