//! The figures: how releasing goes, by service and span, with its trend.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Outcome, dialog_box, widest};
use crate::domain::ids::ServiceName;
use crate::domain::metrics::Share;
use crate::domain::text::pad;
use crate::domain::time::day;
use crate::ops::view::metrics::Metrics;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::widget::wrap::wrap;

/// Spans one goes through, in days.
pub const DAYS: [u64; 4] = [30, 90, 180, 365];

#[derive(Debug)]
pub struct Page {
    pub found: Metrics,
    pub days: u64,
    top: usize,
}

impl Page {
    pub fn new(found: Metrics, days: u64) -> Self {
        Self { found, days, top: 0 }
    }

    /// Other figures in the same place.
    pub fn refresh(&mut self, found: Metrics, days: u64) {
        (self.found, self.days) = (found, days);
    }

    fn ask(service: Option<ServiceName>, days: u64) -> Outcome {
        Outcome::DoAndStay(vec![Effect::AskMetrics { service, days }])
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        let services: Vec<Option<ServiceName>> =
            std::iter::once(None).chain(model.policy.services.keys().cloned().map(Some)).collect();
        let at = services.iter().position(|service| *service == self.found.service).unwrap_or(0);
        let span = DAYS.iter().position(|days| *days == self.days).unwrap_or(1);
        match key {
            "<esc>" | "q" | "<c-g>" | "<c-c>" | "<enter>" => return Outcome::Close,
            "j" | "<down>" => self.top += 1,
            "k" | "<up>" => self.top = self.top.saturating_sub(1),
            "g" | "<home>" => self.top = 0,
            "l" | "<right>" | "<tab>" => {
                return Self::ask(services[(at + 1) % services.len()].clone(), self.days);
            }
            "h" | "<left>" | "<s-tab>" => {
                return Self::ask(services[(at + services.len() - 1) % services.len()].clone(), self.days);
            }
            "]" if span + 1 < DAYS.len() => return Self::ask(self.found.service.clone(), DAYS[span + 1]),
            "[" if span > 0 => return Self::ask(self.found.service.clone(), DAYS[span - 1]),
            _ => {}
        }
        Outcome::Stay
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let theme = &model.theme;
        let zone = model.shown_zone();
        let what = self.found.service.as_ref().map_or_else(|| "all services".to_owned(), ToString::to_string);
        let places: Vec<String> = self.found.environments.iter().map(ToString::to_string).collect();
        let (from, to) = (day(self.found.figures.from, zone), day(self.found.figures.to, zone));
        let mut lines =
            vec![Line::styled(format!("{what} in {}, {from} to {to}", places.join(", ")), theme.strong)];
        for (label, text) in self.found.lines(model.glyphs.ascii) {
            lines.push(Line::from(vec![Span::styled(pad(&label, 23), theme.dim), Span::raw(text)]));
        }
        lines.push(Line::default());
        lines.extend(self.bars(model));
        let mut lines = wrap(&lines, widest(screen));
        // As wide as all of it: a box that grows and shrinks while one scrolls is hard to read.
        let width = lines.iter().map(Line::width).max().unwrap_or(0);
        for line in &mut lines {
            line.push_span(" ".repeat(width - line.width()));
        }
        let room = usize::from(screen.height.saturating_sub(4)).max(1);
        let top = self.top.min(lines.len().saturating_sub(room));
        let hidden = lines.len().saturating_sub(top + room);
        let shown: Vec<Line<'static>> = lines.into_iter().skip(top).take(room).collect();
        let more =
            if hidden > 0 { format!("   {hidden} more {}", model.glyphs.below) } else { String::new() };
        let foot = format!("h l service   [ ] span: {} days   j k scroll   Esc closes{more}", self.days);
        dialog_box(model, frame, screen, "Figures", shown, &foot);
    }

    /// Shares as bars, so that one sees them beside each other.
    fn bars(&self, model: &Model) -> Vec<Line<'static>> {
        let f = &self.found.figures;
        let shares = [
            ("change failures", f.change_failures),
            ("on time", f.on_time),
            ("milestones in time", f.milestones),
            ("scope done", f.scope),
            ("good feedback", f.good_feedback),
            ("overrides", f.overrides),
            ("stale approvals", self.found.stale_approvals),
            ("audit ready", self.found.audit_ready),
        ];
        let (full, empty) = if model.glyphs.ascii { ("#", ".") } else { ("█", "░") };
        let bar = |share: Share| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 20")]
            let cells = share.percent().map(|percent| (percent / 5.0).round() as usize);
            match cells {
                Some(cells) => format!("{}{}", full.repeat(cells.min(20)), empty.repeat(20 - cells.min(20))),
                None => "–".to_owned(),
            }
        };
        let line = |(label, share): (&str, Share)| {
            let percent = share.percent().map(|percent| format!(" {percent:.0}%")).unwrap_or_default();
            Line::from(vec![
                Span::styled(pad(label, 23), model.theme.dim),
                Span::raw(format!("{}{percent}", bar(share))),
            ])
        };
        shares.into_iter().map(line).collect()
    }
}
