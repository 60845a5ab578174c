//! Forms about releases.

use std::collections::{BTreeMap, BTreeSet};

use super::{Field, Form, Kind, Ordered, choice, form, preset, text};
use crate::domain::ids::{ReleaseId, RequestId, ServiceName};
use crate::domain::release::{self, Level, Origin, Release, ReleaseKind};
use crate::domain::time::{Fold, Tz, parse_when};
use crate::domain::version_template::VersionSaid;
use crate::domain::wanted::Wanted;
use crate::ops::release::create::NewRelease;
use crate::ops::release::edit::Edit;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::popup::Popup;
use crate::tui::widget::input::Input;

pub fn new_release(model: &Model) -> Popup {
    let services: Vec<String> = model.policy.services.keys().map(ToString::to_string).collect();
    let near = crate::tui::pane::board::selected(model).map(|card| card.release.id.service.to_string());
    let first = near.and_then(|near| services.iter().position(|name| *name == near)).unwrap_or(0);
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut fields = vec![
        choice("service", services, first),
        text("version", "1.4.2; or patch, minor, major"),
        text("title", "what people will call it"),
        text("need", "what it is needed for"),
        choice("kind", words(&ReleaseKind::ALL.map(ReleaseKind::as_str)), 0),
        choice("origin", words(&Origin::ALL.map(Origin::as_str)), 2),
        text("like", "api@1.4.1: take its plan over, if one is like it"),
    ];
    let of_all = model.policy.services.values();
    let channels: Vec<String> =
        of_all.clone().flat_map(|service| &service.channels).map(|channel| channel.name.clone()).collect();
    if !channels.is_empty() {
        fields.push(Field { choices: channels, ..text("channel", "the one that takes the version") });
    }
    let known: Vec<&str> = of_all.flat_map(|service| &service.fields).map(String::as_str).collect();
    if let Some(first) = known.first() {
        let mut field = text("fields", "");
        field.example = format!("{first}=…; known: {}", known.join(", ")).into();
        fields.push(field);
    }
    fields.push(choice("priority", words(&Level::ALL.map(Level::as_str)), 1));
    form(Kind::NewRelease, "New release", Vec::new(), fields)
}

/// `ticket=OPS-12, region=eu`
fn named(text: &str) -> Result<BTreeMap<String, String>, (&'static str, String)> {
    let parts = text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) =
            part.split_once('=').ok_or(("fields", "write NAME=VALUE, NAME=VALUE".to_owned()))?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    parts.map(pair).collect()
}

/// A release that brings what somebody asked for.
pub fn of_request(model: &Model, request: &Wanted) -> Popup {
    let Popup::Form(mut form) = new_release(model) else { unreachable!("it is a form") };
    form.fields.push(preset("requests", &request.id.to_string(), "R7 R8: what it brings"));
    let known = [
        ("title", Some(request.title.clone())),
        ("need", request.need.clone()),
        ("service", request.service.as_ref().map(ToString::to_string)),
        ("origin", Some(request.origin.to_string())),
        ("priority", request.priority.map(|priority| priority.to_string())),
    ];
    for (label, value) in known {
        let field = form.fields.iter_mut().find(|field| field.label == label);
        if let (Some(field), Some(value)) = (field, value) {
            field.input = Input::with(&value);
        }
    }
    Popup::Form(form)
}

pub fn edit(release: &Release, zone: Tz) -> Popup {
    let known = |value: &Option<String>| value.clone().unwrap_or_default();
    let level = |value: Option<Level>| value.map_or_else(String::new, |level| level.to_string());
    let levels = || Level::ALL.map(|level| level.to_string()).to_vec();
    let chosen = |label: &'static str, value: String| Field {
        choices: levels(),
        ..preset(label, &value, "low, medium or high")
    };
    let target = release.plan.target.map(|at| at.in_zone(zone).format("%Y-%m-%d %H:%M").to_string());
    let requires: Vec<String> = release.plan.requires.iter().map(ToString::to_string).collect();
    let digest = release.build.digest.as_ref().map(ToString::to_string);
    form(
        Kind::Edit { id: release.id.clone(), revision: release.revision },
        format!("Edit {}", release.id),
        Vec::new(),
        vec![
            preset("title", &release.title, ""),
            preset("need", &known(&release.request.need), "what it is needed for"),
            preset("owner", &known(&release.plan.owner), "who sees it through"),
            preset("target", &target.unwrap_or_default(), "2026-12-01 10:00"),
            chosen("risk", level(release.plan.risk)),
            preset("rollback plan", &known(&release.plan.rollback), "how to go back, and how long it takes"),
            preset("requires", &requires.join(", "), "api@1.2.0: live where it goes, this or newer"),
            preset("toggles", &release.plan.toggles.join(", "), "toggles that guard what it brings"),
            preset("commit", &known(&release.build.commit), "the commit it is built from"),
            preset("artifact", &known(&release.build.artifact), "what is deployed"),
            preset("digest", &digest.unwrap_or_default(), "sha256:… of the artifact"),
            preset("outcome", &known(&release.review.outcome), "in the review stage: what came of it"),
            preset(
                "retrospective",
                &known(&release.review.retrospective),
                "in the review stage: what was learned",
            ),
        ],
    )
}

pub fn move_back(id: &ReleaseId) -> Popup {
    let notes = vec!["Voids approvals and evidence of the stages after it.".to_owned()];
    form(Kind::MoveBack(id.clone()), format!("Move {id} back one stage"), notes, vec![text("reason", "why")])
}

pub fn block(id: &ReleaseId, is_blocked: bool) -> Popup {
    let reason = vec![text("reason", "why")];
    if is_blocked {
        form(Kind::Unblock(id.clone()), format!("Lift the block of {id}"), Vec::new(), reason)
    } else {
        let notes = vec!["It stays where it is and goes nowhere until someone lifts the block.".to_owned()];
        form(Kind::Block(id.clone()), format!("Block {id}"), notes, reason)
    }
}

pub(super) fn created(form: &Form, model: &Model) -> Ordered {
    let service: ServiceName = form.value("service").parse().map_err(|why| ("service", format!("{why}")))?;
    let said = form.some("version").map(|text| text.parse::<VersionSaid>());
    let version = said.transpose().map_err(|why| ("version", why.to_string()))?;
    let has_template = model.policy.services.get(&service).is_some_and(|known| known.version.is_some());
    if version.is_none() && !has_template {
        return Err(("version", "say which, such as 1.4.2; or patch, minor, major".to_owned()).into());
    }
    let new = NewRelease {
        title: form.some("title"),
        kind: form.value("kind").parse().map_err(|why| ("kind", format!("{why}")))?,
        origin: form.value("origin").parse().map_err(|why| ("origin", format!("{why}")))?,
        need: form.some("need"),
        priority: form
            .some("priority")
            .map(|text| text.parse())
            .transpose()
            .map_err(|why| ("priority", format!("{why}")))?,
        like: form
            .some("like")
            .map(|text| text.parse())
            .transpose()
            .map_err(|why: crate::domain::ids::BadName| ("like", why.to_string()))?,
        channel: form.some("channel"),
        fields: form.some("fields").map(|text| named(&text)).transpose()?.unwrap_or_default(),
        requests: form.some("requests").map(|text| requests(&text)).transpose()?.unwrap_or_default(),
        ..NewRelease::default()
    };
    Ok(Effect::Create { service, version, new: Box::new(new) })
}

/// A field that was emptied is emptied; one that was empty and stays so is left alone.
pub(super) fn edited(form: &Form, id: &ReleaseId, revision: i64, model: &Model) -> Ordered {
    if form.some("title").is_none() {
        return Err(("title", "a release needs a title".to_owned()).into());
    }
    let target = form.some("target").map(|text| parse_when(&text, model.now, model.zone, Fold::First));
    let edit = Edit {
        title: form.some("title"),
        need: form.some("need"),
        owner: form.some("owner"),
        target: target.transpose().map_err(|why| ("target", why.to_string()))?,
        risk: form
            .some("risk")
            .map(|text| text.parse())
            .transpose()
            .map_err(|why| ("risk", format!("{why}")))?,
        rollback_plan: form.some("rollback plan"),
        requires: form.some("requires").map(|text| releases(&text)).transpose()?,
        toggles: form.some("toggles").map(|text| listed(&text).map(str::to_owned).collect()),
        commit: form.some("commit"),
        artifact: form.some("artifact"),
        digest: form
            .some("digest")
            .map(|text| text.parse())
            .transpose()
            .map_err(|why| ("digest", format!("{why}")))?,
        outcome: form.some("outcome"),
        retrospective: form.some("retrospective"),
        clear: emptied(form),
        seen: Some(revision),
        ..Edit::default()
    };
    Ok(Effect::Edit { id: id.clone(), edit: Box::new(edit) })
}

fn requests(text: &str) -> Result<Vec<RequestId>, (&'static str, String)> {
    let words = text.split([' ', ',']).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|why| ("requests", format!("{why}")))).collect()
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn releases(text: &str) -> Result<Vec<ReleaseId>, (&'static str, String)> {
    listed(text).map(|part| part.parse().map_err(|why| ("requires", format!("{why}")))).collect()
}

/// The fields that had something in them and have nothing now.
fn emptied(form: &Form) -> BTreeSet<release::Field> {
    let empty = |field: &&Field| field.had_text && field.input.text().trim().is_empty();
    form.fields.iter().filter(empty).filter_map(|field| field.label.replace(' ', "-").parse().ok()).collect()
}
