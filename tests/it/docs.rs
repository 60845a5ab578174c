//! The documents say what the program does: lists in the README are compared with the code they describe.

use std::path::Path;

use relman::domain::gate::GateId;
use relman::ops::deployment::{start, ticket};
use relman::tui::action::ENTRIES;

use crate::support::world::{World, release_id};

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// Words in backticks.
fn code_words(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).flat_map(str::split_whitespace).collect()
}

#[test]
fn the_readme_names_every_variable_a_script_gets() {
    let world = World::new();
    world.release("api@1.0.0");
    world.advance("api@1.0.0", 2);
    let wanted = start::StartDeploy::new(release_id("api@1.0.0"), "dev".parse().unwrap());
    world.as_("alice", |cx| start::start(cx, &wanted)).unwrap();
    let launched = world.machine.launched.borrow();
    let given =
        launched[0].vars.keys().cloned().chain(ticket::step_vars(&launched[0].steps, 0, 1).into_keys());
    let readme = readme();
    let told = code_words(&readme);
    for name in given.collect::<Vec<_>>() {
        assert!(told.contains(&name.as_str()), "{name} is missing in the README");
    }
    let variables: Vec<&&str> = told.iter().filter(|word| word.starts_with("RELMAN_")).collect();
    for word in variables {
        let known = launched[0].vars.contains_key(*word)
            || ticket::step_vars(&launched[0].steps, 0, 1).contains_key(*word);
        assert!(known, "the README names {word}, which no script gets");
    }
}

#[test]
fn the_readme_lists_the_gates_in_their_order() {
    let list: Vec<String> = GateId::ALL.iter().map(|gate| format!("`{gate}`")).collect();
    let flat = readme().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&list.join(", ")), "the README lists other gates, or another order");
}

#[test]
fn the_readme_lists_every_exit_code() {
    let readme = readme();
    for (code, _) in relman::cli::exit::HELP.split(" · ").filter_map(|part| {
        let part = part.trim_start_matches("Exit codes: ");
        part.split_once(' ')
    }) {
        assert!(readme.contains(&format!("{code} ")), "exit code {code} is missing in the README");
    }
}

#[test]
fn every_key_of_the_readme_is_bound() {
    let readme = readme();
    let table = readme.split("## The panes").nth(1).unwrap().split("\n\n").nth(1).unwrap();
    for word in code_words(table) {
        let key = match word {
            "Tab" => "<tab>",
            "Enter" => "<enter>",
            "F2" => "<f2>",
            other => other,
        };
        assert!(ENTRIES.iter().any(|entry| entry.keys.contains(&key)), "{word} is bound to nothing");
    }
}

/// Every command that a document shows as a line of its own or in code, with the document it stands in.
fn commands_shown() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md")];
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    files.extend(docs.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    let mut shown = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let lines = text.lines().filter_map(|line| line.strip_prefix("    relman "));
        let inline = text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("relman "));
        shown.extend(lines.chain(inline).map(|command| (name.clone(), command.to_owned())));
    }
    shown
}

#[test]
fn every_command_of_the_documents_is_one() {
    use clap::CommandFactory as _;
    let grammar = relman::cli::Cli::command();
    let mut seen = 0;
    for (file, shown) in commands_shown() {
        let mut at = &grammar;
        // What stands after a gap explains it.
        let command = if shown.starts_with(' ') { "" } else { shown.split("  ").next().unwrap_or_default() };
        for word in command.split_whitespace() {
            // Names and options come after the verbs; `a|b` stands for either.
            let is_verb = word.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '|')
                && !word.starts_with('-');
            if !is_verb || at.get_subcommands().next().is_none() {
                break;
            }
            let first = word.split('|').next().unwrap_or_default();
            let takes_words = at.get_positionals().next().is_some();
            match at.find_subcommand(first) {
                Some(next) => at = next,
                None if takes_words => break,
                None => panic!("{file} shows \"relman {shown}\": there is no {word}"),
            }
            seen += 1;
        }
    }
    assert!(seen > 150, "only {seen} verbs were found in the documents");
}

/// A document with every picture as the program draws it: the block behind a mark is the snapshot of that name.
fn with_pictures(text: &str) -> String {
    let mut lines = text.lines().peekable();
    let mut out = String::new();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(name) = line.strip_prefix("<!-- picture: ").and_then(|rest| rest.strip_suffix(" -->"))
        else {
            continue;
        };
        let file = format!("tests/it/tui/snapshots/it__tui__screens__{name}.snap");
        let snapshot = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file))
            .unwrap_or_else(|why| panic!("{file}: {why}"));
        let drawn = snapshot.splitn(3, "---\n").nth(2).unwrap();
        // What stood there before goes.
        if lines.next_if(|line| line.starts_with("```")).is_some() {
            lines.by_ref().find(|line| line.starts_with("```"));
        }
        out.push_str(&format!("```text\n{}\n```\n", drawn.trim_end()));
    }
    out
}

#[test]
fn the_pictures_are_the_screens_of_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["README.md", "docs/pictures.md"] {
        let path = root.join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let wanted = with_pictures(&text);
        assert!(text.contains("<!-- picture: "), "{name} has no picture");
        if is_to_be_written() {
            write(&path, &wanted);
        } else {
            assert!(
                text == wanted,
                "{name} shows other screens than the program: RELMAN_PICTURES=write cargo test --features test-hooks pictures"
            );
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "said to the tests, not to the program")]
fn is_to_be_written() -> bool {
    std::env::var_os("RELMAN_PICTURES").is_some_and(|wanted| wanted == "write")
}

#[expect(clippy::disallowed_methods, reason = "whoever asks for it has the document written anew")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
