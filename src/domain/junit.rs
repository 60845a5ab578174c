//! Reads what test runners write: JUnit XML, in the dialects of the runners people use (TST-2).
//!
//! There is no standard. What counts here: every `testcase` is a test; it failed with a `failure` or `error` inside, was
//! skipped with `skipped`, and is flaky with `flakyFailure`, `flakyError` (Surefire, nextest) or when it stands there twice and
//! passed once. The counts in attributes are not believed: runners that were killed write them wrong.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::release::Counts;

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    pub counts: Counts,
    /// Names of what failed, in their order.
    pub failed: Vec<String>,
    pub flaky: Vec<String>,
}

impl Report {
    /// What failed, and what passed only when it was run again: the first of them by name. Nothing: neither.
    pub fn told(&self) -> Option<String> {
        let named = |names: &[String]| names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = self.failed.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let failed = (!self.failed.is_empty()).then(|| format!("failed: {}{more}", named(&self.failed)));
        let flaky = (!self.flaky.is_empty()).then(|| format!("flaky: {}", named(&self.flaky)));
        let notes: Vec<String> = failed.into_iter().chain(flaky).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

/// So many are named.
const NAMED: usize = 5;

/// Why a report cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is no XML: {0}")]
    NotXml(String),
    #[error("it holds no test case: a runner that ran nothing proves nothing")]
    Empty,
    #[error("it ends in the middle: <{0}> is never closed")]
    CutOff(String),
    #[error("it is XML, but no JUnit report: it begins with <{0}>")]
    Other(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Case {
    failed: bool,
    skipped: bool,
    flaky: bool,
}

/// Reads several reports as one: what stands in more than one of them was run again.
pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Report, Unreadable> {
    let mut cases: BTreeMap<(usize, String), Vec<Case>> = BTreeMap::new();
    let mut order: BTreeMap<String, usize> = BTreeMap::new();
    for text in texts {
        for (name, case) in cases_of(text)? {
            let count = order.len();
            let at = *order.entry(name.clone()).or_insert(count);
            cases.entry((at, name)).or_default().push(case);
        }
    }
    if cases.is_empty() {
        return Err(Unreadable::Empty);
    }
    let mut report = Report::default();
    for ((_, name), runs) in cases {
        report.counts.tests += 1;
        let passes = |case: &&Case| !case.failed && !case.skipped;
        let has_passed = runs.iter().any(|case| passes(&case));
        match (has_passed, runs.iter().any(|case| case.failed)) {
            (false, true) => {
                report.counts.failed += 1;
                report.failed.push(name);
            }
            (false, false) => report.counts.skipped += 1,
            (true, has_failed) if has_failed || runs.iter().any(|case| case.flaky) => {
                report.counts.flaky += 1;
                report.flaky.push(name);
            }
            (true, _) => {}
        }
    }
    Ok(report)
}

fn cases_of(text: &str) -> Result<Vec<(String, Case)>, Unreadable> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}').trim_start());
    let mut open: Vec<String> = Vec::new();
    let mut found = Vec::new();
    let mut current: Option<(String, Case)> = None;
    let mut has_root = false;
    loop {
        let event = reader.read_event().map_err(|why| Unreadable::NotXml(why.to_string()))?;
        match event {
            Event::Start(tag) => {
                let name = local_name(&tag);
                if open.is_empty() && !matches!(name.as_str(), "testsuites" | "testsuite") {
                    return Err(Unreadable::Other(name));
                }
                has_root = true;
                begin(&mut current, &name, &tag);
                open.push(name);
            }
            Event::Empty(tag) => {
                let name = local_name(&tag);
                if open.is_empty() && !matches!(name.as_str(), "testsuites" | "testsuite") {
                    return Err(Unreadable::Other(name));
                }
                has_root = true;
                begin(&mut current, &name, &tag);
                if name == "testcase" {
                    found.extend(current.take());
                }
            }
            Event::End(_) if open.pop().as_deref() == Some("testcase") => found.extend(current.take()),
            Event::Eof => break,
            _ => {}
        }
    }
    match (open.pop(), has_root) {
        (Some(name), _) => Err(Unreadable::CutOff(name)),
        (None, false) => Err(Unreadable::NotXml("there is no element in it".to_owned())),
        (None, true) => Ok(found),
    }
}

fn local_name(tag: &BytesStart<'_>) -> String {
    tag.local_name().as_ref().to_owned()
}

fn begin(current: &mut Option<(String, Case)>, name: &str, tag: &BytesStart<'_>) {
    match (name, current.as_mut()) {
        ("testcase", _) => *current = Some((full_name(tag), Case::default())),
        ("failure" | "error", Some((_, case))) => case.failed = true,
        ("skipped", Some((_, case))) => case.skipped = true,
        ("flakyFailure" | "flakyError", Some((_, case))) => case.flaky = true,
        _ => {}
    }
}

/// `class.name`, as far as both are there.
fn full_name(tag: &BytesStart<'_>) -> String {
    let attribute = |wanted: &str| {
        let found = tag.attributes().flatten().find(|one| one.key.as_ref() == wanted)?;
        let text = found.value.into_owned();
        let text = quick_xml::escape::unescape(&text).map(std::borrow::Cow::into_owned).unwrap_or(text);
        (!text.is_empty()).then_some(text)
    };
    let parts = [attribute("classname"), attribute("name")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Counts {
        read([text]).unwrap().counts
    }

    #[test]
    fn every_case_is_counted_and_attributes_are_not_believed() {
        let text = r#"<?xml version="1.0"?><testsuites tests="99" failures="0"><testsuite name="a">
            <testcase classname="a" name="one"/><testcase classname="a" name="two"><failure message="x">no</failure></testcase>
            <testcase classname="a" name="three"><skipped/></testcase><testcase classname="a" name="four"><error/></testcase>
            </testsuite></testsuites>"#;
        assert_eq!(counts(text), Counts { tests: 4, failed: 2, skipped: 1, flaky: 0 });
        assert_eq!(read([text]).unwrap().failed, ["a two", "a four"]);
    }

    #[test]
    fn what_passed_when_it_was_run_again_is_flaky_and_not_failed() {
        let rerun = r#"<testsuite><testcase name="t"><flakyFailure/></testcase></testsuite>"#;
        assert_eq!(counts(rerun), Counts { tests: 1, flaky: 1, ..Counts::default() });
        let twice = r#"<testsuite><testcase name="t"><failure/></testcase><testcase name="t"/></testsuite>"#;
        assert_eq!(counts(twice), Counts { tests: 1, flaky: 1, ..Counts::default() });
        let first = r#"<testsuite><testcase name="t"><failure/></testcase></testsuite>"#;
        let second = r#"<testsuite><testcase name="t"/></testsuite>"#;
        assert_eq!(read([first, second]).unwrap().counts, Counts { tests: 1, flaky: 1, ..Counts::default() });
    }

    #[test]
    fn what_proves_nothing_is_refused() {
        assert_eq!(read(["<testsuites/>"]), Err(Unreadable::Empty));
        assert_eq!(read([]), Err(Unreadable::Empty));
        assert!(matches!(read(["ok 1 - works"]), Err(Unreadable::NotXml(_))));
        assert_eq!(read(["<html><body/></html>"]), Err(Unreadable::Other("html".to_owned())));
        let cut = r#"<testsuites><testsuite><testcase name="a"/>"#;
        assert_eq!(read([cut]), Err(Unreadable::CutOff("testsuite".to_owned())));
    }

    #[test]
    fn names_are_read_as_they_are_meant() {
        let text =
            r#"<testsuite><testcase classname="A&amp;B" name="x &lt; y"><failure/></testcase></testsuite>"#;
        assert_eq!(read([text]).unwrap().failed, ["A&B x < y"]);
    }
}
