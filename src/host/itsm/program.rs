//! A program that stands between relman and a change system: the question in JSON on its standard input, an answer in
//! JSON on its standard output if it has more to say than its exit status.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{Answered, Asking, Phase};
use crate::domain::change::{Act, Change};
use crate::domain::policy::Argv;
use crate::domain::text::{fit, one_line};
use crate::host::command::{self, Order};

/// Exit status of an answer that is still to come.
const PENDING: i32 = 75;
/// The most that is read of an answer.
const LARGEST: usize = 64 * 1024;

/// What it may say beside its exit status.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    /// Whether there is no ticket yet.
    missing: bool,
    #[serde(flatten)]
    answered: Answered,
}

/// Asks it, or tells it something.
pub(in crate::host) fn ask(
    change: &Change,
    argv: &Argv,
    working_dir: &Path,
    env: BTreeMap<String, String>,
    asking: &Asking,
) -> Result<Answered, String> {
    let stdin = format!("{}\n", serde_json::to_string(asking).unwrap_or_default());
    let order = Order { argv, working_dir, env, stdin, timeout: change.timeout, keep: LARGEST };
    let ended = command::run(order)?;
    let last = ended.err.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let because = if last.is_empty() { String::new() } else { format!(": {}", fit(&one_line(last), 200)) };
    let program = one_line(&argv[0]);
    let (phase, word) = match (asking.act, ended.code) {
        (_, Some(0)) => (Phase::Open, "approved"),
        (Act::Check, Some(1)) => (Phase::Closed, "refused"),
        (Act::Check, Some(PENDING)) => (Phase::Waits, "pending"),
        _ => return Err(format!("{program}: {}{because}", ended.how)),
    };
    let said: Said = match ended.out.trim() {
        "" => Said::default(),
        text => serde_json::from_str(text)
            .map_err(|why| format!("{program} answered with what nobody understands: {why}"))?,
    };
    if said.missing && phase == Phase::Waits {
        return Ok(Answered::default());
    }
    let mut answered = said.answered;
    for text in [&mut answered.number, &mut answered.state, &mut answered.title, &mut answered.url] {
        *text = text.as_ref().map(|text| fit(&one_line(text), 300));
    }
    // The exit status decides; what the program calls the state is for people.
    answered.phase = Some(phase);
    answered.state.get_or_insert_with(|| word.to_owned());
    if answered.number.is_none() {
        answered.number.clone_from(&asking.number);
    }
    Ok(answered)
}
