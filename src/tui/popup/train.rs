//! What the next departure of a train would take along, and the two things a person may say about it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Outcome, dialog_box, form, page_key, widest};
use crate::domain::time::wall;
use crate::domain::train::Item;
use crate::ops::train::Prognosis;
use crate::tui::model::Model;
use crate::tui::rights;
use crate::tui::widget::wrap::wrap;

#[derive(Debug)]
pub struct Page {
    prognosis: Prognosis,
    top: usize,
}

impl Page {
    pub fn new(prognosis: Prognosis) -> Self {
        Self { prognosis, top: 0 }
    }

    pub fn key(&mut self, model: &Model, key: &str) -> Outcome {
        let train = &self.prognosis.train.name;
        if matches!(key, "x" | "c")
            && let Err(why) = rights::train(model, &self.prognosis.train)
        {
            return Outcome::Say(why);
        }
        match key {
            "x" => match &self.prognosis.left_out {
                Some(why) => Outcome::Say(format!("the next departure is {why} already")),
                None => Outcome::Instead(Box::new(form::train::skip(&self.prognosis, model))),
            },
            "c" if self.prognosis.halted.is_some() => Outcome::Instead(Box::new(form::train::resume(train))),
            "c" => Outcome::Say(format!("train {train} is not halted")),
            key => {
                let (width, height) = model.size;
                let lines = wrap(&self.body(model), widest(Rect::new(0, 0, width, height)));
                page_key(lines.len(), &mut self.top, model, key)
            }
        }
    }

    fn body(&self, model: &Model) -> Vec<Line<'static>> {
        let Prognosis { train, departs_at, items, earlier, .. } = &self.prognosis;
        let theme = &model.theme;
        let arrow = model.glyphs.arrow;
        let mut lines = vec![
            Line::raw(format!(
                "{} {arrow} {}, {} ({})",
                train.from,
                train.to,
                train.departs.text,
                train.departs.zone.name()
            )),
            Line::raw(format!(
                "next {}, in the name of {}",
                wall(*departs_at, train.departs.zone),
                train.conductor
            )),
        ];
        if let Some(why) = self.prognosis.stands() {
            lines.push(Line::styled(format!("{} does not depart then: {why}", model.glyphs.warn), theme.bad));
        }
        lines.extend(items.iter().map(|item| item_line(model, item)));
        for departure in earlier {
            let why = departure.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let at = wall(departure.departs_at, train.departs.zone);
            lines.push(Line::styled(format!("{at} {}{why}", departure.state), theme.dim));
            lines.extend(departure.items.iter().map(|item| item_line(model, item)));
        }
        lines
    }

    pub fn view(&self, model: &Model, frame: &mut Frame<'_>, screen: Rect) {
        let lines = wrap(&self.body(model), widest(screen));
        let room = usize::from(screen.height.saturating_sub(4));
        let hidden = lines.len().saturating_sub(self.top + room);
        let shown = lines.into_iter().skip(self.top).collect();
        let more =
            if hidden > 0 { format!("   {hidden} more {}", model.glyphs.below) } else { String::new() };
        let skip = if self.prognosis.left_out.is_none() { "x leave the next one out   " } else { "" };
        let go_on = if self.prognosis.halted.is_some() { "c let it go on   " } else { "" };
        let foot = format!("{skip}{go_on}Esc closes{more}");
        dialog_box(model, frame, screen, &format!("Train {}", self.prognosis.train.name), shown, &foot);
    }
}

fn item_line(model: &Model, item: &Item) -> Line<'static> {
    let theme = &model.theme;
    let what = item.release.as_ref().map_or_else(|| item.service.to_string(), ToString::to_string);
    let id = item.deployment.map(|id| format!(" as {id}")).unwrap_or_default();
    match &item.left {
        None => Line::from(vec![
            Span::styled(format!("  {} ", model.glyphs.pass), theme.good),
            Span::raw(format!("{what}{id}")),
        ]),
        Some(why) => Line::from(vec![
            Span::styled(format!("  {} ", model.glyphs.not), theme.dim),
            Span::raw(format!("{what} stays behind: {why}")),
        ]),
    }
}
