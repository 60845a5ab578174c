//! In which order the lists of board and approvals stand. Stages stay together on the board: they are what it is about.

use std::cmp::{Ordering, Reverse};

use crate::domain::release::Release;
use crate::ops::view::board::Card;
use crate::ops::view::queue::Pending;

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As the store tells it: cards by when they were registered, decisions by whose turn it is.
    #[default]
    Usual,
    Name,
    Risk,
    /// The soonest date it is promised for.
    Due,
}

impl Order {
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Usual => Self::Name,
            Self::Name => Self::Risk,
            Self::Risk => Self::Due,
            Self::Due => Self::Usual,
        }
    }

    /// How the title of the pane says it; nothing for the usual one.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Usual => "",
            Self::Name => " by name",
            Self::Risk => " by risk",
            Self::Due => " by date",
        }
    }

    pub fn sentence(self) -> &'static str {
        match self {
            Self::Usual => "in the usual order",
            Self::Name => "by name and version",
            Self::Risk => "the greatest risk first",
            Self::Due => "the soonest target date first",
        }
    }

    pub fn of_cards(self, a: &Card, b: &Card) -> Ordering {
        let by = |card: &Card| self.rank(&card.release);
        by(a).cmp(&by(b))
    }

    pub fn of_items(self, a: &Pending, b: &Pending) -> Ordering {
        let by = |item: &Pending| self.rank(&item.release);
        by(a).cmp(&by(b))
    }

    fn rank(self, release: &Release) -> impl Ord + use<> {
        let due = release.plan.target;
        match self {
            Self::Usual => (None, None, None),
            Self::Name => (None, None, Some(release.id.clone())),
            Self::Risk => (Some(Reverse(release.weighed_risk())), None, None),
            Self::Due => (None, Some((due.is_none(), due)), None),
        }
    }
}
