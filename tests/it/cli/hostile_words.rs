//! Words nobody means well with: refused in a sentence that can be printed, never with a panic.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use relman::cli::Cli;

use super::ready;
use crate::support::env::{Said, TestEnv};

/// Insists on a refusal that no terminal is harmed by.
#[track_caller]
fn assert_harmless(said: &Said, code: i32) {
    assert_eq!(said.code, code, "{said:#?}");
    assert_eq!(said.out, "", "{said:#?}");
    assert!(said.err.trim().len() > 10, "a sentence: {said:#?}");
    assert!(!said.err.contains("panicked"), "{said:#?}");
    let bad: Vec<char> =
        said.err.chars().filter(|c| *c != '\n' && relman::domain::text::is_deceptive(*c)).collect();
    assert!(bad.is_empty(), "{bad:?} in {said:?}");
}

const NAMES: &[&str] = &[
    "-rf",
    "../../x",
    "$(id)",
    ";",
    "a\nb",
    "",
    "con con",
    "A",
    "a/b",
    "%s%n",
    "*",
    "é",
    "\u{1b}[31mred",
    "\u{7f}",
];

#[test]
fn hostile_names_are_refused_wherever_a_name_goes() {
    let env = ready();
    let long = "x".repeat(10_000);
    for name in NAMES.iter().copied().chain([long.as_str()]) {
        for args in [
            &["release", "new", "--", name, "1.0.0"][..],
            &["release", "new", "--", "api", name],
            &["release", "show", "--", &format!("{name}@1.0.0")],
            &["deploy", "--", "api@1.0.0", name],
            &["rollback", "--reason", "r", "--", name, "staging"],
            &["show", "--", name],
            &["log", "--", name],
            &["approve", "--", "api@1.0.0", name],
            &["init", "--", name],
        ] {
            let said = env.run(args);
            // A plain word may be a beginning or an environment that is merely not there.
            assert!([2, 3].contains(&said.code), "{args:?}: {said:#?}");
            assert_harmless(&said, said.code);
        }
    }
    assert_eq!(env.run(&["--json", "release", "list"]).ok().json()["releases"].as_array().unwrap().len(), 1);
}

#[test]
fn a_name_that_turns_the_line_around_is_not_echoed() {
    let env = ready();
    for name in ["\u{202e}ipa", "a\u{200b}b", "a\u{2066}b", "\u{feff}api", "a\u{9b}31m"] {
        for args in [
            &["release", "new", name, "1.0.0"][..],
            &["release", "show", name],
            &["deploy", "api@1.0.0", name],
            &[name],
            &["freeze", "remove", name],
        ] {
            let said = env.run(args);
            assert!([2, 3].contains(&said.code), "{args:?}: {said:#?}");
            assert_harmless(&said, said.code);
        }
    }
}

#[test]
fn free_text_is_kept_and_shown_harmlessly() {
    let env = ready();
    let nasty = "a\u{1b}[31mb\u{202e}c\u{7}d";
    drop(env.run(&["release", "edit", "api@1.0.0", "--title", nasty, "--need", nasty]));
    drop(env.run(&["freeze", "now", "--name", nasty, "--reason", nasty]));
    drop(env.run(&["release", "block", "api@1.0.0", "--reason", nasty]));
    for args in [
        &["release", "list"][..],
        &["release", "show", "api@1.0.0"],
        &["board"],
        &["freeze", "list"],
        &["calendar"],
        &["audit", "list"],
        &["why", "api@1.0.0", "staging"],
    ] {
        let said = env.run(args);
        let bad: Vec<char> =
            said.out.chars().filter(|c| relman::domain::text::is_deceptive(*c) && *c != '\n').collect();
        assert!(bad.is_empty(), "{args:?}: {bad:?} in {said:?}");
        assert!(!said.out.is_empty(), "{args:?}");
    }
}

#[test]
fn a_flag_like_word_without_the_two_dashes_is_a_usage_error() {
    let env = ready();
    for args in [
        &["release", "new", "-rf", "1.0.0"][..],
        &["deploy", "-rf", "staging"],
        &["show", "-1"],
        &["--", "-rf"],
    ] {
        assert_harmless(&env.run(args), 2);
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let env = ready();
    let bad = OsStr::from_bytes(b"ap\xff\xfei");
    for before in [
        &["release", "show"][..],
        &["release", "new", "api", "1.1.0", "--title"],
        &["deploy", "api@1.0.0"],
        &[],
        &["show"],
    ] {
        let said = TestEnv::finish(env.command(before).arg(bad));
        assert_harmless(&said, 2);
    }
    // A file may have any name.
    let said = TestEnv::finish(env.command(&["--config"]).arg(bad).arg("board"));
    assert_harmless(&said, 14);
}

/// A small generator, so that a failure can be repeated from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    /// Any but the one that ends an argument.
    fn byte(&mut self) -> u8 {
        u8::try_from(1 + self.below(255)).unwrap()
    }
}

/// Words of the grammar and beside it.
const WORDS: &str = "init demo release new show list edit advance back block unblock cancel check record checklist tick \
    approve reject withdraw approvals freeze add remove now deploy rollback deployments log attach resolve board status \
    why calendar audit verify config paths doctor completions api api@1.0.0 staging 1.0.0 --json --reason --to -n -f \
    --limit --help --version -- - --config --color always 7 -7 #7 --override --start --end bash succeeded --digest \
    --from-json --detach --wait @ @latest api@ 99999999999999999999 \u{202e} = --reason= --=x --- '' \u{1b}[2J";

/// Beginnings that lead deep into the grammar.
const BEGINNINGS: &[&[&str]] = &[
    &[],
    &["release", "new"],
    &["release", "edit", "api@1.0.0"],
    &["deploy", "api@1.0.0"],
    &["rollback", "api"],
    &["freeze", "add", "x"],
    &["log", "1"],
    &["audit", "list"],
    &["deployments"],
];

#[test]
fn any_words_are_parsed_or_refused_without_a_panic() {
    use clap::Parser as _;
    let known: Vec<&str> = WORDS.split(' ').collect();
    let (mut parsed, mut refused) = (0, 0);
    for seed in 1..=1_500_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut words: Vec<OsString> = vec!["relman".into()];
        words.extend(BEGINNINGS[random.below(BEGINNINGS.len())].iter().map(OsString::from));
        for _ in 0..random.below(7) {
            words.push(match random.below(8) {
                0 => OsString::from_vec((0..random.below(40)).map(|_| random.byte()).collect()),
                _ => known[random.below(known.len())].into(),
            });
        }
        match std::panic::catch_unwind(|| Cli::try_parse_from(&words)) {
            Ok(Ok(_cli)) => parsed += 1,
            Ok(Err(error)) => {
                refused += 1;
                assert!(!error.to_string().is_empty(), "seed {seed}: {words:?}");
            }
            Err(panic) => panic!("seed {seed}: {words:?}: {panic:?}"),
        }
    }
    assert!(parsed > 20 && refused > 20, "{parsed} parsed, {refused} refused: the words are badly chosen");
}

#[test]
fn neither_the_configuration_nor_a_reason_reaches_the_terminal_as_it_is() {
    let env = TestEnv::new();
    env.config(&format!(
        "{}\n[[freezes]]\nname = \"x\"\nreason = \"a\\u001b]52;c;eA==\\u0007b\\n  \u{2713} approvals  forged\"\n\
         start = \"2026-01-01 00:00\"\nend = \"2027-01-01 00:00\"\n",
        super::TEAM
    ));
    for args in [&["freeze", "list"][..], &["calendar"], &["--color", "always", "freeze", "list"]] {
        let said = env.run(args).ok();
        assert!(!said.out.contains("\u{1b}]") && !said.out.contains('\u{7}'), "{said:#?}");
        assert!(
            !said.out.lines().any(|line| line.trim_start().starts_with("\u{2713} approvals")),
            "{said:#?}"
        );
    }
}
