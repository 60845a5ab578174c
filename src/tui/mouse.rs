//! The mouse, where somebody has asked for it: a click turns to a pane, the wheel scrolls. It starts nothing and decides nothing.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::action::Action;
use super::layout;
use super::model::{Model, Pane};
use super::msg::Effect;
use super::update::{act, on_popup_key};

/// Lines that one notch of the wheel moves.
const NOTCH: usize = 3;

/// Takes it or gives it back.
pub(super) fn switch(model: &mut Model) -> Vec<Effect> {
    model.mouse = !model.mouse;
    let key = model.key(Action::Mouse);
    model.say(match model.mouse {
        true => format!(
            "the mouse is the panes': a click turns to a pane, the wheel scrolls; {key} gives it back"
        ),
        false => "the mouse is the terminal's again".to_owned(),
    });
    vec![Effect::Mouse(model.mouse)]
}

pub(super) fn on_mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    let (action, key) = match event.kind {
        MouseEventKind::ScrollDown => (Action::Down, "<down>"),
        MouseEventKind::ScrollUp => (Action::Up, "<up>"),
        MouseEventKind::Down(MouseButton::Left) if model.popups.is_empty() => {
            return match pane_at(model, at) {
                Some(pane) => act(model, focus(pane)),
                None => Vec::new(),
            };
        }
        _ => return Vec::new(),
    };
    if !model.popups.is_empty() {
        return (0..NOTCH).flat_map(|_| on_popup_key(model, key)).collect();
    }
    let mut effects = Vec::new();
    if let Some(pane) = pane_at(model, at).filter(|pane| *pane != model.focus) {
        effects.extend(act(model, focus(pane)));
    }
    for _ in 0..NOTCH {
        effects.extend(act(model, action));
    }
    effects
}

fn focus(pane: Pane) -> Action {
    match pane {
        Pane::Board => Action::FocusBoard,
        Pane::Approvals => Action::FocusApprovals,
        Pane::Calendar => Action::FocusCalendar,
        Pane::Log => Action::FocusLog,
    }
}

/// The pane that is drawn there, or whose name stands there.
fn pane_at(model: &Model, at: Position) -> Option<Pane> {
    let areas = layout::areas(model);
    let drawn = areas.panes.iter().find(|(_, area)| area.contains(at)).map(|(pane, _)| *pane);
    drawn.or_else(|| {
        let mut left = areas.tabs.x;
        super::view::tab_names(model).into_iter().find_map(|(pane, name)| {
            let width = u16::try_from(name.chars().count()).unwrap_or(0);
            let place = Rect { x: left, width, ..areas.tabs };
            left = left.saturating_add(width + 1);
            place.contains(at).then_some(pane)
        })
    })
}
