//! The house rules that a tool can check: arrows between layers, headers, no forgotten file.

use std::path::{Path, PathBuf};

/// Which layers a layer may name. `desk` and `demo` stand between `host` and the front ends.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &["domain"]),
    ("store", &["domain"]),
    ("ops", &["domain", "store"]),
    ("host", &["domain", "ops"]),
    ("desk", &["domain", "config", "ops", "host"]),
    ("demo", &["domain", "config", "ops", "host", "desk"]),
    ("supervisor", &["domain", "config", "ops", "host", "desk"]),
    ("tui", &["domain", "config", "ops", "host", "desk", "demo", "supervisor"]),
    ("cli", &["domain", "config", "ops", "host", "desk", "demo", "supervisor", "tui"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Names of crate-level modules mentioned after `crate::`, single or in a group.
fn targets(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for rest in line.split("crate::").skip(1) {
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(group) => group.split(['{', '}', ',']).map(str::trim).collect(),
                None => vec![rest],
            };
            for name in names {
                let word: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                found.extend((!word.is_empty()).then_some(word));
            }
        }
    }
    found
}

fn layer_of(path: &Path) -> Option<String> {
    let below = path.strip_prefix(root().join("src")).ok()?;
    let first = below.components().next()?.as_os_str().to_str()?;
    let layer = first.trim_end_matches(".rs").to_owned();
    (!matches!(layer.as_str(), "main" | "lib")).then_some(layer)
}

#[test]
fn arrows_point_one_way() {
    let known: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        let Some(layer) = layer_of(&path) else { continue };
        let allowed = LAYERS.iter().find(|(name, _)| *name == layer).map(|(_, allowed)| *allowed);
        let Some(allowed) = allowed else { panic!("{layer} is not in the table of layers") };
        for target in targets(&std::fs::read_to_string(&path).unwrap()) {
            if target != layer && known.contains(&target.as_str()) && !allowed.contains(&target.as_str()) {
                wrong.push(format!("{} uses {target}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_checker_itself_sees_arrows() {
    assert_eq!(targets("use crate::{store::Tx, ops};\nlet x = crate::host::y();"), ["store", "ops", "host"]);
    assert!(targets("// crate::store is only talked about").is_empty());
}

#[test]
fn only_the_drivers_know_their_libraries() {
    for (library, rooms) in [
        ("rusqlite", &["src/store/sqlite.rs", "src/store/migrate.rs"][..]),
        ("crossterm", &["src/tui/"][..]),
        ("ratatui", &["src/tui/"][..]),
        ("clap", &["src/cli/"][..]),
    ] {
        for path in rust_files(&root().join("src")) {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let uses = text
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(&format!("{library}::")));
            assert!(!uses || rooms.iter().any(|room| name.starts_with(room)), "{name} uses {library}");
        }
    }
}

#[test]
fn every_file_says_what_it_answers() {
    for dir in ["src", "tests", "benches"] {
        for path in rust_files(&root().join(dir)) {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("//!"), "{} has no header", path.display());
        }
    }
}

#[test]
fn no_file_is_forgotten_and_none_is_a_store_room() {
    for path in rust_files(&root().join("src")).into_iter().chain(rust_files(&root().join("tests"))) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let bad = ["utils", "helpers", "common", "misc", "manager", "imp", "base", "core"];
        assert!(!bad.contains(&stem), "{}: name what it is", path.display());
        if matches!(stem, "mod" | "main" | "lib" | "tests") {
            continue;
        }
        let parent = path.parent().unwrap();
        let declares = ["mod.rs", "main.rs", "lib.rs"].iter().any(|name| {
            std::fs::read_to_string(parent.join(name))
                .is_ok_and(|text| text.contains(&format!("mod {stem};")))
        });
        assert!(declares, "{} is compiled by nobody", path.display());
    }
}

/// Long enough for one thing, short enough to be read: tests at a file's end do not count.
#[test]
fn files_stay_readable() {
    for path in rust_files(&root().join("src")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let own = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = own.lines().count();
        assert!(lines <= 620, "{} has {lines} lines", path.display());
    }
}
