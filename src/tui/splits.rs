//! Puts key sequences together again that a slow line tore apart right behind their first byte.
//!
//! An arrow key is `ESC [ A`. When only `ESC` has arrived, the terminal library reports the Esc key at once and then
//! `[` and `A` as if they had been typed: an arrow would approve or abort something. So a bare Esc is held back for a
//! moment, and what follows it is taken as the sequence it is. Nothing is lost for a person: 40 milliseconds cannot be
//! felt, and nobody types Esc and `[` within them.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// How long a bare Esc is held back, how long the rest of a sequence may take, and how long pasted text may pause.
const ESC: Duration = Duration::from_millis(40);
const SEQUENCE: Duration = Duration::from_millis(200);
const PASTE: Duration = Duration::from_millis(150);

/// No sequence is longer.
const LONGEST: usize = 32;
const PASTE_BEGINS: &str = "200~";
const PASTE_ENDS: &str = "\u{1b}[201~";

/// What has arrived of something that may be a sequence.
#[derive(Debug, Default)]
pub(super) enum Splits {
    #[default]
    Nothing,
    Esc,
    /// Behind `ESC [`, with its bytes so far.
    Csi(String),
    /// Behind `ESC O`.
    Ss3,
    /// Text that is pasted, whose beginning was torn.
    Paste(String),
}

impl Splits {
    /// How long to wait for the next event before [`Self::give_up`]; `None`: nothing is held back.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self {
            Self::Nothing => None,
            Self::Esc => Some(ESC),
            Self::Csi(_) | Self::Ss3 => Some(SEQUENCE),
            Self::Paste(_) => Some(PASTE),
        }
    }

    /// Nothing more came: what was held back was meant as it is. The half of a sequence means nothing.
    pub(super) fn give_up(&mut self) -> Vec<Event> {
        match std::mem::take(self) {
            Self::Esc => vec![key(KeyCode::Esc)],
            Self::Paste(text) => vec![Event::Paste(text)],
            Self::Nothing | Self::Csi(_) | Self::Ss3 => Vec::new(),
        }
    }

    /// Takes what the terminal library reports; returns what really happened.
    pub(super) fn take(&mut self, event: Event) -> Vec<Event> {
        let typed = typed(&event);
        match std::mem::take(self) {
            Self::Nothing if is_bare_esc(&event) => *self = Self::Esc,
            Self::Nothing => return vec![event],
            Self::Esc => match typed {
                Some('[') => *self = Self::Csi(String::new()),
                Some('O') => *self = Self::Ss3,
                _ => return [vec![key(KeyCode::Esc)], self.take(event)].concat(),
            },
            Self::Csi(mut bytes) => match typed {
                Some(c) if ('@'..='~').contains(&c) => {
                    bytes.push(c);
                    if bytes == PASTE_BEGINS {
                        *self = Self::Paste(String::new());
                        return Vec::new();
                    }
                    return csi(&bytes).into_iter().collect();
                }
                Some(c) if (' '..='?').contains(&c) && bytes.len() < LONGEST => {
                    bytes.push(c);
                    *self = Self::Csi(bytes);
                }
                Some(_) => {}
                None => return self.take(event),
            },
            Self::Ss3 => return typed.and_then(ss3).into_iter().collect(),
            Self::Paste(mut text) => {
                text.extend(pasted(&event));
                match text.strip_suffix(PASTE_ENDS) {
                    Some(whole) => return vec![Event::Paste(whole.to_owned())],
                    None => *self = Self::Paste(text),
                }
            }
        }
        Vec::new()
    }
}

fn key(code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn is_bare_esc(event: &Event) -> bool {
    matches!(event, Event::Key(key) if key.code == KeyCode::Esc && key.modifiers.is_empty()
        && key.kind == KeyEventKind::Press)
}

/// The character of a plain key press.
fn typed(event: &Event) -> Option<char> {
    match event {
        Event::Key(key) if key.modifiers.difference(KeyModifiers::SHIFT).is_empty() => match key.code {
            KeyCode::Char(c) => Some(c),
            _ => None,
        },
        _ => None,
    }
}

fn pasted(event: &Event) -> Option<char> {
    match event {
        Event::Key(key) => match key.code {
            KeyCode::Char(c) => Some(c),
            KeyCode::Enter => Some('\n'),
            KeyCode::Tab => Some('\t'),
            KeyCode::Esc => Some('\u{1b}'),
            _ => None,
        },
        _ => None,
    }
}

/// The key of `ESC [ …`, as far as relman knows any that is one; modifiers are left out.
fn csi(bytes: &str) -> Option<Event> {
    let last = bytes.chars().last()?;
    let number = bytes.split([';', '~']).next().unwrap_or_default();
    let code = match (last, number) {
        ('A', _) => KeyCode::Up,
        ('B', _) => KeyCode::Down,
        ('C', _) => KeyCode::Right,
        ('D', _) => KeyCode::Left,
        ('H', _) | ('~', "1" | "7") => KeyCode::Home,
        ('F', _) | ('~', "4" | "8") => KeyCode::End,
        ('Z', _) => KeyCode::BackTab,
        ('~', "3") => KeyCode::Delete,
        ('~', "5") => KeyCode::PageUp,
        ('~', "6") => KeyCode::PageDown,
        ('~', "11") => KeyCode::F(1),
        ('~', "15") => KeyCode::F(5),
        ('I', "I") => return Some(Event::FocusGained),
        ('O', "O") => return Some(Event::FocusLost),
        _ => return None,
    };
    Some(key(code))
}

fn ss3(c: char) -> Option<Event> {
    Some(key(match c {
        'A' => KeyCode::Up,
        'B' => KeyCode::Down,
        'C' => KeyCode::Right,
        'D' => KeyCode::Left,
        'H' => KeyCode::Home,
        'F' => KeyCode::End,
        'P' => KeyCode::F(1),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the library reports for a sequence that was torn behind its ESC.
    fn torn(rest: &str) -> Vec<Event> {
        let mut splits = Splits::default();
        let mut out = splits.take(key(KeyCode::Esc));
        for c in rest.chars() {
            let code = match c {
                '\u{1b}' => KeyCode::Esc,
                '\n' => KeyCode::Enter,
                c => KeyCode::Char(c),
            };
            out.extend(splits.take(key(code)));
        }
        out.extend(splits.give_up());
        out
    }

    #[test]
    fn a_torn_key_is_the_key_it_was() {
        for (rest, code) in [
            ("[A", KeyCode::Up),
            ("[1;5D", KeyCode::Left),
            ("OB", KeyCode::Down),
            ("[6~", KeyCode::PageDown),
            ("[Z", KeyCode::BackTab),
            ("OP", KeyCode::F(1)),
        ] {
            assert_eq!(torn(rest), [key(code)], "{rest}");
        }
        assert_eq!(torn("[I"), [Event::FocusGained]);
    }

    #[test]
    fn no_torn_sequence_types_a_letter() {
        for rest in ["[2~", "[<0;12;7M", "[24;1R", "[?1;2c", "[1;2P", "OQ", "[", "[1", "[1;", "O", "[E", "[a"]
        {
            let typed: Vec<Event> = torn(rest).into_iter().filter(|event| typed(event).is_some()).collect();
            assert_eq!(typed, [], "{rest}");
        }
    }

    #[test]
    fn a_bare_esc_and_what_was_typed_after_it_stay_what_they_are() {
        assert_eq!(torn(""), [key(KeyCode::Esc)]);
        assert_eq!(torn("x"), [key(KeyCode::Esc), key(KeyCode::Char('x'))]);
        assert_eq!(torn("\u{1b}"), [key(KeyCode::Esc), key(KeyCode::Esc)]);
    }

    #[test]
    fn torn_pasted_text_is_pasted_and_not_typed() {
        assert_eq!(torn("[200~Dy\nq"), [Event::Paste("Dy\nq".to_owned())]);
        assert_eq!(torn("[200~D\u{1b}[201~j"), [Event::Paste("D".to_owned()), key(KeyCode::Char('j'))]);
    }
}
