//! A safe line of a script's output → what ratatui draws.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use crate::domain::ansi::{self, Colour, Look};

/// Draws a line; `colours`: whether the script's colours are kept.
pub fn line(line: &ansi::Line, colours: bool) -> Line<'static> {
    let mut spans: Vec<Span<'static>> =
        line.pieces.iter().map(|(look, text)| Span::styled(text.clone(), style(*look, colours))).collect();
    if line.cut > 0 {
        spans.push(Span::raw(format!("…(+{} bytes)", line.cut)));
    }
    Line::from(spans)
}

fn style(look: Look, colours: bool) -> Style {
    let mut style = Style::new();
    if colours {
        style.fg = look.fg.map(colour);
        style.bg = look.bg.map(colour);
    }
    for (set, modifier) in [
        (look.bold, Modifier::BOLD),
        (look.dim, Modifier::DIM),
        (look.italic, Modifier::ITALIC),
        (look.underline, Modifier::UNDERLINED),
        (look.reverse, Modifier::REVERSED),
    ] {
        if set {
            style = style.add_modifier(modifier);
        }
    }
    style
}

fn colour(colour: Colour) -> Color {
    match colour {
        Colour::Indexed(number) => Color::Indexed(number),
        Colour::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}
