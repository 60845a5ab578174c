//! How the next version of a service is written: a template over the versions it has.
//!
//! `minor` is short for `c.i.0`: `c` is the number as it is, `i` one more than it was. The letters are those of Octopus Deploy's
//! release versioning; the numbers follow SemVer 2.0.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

use super::ids::{BadName, Version};
use super::text::quoted;
use super::words::words;

/// A version to be: written out, or by a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSaid {
    Exact(Version),
    Next(Template),
}

impl VersionSaid {
    /// The version that is meant, given those a service has.
    pub fn resolve<'a>(&self, known: impl Iterator<Item = &'a Version>, today: NaiveDate) -> Version {
        match self {
            Self::Exact(version) => version.clone(),
            Self::Next(template) => template.next(known, today),
        }
    }
}

impl FromStr for VersionSaid {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match (text.parse(), text.parse()) {
            (Ok(version), _) => Ok(Self::Exact(version)),
            (Err(_), Ok(template)) => Ok(Self::Next(template)),
            (Err(why), Err(_)) => {
                Err(BadName(format!("{why}; or write patch, minor, major, or a template: c.i.0")))
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Fixed(u64),
    /// As in the last one.
    Current,
    /// One more than in the last one; from 0 where something before it is not what it was.
    Next,
    Year,
    Month,
    Day,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Mark {
    Word(String),
    /// Counts from 1.
    Counter,
}

/// Three numbers, and what makes it a pre-release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    numbers: [Number; 3],
    pre: Vec<Mark>,
    written: String,
}

impl Template {
    /// The version after those that are known. The numbers count from the highest full version, the counter of a pre-release from
    /// the highest pre-release of the same numbers and words.
    pub fn next<'a>(&self, known: impl Iterator<Item = &'a Version>, today: NaiveDate) -> Version {
        let known: Vec<&semver::Version> = known.map(Version::as_semver).collect();
        let last = known
            .iter()
            .filter(|version| version.pre.is_empty())
            .max_by(|one, other| one.cmp_precedence(other))
            .map_or([0, 0, 0], |version| [version.major, version.minor, version.patch]);
        let mut numbers = [0; 3];
        for (at, number) in self.numbers.iter().enumerate() {
            let is_same_before = numbers[..at] == last[..at];
            numbers[at] = match number {
                Number::Fixed(number) => *number,
                Number::Current => last[at],
                Number::Next if is_same_before => last[at].saturating_add(1),
                Number::Next => 0,
                Number::Year => u64::from(today.year().unsigned_abs()),
                Number::Month => u64::from(today.month()),
                Number::Day => u64::from(today.day()),
            };
        }
        let mut version = semver::Version::new(numbers[0], numbers[1], numbers[2]);
        let of_these = known
            .iter()
            .filter(|other| [other.major, other.minor, other.patch] == numbers)
            .map(|other| other.pre.as_str());
        let pre = self.mark(of_these.collect());
        // What does not read as a pre-release was refused when the template was read.
        version.pre = semver::Prerelease::new(&pre).unwrap_or_default();
        Version::from(version)
    }

    fn mark(&self, known: Vec<&str>) -> String {
        let write = |count: u64| {
            let words = self.pre.iter().map(|mark| match mark {
                Mark::Word(word) => word.clone(),
                Mark::Counter => count.to_string(),
            });
            words.collect::<Vec<_>>().join(".")
        };
        let Some(place) = self.pre.iter().position(|mark| *mark == Mark::Counter) else { return write(0) };
        let count = |pre: &str| {
            let number: u64 = pre.split('.').nth(place)?.parse().ok()?;
            (write(number) == pre).then_some(number)
        };
        write(known.into_iter().filter_map(count).max().unwrap_or(0).saturating_add(1))
    }
}

impl FromStr for Template {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = |why: &str| BadName(format!("{} is no template for versions: {why}", quoted(text, 40)));
        let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
        let core = match core {
            "patch" => "c.c.i",
            "minor" => "c.i.0",
            "major" => "i.0.0",
            written => written,
        };
        let parts: Vec<&str> = core.split('.').collect();
        let [first, second, third] = parts[..] else {
            return Err(bad("it has three numbers, as in c.i.0"));
        };
        let number = |part: &str| match part {
            "c" => Ok(Number::Current),
            "i" => Ok(Number::Next),
            "YYYY" => Ok(Number::Year),
            "MM" => Ok(Number::Month),
            "DD" => Ok(Number::Day),
            digits => match digits.parse::<u64>() {
                Ok(number) if number.to_string() == digits => Ok(Number::Fixed(number)),
                _ => Err(bad("a number is written out, or c, i, YYYY, MM or DD")),
            },
        };
        let numbers = [number(first)?, number(second)?, number(third)?];
        let mark = |word: &str| match word {
            "i" => Mark::Counter,
            word => Mark::Word(word.to_owned()),
        };
        let given = pre.is_some();
        let mut pre: Vec<Mark> =
            pre.map(|pre| pre.split('.').map(mark).collect::<Vec<_>>()).unwrap_or_default();
        // `minor-beta`: without a counter the second one would have the name of the first.
        if given && !pre.contains(&Mark::Counter) {
            pre.push(Mark::Counter);
        }
        if pre.iter().filter(|mark| **mark == Mark::Counter).count() > 1 {
            return Err(bad("a pre-release counts in one place"));
        }
        let template = Self { numbers, pre, written: text.to_owned() };
        let example = template.mark(Vec::new());
        match semver::Prerelease::new(&example) {
            Ok(read) if given != read.is_empty() => Ok(template),
            _ => Err(bad("what stands behind the - is letters and digits between points")),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}
impl TryFrom<String> for Template {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}
impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.written
    }
}

/// How a version relates to the one that is there: the highest place in which they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionChange {
    Identical,
    Major,
    Minor,
    Patch,
    PreRelease,
    /// Only the build metadata differs.
    Build,
}

impl VersionChange {
    const ALL: [Self; 6] =
        [Self::Identical, Self::Major, Self::Minor, Self::Patch, Self::PreRelease, Self::Build];

    pub fn between(before: &Version, after: &Version) -> Self {
        let (before, after) = (before.as_semver(), after.as_semver());
        match () {
            () if before.major != after.major => Self::Major,
            () if before.minor != after.minor => Self::Minor,
            () if before.patch != after.patch => Self::Patch,
            () if before.pre != after.pre => Self::PreRelease,
            () if before.build != after.build => Self::Build,
            () => Self::Identical,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Patch => "patch",
            Self::PreRelease => "pre-release",
            Self::Build => "build",
        }
    }
}
words!(VersionChange, "version change", Self::ALL);

#[cfg(test)]
mod tests {
    use super::*;

    fn next(template: &str, known: &[&str]) -> String {
        let known: Vec<Version> = known.iter().map(|text| text.parse().unwrap()).collect();
        let today = NaiveDate::from_ymd_opt(2026, 9, 1).unwrap();
        template.parse::<VersionSaid>().unwrap().resolve(known.iter(), today).to_string()
    }

    #[test]
    fn words_count_from_the_highest_full_version() {
        let known = ["1.4.2", "1.10.0", "1.9.9", "2.0.0-rc.1"];
        assert_eq!(next("patch", &known), "1.10.1");
        assert_eq!(next("minor", &known), "1.11.0");
        assert_eq!(next("major", &known), "2.0.0");
        assert_eq!(next("3.0.0", &known), "3.0.0");
        assert_eq!(next("minor", &[]), "0.1.0");
    }

    #[test]
    fn the_counter_of_a_pre_release_counts_within_its_numbers() {
        assert_eq!(next("minor-beta", &["1.4.2"]), "1.5.0-beta.1");
        assert_eq!(next("minor-beta", &["1.4.2", "1.5.0-beta.9", "1.5.0-beta.10"]), "1.5.0-beta.11");
        assert_eq!(next("minor-beta", &["1.4.2", "1.5.0-rc.3", "1.6.0-beta.4"]), "1.5.0-beta.1");
        assert_eq!(next("c.c.i-i.nightly", &["1.4.2", "1.4.3-7.nightly"]), "1.4.3-8.nightly");
    }

    #[test]
    fn dates_begin_anew_with_each_month() {
        assert_eq!(next("YYYY.MM.i", &["2026.8.4"]), "2026.9.0");
        assert_eq!(next("YYYY.MM.i", &["2026.8.4", "2026.9.0"]), "2026.9.1");
        assert_eq!(next("1.i.i", &["1.4.2"]), "1.5.0");
    }

    #[test]
    fn what_is_no_template_says_what_one_is() {
        for bad in
            ["", "1.4", "c.i", "x.y.z", "01.i.0", "c.i.0-", "c.i.0-a b", "c.i.0-i.i", "minor-ü", "c.i.0-01"]
        {
            let why = bad.parse::<VersionSaid>().unwrap_err().to_string();
            assert!(why.contains("c.i.0"), "{bad}: {why}");
        }
    }

    #[test]
    fn the_change_is_named_by_the_highest_place() {
        let change = |one: &str, other: &str| {
            VersionChange::between(&one.parse().unwrap(), &other.parse().unwrap()).as_str()
        };
        assert_eq!(change("1.4.2", "2.0.0"), "major");
        assert_eq!(change("1.4.2", "1.3.9"), "minor");
        assert_eq!(change("1.4.2", "1.4.3"), "patch");
        assert_eq!(change("1.5.0-rc.1", "1.5.0"), "pre-release");
        assert_eq!(change("1.5.0+a", "1.5.0+b"), "build");
        assert_eq!(change("1.5.0", "1.5.0"), "identical");
    }
}
