//! The grammar of the command line in `:`. `deploy api 2.14.0 production` opens the dialog that the key would open, about that
//! release; it accepts nothing by itself.
//!
//! What may be said is what [`twin`] knows: the words of a command, then the release, environment, service or deployment it is about.

use super::Popup;
use crate::domain::ids::{DeploymentId, EnvName, ReleaseId, ServiceName, Version};
use crate::domain::text::quoted;
use crate::tui::action::{Action, ENTRIES, Entry, Place, belongs, entry};
use crate::tui::allow::allow;
use crate::tui::model::{Model, Pane};
use crate::tui::msg::Effect;
use crate::tui::pane::{board, log, queue};
use crate::tui::twin;
use crate::tui::update::{act, focus};

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub action: Action,
    pub release: Option<ReleaseId>,
    pub environment: Option<EnvName>,
    pub service: Option<ServiceName>,
    pub deployment: Option<DeploymentId>,
}

impl Said {
    /// What it is about, for the line that says what Enter does.
    pub fn about(&self) -> String {
        let words = [
            self.release.as_ref().map(ToString::to_string),
            self.service.as_ref().map(ToString::to_string),
            self.deployment.map(|id| id.to_string()),
            self.environment.as_ref().map(|env| format!("in {env}")),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// What is never about a service as a whole.
const ABOUT_A_RELEASE: [Action; 12] = [
    Action::Deploy,
    Action::Schedule,
    Action::Why,
    Action::Advance,
    Action::MoveBack,
    Action::Block,
    Action::Edit,
    Action::Sheet,
    Action::Approve,
    Action::Reject,
    Action::Withdraw,
    Action::Diff,
];

/// The action whose command, or whose name, the words begin with, and how many words that takes: the longest.
fn command(words: &[&str]) -> Option<(&'static Entry, usize)> {
    let begins = |said: &str| {
        let parts: Vec<&str> = said.split(' ').collect();
        words.starts_with(&parts).then_some(parts.len())
    };
    let of = |entry: &'static Entry| {
        let length = twin::command(entry.action).and_then(begins).max(begins(entry.name))?;
        Some((entry, length))
    };
    // Of several with one command the first in the registry is the plain one.
    ENTRIES.iter().filter_map(of).reduce(|best, other| if other.1 > best.1 { other } else { best })
}

/// Reads what was typed. Nothing: it is no command with something behind it. `Err`: it is one, and what is wrong with it.
pub fn read(model: &Model, text: &str) -> Option<Result<Said, String>> {
    let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "relman").collect();
    let (entry, length) = command(&words)?;
    let rest = &words[length..];
    (!rest.is_empty()).then(|| about(model, entry, rest))
}

fn about(model: &Model, entry: &Entry, words: &[&str]) -> Result<Said, String> {
    let (action, mut words) = (entry.action, words.iter().copied().peekable());
    let mut said = Said { action, release: None, environment: None, service: None, deployment: None };
    let environment = |word: &str| model.policy.environments.keys().find(|env| env.as_str() == word).cloned();
    while let Some(word) = words.next() {
        if word == "--env" {
            continue;
        }
        if word.starts_with('-') {
            return Err(format!("{} is asked in the dialog: leave it out here", quoted(word, 30)));
        }
        let service = model.policy.services.keys().find(|name| name.as_str() == word).cloned();
        if let Some(env) = environment(word) {
            said.environment = Some(env);
        } else if let Some(service) = service {
            match words.peek().and_then(|next| next.parse::<Version>().ok()) {
                Some(version) => {
                    words.next();
                    said.release = Some(ReleaseId::new(service, version));
                }
                None => said.service = Some(service),
            }
        } else if let Some(id) = word.trim_start_matches('#').parse().ok().map(DeploymentId) {
            said.deployment = Some(id);
        } else {
            said.release = Some(release(model, word)?);
        }
    }
    if said.release.is_none() && ABOUT_A_RELEASE.contains(&action) {
        // A service that has one release on the board means that one.
        said.release = said.service.take().map(|name| release(model, &format!("{name}@"))).transpose()?;
    }
    Ok(said)
}

/// The release somebody means, of those on the board.
fn release(model: &Model, word: &str) -> Result<ReleaseId, String> {
    let all = || model.views.board.cards.iter().map(|card| &card.release.id);
    let wanted = word.strip_suffix("@latest").map_or(word.to_owned(), |service| format!("{service}@"));
    let begin: Vec<&ReleaseId> = all().filter(|id| id.to_string().starts_with(&wanted)).collect();
    let exact = all().find(|id| id.to_string() == word);
    let newest = word.ends_with("@latest").then(|| {
        begin
            .iter()
            .copied()
            .reduce(|best, other| if other.version.outranks(&best.version) { other } else { best })
    });
    match (exact.or(newest.flatten()), &begin[..]) {
        (Some(id), _) => Ok(id.clone()),
        (None, [id]) => Ok((*id).clone()),
        (None, []) => Err(format!("{} is no environment, service or release on the board", quoted(word, 40))),
        (None, several) => {
            let names: Vec<String> = several.iter().take(4).map(ToString::to_string).collect();
            Err(format!("{} may be {}", quoted(word, 40), names.join(", ")))
        }
    }
}

/// Goes to what was said and does there what its key does.
pub fn carry_out(model: &mut Model, said: Said) -> Vec<Effect> {
    if let Some(id) = said.deployment {
        return on_deployment(model, said.action, id);
    }
    if let Some(release) = said.release.clone() {
        return on_release(model, &said, &release);
    }
    if let (Action::RollBack, Some(service), Some(environment)) =
        (said.action, said.service, said.environment)
    {
        return match allow(model, said.action) {
            Ok(()) => vec![Effect::AskChoices { service, environment }],
            Err(why) => refused(model, why),
        };
    }
    // Somewhere it means something.
    let entry = entry(said.action);
    let elsewhere = Pane::ALL.into_iter().find(|pane| entry.places.contains(&Place::In(*pane)));
    let mut effects = match elsewhere.filter(|_| !belongs(entry, model.focus)) {
        Some(pane) => focus(model, pane),
        None => Vec::new(),
    };
    effects.extend(act(model, said.action));
    effects
}

fn refused(model: &mut Model, why: impl Into<String>) -> Vec<Effect> {
    model.complain(why.into());
    Vec::new()
}

/// Its log, and above it the question where one was meant.
fn on_deployment(model: &mut Model, action: Action, id: DeploymentId) -> Vec<Effect> {
    let mut effects = focus(model, Pane::Log);
    effects.extend(log::watch(model, id));
    if !matches!(action, Action::CancelDeployment | Action::Decide) {
        return effects;
    }
    if let Err(why) = allow(model, action) {
        model.complain(why);
        return effects;
    }
    let popup = match model.views.board.active.iter().find(|d| d.id == id) {
        Some(d) if action == Action::CancelDeployment => Some(Popup::cancel(d, model)),
        Some(d) => Popup::decide(d, model),
        None => None,
    };
    match popup {
        Some(popup) => model.popups.push(popup),
        None => model.complain(format!("{id} neither runs nor waits for a decision: its log is shown")),
    }
    effects
}

fn on_release(model: &mut Model, said: &Said, release: &ReleaseId) -> Vec<Effect> {
    let decides = matches!(said.action, Action::Approve | Action::Reject | Action::Withdraw | Action::Diff);
    let mut effects = focus(model, if decides { Pane::Approvals } else { Pane::Board });
    let environment = said.environment.as_ref();
    let stands = if decides {
        model.queue.filter.clear();
        queue::stand_on_place(model, release, environment);
        queue::selected(model).is_some_and(|item| {
            item.release.id == *release
                && environment.is_none_or(|env| item.subject.environment() == Some(env))
        })
    } else {
        model.board.filter.clear();
        board::stand_on(model, release);
        board::selected(model).is_some_and(|card| card.release.id == *release)
    };
    if !stands {
        let place = environment.map(|env| format!(" in {env}")).unwrap_or_default();
        model.complain(match decides {
            true => format!("nothing about {release}{place} waits for a decision"),
            false => format!("{release} is not on the board: relman release show {release}"),
        });
        return effects;
    }
    if let Err(why) = allow(model, said.action) {
        model.complain(why);
        return effects;
    }
    effects.extend(match (said.action, environment.cloned()) {
        (Action::Deploy, Some(environment)) => {
            vec![Effect::Preview { release: release.clone(), environment }]
        }
        (Action::Why, Some(environment)) => vec![Effect::Explain { release: release.clone(), environment }],
        (action, _) => act(model, action),
    });
    effects
}
