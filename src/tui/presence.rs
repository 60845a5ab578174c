//! Who else is in: what this process tells others, when, and how others are shown.
//!
//! Telling is rare: when what is before the eyes has changed and settled, and every half minute while keys are pressed.
//! Panes nobody touches write nothing.

use std::time::{Duration, Instant};

use ratatui::text::Line;

use super::model::{Model, Pane};
use super::msg::Effect;
use super::pane::{board, queue};
use super::popup::Popup;
use crate::domain::actor::Actor;
use crate::domain::approval::Verdict;
use crate::domain::deployment::ProcessRef;
use crate::domain::ids::{DeploymentId, ReleaseId};
use crate::domain::session::{Asking, Focus, Intent, Session, marks};
use crate::domain::witness::Request;
use crate::ops::{Ctx, presence};

/// What the person has before their eyes.
pub fn focus(model: &Model) -> Focus {
    let release = match model.focus {
        Pane::Board => board::selected(model).map(|card| card.release.id.clone()),
        Pane::Approvals => queue::selected(model).map(|item| item.release.id.clone()),
        Pane::Calendar => None,
        Pane::Log => model.views.shown.as_ref().map(|view| view.deployment.release.clone()),
    };
    Focus {
        pane: model.focus.title().to_lowercase(),
        release,
        deployment: model.log.shown.filter(|_| model.focus == Pane::Log),
        asking: model.popups.last().and_then(Popup::asking),
    }
}

/// Whether it is the person who sits here, at this or another terminal.
fn is_own(model: &Model, session: &Session) -> bool {
    session.person.human() == model.human
}

/// Sessions of other people.
pub fn others(model: &Model) -> impl Iterator<Item = &Session> {
    model.views.sessions.iter().filter(|session| !is_own(model, session))
}

/// `+2 in`, where other people are in.
pub fn count(model: &Model) -> Option<String> {
    let mut people: Vec<&str> = others(model).map(|session| session.person.human()).collect();
    people.sort_unstable();
    people.dedup();
    (!people.is_empty()).then(|| format!("+{} in", people.len()))
}

/// Who looks at a release, or is about to do something with it.
pub fn mark(model: &Model, release: &ReleaseId) -> Option<String> {
    marks(others(model).filter(|session| session.focus.is_on(release)))
}

/// What somebody else asks a witness for.
pub fn asking(model: &Model) -> Option<&Request> {
    let open = |request: &&Request| request.witnessed.is_none() && request.stands(model.now);
    let is_others = |request: &&Request| request.starter.person.human() != model.human;
    model.views.witnesses.iter().filter(open).find(is_others)
}

/// Who watches a deployment.
pub fn watchers(model: &Model, id: DeploymentId) -> Option<String> {
    let watch = |session: &&Session| session.focus.deployment == Some(id);
    let mut names: Vec<&str> = others(model).filter(watch).map(|session| session.person.human()).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("{one} watches")),
        many => Some(format!("{} watch", many.join(", "))),
    }
}

/// The page that names everybody.
pub fn page(model: &Model) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> =
        others(model).map(|session| Line::raw(session.sentence(model.now))).collect();
    if lines.is_empty() {
        lines.push(Line::raw("Nobody else has the panes open."));
    }
    lines.push(Line::default());
    let note =
        "What sessions say of themselves: information, no lock. Who uses the command line is not here.";
    lines.push(Line::styled(note, model.theme.dim));
    lines
}

/// On the side of the screen: notices that there is something to tell.
#[derive(Debug, Default)]
pub(super) struct Teller {
    told: Option<(Focus, Option<Instant>)>,
}

impl Teller {
    /// What to tell after a message; `is_key`: it was a key.
    pub(super) fn order(&mut self, model: &Model, is_key: bool) -> Option<Effect> {
        if !model.loaded {
            return None;
        }
        let focus = focus(model);
        let is_news = self.told.as_ref().is_none_or(|(told, at)| {
            let was_long_ago = at.is_none_or(|at| at.elapsed() >= Session::GRAIN);
            *told != focus || (is_key && was_long_ago)
        });
        if !is_news {
            return None;
        }
        self.told = Some((focus.clone(), Some(Instant::now())));
        Some(Effect::Tell(Box::new(focus)))
    }
}

/// So long a new selection settles before it is told, and so far apart two of them are.
const SETTLED: Duration = Duration::from_secs(1);
const APART: Duration = Duration::from_secs(5);
/// A dialog that acts is told sooner: that is what keeps two people from doing the same.
const SOON: Duration = Duration::from_millis(250);

/// On the side of the store: writes it when it is due.
pub(super) struct Telling {
    session: Option<Session>,
    /// What is to be told, and since when.
    wanted: Option<(Focus, Instant)>,
    written: Option<Instant>,
}

impl Telling {
    /// A process that cannot say who it is tells nothing.
    pub(super) fn new(cx: &Ctx<'_>, process: Option<ProcessRef>) -> Self {
        let Actor { person, tty, client, .. } = cx.actor.clone();
        let session = process.map(|process| Session {
            person,
            tty,
            client,
            host: cx.machine.host().to_owned(),
            boot: cx.machine.boot().to_owned(),
            process,
            since: cx.now,
            active_at: cx.now,
            focus: Focus::default(),
        });
        Self { session, wanted: None, written: None }
    }

    pub(super) fn want(&mut self, focus: Focus) {
        let since = self.wanted.take().map_or_else(Instant::now, |(_, since)| since);
        self.wanted = Some((focus, since));
    }

    fn is_due(&self, session: &Session, now: Instant) -> bool {
        let Some((focus, since)) = &self.wanted else { return false };
        let (settled, apart) = match focus.asking == session.focus.asking {
            true => (SETTLED, APART),
            false => (SOON, SETTLED),
        };
        let is_apart = self.written.is_none_or(|written| now.duration_since(written) >= apart);
        now.duration_since(*since) >= settled && is_apart
    }

    /// Writes what is due. What could not be written is tried again later, and nobody hears of it.
    pub(super) fn tell(&mut self, cx: &Ctx<'_>) {
        let now = Instant::now();
        let Some(session) = self.session.as_ref().filter(|session| self.is_due(session, now)) else { return };
        let Some((focus, since)) = self.wanted.take() else { return };
        let session = Session { focus, active_at: cx.now, ..session.clone() };
        self.written = Some(now);
        if presence::tell(cx, &session) {
            self.session = Some(session);
        } else {
            self.wanted = Some((session.focus, since));
            // Not before the next beat: somebody else works there.
            self.written = Some(now + Session::GRAIN);
        }
    }
}

/// What a dialog is about to do.
impl Popup {
    fn asking(&self) -> Option<Asking> {
        let plain = |intent| Asking { intent, release: None, environment: None, deployment: None };
        Some(match self {
            Self::Deploy(dialog) => Asking {
                release: Some(dialog.preview.release.id.clone()),
                environment: Some(dialog.environment.clone()),
                ..plain(Intent::Deploy)
            },
            Self::Rollback(dialog) => {
                Asking { environment: Some(dialog.environment().clone()), ..plain(Intent::RollBack) }
            }
            Self::Confirm(dialog) => return ordered(&dialog.effect),
            Self::Guide(dialog) => Asking {
                release: Some(dialog.deployment().release.clone()),
                deployment: Some(dialog.deployment().id),
                ..plain(Intent::Decide)
            },
            Self::Witness(dialog) => Asking {
                release: Some(dialog.request.release.clone()),
                environment: Some(dialog.request.environment.clone()),
                ..plain(Intent::Witness)
            },
            Self::Form(form) => return form.asking(),
            _ => return None,
        })
    }
}

/// What an order that is asked about would do.
fn ordered(effect: &Effect) -> Option<Asking> {
    let plain = |intent| Asking { intent, release: None, environment: None, deployment: None };
    Some(match effect {
        Effect::Cancel { id, .. } => Asking { deployment: Some(*id), ..plain(Intent::Cancel) },
        Effect::Decide(decision) => Asking {
            release: Some(decision.release.clone()),
            environment: decision.subject.environment().cloned(),
            ..plain(Intent::Approve)
        },
        Effect::DecideAll(_) => plain(Intent::Approve),
        Effect::Plan(start) | Effect::Deploy(start) => Asking {
            release: Some(start.release.clone()),
            environment: Some(start.environment.clone()),
            ..plain(Intent::Deploy)
        },
        _ => return None,
    })
}

impl super::popup::form::Form {
    fn asking(&self) -> Option<Asking> {
        use super::popup::form::Kind;
        let plain = |intent| Asking { intent, release: None, environment: None, deployment: None };
        Some(match &self.kind {
            Kind::Edit { id, .. } => Asking { release: Some(id.clone()), ..plain(Intent::Edit) },
            Kind::Decide(decision) => Asking {
                release: Some(decision.release.clone()),
                environment: decision.subject.environment().cloned(),
                ..plain(match decision.verdict {
                    Verdict::Approved => Intent::Approve,
                    Verdict::Rejected => Intent::Reject,
                })
            },
            Kind::Sheet { id, .. } => Asking { release: Some(id.clone()), ..plain(Intent::Edit) },
            Kind::RejectAll(_) => plain(Intent::Reject),
            Kind::Later { release, environment } => Asking {
                release: Some(release.clone()),
                environment: Some(environment.clone()),
                ..plain(Intent::Deploy)
            },
            Kind::Answers { start, .. } | Kind::Options { start, .. } => {
                return ordered(&Effect::Deploy(start.clone()));
            }
            Kind::CancelAndRollBack(id) => Asking { deployment: Some(*id), ..plain(Intent::Cancel) },
            Kind::Abandon(id) | Kind::Resolve(id) => {
                Asking { deployment: Some(*id), ..plain(Intent::Decide) }
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling() -> Telling {
        let at: crate::domain::time::Timestamp = "2026-09-01T10:00:00Z".parse().unwrap();
        let person = crate::domain::actor::Person { name: "bob".to_owned(), uid: 1, login: None };
        let session = Session {
            person,
            tty: None,
            client: None,
            host: "bastion".to_owned(),
            boot: "boot".to_owned(),
            process: ProcessRef { pid: 7, start: 8 },
            since: at,
            active_at: at,
            focus: Focus::default(),
        };
        Telling { session: Some(session), wanted: None, written: None }
    }

    fn due_after(telling: &Telling, since: Instant, wait: Duration) -> bool {
        telling.is_due(telling.session.as_ref().unwrap(), since + wait)
    }

    #[test]
    fn a_selection_settles_first_and_a_dialog_is_told_soon() {
        let mut telling = telling();
        telling.want(Focus { pane: "log".to_owned(), ..Focus::default() });
        let since = telling.wanted.as_ref().unwrap().1;
        assert!(!due_after(&telling, since, Duration::from_millis(900)));
        assert!(due_after(&telling, since, Duration::from_millis(1000)));
        telling.written = Some(since);
        assert!(!due_after(&telling, since, Duration::from_millis(4900)), "seldom");
        let asking =
            Some(Asking { intent: Intent::Deploy, release: None, environment: None, deployment: None });
        telling.want(Focus { asking, ..Focus::default() });
        assert!(!due_after(&telling, since, Duration::from_millis(900)));
        assert!(due_after(&telling, since, Duration::from_millis(1000)), "soon, but not at every key");
    }

    #[test]
    fn nothing_is_told_where_nothing_is_wanted() {
        let telling = telling();
        assert!(!due_after(&telling, Instant::now(), Duration::from_secs(3600)));
    }
}
