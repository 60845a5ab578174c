//! Forms about what people ask for.

use super::{Field, Form, Kind, Ordered, choice, form, preset, text};
use crate::domain::ids::{ReleaseId, RequestId};
use crate::domain::release::{Level, Origin, Release};
use crate::domain::text::fit;
use crate::domain::wanted::Wanted;
use crate::ops::wanted::{EditRequest, NewRequest};
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::pane::board;
use crate::tui::popup::Popup;
use crate::tui::widget::input::Input;
use crate::tui::worker::requests::RequestOrder;

/// Which form it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    New,
    /// Of what somebody said about a release: the feedback of that number.
    Said(ReleaseId, usize),
    Edit(RequestId),
    Decline(RequestId),
}

/// The word for a request that is about no service yet.
const NONE: &str = "not known yet";

fn fields(model: &Model, known: Option<&Wanted>) -> Vec<Field> {
    let mut services = vec![NONE.to_owned()];
    services.extend(model.policy.services.keys().map(ToString::to_string));
    let near = board::selected(model).map(|card| card.release.id.service.clone());
    let service = known.map_or(near, |known| known.service.clone()).map(|service| service.to_string());
    let at = service.and_then(|service| services.iter().position(|name| *name == service)).unwrap_or(0);
    let origins: Vec<String> = Origin::ALL.map(|origin| origin.to_string()).to_vec();
    let origin = known.map(|known| known.origin).unwrap_or_default();
    let origin = origins.iter().position(|word| *word == origin.as_str()).unwrap_or(0);
    let levels: Vec<String> = Level::ALL.map(|level| level.to_string()).to_vec();
    let level = known.and_then(|known| known.priority).map_or(1, |level| level as usize);
    let value = |text: fn(&Wanted) -> Option<String>| known.and_then(text).unwrap_or_default();
    vec![
        preset("title", &value(|known| Some(known.title.clone())), "what somebody wants"),
        choice("service", services, at),
        choice("origin", origins, origin),
        choice("priority", levels, level),
        preset("need", &value(|known| known.need.clone()), "what it is needed for"),
        preset("objective", &value(|known| known.objective.clone()), "what it is to achieve"),
    ]
}

pub fn new(model: &Model) -> Popup {
    form(Kind::Request(About::New), "New request", Vec::new(), fields(model, None))
}

/// A request of what somebody said about a release; nothing where there is no such feedback.
pub fn of_feedback(model: &Model, release: &Release, number: usize) -> Option<Popup> {
    let said = release.feedback.get(number.checked_sub(1)?)?;
    let kind = Kind::Request(About::Said(release.id.clone(), number));
    let Popup::Form(mut form) =
        form(kind, "New request", vec![format!("{}: {}", said.source, said.text)], fields(model, None))
    else {
        return None;
    };
    let known = [
        ("title", fit(&said.text, 80)),
        ("service", release.id.service.to_string()),
        ("origin", Origin::Feedback.to_string()),
        ("need", said.text.clone()),
    ];
    for (label, value) in known {
        if let Some(field) = form.fields.iter_mut().find(|field| field.label == label) {
            field.input = Input::with(&value);
        }
    }
    Some(Popup::Form(form))
}

pub fn edit(model: &Model, request: &Wanted) -> Popup {
    form(
        Kind::Request(About::Edit(request.id)),
        format!("Request {}", request.id),
        Vec::new(),
        fields(model, Some(request)),
    )
}

pub fn decline(request: &Wanted) -> Popup {
    let notes = vec![request.title.clone(), "It can be opened again.".to_owned()];
    let fields = vec![
        text("reason", "why nothing comes of it"),
        text("duplicate of", "R7, if that asks for the same"),
    ];
    form(Kind::Request(About::Decline(request.id)), format!("Decline {}", request.id), notes, fields)
}

/// The order of any of them.
pub(super) fn ordered(form: &Form, about: &About) -> Ordered {
    let order = match about {
        About::New => added(form, None)?,
        About::Said(release, number) => added(form, Some((release.clone(), *number)))?,
        About::Edit(id) => RequestOrder::Edit(*id, titled(form)?),
        About::Decline(id) => declined(form, *id)?,
    };
    Ok(Effect::Request(Box::new(order)))
}

fn added(form: &Form, feedback: Option<(ReleaseId, usize)>) -> Result<RequestOrder, super::Wrong> {
    let said = titled(form)?;
    Ok(RequestOrder::Add(NewRequest {
        title: said.title.unwrap_or_default(),
        service: said.service,
        origin: said.origin,
        need: said.need,
        objective: said.objective,
        priority: said.priority,
        feedback,
    }))
}

fn titled(form: &Form) -> Result<EditRequest, super::Wrong> {
    let said = said(form)?;
    match said.title {
        Some(_) => Ok(said),
        None => Err(("title", "say what is wanted".to_owned()).into()),
    }
}

fn said(form: &Form) -> Result<EditRequest, super::Wrong> {
    let service = form.some("service").filter(|service| service != NONE);
    Ok(EditRequest {
        title: form.some("title"),
        service: service.map(|text| text.parse()).transpose().map_err(|why| ("service", format!("{why}")))?,
        origin: form
            .some("origin")
            .map(|text| text.parse())
            .transpose()
            .map_err(|why| ("origin", format!("{why}")))?,
        need: form.some("need"),
        objective: form.some("objective"),
        priority: form
            .some("priority")
            .map(|text| text.parse())
            .transpose()
            .map_err(|why| ("priority", format!("{why}")))?,
    })
}

fn declined(form: &Form, request: RequestId) -> Result<RequestOrder, super::Wrong> {
    let duplicate = form.some("duplicate of").map(|text| text.parse()).transpose();
    let duplicate_of = duplicate.map_err(|why| ("duplicate of", format!("{why}")))?;
    Ok(RequestOrder::Decline { request, reason: form.reason()?, duplicate_of })
}
