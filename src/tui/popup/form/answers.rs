//! The questions a service asks of who deploys it, between the confirmation and the order.

use super::{Field, Form, Kind, Ordered, Wrong, form};
use crate::domain::prompt::{self, Answers, Prompt, PromptKind};
use crate::ops::deployment::start::StartDeploy;
use crate::tui::model::Model;
use crate::tui::msg::Effect;
use crate::tui::popup::{Popup, is_production};
use crate::tui::widget::input::Input;

/// The form with the questions, or the order back where nothing is asked.
pub fn ask(model: &Model, start: StartDeploy) -> Result<Popup, Box<StartDeploy>> {
    let service = model.policy.services.get(&start.release.service);
    let prompts = service.map(|service| service.prompts.clone()).unwrap_or_default();
    if prompts.is_empty() {
        return Err(Box::new(start));
    }
    let mut notes = Vec::new();
    for prompt in &prompts {
        let about = prompt.description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        notes.push(format!("{} ({}){about}", prompt.label, prompt.name));
    }
    let fields = prompts.iter().map(field).collect();
    let care = if is_production(model, &start.environment) { "PRODUCTION: " } else { "" };
    let title = format!(
        "{care}{} asks before {} goes to {}",
        start.release.service, start.release, start.environment
    );
    Ok(form(Kind::Answers { start: Box::new(start), prompts }, title, notes, fields))
}

fn field(prompt: &Prompt) -> Field {
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
        (PromptKind::Multiline, _) => "\\n begins a new line",
        (_, true) => "required",
        (_, false) => "may stay empty",
    };
    Field {
        label: prompt.name.clone().into(),
        input: Input::with(&value.replace('\n', "\\n")),
        example: example.into(),
        choices,
        had_text: !value.is_empty(),
        is_secret: prompt.secret,
        is_typed: false,
    }
}

/// The order with the answers.
pub(super) fn given(form: &Form, start: &StartDeploy, prompts: &[Prompt]) -> Ordered {
    let mut answers = Answers::default();
    for (prompt, field) in prompts.iter().zip(&form.fields) {
        let text = match prompt.kind {
            PromptKind::Multiline => field.input.text().replace("\\n", "\n"),
            _ => field.input.text().to_owned(),
        };
        if !text.is_empty() || prompt.required {
            answers.0.insert(prompt.name.clone(), text);
        }
    }
    match prompt::settle(prompts, &answers) {
        Ok(_) => Ok(Effect::Deploy(Box::new(StartDeploy { answers, ..start.clone() }))),
        Err(bad) => Err(Wrong { label: bad.name.into(), why: bad.why }),
    }
}
