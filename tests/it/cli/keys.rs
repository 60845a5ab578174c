//! Keys, colours and the manual: what is shown is what is in force, and every act has its command.

use relman::tui::action::{ENTRIES, belongs, shown};
use relman::tui::keymap::Keymap;
use relman::tui::model::Pane;
use relman::tui::twin;

use crate::support::env::{MINIMAL, TestEnv};

#[test]
fn every_key_of_the_panes_is_listed_with_its_command() {
    let env = TestEnv::new();
    let said = env.run(&["keys", "--json"]).ok().json();
    let rows = said["keys"].as_array().unwrap();
    for entry in ENTRIES {
        for pane in Pane::ALL.into_iter().filter(|pane| belongs(entry, *pane)) {
            let keys = Keymap::default().keys(pane, entry.action).into_iter().map(shown).collect::<Vec<_>>();
            let is_it = |row: &&serde_json::Value| {
                let place = row["pane"].as_str().unwrap();
                row["action"] == entry.name
                    && (place == "every pane" || place.contains(&pane.title().to_lowercase()))
            };
            let row = rows.iter().find(is_it).unwrap_or_else(|| panic!("{} in {pane:?}", entry.name));
            assert_eq!(row["keys"], serde_json::json!(keys), "{}", entry.name);
        }
    }
    let said = env.run(&["keys", "calendar"]).ok();
    assert!(said.out.contains("new-freeze") && !said.out.contains("move-back"), "{}", said.out);
}

#[test]
fn every_command_named_as_a_twin_is_one() {
    let env = TestEnv::new();
    for entry in ENTRIES {
        if let Some(command) = twin::command(entry.action) {
            let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
            drop(env.run(&words).ok());
        }
    }
}

/// A directory for one's own files.
fn own_files(env: &mut TestEnv) {
    let home = env.path("home");
    std::fs::create_dir_all(home.join("relman")).unwrap();
    env.vars.push(("XDG_CONFIG_HOME".to_owned(), home.display().to_string()));
}

#[test]
fn ones_own_keys_go_over_the_teams_and_the_teams_over_the_programs() {
    let mut env = TestEnv::new();
    own_files(&mut env);
    let team = "\n[keys.board]\nsheet = \"P\"\ndeploy = [\"F6\", \"gD\"]\n";
    env.write("relman.toml", &format!("{MINIMAL}{team}"), 0o644);
    env.write(
        "home/relman/panes.toml",
        "[keys.board]\nsheet = \"Z\"\n[keys.global]\nrefresh = \"none\"\n",
        0o644,
    );
    let said = env.run(&["keys", "board", "--json"]).ok().json();
    let keys = |action: &str| {
        let rows = said["keys"].as_array().unwrap();
        rows.iter().find(|row| row["action"] == action).unwrap()["keys"].clone()
    };
    assert_eq!(keys("sheet"), serde_json::json!(["Z"]));
    assert_eq!(keys("deploy"), serde_json::json!(["F6", "gD"]));
    assert_eq!(keys("refresh"), serde_json::json!([]));
    drop(env.run(&["config", "check"]).ok());
}

#[test]
fn keys_and_colours_that_cannot_be_are_told_with_their_line() {
    let mut env = TestEnv::new();
    own_files(&mut env);
    let team =
        "\n[keys.board]\nsheet = \"D\"\n[theme]\nname = \"lihgt\"\n[panes]\nascii = true\nhint = false\n";
    env.write("relman.toml", &format!("{MINIMAL}{team}"), 0o644);
    env.write(
        "home/relman/panes.toml",
        "[keys.bord]\nsheet = \"s\"\n[services.api]\nowner = \"me\"\n",
        0o644,
    );
    let said = env.run(&["config", "check"]).exits(14);
    for words in [
        "relman.toml:12:9: error: D means deploy in the board pane",
        "relman.toml:14:8: error: 'lihgt' is no theme",
        "known: dark, light, high-contrast, colour-blind, mono",
        "unknown key hint in [panes]",
        "did you mean hints?",
        "panes.toml:1:1: error: bord is no pane",
        "did you mean board?",
        "panes.toml:3:2: warning: unknown key services",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    // What is wrong with a look stops no work.
    drop(env.run(&["board"]).ok());
}

#[test]
fn the_manual_names_every_key_and_every_command() {
    let env = TestEnv::new();
    // As a reader of roff sees it.
    let page = env.run(&["man"]).ok().out.replace("\\*(Aq", "'").replace("\\-", "-").replace("\\\\", "\\");
    for entry in ENTRIES {
        let keys = Keymap::default()
            .keys(Pane::ALL.into_iter().find(|pane| belongs(entry, *pane)).unwrap(), entry.action)
            .into_iter()
            .map(shown)
            .collect::<Vec<_>>()
            .join(", ");
        let wanted = if keys.is_empty() { format!(":{}", entry.name) } else { keys };
        assert!(page.contains(&wanted), "{wanted} is missing in relman(1)");
        assert!(page.contains(entry.doc), "{} is missing in relman(1)", entry.doc);
    }
    let said = env.run(&["man", "pages"]).ok();
    assert!(said.out.starts_with("wrote "), "{said:?}");
    let deploy = std::fs::read_to_string(env.path("pages/relman-deploy.1")).unwrap();
    assert!(deploy.contains("relman\\-deploy") && deploy.contains("\\-\\-confirm"), "{deploy}");
    assert!(env.path("pages/relman-release-advance.1").exists());
    assert!(
        !std::fs::read_dir(env.path("pages"))
            .unwrap()
            .any(|page| { page.unwrap().file_name().to_string_lossy().contains("__") })
    );
}

#[test]
fn the_list_of_keys_in_the_documents_is_the_programs() {
    let env = TestEnv::new();
    let said = env.run(&["keys", "--json"]).ok().json();
    let mut table = String::from("| where | keys | what it does | command |\n|---|---|---|---|\n");
    for row in said["keys"].as_array().unwrap() {
        let keys: Vec<String> = row["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| format!("`{}`", key.as_str().unwrap().replace('|', "\\|")))
            .collect();
        let keys =
            if keys.is_empty() { format!("`:{}`", row["action"].as_str().unwrap()) } else { keys.join(" ") };
        let command =
            row["command"].as_str().map(|command| format!("`relman {command}`")).unwrap_or_default();
        let (pane, does) = (row["pane"].as_str().unwrap(), row["does"].as_str().unwrap());
        table.push_str(&format!("| {pane} | {keys} | {does} | {command} |\n"));
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
    let text = std::fs::read_to_string(&path).unwrap();
    if text.contains(&table) {
        return;
    }
    let told = env.path("keys.md");
    env.write("keys.md", &table, 0o644);
    panic!(
        "docs/keys.md has another table than the program: put the one from {} in its place",
        told.display()
    );
}
