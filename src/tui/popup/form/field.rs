//! One field of a form.

use std::borrow::Cow;

use crate::tui::widget::input::Input;

/// One field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) label: Cow<'static, str>,
    pub(super) input: Input,
    /// Shown beside an empty field.
    pub(super) example: Cow<'static, str>,
    /// Left and right go through these; typing still works.
    pub(super) choices: Vec<String>,
    /// Whether it had something in it when the form opened.
    pub(super) had_text: bool,
    /// Whether what is typed is not shown.
    pub(super) is_secret: bool,
    pub(super) is_typed: bool,
}

impl Field {
    /// Whether an editor may be opened for it: what is typed as a confirmation is typed by hand, and a secret stands in no file.
    pub(super) fn takes_long_text(&self) -> bool {
        self.choices.is_empty() && !self.is_typed && !self.is_secret
    }
}

pub(super) fn text(label: &'static str, example: &'static str) -> Field {
    preset(label, "", example)
}

pub(super) fn preset(label: &'static str, value: &str, example: &'static str) -> Field {
    Field {
        label: label.into(),
        input: Input::with(value),
        example: example.into(),
        choices: Vec::new(),
        had_text: !value.is_empty(),
        is_secret: false,
        is_typed: false,
    }
}

/// A version somebody types to confirm; pasting it would be no second look.
pub(super) fn typed(label: &'static str, example: &'static str) -> Field {
    Field { is_typed: true, ..text(label, example) }
}

pub(super) fn choice(label: &'static str, choices: Vec<String>, first: usize) -> Field {
    let input = Input::with(choices.get(first).map_or("", String::as_str));
    Field {
        label: label.into(),
        input,
        example: "".into(),
        choices,
        had_text: true,
        is_secret: false,
        is_typed: false,
    }
}
