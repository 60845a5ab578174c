//! Keys → actions. A chord is two keys; the first waits for the second.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::action::{Action, ENTRIES, Entry, belongs, entry, shown};
use super::model::Pane;
use crate::config::{Complaint, Panes};
use crate::domain::text::{did_you_mean, one_line, quoted};

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

/// Which keys mean what, in each pane: the registry's, with what the configuration has put in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    panes: [Vec<(String, Action)>; 4],
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(&[]).0
    }
}

/// Keys of one action that the configuration asks for in one pane, and where it does.
struct Wish<'a> {
    layer: usize,
    section: &'a str,
    entry: &'static Entry,
    keys: Vec<String>,
}

impl Wish<'_> {
    fn complain(&self, message: String, hint: &str) -> (usize, Complaint) {
        let keys = vec!["keys".to_owned(), self.section.to_owned(), self.entry.name.to_owned()];
        (self.layer, Complaint { keys, message, hint: Some(hint.to_owned()) })
    }
}

/// What must be reachable whatever a file says: a way out, and a way to find everything else.
const KEPT: [Action; 4] = [Action::Quit, Action::Back, Action::Help, Action::Palette];

impl Keymap {
    /// The registry's keys with those of the files in their place, later files over earlier ones. What cannot be is told
    /// with the number of its file, and the keys from before hold there.
    pub fn new(layers: &[&Panes]) -> (Self, Vec<(usize, Complaint)>) {
        let mut complaints = Vec::new();
        let mut map = Self { panes: Pane::ALL.map(defaults) };
        for (layer, panes) in layers.iter().enumerate() {
            let mut wishes = Vec::new();
            for (section, bindings) in sections(panes) {
                for (name, keys) in bindings {
                    match wish(layer, section, name, keys) {
                        Ok((wish, doubts)) => {
                            complaints.extend(doubts);
                            wishes.push(wish);
                        }
                        Err(complaint) => complaints.push((layer, complaint)),
                    }
                }
            }
            let mut refused: Vec<(usize, Complaint)> =
                Pane::ALL.into_iter().flat_map(|pane| map.grant(pane, &wishes)).collect();
            // One that is for all panes is refused in each of them for the same reason.
            refused.dedup_by(|a, b| a.1.keys == b.1.keys);
            complaints.extend(refused);
        }
        (map, complaints)
    }

    /// Puts the keys of one file in the place of those from before: all of them leave before the first comes, so that two
    /// can change places.
    fn grant(&mut self, pane: Pane, wishes: &[Wish<'_>]) -> Vec<(usize, Complaint)> {
        let is_about = |wish: &&Wish<'_>| is_about(wish.section, pane) && belongs(wish.entry, pane);
        // A pane's own section comes after the one for all.
        let wishes: BTreeMap<&str, &Wish<'_>> =
            wishes.iter().filter(is_about).map(|wish| (wish.entry.name, wish)).collect();
        let is_wished = |action: Action| wishes.values().any(|wish| wish.entry.action == action);
        let before = std::mem::take(&mut self.panes[pane as usize]);
        self.panes[pane as usize] =
            before.iter().filter(|(_, action)| !is_wished(*action)).cloned().collect();
        let mut complaints = Vec::new();
        for wish in wishes.values() {
            let action = wish.entry.action;
            let mut granted = 0;
            for key in &wish.keys {
                match self.obstacle(pane, action, key) {
                    None => {
                        self.panes[pane as usize].push((key.clone(), action));
                        granted += 1;
                    }
                    Some(why) => complaints.push(wish.complain(why, "give that one other keys, or \"none\"")),
                }
            }
            let is_lost = wish.keys.is_empty() && KEPT.contains(&action);
            if is_lost {
                let why = format!("{} would have no key: nobody would find the way out", wish.entry.name);
                complaints.push(wish.complain(why, "leave it one"));
            }
            if is_lost || (granted == 0 && !wish.keys.is_empty()) {
                for (key, _) in before.iter().filter(|(_, known)| *known == action) {
                    if self.obstacle(pane, action, key).is_none() {
                        self.panes[pane as usize].push((key.clone(), action));
                    }
                }
            }
        }
        self.panes[pane as usize]
            .sort_by_key(|(_, action)| ENTRIES.iter().position(|entry| entry.action == *action));
        complaints
    }

    /// Why a key cannot mean an action in a pane: it means something else there, or one would hide the other.
    fn obstacle(&self, pane: Pane, action: Action, key: &str) -> Option<String> {
        let (other, meant) = self.panes[pane as usize].iter().find(|(known, other)| {
            *other != action && (known == key || hides(known, key) || hides(key, known))
        })?;
        let name = entry(*meant).name;
        Some(match other == key {
            true => format!("{} means {name} in the {} pane", shown(key), pane.title().to_lowercase()),
            false => format!(
                "{} and {} ({name}) cannot both be keys of the {} pane: one begins with the other",
                shown(key),
                shown(other),
                pane.title().to_lowercase()
            ),
        })
    }

    /// The keys of an action in a pane, the first of them first.
    pub fn keys(&self, pane: Pane, action: Action) -> Vec<&str> {
        let map = &self.panes[pane as usize];
        map.iter().filter(|(_, meant)| *meant == action).map(|(key, _)| key.as_str()).collect()
    }

    /// What to type for an action there, for sentences: its first key, or its name in the palette.
    pub fn first(&self, pane: Pane, action: Action) -> String {
        match self.keys(pane, action).first() {
            Some(key) => shown(key),
            None => format!(":{}", entry(action).name),
        }
    }

    /// What a key means in a pane, after an earlier first half of a chord.
    pub fn resolve(&self, pane: Pane, pending: Option<char>, key: &str) -> Resolved {
        let wanted = pending.map_or_else(|| key.to_owned(), |first| format!("{first}{key}"));
        let map = &self.panes[pane as usize];
        if let Some((_, action)) = map.iter().find(|(known, _)| *known == wanted) {
            return Resolved::Act(*action);
        }
        if pending.is_some() {
            return Resolved::Nothing;
        }
        let mut chars = key.chars();
        match (chars.next(), chars.next()) {
            (Some(first), None) if map.iter().any(|(known, _)| hides(key, known)) => Resolved::Pending(first),
            _ => Resolved::Nothing,
        }
    }
}

/// The registry's keys in a pane.
fn defaults(pane: Pane) -> Vec<(String, Action)> {
    let entries = ENTRIES.iter().filter(|entry| belongs(entry, pane));
    entries.flat_map(|entry| entry.keys.iter().map(|key| ((*key).to_owned(), entry.action))).collect()
}

/// What is for all panes comes first, so that a pane's own section goes over it.
fn sections(panes: &Panes) -> impl Iterator<Item = (&str, &BTreeMap<String, Vec<String>>)> {
    let (global, own): (Vec<_>, Vec<_>) = panes.keys.iter().partition(|(section, _)| *section == GLOBAL);
    global.into_iter().chain(own).map(|(section, bindings)| (section.as_str(), bindings))
}

const GLOBAL: &str = "global";

fn is_about(section: &str, pane: Pane) -> bool {
    section == GLOBAL || section == pane.title().to_lowercase()
}

/// Whether the first is the beginning of a chord that is the second.
fn hides(first: &str, chord: &str) -> bool {
    let mut chars = chord.chars();
    let begins = chars.next().is_some_and(|c| first.chars().eq([c]));
    begins && !chord.starts_with('<') && chars.count() == 1
}

/// What is asked for, with what cannot be a key left out and told.
fn wish<'a>(
    layer: usize,
    section: &'a str,
    name: &str,
    keys: &[String],
) -> Result<(Wish<'a>, Vec<(usize, Complaint)>), Complaint> {
    let refuse = |path: &[&str], message: String, hint: Option<String>| {
        let keys = std::iter::once("keys").chain(path.iter().copied()).map(str::to_owned).collect();
        Complaint { keys, message, hint }
    };
    let panes: Vec<Pane> = Pane::ALL.into_iter().filter(|pane| is_about(section, *pane)).collect();
    if panes.is_empty() {
        let known = ["global", "board", "approvals", "calendar", "log"];
        let near = did_you_mean(section, known);
        let hint = near
            .map_or_else(|| format!("known: {}", known.join(", ")), |near| format!("did you mean {near}?"));
        return Err(refuse(&[section], format!("{} is no pane", one_line(section)), Some(hint)));
    }
    let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) else {
        let near = did_you_mean(name, ENTRIES.iter().map(|entry| entry.name));
        let hint = near
            .map_or_else(|| "relman keys names them all".to_owned(), |near| format!("did you mean {near}?"));
        return Err(refuse(
            &[section, name],
            format!("{} is no action of the panes", one_line(name)),
            Some(hint),
        ));
    };
    if !panes.iter().any(|pane| belongs(entry, *pane)) {
        let message = format!("{name} has no meaning in the {section} pane");
        return Err(refuse(&[section, name], message, Some("relman keys names what has".to_owned())));
    }
    let mut wish = Wish { layer, section, entry, keys: Vec::new() };
    let mut doubts = Vec::new();
    for text in keys {
        match written(text).and_then(|key| allowed(entry, &key).map(|()| key)) {
            Ok(key) => wish.keys.push(key),
            Err((message, hint)) => doubts.push(wish.complain(message, hint)),
        }
    }
    if wish.keys.is_empty() && !keys.is_empty() {
        // Nothing of it can be a key: what was there before stays.
        return Err(doubts.remove(0).1);
    }
    Ok((wish, doubts))
}

/// What reaches the outside asks in a dialog, and even that is not a slip of a finger away.
fn allowed(entry: &Entry, key: &str) -> Result<(), (String, &'static str)> {
    let is_small = key.chars().count() == 1 && !key.chars().all(char::is_uppercase);
    let is_handy =
        is_small || matches!(key, "<enter>" | "<space>" | "<tab>" | "<s-tab>" | "<bs>") || is_move(key);
    if entry.action.reaches_outside() && is_handy {
        let message = format!(
            "{} is too easily hit for {}, which starts or stops what is real",
            shown(key),
            entry.name
        );
        return Err((message, "take a capital, a function key, or two keys"));
    }
    Ok(())
}

fn is_move(key: &str) -> bool {
    matches!(key, "<up>" | "<down>" | "<left>" | "<right>" | "<home>" | "<end>" | "<pgup>" | "<pgdn>")
}

/// A key as people write it, in the registry's way: `D`, `gl`, `<c-r>`, also `Ctrl-R`, `F5`, `Enter`.
fn written(text: &str) -> Result<String, (String, &'static str)> {
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && c.is_ascii();
    let shape = "write one character, two for a chord, or a name: F5, Ctrl-R, Enter, Space, PgDn";
    let key = match text.chars().collect::<Vec<_>>()[..] {
        [one] if is_plain(one) => text.to_owned(),
        // F5 and Up are names, up are two keys.
        ['F', '1'..='9'] | ['U', 'p'] => {
            named(text).ok_or_else(|| (format!("{} is no key", quoted(text, 20)), shape))?
        }
        [first, second] if first.is_ascii_alphabetic() && is_plain(second) => text.to_owned(),
        _ => named(text).ok_or_else(|| (format!("{} is no key", quoted(text, 20)), shape))?,
    };
    match key.as_str() {
        "~" => Err(("~ after Enter belongs to ssh".to_owned(), "take another key")),
        "<c-h>" | "<c-i>" | "<c-j>" | "<c-m>" | "<c-[>" => {
            Err((format!("{} arrives as Backspace, Tab, Enter or Esc", shown(&key)), "take another key"))
        }
        "<c-c>" => Err(("Ctrl-C always says how to leave".to_owned(), "take another key")),
        _ => Ok(key),
    }
}

/// A key with a name, in the registry's way.
fn named(text: &str) -> Option<String> {
    let bare = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text).to_lowercase();
    let control = bare.strip_prefix("ctrl-").or_else(|| bare.strip_prefix("c-"));
    let word = match (control, bare.as_str()) {
        (Some(key), _) => {
            let mut chars = key.chars();
            let (one, none) = (chars.next()?, chars.next());
            return (none.is_none() && one.is_ascii_graphic()).then(|| format!("<c-{one}>"));
        }
        (None, "shift-tab" | "s-tab") => "s-tab",
        (None, "return" | "enter") => "enter",
        (None, "escape" | "esc") => "esc",
        (None, "pagedown" | "pgdn") => "pgdn",
        (None, "pageup" | "pgup") => "pgup",
        (None, "backspace" | "bs") => "bs",
        (None, known @ ("tab" | "space" | "up" | "down" | "left" | "right" | "home" | "end")) => known,
        (None, function) => {
            let number: u8 = function.strip_prefix('f')?.parse().ok()?;
            // F11 and F12 belong to terminals.
            return (1..=10).contains(&number).then(|| format!("<f{number}>"));
        }
    };
    Some(format!("<{word}>"))
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

    fn resolve(pane: Pane, pending: Option<char>, key: &str) -> Resolved {
        Keymap::default().resolve(pane, pending, key)
    }

    #[test]
    fn chords_wait_for_their_second_key() {
        assert_eq!(resolve(Pane::Board, None, "g"), Resolved::Pending('g'));
        assert_eq!(resolve(Pane::Board, Some('g'), "g"), Resolved::Act(Action::Top));
        assert_eq!(resolve(Pane::Board, Some('g'), "x"), Resolved::Nothing);
        assert_eq!(resolve(Pane::Board, None, "Z"), Resolved::Nothing);
        assert_eq!(resolve(Pane::Board, None, "<"), Resolved::Act(Action::MoveBack));
    }

    #[test]
    fn the_same_key_means_what_its_pane_says() {
        assert_eq!(resolve(Pane::Board, None, "n"), Resolved::Act(Action::NewRelease));
        assert_eq!(resolve(Pane::Calendar, None, "n"), Resolved::Act(Action::NewFreeze));
    }

    /// The keys of a file, and what is said of them.
    fn with(bindings: &[(&str, &str, &[&str])]) -> (Keymap, Vec<String>) {
        let mut panes = Panes::default();
        for (section, action, keys) in bindings {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            panes.keys.entry((*section).to_owned()).or_default().insert((*action).to_owned(), keys);
        }
        let (map, complaints) = Keymap::new(&[&panes]);
        let said = complaints.into_iter().map(|(_, c)| format!("{}: {}", c.keys.join("."), c.message));
        (map, said.collect())
    }

    #[test]
    fn keys_of_a_file_take_the_place_of_the_registrys() {
        let (map, said) = with(&[("board", "deploy", &["F6", "gD"]), ("log", "wrap", &[])]);
        assert_eq!(said, Vec::<String>::new());
        assert_eq!(map.keys(Pane::Board, Action::Deploy), ["<f6>", "gD"]);
        assert_eq!(map.keys(Pane::Approvals, Action::Deploy), ["D"], "the other panes stay as they were");
        assert_eq!(map.resolve(Pane::Board, None, "D"), Resolved::Nothing);
        assert_eq!(map.resolve(Pane::Board, Some('g'), "D"), Resolved::Act(Action::Deploy));
        assert_eq!(map.first(Pane::Log, Action::Wrap), ":wrap", "what has no key has its name");
    }

    #[test]
    fn two_actions_can_change_places() {
        let (map, said) = with(&[
            ("board", "chain", &["D"]),
            ("board", "deploy", &["C", "F5"]),
            ("global", "refresh", &["Ctrl-R"]),
        ]);
        assert_eq!(said, Vec::<String>::new());
        assert_eq!(map.keys(Pane::Board, Action::Deploy), ["C", "<f5>"]);
        assert_eq!(map.resolve(Pane::Board, None, "D"), Resolved::Act(Action::Chain));
    }

    #[test]
    fn ones_own_keys_go_over_the_teams() {
        let file = |key: &str| {
            let mut panes = Panes::default();
            let bindings = [("sheet".to_owned(), vec![key.to_owned()])];
            panes.keys.insert("board".to_owned(), bindings.into_iter().collect());
            panes
        };
        let (map, complaints) = Keymap::new(&[&file("Z"), &file("P")]);
        assert_eq!(complaints, []);
        assert_eq!(map.keys(Pane::Board, Action::Sheet), ["P"]);
    }

    #[test]
    fn what_cannot_be_is_said_and_the_keys_from_before_hold() {
        for (section, action, keys, words) in [
            ("board", "sheet", &["D"][..], "D means deploy in the board pane"),
            ("board", "sheet", &["g"], "one begins with the other"),
            ("board", "sheet", &["kk"], "one begins with the other"),
            ("board", "deploy", &["d"], "too easily hit"),
            ("board", "deploy", &["<enter>"], "too easily hit"),
            ("board", "sheet", &["~"], "belongs to ssh"),
            ("board", "sheet", &["Ctrl-M"], "arrives as"),
            ("board", "sheet", &["F12"], "is no key"),
            ("board", "sheet", &["abc"], "is no key"),
            ("board", "sheeet", &["P"], "is no action"),
            ("bord", "sheet", &["P"], "is no pane"),
            ("log", "sheet", &["P"], "has no meaning"),
            ("global", "quit", &[], "nobody would find the way out"),
            ("log", "help", &[], "nobody would find the way out"),
        ] {
            let (map, said) = with(&[(section, action, keys)]);
            assert!(said.iter().any(|said| said.contains(words)), "{action} {keys:?}: {said:?}");
            assert_eq!(map, Keymap::default(), "{action} {keys:?}");
        }
    }

    #[test]
    fn every_key_of_the_registry_can_be_written_in_a_file() {
        for entry in ENTRIES {
            for key in entry.keys {
                assert_eq!(written(key).as_deref(), Ok(*key));
                assert_eq!(written(&shown(key)).as_deref(), Ok(*key), "as help shows it");
            }
        }
    }
}
