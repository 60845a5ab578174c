//! `relman man`: the manual, made from the same grammar and the same registry of keys as the program.

use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{Cli, ManArgs};
use super::keys::rows;
use super::{Session, exit};
use crate::ops::{ErrorKind, OpError};
use crate::tui::keymap::Keymap;

pub(super) fn man(session: &mut Session, args: &ManArgs) -> Result<u8, OpError> {
    let pages = pages().map_err(|why| OpError::new(ErrorKind::Failure, format!("the manual: {why}")))?;
    let Some(dir) = &args.directory else {
        let (_, text) = pages.into_iter().next().expect("the program has a page");
        session.out.bytes(&text);
        return Ok(exit::OK);
    };
    session.touches(dir)?;
    for (name, text) in &pages {
        write(&dir.join(name), text)?;
    }
    match session.out.is_json() {
        true => {
            let names: Vec<&String> = pages.iter().map(|(name, _)| name).collect();
            session.out.json("written", &names);
        }
        false => session.out.line(format!("wrote {} pages into {}", pages.len(), dir.display())),
    }
    Ok(exit::OK)
}

#[expect(
    clippy::disallowed_methods,
    reason = "pages are made anew where they stand, and hold nothing of anybody"
)]
fn write(path: &Path, text: &[u8]) -> Result<(), OpError> {
    let kept = std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))
        .and_then(|()| std::fs::write(path, text));
    kept.map_err(|why| {
        OpError::new(ErrorKind::Failure, format!("cannot write {}: {why}", path.display()))
            .hint("name a directory you may write: relman man DIRECTORY")
    })
}

/// The name and the text of every page, the program's own first.
fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    let mut open = vec![(String::from("relman"), command)];
    while let Some((name, command)) = open.pop() {
        let verbs = command.get_subcommands().filter(|verb| verb.get_name() != "help" && !verb.is_hide_set());
        let mut below: Vec<_> =
            verbs.map(|verb| (format!("{name}-{}", verb.get_name()), verb.clone())).collect();
        below.reverse();
        let is_first = pages.is_empty();
        let command = command.name(name.clone());
        let man = Man::new(command).manual("relman");
        let mut text = Vec::new();
        man.render(&mut text)?;
        if is_first {
            keys_section().to_writer(&mut text)?;
            files_section().to_writer(&mut text)?;
        }
        pages.push((format!("{name}.1"), text));
        open.extend(below);
    }
    Ok(pages)
}

/// The keys where nobody has changed them.
fn keys_section() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["KEYS"]);
    roff.text([roman("In the panes; what your files put in their place is shown by relman keys.")]);
    for row in rows(&Keymap::default(), None) {
        let keys = if row.keys.is_empty() { format!(":{}", row.action) } else { row.keys.join(", ") };
        roff.control("TP", []);
        roff.text([bold(keys), roman(format!("  ({})", row.pane))]);
        let command = row.command.map(|command| format!("; on the command line: relman {command}"));
        roff.text([roman(format!("{}{}", row.does, command.unwrap_or_default()))]);
    }
    roff
}

fn files_section() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["FILES"]);
    for (path, what) in [
        ("relman.toml", "services, environments, who may do what; looked for as --config says"),
        ("~/.config/relman/panes.toml", "your own keys and colours: [keys.*], [theme], [panes]"),
        (
            "/etc/relman/relman.toml",
            "the configuration of the machine; the only one where relman runs as a service user",
        ),
    ] {
        roff.control("TP", []);
        roff.text([bold(path)]);
        roff.text([roman(what)]);
    }
    roff
}
