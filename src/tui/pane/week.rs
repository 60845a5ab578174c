//! A week of the calendar: a bar for each day, with what closes it and what happens in it in words below.

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::calendar::{self, day_window};
use crate::domain::text::fit;
use crate::domain::time::{Timestamp, Tz, Window};
use crate::tui::model::Model;

/// Columns before the bar.
const LABEL: usize = 8;

fn monday(day: NaiveDate) -> NaiveDate {
    day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday()))
}

/// Cells of a bar: a whole number for each of the 24 hours, as many as there is room for.
fn cells(width: u16) -> usize {
    let room = usize::from(width).saturating_sub(LABEL);
    24 * (room / 24).clamp(1, 4)
}

pub(super) fn view(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let (head, body, at) = lines(model, area.width);
    let rows = usize::from(area.height).saturating_sub(head.len());
    // The selected day stays in sight, with what is around it.
    let top = at.saturating_sub(rows / 2).min(body.len().saturating_sub(rows));
    let shown: Vec<Line<'static>> = head.into_iter().chain(body.into_iter().skip(top).take(rows)).collect();
    frame.render_widget(Paragraph::new(shown), area);
}

/// The head, the days, and where the selected one begins.
fn lines(model: &Model, width: u16) -> (Vec<Line<'static>>, Vec<Line<'static>>, usize) {
    let (theme, zone) = (&model.theme, calendar::zone(model));
    let (selected, first) = (model.calendar.day, monday(model.calendar.day));
    let cells = cells(width);
    let mut hours = " ".repeat(LABEL);
    for hour in (0..24).step_by(if cells >= 48 { 3 } else { 6 }) {
        let gap = (LABEL + hour * cells / 24).saturating_sub(hours.len());
        hours.push_str(&format!("{}{hour:02}", " ".repeat(gap)));
    }
    let title = format!("Week {} of {}", first.iso_week().week(), first.iso_week().year());
    let legend = format!(
        "  {}  {} frozen  d deployed  s scheduled  t train",
        calendar::zone_name(model),
        model.glyphs.frozen
    );
    let head = vec![
        Line::from(vec![Span::styled(title, theme.title), Span::styled(legend, theme.dim)]),
        Line::styled(hours, theme.dim),
    ];
    let (mut body, mut at) = (Vec::new(), 0);
    for day in std::iter::successors(Some(first), chrono::NaiveDate::succ_opt).take(7) {
        if day == selected {
            at = body.len();
        }
        let window = day_window(day, zone);
        let label = day.format("%a %d  ").to_string();
        let style = if day == selected { theme.selected } else { theme.strong };
        let is_frozen = calendar::closed_in(model, window).next().is_some();
        let bar = if is_frozen { theme.bad } else { theme.dim };
        body.push(Line::from(vec![
            Span::styled(label, style),
            Span::styled(self::bar(model, window, cells), bar),
        ]));
        for text in words(model, window, zone) {
            body.push(Line::raw(fit(&format!("        {text}"), usize::from(width))));
        }
    }
    (head, body, at)
}

/// A day as cells: closed, something that happens, or nothing.
fn bar(model: &Model, day: Window, cells: usize) -> String {
    let length = day.end.since(day.start).as_millis();
    let moment = |cell: usize| {
        let ms = length * cell as u128 / cells as u128;
        day.start.plus(std::time::Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
    };
    let marks = calendar::marks(model, day);
    (0..cells)
        .map(|cell| {
            let span = Window { start: moment(cell), end: moment(cell + 1) };
            let mark = marks.iter().find(|(at, _)| span.covers(*at)).map(|(_, mark)| *mark);
            let is_closed = calendar::closed_in(model, span).next().is_some();
            match (mark, is_closed) {
                (Some(mark), _) => mark,
                (None, true) => model.glyphs.frozen,
                (None, false) => {
                    if model.glyphs.ascii {
                        "."
                    } else {
                        "·"
                    }
                }
            }
        })
        .collect()
}

/// What closes a day and what happens in it, in the order of its clock.
fn words(model: &Model, day: Window, zone: Tz) -> Vec<String> {
    let clock = |at: Timestamp| {
        if at <= day.start {
            "00:00".to_owned()
        } else if at >= day.end {
            "24:00".to_owned()
        } else {
            at.in_zone(zone).format("%H:%M").to_string()
        }
    };
    let mut lines: Vec<(Timestamp, String)> = calendar::closed_in(model, day)
        .map(|(freeze, window)| {
            let again = if freeze.repeats.is_some() { " (repeats)" } else { "" };
            let text = format!(
                "{}-{} frozen: {}, {}{again}",
                clock(window.start),
                clock(window.end),
                freeze.scope.describe(),
                freeze.title()
            );
            (window.start, text)
        })
        .collect();
    lines.extend(calendar::happenings(model, day, zone));
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(_, text)| text).collect()
}
