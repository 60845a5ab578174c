//! Conventional commits (version 1.0.0 of that convention) and the SemVer bump they ask for.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::words::words;

/// One commit as its message describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub hash: String,
    /// `feat`, `fix`, …; nothing: the message follows no convention.
    pub kind: Option<String>,
    pub scope: Option<String>,
    /// The first line without its type.
    pub subject: String,
    /// What breaks, where something does: the words of the footer, or the subject.
    pub breaks: Option<String>,
}

/// How far a version moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bump {
    Patch,
    Minor,
    Major,
}

impl Bump {
    const ALL: [Self; 3] = [Self::Patch, Self::Minor, Self::Major];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}
words!(Bump, "bump", Self::ALL);

/// Reads a commit message.
pub fn read(hash: &str, message: &str) -> Commit {
    let mut lines = message.trim().lines();
    let first = lines.next().unwrap_or_default().trim();
    // The footer may stand anywhere behind the first line; its words go on until an empty line.
    let mut footer: Option<String> = None;
    let mut is_in_it = false;
    for line in lines {
        let begun =
            ["BREAKING CHANGE: ", "BREAKING-CHANGE: "].iter().find_map(|token| line.strip_prefix(token));
        match (begun, is_in_it && !line.trim().is_empty()) {
            (Some(text), _) => {
                footer.get_or_insert_with(|| text.trim().to_owned());
                is_in_it = true;
            }
            (None, true) => {
                if let Some(text) = &mut footer {
                    text.push(' ');
                    text.push_str(line.trim());
                }
            }
            (None, false) => is_in_it = false,
        }
    }
    let plain = |breaks: Option<String>| Commit {
        hash: hash.to_owned(),
        kind: None,
        scope: None,
        subject: first.to_owned(),
        breaks,
    };
    let Some((head, subject)) = first.split_once(": ") else { return plain(footer) };
    let (head, is_marked) = head.strip_suffix('!').map_or((head, false), |head| (head, true));
    let (kind, scope) = match head.split_once('(') {
        Some((kind, rest)) => match rest.strip_suffix(')') {
            Some(scope) if !scope.is_empty() => (kind, Some(scope)),
            _ => return plain(footer),
        },
        None => (head, None),
    };
    let is_word = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !is_word {
        return plain(footer);
    }
    let subject = subject.trim();
    Commit {
        hash: hash.to_owned(),
        kind: Some(kind.to_ascii_lowercase()),
        scope: scope.map(ToOwned::to_owned),
        subject: subject.to_owned(),
        breaks: footer.or_else(|| is_marked.then(|| subject.to_owned())),
    }
}

impl Commit {
    /// What it asks for; nothing: what it changes is not delivered (`docs`, `test`, `ci`, …).
    pub fn bump(&self) -> Option<Bump> {
        match (self.breaks.is_some(), self.kind.as_deref()) {
            (true, _) => Some(Bump::Major),
            (false, Some("feat")) => Some(Bump::Minor),
            (false, Some("docs" | "test" | "tests" | "ci" | "style")) => None,
            (false, _) => Some(Bump::Patch),
        }
    }

    /// As it stands in a list of changes: `feat(cart)!: guests may pay`.
    pub fn line(&self) -> String {
        let mark = if self.breaks.is_some() { "!" } else { "" };
        match (&self.kind, &self.scope) {
            (Some(kind), Some(scope)) => format!("{kind}({scope}){mark}: {}", self.subject),
            (Some(kind), None) => format!("{kind}{mark}: {}", self.subject),
            (None, _) if self.breaks.is_some() => format!("BREAKING: {}", self.subject),
            (None, _) => self.subject.clone(),
        }
    }
}

/// The bump all commits together ask for, and the commit that asks for it.
pub fn wanted(commits: &[Commit]) -> Option<(Bump, &Commit)> {
    // Of equal ones the first counts; max_by_key would take the last.
    commits.iter().rev().filter_map(|commit| Some((commit.bump()?, commit))).max_by_key(|(bump, _)| *bump)
}

/// The next version. Before 1.0.0 anything may change at any time (SemVer §4): what breaks moves the minor number, what is
/// new the patch number is left to the minor one as well, so that people see it.
pub fn next(version: &Version, bump: Bump) -> Version {
    // What was announced as a pre-release of it is what comes out.
    if !version.pre.is_empty() {
        return Version::new(version.major, version.minor, version.patch);
    }
    match bump {
        Bump::Major if version.major == 0 => Version::new(0, version.minor + 1, 0),
        Bump::Major => Version::new(version.major + 1, 0, 0),
        Bump::Minor => Version::new(version.major, version.minor + 1, 0),
        Bump::Patch => Version::new(version.major, version.minor, version.patch + 1),
    }
}

/// How far a version is from an earlier one; nothing: it is not later.
pub fn between(before: &Version, after: &Version) -> Option<Bump> {
    if after <= before {
        return None;
    }
    Some(match () {
        () if after.major > before.major => Bump::Major,
        () if after.minor > before.minor => Bump::Minor,
        () => Bump::Patch,
    })
}

/// Why a version does not fit what changed; nothing: it does.
pub fn misfit(before: &Version, after: &Version, commits: &[Commit]) -> Option<String> {
    let (bump, commit) = wanted(commits)?;
    let least = next(before, bump);
    // A pre-release of the right version is on its way there.
    let core = Version::new(after.major, after.minor, after.patch);
    if core >= least {
        return None;
    }
    let what = match bump {
        Bump::Major => format!("\"{}\" breaks something", commit.line()),
        Bump::Minor => format!("\"{}\" is new", commit.line()),
        Bump::Patch => format!("\"{}\" changes something", commit.line()),
    };
    Some(format!("{what}: after {before} that asks for {least} or later, not {after}"))
}

/// The version a tag stands for, of this service: `v1.4.2`, `1.4.2`; where a repository holds several, `api-1.4.2`, `api/v1.4.2`,
/// `api@1.4.2`.
pub fn version_of(tag: &str, service: &str) -> Option<Version> {
    let rest = match tag.strip_prefix(service) {
        Some(rest) => rest.strip_prefix(['-', '/', '@', '_'])?,
        None => tag,
    };
    rest.strip_prefix(['v', 'V']).unwrap_or(rest).parse().ok()
}

/// The newest release among tags; one that names the service is believed before one that names none.
pub fn last<'a>(tags: impl Iterator<Item = &'a str>, service: &str) -> Option<(Version, &'a str)> {
    let known = tags.filter_map(|tag| Some((tag.starts_with(service), version_of(tag, service)?, tag)));
    let newest = known.max_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    newest.map(|(_, version, tag)| (version, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn commits(messages: &[&str]) -> Vec<Commit> {
        messages.iter().map(|message| read("abc", message)).collect()
    }

    #[test]
    fn messages_are_read_as_the_convention_says() {
        let line = |message: &str| read("abc", message).line();
        assert_eq!(line("feat: guests may pay"), "feat: guests may pay");
        assert_eq!(line("Fix(cart): totals\n\nlong story"), "fix(cart): totals");
        assert_eq!(line("feat(api)!: drop v1"), "feat(api)!: drop v1");
        assert_eq!(
            line("refactor: x\n\nBREAKING CHANGE: the file format is another\none\n\nRefs: 7"),
            "refactor!: x"
        );
        assert_eq!(
            read("abc", "refactor: x\n\nBREAKING CHANGE: the format is\nanother one\n\nRefs: 7")
                .breaks
                .as_deref(),
            Some("the format is another one")
        );
        for plain in ["Merge branch 'x'", "feat:no blank", "feat(: odd", "two words: x", ": x", "feat(): x"] {
            assert_eq!(read("abc", plain).kind, None, "{plain}");
            assert_eq!(line(plain), plain);
        }
        assert_eq!(read("abc", "").subject, "");
        // Lower case is no footer of the convention.
        assert_eq!(read("abc", "fix: x\n\nbreaking change: y").breaks, None);
    }

    #[test]
    fn the_strongest_commit_decides_and_the_first_of_equals_is_named() {
        let all = commits(&["docs: x", "fix: a", "feat: b", "feat: c", "chore: d"]);
        let (bump, commit) = wanted(&all).unwrap();
        assert_eq!((bump, commit.subject.as_str()), (Bump::Minor, "b"));
        assert_eq!(wanted(&commits(&["docs: x", "ci: y"])), None);
        assert_eq!(wanted(&commits(&["whatever"])).unwrap().0, Bump::Patch);
    }

    #[test]
    fn versions_move_as_semver_says() {
        let moved = |from: &str, bump| next(&version(from), bump).to_string();
        assert_eq!(moved("1.4.2", Bump::Patch), "1.4.3");
        assert_eq!(moved("1.4.2", Bump::Minor), "1.5.0");
        assert_eq!(moved("1.4.2", Bump::Major), "2.0.0");
        assert_eq!(moved("0.4.2", Bump::Major), "0.5.0");
        assert_eq!(moved("2.0.0-rc.1", Bump::Patch), "2.0.0");
        assert_eq!(between(&version("1.4.2"), &version("1.4.3")), Some(Bump::Patch));
        assert_eq!(between(&version("1.4.2"), &version("2.0.0")), Some(Bump::Major));
        assert_eq!(between(&version("1.4.2"), &version("1.4.2")), None);
    }

    #[test]
    fn a_breaking_change_with_a_patch_bump_is_told() {
        let all = commits(&["fix: a", "feat!: drop v1"]);
        let told = misfit(&version("1.4.2"), &version("1.4.3"), &all).unwrap();
        assert_eq!(
            told,
            "\"feat!: drop v1\" breaks something: after 1.4.2 that asks for 2.0.0 or later, not 1.4.3"
        );
        assert_eq!(misfit(&version("1.4.2"), &version("2.0.0-rc.1"), &all), None);
        assert_eq!(misfit(&version("1.4.2"), &version("3.0.0"), &all), None);
        assert!(misfit(&version("1.4.2"), &version("1.4.2"), &commits(&["fix: a"])).is_some());
        assert_eq!(misfit(&version("1.4.2"), &version("1.4.2"), &commits(&["docs: a"])), None);
    }

    #[test]
    fn tags_are_versions_in_the_ways_people_write_them() {
        let read = |tag: &str| version_of(tag, "api").map(|version| version.to_string());
        for tag in ["v1.4.2", "1.4.2", "api-1.4.2", "api/v1.4.2", "api@1.4.2", "api_v1.4.2"] {
            assert_eq!(read(tag).as_deref(), Some("1.4.2"), "{tag}");
        }
        for tag in ["web-1.4.2", "nightly", "v1.4", "api1.4.2", "release-1.4.2"] {
            assert_eq!(read(tag), None, "{tag}");
        }
        let newest = |tags: &[&'static str]| last(tags.iter().copied(), "api").map(|(_, tag)| tag);
        assert_eq!(newest(&["v1.9.0", "v1.10.0", "v1.10.0-rc.1"]), Some("v1.10.0"));
        assert_eq!(newest(&["v9.0.0", "api-1.2.0"]), Some("api-1.2.0"), "a tag of its own counts more");
        assert_eq!(newest(&["nightly"]), None);
    }
}
