//! Prompted variables: what a service asks of who deploys it, answered at deploy time (EXE-16).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::text::{did_you_mean, is_deceptive, quoted};

/// What kind of answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptKind {
    Line,
    Multiline,
    Choice(Vec<String>),
    /// `true` or `false`.
    Checkbox,
}

/// Whom a question is for (APR-19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AskedOf {
    /// Who deploys it, right before it begins.
    #[default]
    Deployer,
    /// Who approves it: the answer is a part of the decision.
    Approver,
}

impl AskedOf {
    pub const ALL: [Self; 2] = [Self::Deployer, Self::Approver];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployer => "deployer",
            Self::Approver => "approver",
        }
    }

    /// The questions that are for them.
    pub fn of(self, prompts: &[Prompt]) -> Vec<Prompt> {
        prompts.iter().filter(|prompt| prompt.asked_of == self).cloned().collect()
    }
}
super::words::words!(AskedOf, "person who is asked", Self::ALL);

/// One question. Its answer reaches the scripts as the environment variable of its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub name: String,
    /// What people are asked.
    pub label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub kind: PromptKind,
    /// Whether a blank answer is refused.
    pub required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Shown to nobody, masked in the log, kept nowhere.
    pub secret: bool,
    #[serde(default)]
    pub asked_of: AskedOf,
}

/// The longest answer in bytes.
const LONGEST: usize = 4096;

impl Prompt {
    /// Why an answer is none.
    pub fn check(&self, answer: &str) -> Result<(), String> {
        let shown = || if self.secret { "the answer".to_owned() } else { quoted(answer, 40) };
        if answer.len() > LONGEST {
            return Err(format!("the answer is too long: {} of {LONGEST} bytes", answer.len()));
        }
        let is_break = |c: char| c == '\n' && self.kind == PromptKind::Multiline;
        if answer.chars().any(|c| is_deceptive(c) && !is_break(c)) {
            return Err(format!("{} holds a character that cannot be shown", shown()));
        }
        match &self.kind {
            PromptKind::Choice(choices) if !choices.iter().any(|choice| choice == answer) => {
                let hint = did_you_mean(answer, choices.iter().map(String::as_str));
                Err(match hint.filter(|_| !self.secret) {
                    Some(near) => format!("{} is not one of the choices; did you mean {near}?", shown()),
                    None => format!("{} is not one of the choices: {}", shown(), choices.join(", ")),
                })
            }
            PromptKind::Checkbox if !matches!(answer, "true" | "false") => {
                Err(format!("{} is neither true nor false", shown()))
            }
            _ if self.required && answer.trim().is_empty() => Err("an answer is required".to_owned()),
            _ => Ok(()),
        }
    }

    /// Whether it has to be answered by somebody: it is required and nothing stands in for an answer.
    pub fn is_open(&self) -> bool {
        self.required && self.default.is_none() && self.kind != PromptKind::Checkbox
    }
}

/// Answers by the name of their variable. What they are never shows in what is printed for debugging.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers(pub BTreeMap<String, String>);

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A question that is not answered well: its name and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {why}")]
pub struct BadAnswer {
    pub name: String,
    pub why: String,
}

/// What the scripts get: the given answers with defaults where none was given. An answer to no question is a mistake.
pub fn settle(prompts: &[Prompt], given: &Answers) -> Result<Answers, BadAnswer> {
    if let Some(name) = given.0.keys().find(|name| !prompts.iter().any(|prompt| prompt.name == **name)) {
        let near = did_you_mean(name, prompts.iter().map(|prompt| prompt.name.as_str()));
        let why = match (near, prompts.is_empty()) {
            (_, true) => "nothing is asked here".to_owned(),
            (Some(near), _) => format!("is not asked here; did you mean {near}?"),
            (None, _) => "is not asked here".to_owned(),
        };
        return Err(BadAnswer { name: name.clone(), why });
    }
    let mut all = BTreeMap::new();
    for prompt in prompts {
        let answer = given.0.get(&prompt.name).or(prompt.default.as_ref()).cloned();
        let answer = answer.or_else(|| (prompt.kind == PromptKind::Checkbox).then(|| "false".to_owned()));
        match answer {
            Some(answer) => {
                prompt.check(&answer).map_err(|why| BadAnswer { name: prompt.name.clone(), why })?;
                all.insert(prompt.name.clone(), answer);
            }
            None if prompt.required => {
                let why = format!("{} is asked at deploy time and has no answer", prompt.label);
                return Err(BadAnswer { name: prompt.name.clone(), why });
            }
            None => {}
        }
    }
    Ok(Answers(all))
}

/// What who starts it is asked: what is meant for approvers too, where nobody of them is.
pub fn at_start(prompts: &[Prompt], approvers_are_asked: bool) -> Vec<Prompt> {
    if approvers_are_asked { AskedOf::Deployer.of(prompts) } else { prompts.to_vec() }
}

/// The answers a deployment begins with: those of who starts it, and those of who approved it; nothing: no approver is asked.
pub fn settle_both(
    prompts: &[Prompt],
    given: &Answers,
    approvers: Option<&BTreeMap<String, String>>,
) -> Result<Answers, BadAnswer> {
    let Some(said) = approvers else { return settle(prompts, given) };
    let theirs = AskedOf::Approver.of(prompts);
    if let Some(name) = given.0.keys().find(|name| theirs.iter().any(|prompt| prompt.name == **name)) {
        let why = "is asked of who approves: it is said with the approval".to_owned();
        return Err(BadAnswer { name: name.clone(), why });
    }
    let mut all = settle(&at_start(prompts, true), given)?;
    all.0.extend(settle_kindly(&theirs, &Answers(said.clone())).0);
    Ok(all)
}

/// What an approver says with their decision: what they give, and what the one before them said where they do not. Where the
/// decision may be about going back, nothing must be answered: that asks nothing.
pub fn said_by_approver(
    asks: &[Prompt],
    before: &BTreeMap<String, String>,
    given: &Answers,
    must_answer: bool,
) -> Result<BTreeMap<String, String>, BadAnswer> {
    let known = before.iter().filter(|(name, _)| asks.iter().any(|prompt| prompt.name == **name));
    let mut all: BTreeMap<String, String> =
        known.map(|(name, value)| (name.clone(), value.clone())).collect();
    all.extend(given.0.clone());
    let all = Answers(all);
    if !must_answer {
        // Only what is said is looked at: what is not said the gate asks for.
        let said = |prompt: &&Prompt| !prompt.is_open() || all.0.contains_key(&prompt.name);
        let said: Vec<Prompt> = asks.iter().filter(said).cloned().collect();
        return settle(&said, &all).map(|settled| settled.0);
    }
    settle(asks, &all).map(|settled| settled.0).map_err(|bad| match bad.why.ends_with("has no answer") {
        true => BadAnswer { why: "it is asked of who approves and has no answer yet".to_owned(), ..bad },
        false => bad,
    })
}

/// The questions of approvers without an answer that is good: what must be answered and is not, and what was answered with
/// something that is no answer any more. What was approved runs, or nothing does.
pub fn open_questions(asks: &[Prompt], answers: &BTreeMap<String, String>) -> Vec<String> {
    let open = asks.iter().filter(|prompt| match answers.get(&prompt.name) {
        Some(answer) => prompt.check(answer).is_err(),
        None => prompt.is_open(),
    });
    open.map(|prompt| prompt.name.clone()).collect()
}

/// The same where nothing may stand in the way, such as a rollback: what is no answer is left out.
pub fn settle_kindly(prompts: &[Prompt], given: &Answers) -> Answers {
    let known = |prompt: &Prompt| {
        let answers = given.0.get(&prompt.name).into_iter().chain(&prompt.default);
        let good = answers.into_iter().find(|answer| prompt.check(answer).is_ok())?;
        Some((prompt.name.clone(), good.clone()))
    };
    Answers(prompts.iter().filter_map(known).collect())
}

/// What is kept of answers: secret ones without their values.
pub fn to_keep(prompts: &[Prompt], answers: &Answers) -> BTreeMap<String, Option<String>> {
    let is_secret = |name: &str| prompts.iter().any(|prompt| prompt.name == name && prompt.secret);
    let kept = answers.0.iter();
    kept.map(|(name, answer)| (name.clone(), (!is_secret(name)).then(|| answer.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(name: &str, kind: PromptKind) -> Prompt {
        Prompt {
            name: name.to_owned(),
            label: format!("the {name}"),
            description: None,
            kind,
            required: false,
            default: None,
            secret: false,
            asked_of: AskedOf::Deployer,
        }
    }

    fn given(pairs: &[(&str, &str)]) -> Answers {
        Answers(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn answers_are_typed_and_defaults_stand_in() {
        let region = Prompt {
            default: Some("eu".to_owned()),
            ..prompt("REGION", PromptKind::Choice(vec!["eu".to_owned(), "us".to_owned()]))
        };
        let migrate = prompt("MIGRATE", PromptKind::Checkbox);
        let why = Prompt { required: true, ..prompt("WHY", PromptKind::Line) };
        let all = [region, migrate, why];
        let settled = settle(&all, &given(&[("WHY", "because")])).unwrap();
        assert_eq!(settled, given(&[("MIGRATE", "false"), ("REGION", "eu"), ("WHY", "because")]));
        for (pairs, words) in [
            (vec![], "WHY: the WHY is asked at deploy time"),
            (vec![("WHY", "  ")], "an answer is required"),
            (vec![("WHY", "x"), ("REGION", "ue")], "did you mean eu?"),
            (vec![("WHY", "x"), ("MIGRATE", "yes")], "neither true nor false"),
            (vec![("WHY", "x"), ("REGOIN", "eu")], "did you mean REGION?"),
            (vec![("WHY", "a\nb")], "cannot be shown"),
            (vec![("WHY", "a\u{202e}b")], "cannot be shown"),
        ] {
            let error = settle(&all, &given(&pairs)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(prompt("TEXT", PromptKind::Multiline).check("a\nb").is_ok());
        assert!(prompt("TEXT", PromptKind::Line).check(&"x".repeat(4097)).is_err());
    }

    #[test]
    fn secret_answers_are_kept_and_shown_nowhere() {
        let token = Prompt { secret: true, ..prompt("TOKEN", PromptKind::Line) };
        let answers = given(&[("TOKEN", "s3cr3t-value")]);
        assert_eq!(to_keep(std::slice::from_ref(&token), &answers)["TOKEN"], None);
        assert_eq!(format!("{answers:?}"), "{\"TOKEN\"}");
        let error = Prompt { kind: PromptKind::Checkbox, ..token }.check("s3cr3t-value").unwrap_err();
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}
