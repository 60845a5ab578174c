//! Everything that is recorded about a release, stage by stage: looked at, added to and changed in one place.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::form::sheet as forms;
use super::{Outcome, Popup, build, dialog_box, form, widest};
use crate::domain::ids::ReleaseId;
use crate::domain::release::{Release, Stage};
use crate::domain::right::{Place, Right};
use crate::domain::text::fit;
use crate::ops::view::sheet::{List, Row, Slot, Tone, sheet};
use crate::tui::model::Model;
use crate::tui::pane;
use crate::tui::{hands, rights};

/// The sheet with its cursor.
#[derive(Debug)]
pub struct Sheet {
    id: ReleaseId,
    /// The row with the cursor, headings not counted.
    at: usize,
    /// What it is about: rows may come and go while somebody reads.
    on: Option<Slot>,
}

/// A row under the heading of its stage.
struct Placed {
    stage: Stage,
    row: Row,
}

impl Sheet {
    /// Opens it where the release is now.
    pub fn new(model: &Model, release: &Release) -> Self {
        let mut sheet = Self { id: release.id.clone(), at: 0, on: None };
        let rows = sheet.rows(model);
        let first = rows.iter().position(|placed| placed.stage == release.stage);
        sheet.go(&rows, first.unwrap_or(0));
        sheet
    }

    fn release<'a>(&self, model: &'a Model) -> Option<&'a Release> {
        let mut cards = model.views.board.cards.iter();
        cards.find(|card| card.release.id == self.id).map(|card| &card.release)
    }

    fn rows(&self, model: &Model) -> Vec<Placed> {
        let Some(release) = self.release(model) else { return Vec::new() };
        let sections =
            sheet(&model.policy, release, &model.views.board.watches, (model.shown_zone(), model.now));
        let rows = sections.into_iter().flat_map(|section| {
            section.rows.into_iter().map(move |row| Placed { stage: section.stage, row })
        });
        rows.collect()
    }

    fn go(&mut self, rows: &[Placed], to: usize) {
        self.at = to.min(rows.len().saturating_sub(1));
        self.on = rows.get(self.at).map(|placed| placed.row.slot.clone());
    }

    /// Where the cursor is now that rows may have come or gone.
    fn place(&self, rows: &[Placed]) -> usize {
        let is_it = |placed: &Placed| Some(&placed.row.slot) == self.on.as_ref();
        // Several rows may be only text: then the place counts.
        if rows.get(self.at).is_some_and(is_it) {
            return self.at;
        }
        rows.iter().position(is_it).unwrap_or_else(|| self.at.min(rows.len().saturating_sub(1)))
    }

    /// The first row of the stage before or after.
    fn stage(&self, rows: &[Placed], on: bool) -> usize {
        let here = rows.get(self.at).map(|placed| placed.stage);
        match on {
            true => rows.iter().position(|placed| Some(placed.stage) > here).unwrap_or(self.at),
            false => {
                let first = rows.iter().position(|placed| Some(placed.stage) == here).unwrap_or(0);
                let before = first.checked_sub(1).and_then(|at| rows.get(at)).map(|placed| placed.stage);
                let before = before.and_then(|stage| rows.iter().position(|placed| placed.stage == stage));
                if first < self.at { first } else { before.unwrap_or(first) }
            }
        }
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        let rows = self.rows(model);
        self.at = self.place(&rows);
        let page = usize::from(model.size.1 / 2).max(1);
        match key {
            "<esc>" | "q" | "<c-g>" | "<c-c>" => return Outcome::Close,
            "j" | "<down>" => self.go(&rows, self.at + 1),
            "k" | "<up>" => self.go(&rows, self.at.saturating_sub(1)),
            "<c-d>" | "<pgdn>" | "<space>" => self.go(&rows, self.at + page),
            "<c-u>" | "<pgup>" => self.go(&rows, self.at.saturating_sub(page)),
            "g" | "<home>" => self.go(&rows, 0),
            "G" | "<end>" => self.go(&rows, rows.len()),
            "]" | "<tab>" | "l" | "<right>" => self.go(&rows, self.stage(&rows, true)),
            "[" | "<s-tab>" | "h" | "<left>" => self.go(&rows, self.stage(&rows, false)),
            "<enter>" | "e" => return self.open(model, &rows, Wanted::Row),
            "n" | "a" => return self.open(model, &rows, Wanted::Next),
            "x" => return self.open(model, &rows, Wanted::Away),
            "r" => return self.request(model, &rows),
            _ => {}
        }
        Outcome::Stay
    }

    /// A request of what somebody said.
    fn request(&self, model: &Model, rows: &[Placed]) -> Outcome {
        let slot = rows.get(self.at).map(|placed| &placed.row.slot);
        let (Some(release), Some(Slot::Item(List::Feedback, number))) = (self.release(model), slot) else {
            return Outcome::Say(
                "r makes a request of what somebody said: stand on their feedback".to_owned(),
            );
        };
        let may = rights::may(model, Right::Request, Place::service(&release.id.service));
        match may.map(|()| form::request::of_feedback(model, release, *number)) {
            Ok(Some(popup)) => Outcome::Over(Box::new(popup)),
            Ok(None) => Outcome::Say("that feedback is not there any more".to_owned()),
            Err(why) => Outcome::Say(why),
        }
    }

    fn open(&self, model: &Model, rows: &[Placed], wanted: Wanted) -> Outcome {
        let (Some(release), Some(placed)) = (self.release(model), rows.get(self.at)) else {
            return Outcome::Say(format!("{} is on the board no more", self.id));
        };
        if let Err(why) = hands::may_act(model) {
            return Outcome::Say(why);
        }
        let slot = match (wanted, &placed.row.slot) {
            (Wanted::Row, slot) => Some(slot.clone()),
            (Wanted::Next, Slot::Item(list, _) | Slot::Next(list)) => Some(Slot::Next(*list)),
            (Wanted::Next, _) => None,
            (
                Wanted::Away,
                Slot::Item(List::Milestones | List::Metrics | List::Scope, _) | Slot::Field(_),
            ) => {
                return match forms::away(model, release, &placed.row.slot) {
                    Some(popup) => Outcome::Over(Box::new(popup)),
                    None => Outcome::Say("that stays on record".to_owned()),
                };
            }
            (Wanted::Away, _) => return Outcome::Say("that stays on record".to_owned()),
        };
        let Some(slot) = slot else {
            return Outcome::Say(
                "n adds to a list: stand on one of its rows; Enter changes this row".to_owned(),
            );
        };
        if slot == Slot::Build {
            return Outcome::Over(Box::new(Popup::Build(Box::new(build::Page::new(release.id.clone())))));
        }
        match forms::open(model, release, &slot) {
            Ok(popup) => Outcome::Over(Box::new(popup)),
            Err(why) => Outcome::Say(why),
        }
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let theme = &model.theme;
        let rows = self.rows(model);
        let at = self.place(&rows);
        let width = widest(screen);
        let mut lines: Vec<Line<'static>> = Vec::new();
        let mut cursor = 0;
        let mut stage = None;
        for (index, placed) in rows.iter().enumerate() {
            if stage != Some(placed.stage) {
                stage = Some(placed.stage);
                lines.push(Line::styled(placed.stage.to_string().to_uppercase(), theme.strong));
            }
            if index == at {
                cursor = lines.len();
            }
            lines.push(Self::line(model, &placed.row, index == at, width));
        }
        if rows.is_empty() {
            lines.push(Line::raw(format!("{} is on the board no more.", self.id)));
        }
        let room = usize::from(screen.height.saturating_sub(4)).max(1);
        let top = pane::scrolled(cursor.saturating_sub(room / 2), cursor, room)
            .min(lines.len().saturating_sub(room));
        let count = lines.len();
        let shown: Vec<Line<'static>> = lines.into_iter().skip(top).take(room).collect();
        let more = if top + room < count { format!(" {}", model.glyphs.below) } else { String::new() };
        let title = format!("{}, {} of {}{more}", self.id, (at + 1).min(rows.len()), rows.len());
        let on_feedback =
            matches!(rows.get(at).map(|placed| &placed.row.slot), Some(Slot::Item(List::Feedback, _)));
        let foot = match on_feedback {
            true => "Enter answer   r request of it   n add   [ ] stage   Esc closes",
            false => "Enter change   n add   x take out   [ ] stage   Esc closes",
        };
        dialog_box(model, frame, screen, &title, shown, foot);
    }

    fn line(model: &Model, row: &Row, has_cursor: bool, width: usize) -> Line<'static> {
        let (theme, glyphs) = (&model.theme, &model.glyphs);
        let (mark, style) = match row.tone {
            Tone::Done => (glyphs.pass, theme.good),
            Tone::Wrong => (glyphs.warn, theme.bad),
            Tone::Open => (glyphs.not, theme.dim),
            Tone::Plain | Tone::Missing => (" ", theme.dim),
        };
        let cursor = if has_cursor { glyphs.cursor } else { " " };
        let text = match (&row.text, &row.slot) {
            (Some(text), _) => text.replace('\n', " "),
            (None, Slot::Next(_)) => "n adds one".to_owned(),
            (None, _) => "–".to_owned(),
        };
        let label = Span::styled(
            format!("{cursor} {:<16}", row.label),
            if has_cursor { theme.key } else { theme.dim },
        );
        let text = fit(&text, width.saturating_sub(20));
        let text_style = match (has_cursor, row.text.is_some()) {
            (true, _) => theme.selected,
            (false, true) => ratatui::style::Style::new(),
            (false, false) => theme.dim,
        };
        Line::from(vec![label, Span::styled(format!("{mark} "), style), Span::styled(text, text_style)])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Row,
    Next,
    Away,
}
