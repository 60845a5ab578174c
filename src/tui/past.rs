//! The panes in the past: how one gets there and back, and how the screen says so.

use ratatui::text::{Line, Span};

use super::action::Action;
use super::answer;
use super::model::Model;
use super::msg::{Effect, Views};
use super::pane::{board, queue};
use crate::domain::time::Timestamp;
use crate::ops::past::{Place, Stride, Travel};

/// Orders a step through time.
pub(super) fn travel(model: &mut Model, travel: Travel) -> Vec<Effect> {
    model.flash = None;
    if model.past.is_none() {
        model.busy = Some(("going back…".to_owned(), model.now));
    }
    vec![Effect::Travel(travel)]
}

/// Another moment is shown. The log stays in the present: what a script printed does not change.
pub(super) fn arrive(model: &mut Model, views: Views, place: Place) -> Vec<Effect> {
    let before: Vec<_> = board::cards(model).iter().map(|card| card.release.id.clone()).collect();
    answer::arrived(model);
    model.past = Some(place);
    model.now = place.at;
    if let Some(calendar) = &views.calendar {
        model.calendar.asked = Some(calendar.span);
    }
    let shown = model.views.shown.take();
    model.views = Views { shown, ..views };
    board::reselect(model, &before, board::Change::Views);
    queue::reselect(model);
    if place.unreadable > 0 {
        let count = place.unreadable;
        model.complain(format!(
            "{count} entries of another relman cannot be read: what they changed is missing"
        ));
    }
    Vec::new()
}

/// Goes a step into the past or back.
pub(super) fn step(model: &mut Model, action: Action) -> Vec<Effect> {
    let by = match action {
        Action::EntryBack => Travel::Back(Stride::Entry),
        Action::EntryOn => Travel::On(Stride::Entry),
        Action::HourBack => Travel::Back(Stride::Hour),
        Action::HourOn => Travel::On(Stride::Hour),
        Action::DayBack => Travel::Back(Stride::Day),
        _ => Travel::On(Stride::Day),
    };
    travel(model, by)
}

/// The present is shown again.
pub(super) fn come_back(model: &mut Model, now: Timestamp) {
    if model.past.take().is_none() {
        return;
    }
    // What was shown was not what had been: nothing has ended or begun by coming back.
    model.views = Views { shown: model.views.shown.take(), ..Views::default() };
    model.busy = None;
    model.now = now;
    model.say("now again");
}

/// The moment that is shown, for the corner.
pub(super) fn corner(model: &Model) -> String {
    let Some(place) = model.past else { return String::new() };
    let at = place.at.in_zone(model.shown_zone()).format("%Y-%m-%d %H:%M");
    format!(" PAST {at}  #{} ", place.seq)
}

/// The last line: how to go on from here, and back to now.
pub(super) fn foot(model: &Model) -> Line<'static> {
    let mut spans = vec![Span::styled("PAST, read-only", model.theme.strong)];
    for (key, word) in
        [("{ }", "entry"), ("( )", "hour"), ("- =", "day"), ("@", "moment"), ("Esc", "now"), ("?", "help")]
    {
        spans.push(Span::styled(format!("  {key}"), model.theme.key));
        spans.push(Span::raw(format!(" {word}")));
    }
    Line::from(spans)
}
