//! What the panes ask of a moment of the past. It is kept from step to step: the next one only writes what differs.

use super::{Effect, Msg, Views, Worker};
use crate::ops::OpError;
use crate::ops::deployment::start;
use crate::ops::past::{self, Past, Still, Travel};
use crate::ops::view::release;

impl Worker {
    /// Another moment, or now again.
    pub(super) fn travel(&mut self, travel: Travel) -> Result<Option<Msg>, OpError> {
        let cx = self.desk.cx();
        let from = self.past.as_ref().map(Past::place);
        let Some(moment) = past::arrive(&cx, from, travel)? else {
            self.past = None;
            self.load();
            return Ok(None);
        };
        match &mut self.past {
            Some(past) => past.go_to(&cx, moment)?,
            None => self.past = Some(Past::open(&cx, moment)?),
        }
        self.then()
    }

    /// The views of the moment that is shown.
    fn then(&self) -> Result<Option<Msg>, OpError> {
        let Some(past) = &self.past else { return Ok(None) };
        let cx = self.desk.cx();
        let still = Still(self.desk.machine());
        let views = Views::read(&past.cx(&cx, &still), None, self.month)?;
        Ok(Some(Msg::Travelled(Box::new(views), past.place())))
    }

    /// What may be asked of the past.
    pub(super) fn answer_then(&mut self, order: Effect) -> Result<Option<Msg>, OpError> {
        let Some(past) = &self.past else { return Ok(None) };
        let cx = self.desk.cx();
        let still = Still(self.desk.machine());
        let then = past.cx(&cx, &still);
        match order {
            Effect::Load => self.then(),
            Effect::ShowMonth(month) => {
                self.month = Some(month);
                self.then()
            }
            Effect::Explain { release, environment } => {
                let report = start::explain(&then, &release, &environment)?;
                Ok(Some(Msg::Explained(Box::new(report), Vec::new())))
            }
            Effect::Detail(id) => Ok(Some(Msg::Detailed(Box::new(release::release(&then, &id)?)))),
            _ => Err(OpError::conflict(
                "this is the past: it can be looked at, not changed; Esc goes back to now",
            )),
        }
    }
}
