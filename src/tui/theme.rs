//! Colours by meaning and glyphs by ability. A state always has a word or a mark too: colour is never the only sign.

use ratatui::style::{Color, Modifier, Style};

use crate::config::{Complaint, Panes};
use crate::domain::text::{did_you_mean, is_not_utf8, quoted};

/// Styles by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub good: Style,
    pub bad: Style,
    pub busy: Style,
    pub dim: Style,
    pub strong: Style,
    pub title: Style,
    pub border: Style,
    pub focus: Style,
    pub selected: Style,
    pub alarm: Style,
    pub key: Style,
}

/// How many colours the terminal seems to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    Mono,
    Sixteen,
    /// The 256 of xterm, or more.
    Many,
}

impl Depth {
    /// As the variables say it. Over SSH only `TERM` is sure to arrive.
    pub fn of_terminal(no_color: bool, term: Option<&str>, colorterm: Option<&str>) -> Self {
        match term {
            _ if no_color => Self::Mono,
            None | Some("dumb") => Self::Mono,
            Some(term) if term.contains("256color") || term.contains("direct") => Self::Many,
            Some(_) if colorterm.is_some_and(|word| matches!(word, "truecolor" | "24bit")) => Self::Many,
            Some(_) => Self::Sixteen,
        }
    }
}

/// The themes there are, the first where nobody says.
pub const NAMES: [&str; 5] = ["dark", "light", "high-contrast", "colour-blind", "mono"];

impl Theme {
    /// Sixteen named colours on the terminal's own background.
    pub fn colour() -> Self {
        Self::of(&Palette {
            good: Color::Green,
            bad: Color::LightRed,
            busy: Color::Yellow,
            title: Color::Cyan,
            dim: None,
        })
    }

    /// Attributes only. No colour is ever set: crossterm would answer `NO_COLOR` by resetting the attributes too.
    pub fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            good: plain,
            bad: bold,
            busy: plain,
            dim: plain,
            strong: bold,
            title: bold,
            border: plain,
            focus: bold,
            selected: plain.add_modifier(Modifier::REVERSED),
            alarm: plain.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            key: bold,
        }
    }

    /// One of [`NAMES`], as far as the terminal can show it.
    pub fn named(name: &str, depth: Depth) -> Option<Self> {
        let many = depth == Depth::Many;
        let of = |colours: [Color; 5]| {
            let [good, bad, busy, title, dim] = colours;
            Self::of(&Palette { good, bad, busy, title, dim: Some(dim) })
        };
        let theme = match name {
            "dark" => Self::colour(),
            "light" if many => of([28, 160, 130, 25, 241].map(Color::Indexed)),
            "light" => of([Color::Blue, Color::Red, Color::Magenta, Color::Blue, Color::Reset]),
            "high-contrast" => {
                of([Color::LightGreen, Color::LightYellow, Color::White, Color::White, Color::White]).louder()
            }
            // Blue against orange: told apart by every kind of colour vision (Okabe and Ito, Color Universal Design).
            "colour-blind" if many => of([74, 208, 229, 117, 247].map(Color::Indexed)),
            "colour-blind" => {
                of([Color::Cyan, Color::Yellow, Color::White, Color::Cyan, Color::Gray]).louder()
            }
            "mono" => Self::mono(),
            _ => return None,
        };
        Some(if depth == Depth::Mono { Self::mono() } else { theme })
    }

    fn of(palette: &Palette) -> Self {
        let plain = Style::new();
        // What is dim is the terminal's own: its dark grey is invisible on some backgrounds.
        let dim = palette.dim.map_or(plain.add_modifier(Modifier::DIM), |dim| plain.fg(dim));
        Self {
            good: plain.fg(palette.good),
            bad: plain.fg(palette.bad).add_modifier(Modifier::BOLD),
            busy: plain.fg(palette.busy),
            dim,
            strong: plain.add_modifier(Modifier::BOLD),
            title: plain.fg(palette.title).add_modifier(Modifier::BOLD),
            border: dim,
            focus: plain.fg(palette.title).add_modifier(Modifier::BOLD),
            selected: plain.add_modifier(Modifier::REVERSED),
            alarm: plain.fg(palette.bad).add_modifier(Modifier::REVERSED | Modifier::BOLD),
            key: plain.fg(palette.title),
        }
    }

    /// With lines under what is bad and keys that stand out.
    fn louder(mut self) -> Self {
        self.bad = self.bad.add_modifier(Modifier::UNDERLINED);
        self.key = self.key.add_modifier(Modifier::BOLD);
        self
    }

    /// The theme that files ask for, later files over earlier ones, and what of it cannot be.
    pub fn asked(depth: Depth, layers: &[&Panes]) -> (Self, Vec<(usize, Complaint)>) {
        let mut theme = Self::named(NAMES[0], depth).unwrap_or_else(Self::mono);
        let mut complaints = Vec::new();
        for (layer, panes) in layers.iter().enumerate() {
            let mut complain = |key: &str, message: String, hint: String| {
                let keys = vec!["theme".to_owned(), key.to_owned()];
                complaints.push((layer, Complaint { keys, message, hint: Some(hint) }));
            };
            if let Some(name) = panes.theme.get("name") {
                match Self::named(name, depth) {
                    Some(named) => theme = named,
                    None => {
                        let known = format!("known: {}", NAMES.join(", "));
                        complain("name", format!("{} is no theme", quoted(name, 20)), known);
                    }
                }
            }
            for (meaning, colour) in panes.theme.iter().filter(|(meaning, _)| *meaning != "name") {
                let Some(style) = theme.style(meaning) else {
                    let near = did_you_mean(meaning, MEANINGS);
                    let known = || format!("known: name, {}", MEANINGS.join(", "));
                    let hint = near.map_or_else(known, |near| format!("did you mean {near}?"));
                    complain(meaning, format!("{} is no colour by meaning", quoted(meaning, 20)), hint);
                    continue;
                };
                match colour.parse::<Color>() {
                    Ok(Color::Rgb(..)) | Err(_) => {
                        let hint =
                            "write a name (red, light blue, reset) or a number from 0 to 255".to_owned();
                        complain(meaning, format!("{} is no colour", quoted(colour, 20)), hint);
                    }
                    Ok(Color::Indexed(number)) if depth == Depth::Sixteen && number > 15 => {}
                    Ok(colour) if depth != Depth::Mono => *style = style.fg(colour),
                    Ok(_) => {}
                }
            }
        }
        (theme, complaints)
    }

    fn style(&mut self, meaning: &str) -> Option<&mut Style> {
        Some(match meaning {
            "good" => &mut self.good,
            "bad" => &mut self.bad,
            "busy" => &mut self.busy,
            "dim" => &mut self.dim,
            "title" => &mut self.title,
            "border" => &mut self.border,
            "focus" => &mut self.focus,
            "alarm" => &mut self.alarm,
            "key" => &mut self.key,
            _ => return None,
        })
    }
}

/// What a file may give a colour.
const MEANINGS: [&str; 9] = ["good", "bad", "busy", "dim", "title", "border", "focus", "alarm", "key"];

struct Palette {
    good: Color,
    bad: Color,
    busy: Color,
    title: Color,
    dim: Option<Color>,
}

/// Marks and lines, for terminals with and without UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    pub live: &'static str,
    pub replaced: &'static str,
    pub not: &'static str,
    pub active: &'static str,
    pub failed: &'static str,
    pub cancelled: &'static str,
    pub lost: &'static str,
    pub pass: &'static str,
    pub closed: &'static str,
    pub unknown: &'static str,
    pub skipped: &'static str,
    pub warn: &'static str,
    pub cursor: &'static str,
    pub arrow: &'static str,
    pub frozen: &'static str,
    pub full: &'static str,
    pub empty: &'static str,
    /// There is more above, below.
    pub above: &'static str,
    pub below: &'static str,
    pub ascii: bool,
}

impl Glyphs {
    pub const UNICODE: Self = Self {
        live: "●",
        replaced: "○",
        not: "·",
        active: "▶",
        failed: "✗",
        cancelled: "■",
        lost: "?",
        pass: "✓",
        closed: "✗",
        unknown: "?",
        skipped: "–",
        warn: "!",
        cursor: "▸",
        arrow: "→",
        frozen: "▒",
        full: "█",
        empty: "░",
        above: "▴",
        below: "▾",
        ascii: false,
    };

    pub const ASCII: Self = Self {
        live: "*",
        replaced: "o",
        not: ".",
        active: ">",
        failed: "x",
        cancelled: "#",
        lost: "?",
        pass: "+",
        closed: "x",
        unknown: "?",
        skipped: "-",
        warn: "!",
        cursor: ">",
        arrow: "->",
        frozen: "#",
        full: "#",
        empty: "-",
        above: "^",
        below: "v",
        ascii: true,
    };

    /// ASCII where the locale says that this is no UTF-8 terminal, or the terminal is known to be none.
    pub fn for_terminal(locale: Option<&str>, term: Option<&str>) -> Self {
        let plain = term.is_some_and(|term| term == "linux" || term.starts_with("vt"));
        if is_not_utf8(locale) || plain { Self::ASCII } else { Self::UNICODE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mono_theme_sets_no_colour_at_all() {
        let theme = Theme::mono();
        for style in [theme.good, theme.bad, theme.busy, theme.dim, theme.selected, theme.alarm, theme.key] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }

    /// The colours of xterm: the sixteen, the cube, the greys.
    fn rgb(colour: Color) -> Option<[f64; 3]> {
        const SIXTEEN: [[u8; 3]; 16] = [
            [0, 0, 0],
            [205, 0, 0],
            [0, 205, 0],
            [205, 205, 0],
            [0, 0, 238],
            [205, 0, 205],
            [0, 205, 205],
            [229, 229, 229],
            [127, 127, 127],
            [255, 0, 0],
            [0, 255, 0],
            [255, 255, 0],
            [92, 92, 255],
            [255, 0, 255],
            [0, 255, 255],
            [255, 255, 255],
        ];
        let number = match colour {
            Color::Reset => return None,
            Color::Indexed(number) => number,
            named => {
                let names = [
                    Color::Black,
                    Color::Red,
                    Color::Green,
                    Color::Yellow,
                    Color::Blue,
                    Color::Magenta,
                    Color::Cyan,
                    Color::Gray,
                    Color::DarkGray,
                    Color::LightRed,
                    Color::LightGreen,
                    Color::LightYellow,
                    Color::LightBlue,
                    Color::LightMagenta,
                    Color::LightCyan,
                    Color::White,
                ];
                u8::try_from(names.iter().position(|name| *name == named)?).ok()?
            }
        };
        let bytes = match number {
            0..16 => SIXTEEN[usize::from(number)],
            16..232 => {
                let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
                let n = number - 16;
                [step(n / 36), step(n / 6 % 6), step(n % 6)]
            }
            _ => [8 + 10 * (number - 232); 3],
        };
        Some(bytes.map(|byte| {
            let share = f64::from(byte) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        }))
    }

    /// WCAG 2.2, "contrast ratio", of linear colours.
    fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
        let luminance = |[r, g, b]: [f64; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn styles(theme: &Theme) -> [Style; 8] {
        [theme.good, theme.bad, theme.busy, theme.dim, theme.title, theme.border, theme.focus, theme.key]
    }

    #[test]
    fn every_colour_can_be_read_on_its_background() {
        for (name, background) in
            [("dark", 0.0), ("light", 1.0), ("high-contrast", 0.0), ("colour-blind", 0.0), ("mono", 0.0)]
        {
            for depth in [Depth::Sixteen, Depth::Many] {
                let theme = Theme::named(name, depth).unwrap();
                for style in styles(&theme) {
                    let Some(colour) = style.fg.and_then(rgb) else { continue };
                    let ratio = contrast(colour, [background; 3]);
                    let least = if name == "high-contrast" { 7.0 } else { 4.5 };
                    assert!(ratio >= least, "{name} at {depth:?}: {:?} has {ratio:.1}", style.fg);
                }
            }
        }
    }

    /// Machado, Oliveira and Fernandes 2009, full severity, on linear colours.
    #[test]
    fn good_and_bad_stay_apart_for_eyes_that_miss_a_colour() {
        const EYES: [[[f64; 3]; 3]; 2] = [
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
        ];
        let seen =
            |eye: &[[f64; 3]; 3], c: [f64; 3]| eye.map(|row| row[0] * c[0] + row[1] * c[1] + row[2] * c[2]);
        let apart = |a: [f64; 3], b: [f64; 3]| (0..3).map(|at| (a[at] - b[at]).powi(2)).sum::<f64>().sqrt();
        for depth in [Depth::Sixteen, Depth::Many] {
            let theme = Theme::named("colour-blind", depth).unwrap();
            let [good, bad] = [theme.good, theme.bad].map(|style| style.fg.and_then(rgb).unwrap());
            for eye in &EYES {
                let distance = apart(seen(eye, good), seen(eye, bad));
                assert!(distance > 0.4, "{depth:?}: {distance:.2}");
            }
        }
    }

    #[test]
    fn a_file_names_a_theme_and_colours_by_meaning() {
        let panes = |pairs: &[(&str, &str)]| Panes {
            theme: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..Panes::default()
        };
        let team = panes(&[("name", "light"), ("good", "blue")]);
        let own = panes(&[("good", "34"), ("goood", "red"), ("bad", "reddish"), ("name", "dusk")]);
        let (theme, complaints) = Theme::asked(Depth::Many, &[&team, &own]);
        assert_eq!(theme.good.fg, Some(Color::Indexed(34)));
        assert_eq!(theme.bad, Theme::named("light", Depth::Many).unwrap().bad);
        let said: Vec<&str> = complaints.iter().map(|(_, complaint)| complaint.message.as_str()).collect();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(complaints.iter().all(|(layer, _)| *layer == 1));
        let (mono, _) = Theme::asked(Depth::Mono, &[&team, &own]);
        assert_eq!(mono, Theme::mono(), "without colours none is set");
    }

    #[test]
    fn colours_are_counted_by_what_arrives_over_ssh() {
        assert_eq!(Depth::of_terminal(false, Some("xterm-256color"), None), Depth::Many);
        assert_eq!(Depth::of_terminal(false, Some("xterm"), None), Depth::Sixteen);
        assert_eq!(Depth::of_terminal(false, Some("xterm"), Some("truecolor")), Depth::Many);
        assert_eq!(Depth::of_terminal(true, Some("xterm-256color"), None), Depth::Mono);
        assert_eq!(Depth::of_terminal(false, Some("dumb"), None), Depth::Mono);
    }

    #[test]
    fn an_unset_locale_is_no_proof_of_ascii() {
        assert_eq!(Glyphs::for_terminal(None, Some("xterm-256color")), Glyphs::UNICODE);
        assert_eq!(Glyphs::for_terminal(Some("C"), Some("xterm")), Glyphs::ASCII);
        assert_eq!(Glyphs::for_terminal(Some("de_DE.UTF-8"), Some("linux")), Glyphs::ASCII);
    }
}
