//! Marks in the approval queue: several decided about in one act, each recorded for itself (APR-21).

use super::super::action::Action;
use super::super::model::Model;
use super::super::popup::{Popup, is_protected};
use super::queue::{self, Key, items, key};
use crate::ops::view::queue::Pending;

/// What is marked and still waits, in the order of the list.
pub fn marked(model: &Model) -> Vec<&Pending> {
    let is_marked = |item: &&Pending| model.queue.marked.contains(&key(item));
    items(model).into_iter().filter(is_marked).collect()
}

/// Whether something must be typed, its version or an answer: it is approved by itself only.
fn is_typed(model: &Model, item: &Pending) -> bool {
    item.subject.environment().is_some_and(|env| is_protected(model, env)) || !item.asks.is_empty()
}

/// Why not, about what is marked; `None`: nothing is.
pub fn allow(model: &Model, action: Action) -> Option<Result<(), String>> {
    let marked = marked(model);
    marked.first()?;
    Some(match action {
        Action::Approve => match marked.into_iter().find(|item| is_typed(model, item)) {
            Some(item) => Err(format!(
                "{} for {} {}: approve it by itself (Esc takes the marks off)",
                item.release.id,
                item.matter(),
                if item.asks.is_empty() { "wants its version typed" } else { "asks you something" }
            )),
            None => Ok(()),
        },
        Action::Reject => Ok(()),
        Action::ApproveLater => {
            Err("several are marked, this is about one; Esc takes the marks off".to_owned())
        }
        _ => return None,
    })
}

/// Marks the selected one or takes its mark off, and goes on to the next.
pub fn mark(model: &mut Model) {
    let Some(selected) = queue::selected(model).map(key) else { return };
    if !model.queue.marked.remove(&selected) {
        model.queue.marked.insert(selected);
    }
    drop(queue::act(model, Action::Down));
}

/// Marks what may be approved in one act; again: nothing.
pub fn mark_all(model: &mut Model) {
    if !model.queue.marked.is_empty() {
        return clear(model);
    }
    let (typed, free): (Vec<&Pending>, Vec<&Pending>) =
        items(model).into_iter().filter(|item| item.is_open_to_you()).partition(|item| is_typed(model, item));
    let left = match typed.len() {
        0 => String::new(),
        count => format!("; {count} left out: they want something typed"),
    };
    let said = format!("{} marked{left}", free.len());
    let keys: Vec<Key> = free.into_iter().map(key).collect();
    model.queue.marked.extend(keys);
    model.say(said);
}

pub fn clear(model: &mut Model) {
    model.queue.marked.clear();
    model.say("no marks any more");
}

/// Forgets marks on what does not wait any more or has come to be something else.
pub fn prune(model: &mut Model) {
    let open: Vec<Key> = model.views.queue.iter().filter(|item| item.is_open_to_you()).map(key).collect();
    model.queue.marked.retain(|marked| open.contains(marked));
}

/// The question about all that is marked.
pub fn ask(model: &Model, action: Action) -> Option<Popup> {
    let items = marked(model);
    items.first()?;
    match action {
        Action::Approve => Some(Popup::approve_all(&items, model)),
        Action::Reject => Some(super::super::popup::form::approval::reject_all(&items)),
        _ => None,
    }
}
