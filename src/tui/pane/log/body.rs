//! The text of the log with what people wrote beside it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use super::head::{headline, steps};
use super::{HEAD, outline, shown, wall};
use crate::domain::ansi;
use crate::domain::note::Note;
use crate::domain::text::script_message;
use crate::supervisor::OWN;
use crate::tui::model::Model;
use crate::tui::widget;

pub fn view(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    if model.log.wall.is_some() {
        wall::view(model, frame, area);
        return;
    }
    let Some(view) = shown(model) else {
        let text = match (model.loaded, model.log.shown) {
            (true, None) => "No deployment yet. D on the board starts one; its output appears here.",
            _ => "reading…",
        };
        frame.render_widget(Paragraph::new(text), area);
        return;
    };
    let head = [headline(model, view, usize::from(area.width)), steps(model, view, usize::from(area.width))];
    let head_area = Rect { height: HEAD.min(area.height), ..area };
    frame.render_widget(Paragraph::new(head.to_vec()), head_area);
    let body = Rect { y: area.y + head_area.height, height: area.height - head_area.height, ..area };
    if body.height == 0 {
        return;
    }
    if let Some(at) = model.log.outline {
        outline::view(model, view, at, frame, body);
        return;
    }
    if model.log.lines.is_empty() && view.notes.is_empty() {
        let d = &view.deployment;
        let nothing = match (d.state.is_live(), d.log_size) {
            (true, _) => "no output yet".to_owned(),
            (false, 0) => "it printed nothing".to_owned(),
            (false, size) => format!("its log file is gone: {size} bytes were in it when it ended"),
        };
        frame.render_widget(Paragraph::new(Line::styled(nothing, model.theme.dim)), body);
        return;
    }
    let colours = model.has_log_colours();
    let lines = with_notes(model, &view.notes, usize::from(body.height), colours);
    // The page holds as many lines as there are rows; wrapped, the last ones are what matters when following.
    let mut text = Paragraph::new(lines);
    if model.log.wrap {
        text = text.wrap(Wrap { trim: false });
        let height = text.line_count(body.width);
        let hidden = height.saturating_sub(usize::from(body.height));
        if is_drawn_from_its_end(model) && hidden > 0 {
            text = text.scroll((u16::try_from(hidden).unwrap_or(u16::MAX), 0));
        }
    } else {
        text = text.scroll((0, model.log.shift));
    }
    frame.render_widget(text, body);
}

/// The lines of the page with the notes that belong between them: as many as there is room for, the last ones where the
/// end is followed.
fn with_notes(model: &Model, notes: &[Note], rows: usize, colours: bool) -> Vec<Line<'static>> {
    let page = &model.log.lines;
    let mut lines = Vec::new();
    let mut from = page.first().map_or(0, |(offset, _)| *offset);
    let mut left: Vec<&Note> = notes.iter().filter(|note| note.offset >= from).collect();
    for (offset, line) in page {
        let here = left.iter().take_while(|note| note.offset >= from && note.offset <= *offset).count();
        lines.extend(left.drain(..here).map(|note| noted(model, note)));
        lines.push(styled(model, *offset, line, colours));
        from = *offset;
    }
    if model.log.at_end {
        lines.extend(left.into_iter().map(|note| noted(model, note)));
    }
    let over = lines.len().saturating_sub(rows);
    if is_drawn_from_its_end(model) && !model.log.wrap { lines.split_off(over) } else { lines }
}

/// Whether the last lines matter where there is no room for all: at the end of the log, held or followed, nothing below
/// would ever come into sight. A page that begins the log shows its beginning.
fn is_drawn_from_its_end(model: &Model) -> bool {
    let begins = model.log.lines.first().is_none_or(|(offset, _)| *offset == 0);
    model.log.follow || (model.log.at_end && !begins)
}

fn noted(model: &Model, note: &Note) -> Line<'static> {
    let at = note.at.in_zone(model.shown_zone()).format("%H:%M");
    let text = format!("{} {at} {}: {}", model.glyphs.warn, note.by.name, note.text);
    Line::styled(text, model.theme.busy)
}

fn styled(model: &Model, offset: u64, line: &ansi::Line, colours: bool) -> Line<'static> {
    let text = line.text();
    let mut drawn = widget::ansi::line(line, colours);
    if text.starts_with(OWN) {
        drawn = drawn.style(model.theme.title);
    } else if let Some(message) = script_message(&text) {
        let is_note = text.starts_with("::relman note ");
        let style = if is_note { model.theme.title } else { model.theme.dim };
        drawn = Line::styled(format!("{} {message}", model.glyphs.cursor), style);
    }
    let is_hit = model.log.hit == Some(offset)
        || (!model.log.search.is_empty() && widget::matches(&text, &model.log.search));
    if is_hit {
        drawn = drawn.patch_style(model.theme.selected);
    }
    drawn
}
