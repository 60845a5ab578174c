//! The text a decision is signed over: one field per line, every line always there, always in this order.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::domain::approval::{Approval, ApprovalSubject, Verdict};
use crate::domain::digest::{Digest, hex};
use crate::domain::ids::ReleaseId;
use crate::domain::journal::Hash;
use crate::domain::time::Timestamp;

const HEADER: &str = "relman-approval-v1";

/// What a person says with a signature.
///
/// A field that does not apply is `-`; answers, as a JSON object with sorted names, have a line only where there are any. The reason is a JSON string, so that no reason can look like another line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The store it is for.
    pub instance: String,
    /// 32 hexadecimal digits that no other statement has: it counts once.
    pub nonce: String,
    pub verdict: Verdict,
    pub release: ReleaseId,
    pub subject: ApprovalSubject,
    /// Everything that decides what would be deployed, as one digest.
    pub digest: Digest,
    /// The name by which the key is found in `allowed_signers`.
    pub approver: String,
    pub issued: Timestamp,
    /// From when on it counts; nothing: at once.
    pub effective: Option<Timestamp>,
    pub expires: Option<Timestamp>,
    /// Number and hash of the newest journal entry then: whoever rewrites the history before it breaks this signature.
    pub journal: (i64, Hash),
    pub reason: Option<String>,
    /// What was said to what approvers are asked. Where nothing is asked the statement has no line for it.
    pub answers: BTreeMap<String, String>,
}

/// A text that is no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadStatement {
    #[error("it is no statement of relman: it does not begin with {HEADER}")]
    Foreign,
    #[error("its statement has no line `{0}: …` in its place")]
    Missing(&'static str),
    #[error("its statement has a line `{0}` that cannot be read")]
    Unreadable(&'static str),
    #[error("its statement holds more than relman writes into one")]
    Surplus,
}

impl Statement {
    pub fn text(&self) -> String {
        let optional = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let reason = self.reason.as_ref().map_or_else(
            || "-".to_owned(),
            |text| serde_json::to_string(text).expect("a string is always JSON"),
        );
        let lines = [
            ("instance", self.instance.clone()),
            ("nonce", self.nonce.clone()),
            ("verdict", self.verdict.to_string()),
            ("release", self.release.to_string()),
            ("subject", self.subject.as_text().to_owned()),
            ("digest", self.digest.to_string()),
            ("approver", self.approver.clone()),
            ("issued", self.issued.to_string()),
            ("effective", optional(self.effective)),
            ("expires", optional(self.expires)),
            ("journal", format!("{} {}", self.journal.0, hex(&self.journal.1))),
            ("reason", reason),
        ];
        let mut text = format!("{HEADER}\n");
        for (name, value) in lines {
            let _always = writeln!(text, "{name}: {value}");
        }
        if !self.answers.is_empty() {
            let answers = serde_json::to_string(&self.answers).expect("texts are always JSON");
            let _always = writeln!(text, "answers: {answers}");
        }
        text
    }

    /// Reads a statement. Only the very text that [`Self::text`] gives is one: two texts that read alike are not.
    pub fn parse(text: &str) -> Result<Self, BadStatement> {
        let mut lines = text.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(BadStatement::Foreign);
        }
        let mut field = |name: &'static str| {
            let line = lines.next().ok_or(BadStatement::Missing(name))?;
            let value = line.strip_prefix(name).and_then(|rest| rest.strip_prefix(": "));
            value.map(str::to_owned).ok_or(BadStatement::Missing(name))
        };
        let statement = Self {
            instance: field("instance")?,
            nonce: field("nonce")?,
            verdict: read("verdict", &field("verdict")?)?,
            release: read("release", &field("release")?)?,
            subject: read("subject", &field("subject")?)?,
            digest: read("digest", &field("digest")?)?,
            approver: field("approver")?,
            issued: read("issued", &field("issued")?)?,
            effective: optional("effective", &field("effective")?)?,
            expires: optional("expires", &field("expires")?)?,
            journal: journal(&field("journal")?).ok_or(BadStatement::Unreadable("journal"))?,
            reason: match field("reason")?.as_str() {
                "-" => None,
                quoted => Some(serde_json::from_str(quoted).map_err(|_| BadStatement::Unreadable("reason"))?),
            },
            answers: match lines.next().and_then(|line| line.strip_prefix("answers: ")) {
                Some(object) => {
                    serde_json::from_str(object).map_err(|_| BadStatement::Unreadable("answers"))?
                }
                None => BTreeMap::new(),
            },
        };
        if statement.text() == text { Ok(statement) } else { Err(BadStatement::Surplus) }
    }

    /// How much the clock where it was signed may be ahead of the one where it was handed in.
    pub const SKEW: Duration = Duration::from_secs(300);

    /// Whether it says what the row of the decision says: that may have been written by anybody.
    pub fn speaks_of(&self, approval: &Approval, instance: &str) -> Result<(), String> {
        if self.release != approval.release {
            return Err(format!(
                "what was signed is about {}, and this is {}",
                self.release, approval.release
            ));
        }
        if self.subject != approval.subject {
            let (said, here) = (self.subject.as_text(), approval.subject.as_text());
            return Err(format!("what was signed is about {said}, and this is about {here}"));
        }
        if self.instance != instance {
            return Err("what was signed is for another store".to_owned());
        }
        let name = approval.by.human();
        if self.approver != name {
            return Err(format!("what was signed is a decision of {}, not of {name}", self.approver));
        }
        let same = self.verdict == approval.verdict
            && self.digest == approval.digest
            && self.effective == approval.effective_at
            && self.expires == approval.expires_at
            && self.reason == approval.reason
            && self.answers == approval.answers
            && self.issued <= approval.at.plus(Self::SKEW);
        if same { Ok(()) } else { Err("the store says something else than what was signed".to_owned()) }
    }
}

fn read<T: std::str::FromStr>(name: &'static str, value: &str) -> Result<T, BadStatement> {
    value.parse().map_err(|_| BadStatement::Unreadable(name))
}

fn optional(name: &'static str, value: &str) -> Result<Option<Timestamp>, BadStatement> {
    if value == "-" { Ok(None) } else { read(name, value).map(Some) }
}

fn journal(value: &str) -> Option<(i64, Hash)> {
    let (seq, digits) = value.split_once(' ')?;
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some((seq.parse().ok()?, hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn statement() -> Statement {
        Statement {
            instance: "7f3c".into(),
            nonce: "0".repeat(32),
            verdict: Verdict::Approved,
            release: "api@1.4.2".parse().unwrap(),
            subject: ApprovalSubject::Environment("production".parse().unwrap()),
            digest: Digest::of(b"content"),
            approver: "bob".into(),
            issued: "2026-11-26T03:30:00.000Z".parse().unwrap(),
            effective: None,
            expires: Some("2026-11-26T11:30:00.000Z".parse().unwrap()),
            journal: (142, [7; 32]),
            reason: None,
            answers: BTreeMap::new(),
        }
    }

    #[test]
    fn it_reads_as_auditors_are_told() {
        let text = statement().text();
        let expected = format!(
            "relman-approval-v1\ninstance: 7f3c\nnonce: {}\nverdict: approved\nrelease: api@1.4.2\nsubject: production\n\
             digest: {}\napprover: bob\nissued: 2026-11-26T03:30:00.000Z\neffective: -\n\
             expires: 2026-11-26T11:30:00.000Z\njournal: 142 {}\nreason: -\n",
            "0".repeat(32),
            Digest::of(b"content"),
            "07".repeat(32),
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_line_too_many_too_few_or_written_otherwise_is_no_statement() {
        let text = statement().text();
        assert_eq!(Statement::parse(&format!("{text}more\n")), Err(BadStatement::Surplus));
        assert_eq!(Statement::parse(&text.replace("142 ", "0142 ")), Err(BadStatement::Surplus));
        assert_eq!(Statement::parse(&text.replace("nonce", "once")), Err(BadStatement::Missing("nonce")));
        assert_eq!(
            Statement::parse(&text.replace(": approved", ": yes")),
            Err(BadStatement::Unreadable("verdict"))
        );
        assert_eq!(Statement::parse("approve everything\n"), Err(BadStatement::Foreign));
    }

    #[test]
    fn answers_are_a_line_of_their_own_where_there_are_any() {
        let answers = [("REGION", "eu"), ("WHY", "a\nreason: -")]
            .map(|(name, said)| (name.to_owned(), said.to_owned()));
        let one = Statement { answers: answers.into_iter().collect(), ..statement() };
        let text = one.text();
        assert!(
            text.ends_with("reason: -\nanswers: {\"REGION\":\"eu\",\"WHY\":\"a\\nreason: -\"}\n"),
            "{text}"
        );
        assert_eq!(Statement::parse(&text), Ok(one));
        assert_eq!(Statement::parse(&text.replace(":\"eu\"", ": \"eu\"")), Err(BadStatement::Surplus));
        assert_eq!(
            Statement::parse(&text.replace("{\"REGION", "[\"REGION")),
            Err(BadStatement::Unreadable("answers"))
        );
        assert_eq!(
            Statement::parse(&format!("{}answers: {{}}\n", statement().text())),
            Err(BadStatement::Surplus)
        );
    }

    proptest! {
        #[test]
        fn every_reason_comes_back_and_none_adds_a_line(reason in "\\PC*|[\\n\\r\\t\"\\\\: a-z]*", seq in 0i64..) {
            let one = Statement { reason: Some(reason), journal: (seq, [9; 32]), ..statement() };
            prop_assert_eq!(one.text().lines().count(), 13);
            prop_assert_eq!(Statement::parse(&one.text()), Ok(one));
        }
    }
}
