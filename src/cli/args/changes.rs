//! Which commands change something: those that a relman which only looks refuses.

use super::{
    Audit, Change, Check, Checklist, Command, Config, Feedback, Freeze, Hooks, Issue, Monitor, Override,
    Plan, Prepare, Release, Requests, Review, Train, lock,
};

impl Command {
    /// Whether it changes the store, starts something or writes a file into a directory of its own choice.
    pub(in crate::cli) fn changes(&self) -> bool {
        match self {
            Self::Init(_)
            | Self::Demo
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
            | Self::Judge(_)
            | Self::Tick
            | Self::Take(_)
            | Self::Witness(_)
            | Self::Restore(_)
            | Self::Undo(_)
            | Self::Unlock(_) => true,
            Self::Release(verb) => !matches!(verb, Release::Show { .. } | Release::List { .. }),
            Self::Plan(verb) => !matches!(verb, Plan::Show { .. } | Plan::History { .. }),
            Self::Risk(args) => args.size.is_some() || args.raise.is_some() || args.lower.is_some(),
            Self::Build(args) => args.log.is_none(),
            Self::Check(verb) => !matches!(verb, Check::List { .. }),
            Self::Prepare(verb) => {
                !matches!(verb, Prepare::Show { .. } | Prepare::Announce { draft: true, .. })
            }
            Self::Issue(verb) => !matches!(verb, Issue::List { .. }),
            Self::Request(verb) => !matches!(verb, Requests::List { .. } | Requests::Show { .. }),
            // Trying one out records nothing, and starts its command.
            Self::Monitor(verb) => matches!(verb, Monitor::Try { .. }),
            Self::Feedback(verb) => !matches!(verb, Feedback::List { .. }),
            Self::Review(verb) => !matches!(verb, Review::Show { .. } | Review::Actions { .. }),
            Self::Checklist(verb) => !matches!(verb, Checklist::List { .. }),
            Self::Freeze(verb) => !matches!(verb, Freeze::List | Freeze::Show { .. } | Freeze::Export(_)),
            Self::Train(verb) => !matches!(verb, Train::List | Train::Show { .. }),
            Self::Lock(lock) => !matches!(lock.verb, Some(lock::LockVerb::List)),
            Self::Audit(verb) => {
                matches!(verb, Audit::Accept { .. } | Audit::Export { .. } | Audit::Archive(_))
            }
            Self::Config(verb) => matches!(verb, Config::Adopt | Config::Confirm { .. }),
            Self::Hooks(verb) => matches!(verb, Hooks::Retry { .. }),
            // Asking about a ticket writes down what was answered.
            Self::Change(verb) => !matches!(verb, Change::Show { .. }),
            Self::Override(verb) => !matches!(verb, Override::List { .. }),
            Self::Drift(drift) => !drift.last,
            Self::Who(who) => who.say.is_some(),
            Self::Toggle(toggle) => toggle.name.is_some(),
            Self::Approvals(_)
            | Self::Deployments(_)
            | Self::Show(_)
            | Self::Log(_)
            | Self::Attach(_)
            | Self::Deliveries
            | Self::Board(_)
            | Self::Status(_)
            | Self::Why(_)
            | Self::When(_)
            | Self::Calendar(_)
            | Self::Rights(_)
            | Self::Metrics(_)
            | Self::Notes(_)
            | Self::Handover(_)
            | Self::Report(_)
            | Self::Backup(_)
            | Self::Bundle(_)
            | Self::Paths
            | Self::Setup(_)
            | Self::Doctor
            | Self::Keys(_)
            | Self::Man(_)
            | Self::Completions(_) => false,
        }
    }
}
