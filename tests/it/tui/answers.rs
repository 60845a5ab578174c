//! What a service asks of who deploys it, in the panes.

use relman::domain::prompt::Answers;
use relman::ops::deployment::start::StartDeploy;
use relman::tui::msg::Effect;

use crate::support::keys::Ui;
use crate::support::screen::{built, with_storefront};
use crate::support::world::World;

const QUESTIONS: &str = r#"
[services.storefront.prompts.CODE]
label = "One-time code"
required = true
secret = true
[services.storefront.prompts.NOTE]
label = "Note for the log"
type = "multiline"
[services.storefront.prompts.REGION]
label = "Which region"
description = "where the shop runs"
type = "choice"
choices = ["eu", "us"]
default = "eu"
"#;

fn asking() -> (World, Ui) {
    let mut world = built();
    with_storefront(&mut world, QUESTIONS);
    let mut ui = Ui::new(&world, "erin");
    ui.select("storefront@1.5.0");
    drop(ui.ask(&world, "D"));
    ui.wait(1000);
    (world, ui)
}

#[test]
fn after_the_confirmation_the_questions_are_asked_and_secrets_not_shown() {
    let (_world, mut ui) = asking();
    assert!(ui.screen().contains("CODE, NOTE, REGION (after this)"), "{}", ui.screen());
    assert_eq!(ui.keys("y"), [], "nothing starts before they are answered");
    let screen = ui.screen();
    assert!(screen.contains("storefront asks before storefront@1.5.0 goes to dev"), "{screen}");
    assert!(screen.contains("Which region (REGION): where the shop runs"), "{screen}");
    assert_eq!(ui.keys("<c-s>"), []);
    assert!(ui.screen().contains("CODE") && ui.screen().contains("an answer is required"), "{}", ui.screen());
    drop(ui.keys("s3cr3t"));
    assert!(ui.screen().contains("******") && !ui.screen().contains("s3cr3t"), "{}", ui.screen());
    let effects = ui.keys("<enter>one\\ntwo<enter><right><c-s>");
    let [Effect::Deploy(start)] = effects.as_slice() else { panic!("{effects:?}") };
    let StartDeploy { answers: Answers(answers), seen, .. } = start.as_ref();
    assert!(seen.is_some(), "what was agreed to goes with it");
    let given: Vec<(&str, &str)> =
        answers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(given, [("CODE", "s3cr3t"), ("NOTE", "one\ntwo"), ("REGION", "us")]);
    assert!(!format!("{effects:?}").contains("s3cr3t"));
}

#[test]
fn they_are_asked_for_a_later_deployment_as_well() {
    let (_world, mut ui) = asking();
    drop(ui.keys("S"));
    assert_eq!(ui.keys("+2h<c-s>"), []);
    assert!(ui.screen().contains("asks before"), "{}", ui.screen());
    let effects = ui.keys("s3cr3t<c-s>");
    let [Effect::Deploy(start)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(start.later.is_some());
}

#[test]
fn a_wrong_answer_is_pointed_at_wherever_the_cursor_was() {
    let (_world, mut ui) = asking();
    drop(ui.keys("y"));
    drop(ui.keys("s3cr3t<tab><tab>x<tab>"));
    assert_eq!(ui.keys("<c-s>"), [], "there is no region eux");
    let effects = ui.keys("<c-u>us<c-s>");
    let [Effect::Deploy(start)] = effects.as_slice() else { panic!("{}", ui.screen()) };
    assert_eq!(start.answers.0["REGION"], "us");
    assert_eq!(start.answers.0["CODE"], "s3cr3t");
}
