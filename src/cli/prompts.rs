//! Answers to what a service asks of who deploys it: from options, from files, and from a terminal.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

use crate::domain::prompt::{Answers, Prompt, PromptKind};
use crate::ops::{ErrorKind, OpError};

/// What was given with `--set` and `--set-file`; what is still open is asked on a terminal, if there is one.
pub(super) fn answers(
    prompts: &[Prompt],
    set: &[String],
    files: &[String],
    may_ask: bool,
) -> Result<Answers, OpError> {
    let mut answers = Answers::default();
    for pair in set {
        let (name, value) = split(pair)?;
        if prompts.iter().any(|prompt| prompt.name == name && prompt.secret) {
            let sentence =
                format!("{name} is secret: every user of this machine could read it in the process list");
            return Err(OpError::new(ErrorKind::Usage, sentence)
                .hint(format!("use --set-file {name}=FILE (- for stdin)")));
        }
        answers.0.insert(name.to_owned(), value.to_owned());
    }
    for pair in files {
        let (name, file) = split(pair)?;
        answers.0.insert(name.to_owned(), content(file)?);
    }
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && may_ask;
    for prompt in prompts.iter().filter(|prompt| terminal && prompt.is_open()) {
        if !answers.0.contains_key(&prompt.name) {
            answers.0.insert(prompt.name.clone(), ask(prompt)?);
        }
    }
    Ok(answers)
}

fn split(pair: &str) -> Result<(&str, &str), OpError> {
    pair.split_once('=').ok_or_else(|| {
        let shown = crate::domain::text::quoted(pair, 40);
        OpError::new(ErrorKind::Usage, format!("{shown} is no answer; write NAME=VALUE"))
    })
}

/// The content of a file, or of standard input, without the line break at its end.
fn content(file: &str) -> Result<String, OpError> {
    let mut text = String::new();
    let read = match file {
        "-" => std::io::stdin().lock().take(1 << 16).read_to_string(&mut text).map(drop),
        file => std::fs::read_to_string(file).map(|content| text = content),
    };
    read.map_err(|why| OpError::new(ErrorKind::Failure, format!("cannot read {file}: {why}")))?;
    let end = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(end.to_owned())
}

/// Asks on the terminal until the answer is one.
fn ask(prompt: &Prompt) -> Result<String, OpError> {
    let mut err = std::io::stderr();
    loop {
        let choices = match &prompt.kind {
            PromptKind::Choice(choices) => format!(" ({})", choices.join(", ")),
            _ => String::new(),
        };
        let about = prompt.description.as_ref().map(|text| format!("{text}\n")).unwrap_or_default();
        // A terminal that is gone is noticed when the answer is read.
        let _shown = write!(err, "{about}{}{choices}: ", prompt.label).and_then(|()| err.flush());
        let answer = if prompt.secret { unseen()? } else { line()? };
        match prompt.check(&answer) {
            Ok(()) => return Ok(answer),
            Err(why) => {
                let _shown = writeln!(err, "{why}");
            }
        }
    }
}

fn line() -> Result<String, OpError> {
    let mut text = String::new();
    let read = std::io::stdin().read_line(&mut text);
    match read {
        Ok(count) if count > 0 => Ok(text.trim_end_matches(['\n', '\r']).to_owned()),
        _ => Err(OpError::new(ErrorKind::Usage, "no answer was given; nothing was started")),
    }
}

/// A line that is not shown while it is typed.
fn unseen() -> Result<String, OpError> {
    let stdin = std::io::stdin();
    let Ok(before) = tcgetattr(stdin.as_fd()) else { return line() };
    let mut hidden = before.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    let _hidden = tcsetattr(stdin.as_fd(), SetArg::TCSAFLUSH, &hidden);
    let answer = line();
    let _restored = tcsetattr(stdin.as_fd(), SetArg::TCSAFLUSH, &before);
    let _newline = writeln!(std::io::stderr());
    answer
}
