//! The questions a service asks of who deploys it, between the confirmation and the order.

use super::{Field, Form, Kind, Ordered, Wrong, form};
use crate::domain::gate::GateId;
use crate::domain::policy::Rule;
use crate::domain::prompt::{self, Answers, Prompt, PromptKind};
use crate::domain::release::Level;
use crate::ops::deployment::start::StartDeploy;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::popup::{Popup, is_production};
use crate::tui::widget::input::Input;

/// The form with the questions, or the order back where nothing is asked.
pub fn ask(model: &Model, start: StartDeploy) -> Result<Popup, Box<StartDeploy>> {
    let prompts = questions(model, &start);
    if prompts.is_empty() {
        return Err(Box::new(start));
    }
    let notes = prompts.iter().map(note).collect();
    let fields = prompts.iter().map(field).collect();
    let care = if is_production(model, &start.environment) { "PRODUCTION: " } else { "" };
    let title = format!(
        "{care}{} asks before {} goes to {}",
        start.release.service, start.release, start.environment
    );
    Ok(form(Kind::Answers { start: Box::new(start), prompts }, title, notes, fields))
}

/// What is asked of who starts it: what is meant for approvers too, where nobody approves.
fn questions(model: &Model, start: &StartDeploy) -> Vec<Prompt> {
    let Some(service) = model.policy.services.get(&start.release.service) else { return Vec::new() };
    let card = model.views.board.cards.iter().find(|card| card.release.id == start.release);
    let risk = card.map_or(Level::High, |card| card.release.weighed_risk());
    let rules =
        model.policy.environments.get(&start.environment).map(|env| Rule::asked(&env.approvals, risk));
    let is_skipped = card.is_some_and(|card| {
        model.policy.process(card.release.kind).skip.contains(GateId::Approvals.as_str())
    });
    let is_asked = !is_skipped && rules.is_some_and(|rules| !rules.is_empty());
    prompt::at_start(&service.prompts, is_asked && !start.overrides.contains(&GateId::Approvals))
}

/// One question in words, above the fields.
pub(super) fn note(prompt: &Prompt) -> String {
    let about = prompt.description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    format!("{} ({}){about}", prompt.label, prompt.name)
}

pub(super) fn field(prompt: &Prompt) -> Field {
    let choices = match &prompt.kind {
        PromptKind::Choice(choices) => choices.clone(),
        PromptKind::Checkbox => vec!["false".to_owned(), "true".to_owned()],
        PromptKind::Line | PromptKind::Multiline => Vec::new(),
    };
    let first = match &prompt.kind {
        PromptKind::Checkbox => "false",
        _ => "",
    };
    let value = prompt.default.as_deref().unwrap_or(first);
    let example = match (&prompt.kind, prompt.required) {
        (PromptKind::Multiline, _) => "\\n begins a new line; Ctrl-O opens your editor",
        (_, true) => "required",
        (_, false) => "may stay empty",
    };
    Field {
        label: prompt.name.clone().into(),
        input: Input::with(value),
        example: example.into(),
        choices,
        had_text: !value.is_empty(),
        is_secret: prompt.secret,
        is_typed: false,
    }
}

/// What stands in the fields.
pub(super) fn typed_in(form: &Form, prompts: &[Prompt]) -> Answers {
    let mut answers = Answers::default();
    for prompt in prompts {
        let Some(field) = form.fields.iter().find(|field| field.label == prompt.name) else { continue };
        let text = match prompt.kind {
            PromptKind::Multiline => field.input.text().replace("\\n", "\n"),
            _ => field.input.text().to_owned(),
        };
        if !text.is_empty() || prompt.required {
            answers.0.insert(prompt.name.clone(), text);
        }
    }
    answers
}

/// The order with the answers.
pub(super) fn given(form: &Form, start: &StartDeploy, prompts: &[Prompt]) -> Ordered {
    let answers = typed_in(form, prompts);
    match prompt::settle(prompts, &answers) {
        Ok(_) => Ok(Effect::Deploy(Box::new(StartDeploy { answers, ..start.clone() }))),
        Err(bad) => Err(Wrong { label: bad.name.into(), why: bad.why }),
    }
}
