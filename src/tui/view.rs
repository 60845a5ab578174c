//! The screen. A pure function of the model:
//!
//! ```text
//! [1]Board  [2]Approvals 2  [3]Calendar  [4]Log*            alice     tabs: counts, unseen output, alarms
//! ┌ [1] Board ──────────────────────────────────────────────────────┐  one pane below 100 columns, two
//! │                                                                 │  below 160, else four
//! └─────────────────────────────────────────────────────────────────┘
//! moved storefront@1.4.2 to test                                       what was said, or is going on
//! D deploy  w why  > advance  n new  Enter open  ? help                what can be done now
//! ```

use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use ratatui::symbols::border;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders as Edges, Clear, Paragraph};
use ratatui::{Frame, Terminal};

use super::action::Action;
use super::hands;
use super::layout::{self, Borders};
use super::model::{Model, Pane};
use super::pane::{self, board, calendar, log, queue};
use super::past;
use super::popup;
use super::presence;
use super::tour;
use super::widget::filter;
use super::widget::footer;
use super::widget::wrap::wrap;
use crate::domain::text::{fit, plain_mark};
use crate::domain::time::span;

/// Lines every terminal can draw.
pub const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

pub fn view(model: &Model, frame: &mut Frame<'_>) {
    if layout::is_too_small(model) {
        let (width, height) = model.size;
        frame.render_widget(Paragraph::new(format!("terminal too small ({width}x{height})")), frame.area());
        return;
    }
    let areas = layout::areas(model);
    frame.render_widget(Paragraph::new(tabs(model, usize::from(areas.tabs.width))), areas.tabs);
    for (pane, outer) in &areas.panes {
        draw_pane(model, frame, *pane, *outer, areas.borders);
    }
    frame.render_widget(Paragraph::new(foot(model, usize::from(areas.footer.width))), areas.footer);
    // Below a dialog the last line is free: what is said about it stays in sight.
    let last = match model.popups.last() {
        Some(popup) => {
            popup.view(model, frame);
            areas.footer
        }
        None => areas.flash,
    };
    draw_flash(model, frame, last);
    if model.glyphs.ascii {
        plain_letters(frame);
    }
}

/// Whatever a text brought along, a terminal without UTF-8 is only sent what it can show.
fn plain_letters(frame: &mut Frame<'_>) {
    for cell in &mut frame.buffer_mut().content {
        if !cell.symbol().is_ascii() {
            let mark = cell.symbol().chars().next().and_then(plain_mark);
            cell.set_char(mark.unwrap_or('?'));
        }
    }
}

fn draw_pane(model: &Model, frame: &mut Frame<'_>, pane: Pane, outer: Rect, borders: Borders) {
    let focused = pane == model.focus;
    let theme = &model.theme;
    let style = if focused { theme.focus } else { theme.border };
    if borders != Borders::None {
        let edges = if borders == Borders::Full { Edges::ALL } else { Edges::TOP };
        let words = if focused { theme.title } else { theme.dim };
        let mut name = vec![Span::styled(format!(" {}", title(model, pane)), words)];
        // The log is the same then and now.
        if model.past.is_some() && pane != Pane::Log {
            name.push(Span::styled(" PAST ", theme.alarm));
            name.push(Span::styled(" ", words));
        }
        let mut block = Block::new().borders(edges).border_style(style).title(Line::from(name));
        let position = pane::position(model, pane);
        if !position.is_empty() {
            block = block.title(Line::styled(format!(" {position} "), theme.dim).right_aligned());
        }
        // The focused frame has other lines, not only another colour.
        block = match (model.glyphs.ascii, focused) {
            (true, _) => block.border_set(ASCII_BORDER),
            (false, true) => block.border_set(border::THICK),
            (false, false) => block.border_set(border::PLAIN),
        };
        frame.render_widget(block, outer);
    }
    let inner = layout::inner(borders, outer);
    match pane {
        Pane::Board => board::view(model, frame, inner),
        Pane::Approvals => queue::view(model, frame, inner),
        Pane::Calendar => calendar::view(model, frame, inner),
        Pane::Log => log::view(model, frame, inner),
    }
}

fn title(model: &Model, pane: Pane) -> String {
    let filter = match pane {
        Pane::Board => &model.board.filter,
        Pane::Approvals => &model.queue.filter,
        Pane::Log | Pane::Calendar => "",
    };
    let order = match pane {
        Pane::Board => model.board.order.mark(),
        Pane::Approvals => model.queue.order.mark(),
        Pane::Log | Pane::Calendar => "",
    };
    let filter = if filter.is_empty() { String::new() } else { format!(" /{filter}") };
    let state = if pane == Pane::Log { log::title(model) } else { String::new() };
    format!("[{}] {}{state}{order}{filter} ", pane.number(), pane.title())
}

/// The panes with what they want attention for; on the right what waits for a person, else the freeze, else who sits here.
/// What a pane shows, as lines of plain text without its frame.
pub fn text_of(model: &Model, pane: Pane) -> String {
    let (width, height) = model.size;
    let Some(area) = layout::pane(model, pane) else { return String::new() };
    let Ok(mut screen) = Terminal::new(TestBackend::new(width, height));
    let under = |frame: &mut Frame<'_>| {
        let areas = layout::areas(model);
        for (drawn, outer) in &areas.panes {
            draw_pane(model, frame, *drawn, *outer, areas.borders);
        }
    };
    let Ok(drawn) = screen.draw(under);
    let line = |y: u16| {
        let cells = (area.left()..area.right()).map(|x| drawn.buffer[(x, y)].symbol());
        cells.collect::<String>().trim_end().to_owned()
    };
    let lines: Vec<String> = (area.top()..area.bottom()).map(line).collect();
    lines.join("\n").trim_end().to_owned()
}

/// What the panes are called in the first line, with what is new in them.
pub(super) fn tab_names(model: &Model) -> [(Pane, String); 4] {
    let mine = mine(model);
    Pane::ALL.map(|pane| {
        let note = match pane {
            Pane::Approvals if mine > 0 => format!(" {mine}"),
            Pane::Log if model.unseen_log => "*".to_owned(),
            Pane::Log if model.running() > 0 => format!(" {}{}", model.running(), model.glyphs.active),
            _ => String::new(),
        };
        (pane, format!("[{}]{}{note}", pane.number(), pane.title()))
    })
}

/// Decisions that wait for who sits here.
fn mine(model: &Model) -> usize {
    model.views.queue.iter().filter(|item| item.not_yours.is_none() && !item.tally.is_met()).count()
}

/// What the window of the terminal is called.
pub fn window_title(model: &Model) -> String {
    let mine = mine(model);
    let mut parts = vec!["relman".to_owned()];
    parts.extend((model.running() > 0).then(|| format!("{} running", model.running())));
    parts.extend((mine > 0).then(|| format!("{mine} for you to decide")));
    parts.join(" · ")
}

fn tabs(model: &Model, width: usize) -> Line<'static> {
    let theme = &model.theme;
    let mut spans = Vec::new();
    let mut used = 0;
    for (pane, text) in tab_names(model) {
        used += text.chars().count() + 1;
        spans.push(Span::styled(text, if pane == model.focus { theme.selected } else { theme.strong }));
        spans.push(Span::raw(" "));
    }
    let waiting = model.views.board.active.iter().find(|d| popup::waits_for_person(d));
    let asks = presence::asking(model).map(|request| {
        let starter = request.starter.person.human().to_owned();
        (format!("{starter} ASKS FOR A WITNESS ({})", model.key(Action::Witness)), theme.alarm)
    });
    let right = match (waiting, board::frozen_now(model)) {
        _ if model.past.is_some() => (past::corner(model), theme.alarm),
        (None, _) if asks.is_some() => asks.unwrap_or_default(),
        (Some(d), _) => (format!("{} WAITS FOR A DECISION", d.id), theme.alarm),
        (None, Some(frozen)) => (frozen, theme.alarm),
        (None, None) => (model.actor.clone(), theme.dim),
    };
    let room = width.saturating_sub(used + 1);
    let right = if model.mouse { (format!("MOUSE  {}", right.0), right.1) } else { right };
    let right = match hands::mark(model) {
        Some(mark) => (format!("{mark}  {}", right.0), theme.alarm),
        None => right,
    };
    // What is urgent is not cut for it.
    let others = presence::count(model).map(|count| format!(" {count}"));
    let others = others.filter(|count| right.0.chars().count() + count.len() <= room);
    let right = (format!("{}{}", right.0, others.unwrap_or_default()), right.1);
    let text = fit(&right.0, room);
    let gap = room.saturating_sub(text.chars().count());
    spans.push(Span::raw(" ".repeat(gap)));
    spans.push(Span::styled(text, right.1));
    Line::from(spans)
}

/// At most so many lines of the screen are covered by what was said.
const SAID: usize = 4;

/// What was said, upwards from its line as far as it needs; the whole of what does not fit is in the messages.
fn draw_flash(model: &Model, frame: &mut Frame<'_>, last: Rect) {
    let width = usize::from(last.width);
    let mut lines = wrap(&[flash(model)], width);
    let most = SAID.min(usize::from(last.y.max(1)));
    if lines.len() > most {
        lines.truncate(most);
        let more = "  ! shows all";
        let cut = fit(&format!("{}…", lines[most - 1]), width.saturating_sub(more.len()));
        lines[most - 1] = Line::styled(format!("{cut}{more}"), lines[most - 1].style);
    }
    let height = u16::try_from(lines.len()).unwrap_or(1);
    let area = Rect { y: last.y + 1 - height, height, ..last };
    if lines.iter().any(|line| line.width() > 0) {
        frame.render_widget(Clear, area);
        frame.render_widget(Paragraph::new(lines), area);
    }
}

/// What is going on once it lasts, else what was said.
fn flash(model: &Model) -> Line<'static> {
    if let Some((what, since)) = &model.busy {
        let lasts = model.now.since(*since);
        let time = if lasts.as_secs() > 0 { format!(" {}", span(lasts)) } else { String::new() };
        return Line::styled(format!("{what}{time}"), model.theme.busy);
    }
    match &model.flash {
        Some(flash) if flash.is_error => {
            Line::styled(format!("{} {}", model.glyphs.closed, flash.text), model.theme.bad)
        }
        Some(flash) => Line::styled(flash.text.clone(), model.theme.good),
        None => tour::hint(model).map_or_else(Line::default, |hint| Line::styled(hint, model.theme.dim)),
    }
}

fn foot(model: &Model, width: usize) -> Line<'static> {
    // A dialog has the keys and says itself which.
    if !model.popups.is_empty() {
        return Line::default();
    }
    if let Some(typed) = &model.typing_filter {
        let what = if model.focus == Pane::Log { "search" } else { "filter" };
        let help = format!("   Enter {what}s   Esc leaves");
        let hint = filter::hint(typed).filter(|_| model.focus != Pane::Log);
        return Line::from(vec![
            Span::styled("/", model.theme.key),
            Span::raw(typed.clone()),
            Span::styled(" ", model.theme.selected),
            Span::styled(hint.map_or(help, |hint| format!(" {hint}")), model.theme.dim),
        ]);
    }
    if let Some(first) = model.pending {
        return Line::styled(format!("{first} … (second key of a chord; Esc leaves)"), model.theme.dim);
    }
    if model.past.is_some() && model.focus != Pane::Log {
        return past::foot(model);
    }
    footer::line(model, width)
}
