//! Keys → actions. A chord is two keys; the first waits for the second.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::action::{Action, ENTRIES, belongs};
use super::model::Pane;

/// What a key press led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    Act(Action),
    /// The first half of a chord.
    Pending(char),
    Nothing,
}

/// A key as the registry writes it: `D`, `<c-r>`, `<enter>`. `None` for keys that are never bound.
pub fn name(key: &KeyEvent) -> Option<String> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let word = match key.code {
        // Esc and the next key may arrive in one piece over a slow line and look like Alt: it was Esc.
        KeyCode::Char(_) if key.modifiers.contains(KeyModifiers::ALT) => "esc".to_owned(),
        KeyCode::Char(' ') if !control => "space".to_owned(),
        KeyCode::Char(c) if control => format!("c-{}", c.to_ascii_lowercase()),
        KeyCode::Char(c) => return Some(c.to_string()),
        KeyCode::Enter => "enter".to_owned(),
        KeyCode::Esc => "esc".to_owned(),
        KeyCode::Tab => "tab".to_owned(),
        KeyCode::BackTab => "s-tab".to_owned(),
        KeyCode::Up => "up".to_owned(),
        KeyCode::Down => "down".to_owned(),
        KeyCode::Left => "left".to_owned(),
        KeyCode::Right => "right".to_owned(),
        KeyCode::Home => "home".to_owned(),
        KeyCode::End => "end".to_owned(),
        KeyCode::PageUp => "pgup".to_owned(),
        KeyCode::PageDown => "pgdn".to_owned(),
        KeyCode::Backspace => "bs".to_owned(),
        KeyCode::Delete => "del".to_owned(),
        KeyCode::F(number) => format!("f{number}"),
        _ => return None,
    };
    Some(format!("<{word}>"))
}

/// What a key means in a pane, after an earlier first half of a chord.
pub fn resolve(pane: Pane, pending: Option<char>, key: &str) -> Resolved {
    let wanted = pending.map_or_else(|| key.to_owned(), |first| format!("{first}{key}"));
    let find = |wanted: &str| {
        ENTRIES
            .iter()
            .find(|entry| belongs(entry, pane) && entry.keys.contains(&wanted))
            .map(|entry| entry.action)
    };
    if let Some(action) = find(&wanted) {
        return Resolved::Act(action);
    }
    if pending.is_some() {
        return Resolved::Nothing;
    }
    let mut chars = key.chars();
    match (chars.next(), chars.next()) {
        (Some(first), None) if starts_chord(pane, first) => Resolved::Pending(first),
        _ => Resolved::Nothing,
    }
}

fn starts_chord(pane: Pane, first: char) -> bool {
    ENTRIES.iter().filter(|entry| belongs(entry, pane)).flat_map(|entry| entry.keys).any(|key| {
        let mut chars = key.chars();
        chars.next() == Some(first) && first != '<' && chars.count() == 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_names_of_the_registry() {
        let key = |code, modifiers| name(&KeyEvent::new(code, modifiers)).unwrap();
        assert_eq!(key(KeyCode::Char('D'), KeyModifiers::SHIFT), "D");
        assert_eq!(key(KeyCode::Char('r'), KeyModifiers::CONTROL), "<c-r>");
        assert_eq!(key(KeyCode::BackTab, KeyModifiers::SHIFT), "<s-tab>");
        assert_eq!(
            key(KeyCode::Char('x'), KeyModifiers::ALT),
            "<esc>",
            "Alt+x is Esc that was followed fast"
        );
    }

    #[test]
    fn chords_wait_for_their_second_key() {
        assert_eq!(resolve(Pane::Board, None, "g"), Resolved::Pending('g'));
        assert_eq!(resolve(Pane::Board, Some('g'), "g"), Resolved::Act(Action::Top));
        assert_eq!(resolve(Pane::Board, Some('g'), "x"), Resolved::Nothing);
        assert_eq!(resolve(Pane::Board, None, "Z"), Resolved::Nothing);
    }

    #[test]
    fn the_same_key_means_what_its_pane_says() {
        assert_eq!(resolve(Pane::Board, None, "n"), Resolved::Act(Action::NewRelease));
        assert_eq!(resolve(Pane::Calendar, None, "n"), Resolved::Act(Action::NewFreeze));
    }
}
