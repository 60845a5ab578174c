//! To the clipboard of whoever sits at the other end of the line. Never read from there.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;

use super::{enforced, environment, heads, process};

/// Terminals take no more of it (xterm's limit, which tmux and others keep).
const MOST: usize = 74_994;
/// tmux answers at once or not at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which way something goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// tmux has it, and hands it on to the terminal around it.
    Tmux,
    /// These bytes are for the terminal. Whether it takes them it does not say.
    Write(String),
    /// It is too long for a terminal: it lies here.
    File(PathBuf),
}

/// Finds the way and goes it as far as that needs no terminal. `Err`: why there is none.
pub fn send(text: &str) -> Result<Sent, String> {
    if environment::variable("TMUX").is_some() && enforced::service().is_none() && tmux(text) {
        return Ok(Sent::Tmux);
    }
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    if encoded.len() > MOST {
        return aside(text).map(Sent::File);
    }
    let sequence = format!("\u{1b}]52;c;{encoded}\u{1b}\\");
    let screen = environment::variable("STY").is_some();
    Ok(Sent::Write(if screen { wrapped(&sequence) } else { sequence }))
}

/// screen hands on what is wrapped in a DCS, in pieces that its buffer holds.
fn wrapped(sequence: &str) -> String {
    let inner = sequence.replace("\u{1b}\\", "\u{7}");
    let pieces = inner.as_bytes().chunks(500).map(|piece| String::from_utf8_lossy(piece).into_owned());
    pieces.map(|piece| format!("\u{1b}P{piece}\u{1b}\\")).collect()
}

/// Whether tmux took it.
fn tmux(text: &str) -> bool {
    let mut command = process::std_command("tmux");
    command
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    let Some(mut stdin) = child.stdin.take() else { return false };
    let text = text.to_owned();
    // It may be slower than its pipe is long.
    std::thread::spawn(move || {
        let _gone = stdin.write_all(text.as_bytes());
    });
    let begun = std::time::Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if begun.elapsed() < PATIENCE => super::clock::wait(Duration::from_millis(5)),
            _ => {
                let _gone = child.kill().and_then(|()| child.wait());
                return false;
            }
        }
    }
}

/// A file of one's own, beside what relman remembers for one.
fn aside(text: &str) -> Result<PathBuf, String> {
    let none =
        "it is too long for the terminal, and there is no directory of yours to put it into".to_owned();
    let file = heads::beside("copied").filter(|_| enforced::service().is_none()).ok_or(none)?;
    heads::put_in_place(&file, text).map_err(|why| format!("it cannot be put aside: {why}"))?;
    Ok(file)
}

/// How the way is called, for `relman doctor`.
pub fn route() -> &'static str {
    let is_set = |name| environment::variable(name).is_some();
    match (is_set("TMUX"), is_set("STY")) {
        (true, _) => "copied text goes through tmux",
        (_, true) => "copied text goes through screen",
        _ => "copied text goes by OSC 52",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screen_gets_pieces_that_are_the_whole_when_unwrapped() {
        let sequence = format!("\u{1b}]52;c;{}\u{1b}\\", "QUJD".repeat(400));
        let all = wrapped(&sequence);
        let pieces: Vec<&str> =
            all.split("\u{1b}P").skip(1).map(|piece| piece.trim_end_matches("\u{1b}\\")).collect();
        assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.len() <= 500));
        assert_eq!(pieces.concat(), sequence.replace("\u{1b}\\", "\u{7}"));
    }
}
