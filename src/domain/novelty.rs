//! What is new in a log against one of an earlier success: lines that were printed then, in the same step, are known.
//!
//! Numbers and long hexadecimal words differ from run to run (times, sizes, ids) and do not make a line new.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};

/// How relman's own line begins that says that a step begins.
const STEP: &str = "[relman] step ";
/// How every line of relman's own begins.
const OWN: &str = "[relman] ";

/// A line without what differs from run to run, as a number.
fn fingerprint(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut word = String::new();
    let put = |word: &mut String, hasher: &mut DefaultHasher| {
        let is_id = word.len() >= 6 && word.chars().all(|c| c.is_ascii_hexdigit());
        if is_id {
            hasher.write(b"#");
        } else {
            let mut in_number = false;
            for c in word.chars() {
                let is_digit = c.is_ascii_digit();
                if is_digit && !in_number {
                    hasher.write(b"#");
                } else if !is_digit {
                    hasher.write(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                in_number = is_digit;
            }
        }
        word.clear();
    };
    for c in line.trim_end().chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c);
        } else {
            put(&mut word, &mut hasher);
            hasher.write(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    put(&mut word, &mut hasher);
    hasher.finish()
}

/// The step a line of relman's own announces: `[relman] step 2 of 4: deploy 50%, attempt 2`.
fn announced(line: &str) -> Option<&str> {
    let name = line.strip_prefix(STEP)?.split_once(": ")?.1;
    Some(name.trim_end().split(", attempt ").next().unwrap_or(name))
}

/// Whose a line is: where several scripts print at once it says so itself.
fn owner<'a>(line: &'a str, step: &'a str) -> &'a str {
    match line.split_once(" | ") {
        Some((name, _)) if !name.is_empty() && name.len() <= 60 && !name.contains(' ') => name,
        _ => step,
    }
}

/// The lines of an earlier success.
#[derive(Debug, Default)]
pub struct Known {
    lines: HashMap<String, HashSet<u64>>,
    step: String,
    count: usize,
}

/// More lines are not kept: then lines may seem new that are not.
const MOST: usize = 500_000;

impl Known {
    /// Takes the next line of that log.
    pub fn learn(&mut self, line: &str) {
        if let Some(step) = announced(line) {
            step.clone_into(&mut self.step);
        }
        if self.count >= MOST || line.starts_with(OWN) {
            return;
        }
        let owner = owner(line, &self.step);
        let lines = match self.lines.get_mut(owner) {
            Some(lines) => lines,
            None => self.lines.entry(owner.to_owned()).or_default(),
        };
        self.count += usize::from(lines.insert(fingerprint(line)));
    }
}

/// Goes through a log and tells which lines are new.
#[derive(Debug, Default)]
pub struct Compared {
    known: Known,
    step: String,
}

impl Compared {
    pub fn with(known: Known) -> Self {
        Self { known, step: String::new() }
    }

    /// Whether the next line of the log is new. What relman itself says about steps always is: it is where one is.
    pub fn is_new(&mut self, line: &str) -> bool {
        if let Some(step) = announced(line) {
            step.clone_into(&mut self.step);
        }
        if line.starts_with(OWN) {
            return true;
        }
        let lines = self.known.lines.get(owner(line, &self.step));
        !lines.is_some_and(|lines| lines.contains(&fingerprint(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_lines(before: &str, now: &str) -> Vec<String> {
        let mut known = Known::default();
        before.lines().for_each(|line| known.learn(line));
        let mut compared = Compared::with(known);
        now.lines().filter(|line| compared.is_new(line)).map(str::to_owned).collect()
    }

    #[test]
    fn what_was_printed_in_the_last_success_is_known() {
        let before = "[relman] step 1 of 1: deploy\ncopying 10 files\nid 4fa3bc99 at 10:00:03\ndone\n";
        let now = "[relman] step 1 of 1: deploy\ncopying 12 files\nid 99aa00ff at 11:30:00\nerror: no route\ndone\n";
        assert_eq!(new_lines(before, now), ["[relman] step 1 of 1: deploy", "error: no route"]);
    }

    #[test]
    fn only_the_same_step_counts() {
        let before = "[relman] step 1 of 2: deploy 10%\nwarm\n[relman] step 2 of 2: verify\ncold\n";
        let now =
            "[relman] step 1 of 2: deploy 10%\ncold\n[relman] step 2 of 2: verify, attempt 2\ncold\nwarm\n";
        assert_eq!(
            new_lines(before, now),
            ["[relman] step 1 of 2: deploy 10%", "cold", "[relman] step 2 of 2: verify, attempt 2", "warm"]
        );
    }

    #[test]
    fn lines_of_scripts_that_print_at_once_are_told_apart_by_their_names() {
        let before =
            "[relman] step 1 of 2: deploy a\na | one\n[relman] step 2 of 2: deploy b\na | two\nb | one\n";
        let now = "[relman] step 1 of 2: deploy b\nb | one\na | two\nb | two\n";
        assert_eq!(new_lines(before, now), ["[relman] step 1 of 2: deploy b", "b | two"]);
    }

    #[test]
    fn words_that_only_look_like_numbers_stay_words() {
        assert_ne!(fingerprint("feed the cat"), fingerprint("deaf the cat"));
        assert_eq!(fingerprint("took 1.25s"), fingerprint("took 10.5s"));
        assert_ne!(fingerprint("took 1.25s"), fingerprint("took 1.25m"));
    }
}
