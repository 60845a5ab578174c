//! `relman --plain`: the panes' acts line by line, for screen readers, braille, a telephone, a line that takes a second.
//!
//! No alternate screen, no cursor movement, no picture: what is printed stays printed. A line is a key of the panes or a command as
//! after `relman`; what it needs and does not say is asked for, one thing at a time. Each runs as a process of its own, as it
//! would from a shell: Ctrl-C ends that and not this.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::CommandFactory as _;

use super::{Cli, Session, exit};
use crate::config::Panes;
use crate::host::again;
use crate::ops::view::news;
use crate::ops::{ErrorKind, OpError};
use crate::tui::action::ENTRIES;
use crate::tui::{dress, twin};

/// News that are told at once; more of them are counted.
const MOST: usize = 20;

pub(super) fn plain(session: &mut Session, flags: &[String]) -> Result<u8, OpError> {
    let config = session.load(&session.config_path()?)?;
    let keys = keys(&config.panes);
    let mut news = News::since_now(session)?;
    again::leave_interrupts_to_children();
    say(
        "relman, line by line. A line is a command (board, show shop@1.4.2), or a key of the panes (1, 2, 3, 4, D).",
    );
    say("Enter alone tells what is new, ? lists the keys, help the commands, q leaves; deployments go on.");
    for words in [&["status"][..], &["board"], &["approvals"]] {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        again::run(&[flags, &words[..]].concat()).map_err(broken)?;
    }
    loop {
        news.tell(session)?;
        let Some(line) = ask("relman> ")? else { break };
        let Some(mut words) = shlex::split(&line) else {
            say("a quote is not closed; nothing was done");
            continue;
        };
        if words.first().is_some_and(|word| word == "relman") {
            words.remove(0);
        }
        match words.first().map(String::as_str) {
            None => continue,
            Some("q" | "Q" | "quit" | "exit") => break,
            Some("?") => words = vec!["keys".to_owned()],
            Some(key) => {
                if let Some(command) = keys.get(key) {
                    let rest = words.split_off(1);
                    words = command.split(' ').map(str::to_owned).chain(rest).collect();
                    say(&format!("({})", words.join(" ")));
                }
            }
        }
        let Some(words) = completed(words)? else {
            say("nothing was done");
            continue;
        };
        let code = again::run(&[flags, &words[..]].concat()).map_err(broken)?;
        if code == i32::from(exit::code(ErrorKind::Unconfirmed)) {
            confirm(flags, &words)?;
        }
    }
    Ok(exit::OK)
}

/// Keys of the panes with the command that does the same.
fn keys(panes: &Panes) -> BTreeMap<String, &'static str> {
    let keymap = dress::keymap(panes);
    let mut keys = BTreeMap::new();
    for pane in crate::tui::model::Pane::ALL {
        for entry in ENTRIES {
            let Some(command) = twin::command(entry.action) else { continue };
            for key in keymap.keys(pane, entry.action) {
                keys.entry(key.to_owned()).or_insert(command);
            }
        }
    }
    keys
}

/// Asks for what the command needs and was not said. Nothing: an answer was left empty.
fn completed(mut words: Vec<String>) -> Result<Option<Vec<String>>, OpError> {
    let mut command = &Cli::command();
    let mut depth = 0;
    while let Some(next) = words.get(depth).and_then(|word| command.find_subcommand(word)) {
        (command, depth) = (next, depth + 1);
    }
    // What is a command with commands of its own says so itself; so does what asks for help.
    if depth == 0 || command.has_subcommands() || words.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(Some(words));
    }
    let flags = |word: &String| word.starts_with('-');
    // A value behind an option is no argument of its own; commands with options are left to those who know them.
    let has_options = words[depth..].iter().any(flags);
    let given = words.len() - depth;
    let needed: Vec<_> = command.get_arguments().filter(|arg| arg.is_required_set()).cloned().collect();
    for (at, arg) in needed.iter().filter(|arg| arg.is_positional()).enumerate() {
        if has_options || at < given {
            continue;
        }
        match wanted(arg)? {
            Some(answer) => words.push(answer),
            None => return Ok(None),
        }
    }
    for arg in needed.iter().filter(|arg| !arg.is_positional()) {
        let Some(name) = arg.get_long().map(|long| format!("--{long}")) else { continue };
        if words.iter().any(|word| *word == name || word.starts_with(&format!("{name}="))) {
            continue;
        }
        match wanted(arg)? {
            Some(answer) => words.extend([name, answer]),
            None => return Ok(None),
        }
    }
    Ok(Some(words))
}

fn wanted(arg: &clap::Arg) -> Result<Option<String>, OpError> {
    let about = arg.get_help().map(|help| format!(" ({help})")).unwrap_or_default();
    let answer = ask(&format!("{}{about}: ", arg.get_id().as_str().replace('_', " ")))?;
    Ok(answer.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
}

/// What a command wants typed was told by it, with why; here it is typed and not pasted into a flag.
fn confirm(flags: &[String], words: &[String]) -> Result<(), OpError> {
    match ask("type it to go on, or Enter to leave it: ")?.map(|text| text.trim().to_owned()) {
        Some(text) if !text.is_empty() => {
            let more = ["--confirm".to_owned(), text];
            again::run(&[flags, words, &more].concat()).map(drop).map_err(broken)
        }
        _ => {
            say("nothing was done");
            Ok(())
        }
    }
}

fn broken(why: String) -> OpError {
    OpError::new(ErrorKind::Failure, why)
}

fn say(text: &str) {
    // A terminal that is gone is noticed when the next line is read.
    let _gone = writeln!(io::stdout().lock(), "{text}");
}

/// Nothing: the line has ended.
fn ask(prompt: &str) -> Result<Option<String>, OpError> {
    let mut out = io::stdout().lock();
    let _gone = write!(out, "{prompt}").and_then(|()| out.flush());
    drop(out);
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let count = read.map_err(|why| broken(format!("the line cannot be read: {why}")))?;
    Ok((count > 0).then_some(line))
}

/// What others put on record meanwhile, one line each, told before the next question.
struct News {
    seen: i64,
}

impl News {
    fn since_now(session: &mut Session) -> Result<Self, OpError> {
        let desk = session.desk()?;
        Ok(Self { seen: news::newest(&desk.cx())? })
    }

    fn tell(&mut self, session: &mut Session) -> Result<(), OpError> {
        let desk = session.desk()?;
        let (newest, told) = news::since(&desk.cx(), self.seen)?;
        self.seen = newest;
        for sentence in told.iter().take(MOST) {
            say(&format!("new: {sentence}"));
        }
        if told.len() > MOST {
            say(&format!("new: {} more; audit list tells them", told.len() - MOST));
        }
        Ok(())
    }
}

/// The flags of this program that every command it runs is given too.
pub(super) fn flags(arguments: &[String]) -> Vec<String> {
    arguments.iter().filter(|word| *word != "--plain").cloned().collect()
}

/// Whether the surroundings ask for it where nothing else was asked.
pub(super) fn is_wanted() -> bool {
    let variable = crate::host::environment::variable;
    if !io::stdin().is_terminal() {
        return false;
    }
    variable("RELMAN_A11Y").is_some_and(|value| value != "0") || variable("TERM").as_deref() == Some("dumb")
}
