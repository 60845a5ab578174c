//! Channels: which versions of a service go which way (REL-4).
//!
//! Each release of a service with channels is in exactly one of them, from its registration on. The rules are asked only
//! then: a range, as Cargo writes it, over the numbers of the version, and a pattern over its pre-release tag.

use std::fmt;

use semver::{Prerelease, VersionReq};

use super::freeze::fits;
use super::ids::{EnvName, Version};
use super::pipeline::Pipeline;
use super::policy::Service;
use super::release::Release;

/// Which pre-releases a channel takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    Any,
    /// Full releases only.
    None,
    /// Pre-releases whose tag fits the pattern: `beta*`.
    Like(String),
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub name: String,
    /// Nothing: every version.
    pub versions: Option<VersionReq>,
    pub tag: Tag,
    /// Where its releases go; nothing: all the way.
    pub pipeline: Option<Pipeline>,
    /// Fields that its releases do not go without.
    pub fields: Vec<String>,
    /// Taken where several would take a version.
    pub default: bool,
}

impl Channel {
    /// Whether its rules take the version.
    pub fn takes(&self, version: &Version) -> bool {
        let plain = semver::Version { pre: Prerelease::EMPTY, ..version.as_semver().clone() };
        let in_range = self.versions.as_ref().is_none_or(|range| range.matches(&plain));
        let tag = version.as_semver().pre.as_str();
        in_range
            && match &self.tag {
                Tag::Any => true,
                Tag::None => tag.is_empty(),
                Tag::Like(pattern) => !tag.is_empty() && fits(pattern, tag),
            }
    }
}

impl fmt::Display for Channel {
    /// `stable (>=1, <3; no pre-releases)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = self.versions.as_ref().map_or_else(|| "every version".to_owned(), ToString::to_string);
        let tag = match &self.tag {
            Tag::Any => String::new(),
            Tag::None => "; no pre-releases".to_owned(),
            Tag::Like(pattern) => format!("; pre-releases {pattern}"),
        };
        write!(f, "{} ({range}{tag})", self.name)
    }
}

/// Why a version is in no channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// No channel of that name.
    Unknown(String),
    /// The channel that was named does not take it.
    Refused(String),
    /// None takes it.
    Nowhere,
    /// Several do, and none is the default.
    Several(Vec<String>),
}

impl Service {
    /// The channel of a new release; `None` where the service has none.
    pub fn channel_for(&self, version: &Version, named: Option<&str>) -> Result<Option<&Channel>, Misfit> {
        if let Some(name) = named {
            let channel = self.channels.iter().find(|channel| channel.name == name);
            let channel = channel.ok_or_else(|| Misfit::Unknown(name.to_owned()))?;
            return match channel.takes(version) {
                true => Ok(Some(channel)),
                false => Err(Misfit::Refused(channel.to_string())),
            };
        }
        let taking: Vec<&Channel> = self.channels.iter().filter(|channel| channel.takes(version)).collect();
        match taking.as_slice() {
            [] if self.channels.is_empty() => Ok(None),
            [] => Err(Misfit::Nowhere),
            [one] => Ok(Some(one)),
            several => match several.iter().find(|channel| channel.default) {
                Some(one) => Ok(Some(one)),
                None => Err(Misfit::Several(several.iter().map(|channel| channel.name.clone()).collect())),
            },
        }
    }

    /// The channel a release is in, as far as it is still there.
    fn channel_of(&self, release: &Release) -> Option<&Channel> {
        let name = release.channel.as_ref()?;
        self.channels.iter().find(|channel| channel.name == *name)
    }

    /// Fields that are asked for and empty.
    pub fn lacking_fields(&self, release: &Release) -> Vec<String> {
        let asked = self.channel_of(release).map_or(&[][..], |channel| &channel.fields);
        asked.iter().filter(|name| !release.fields.contains_key(*name)).cloned().collect()
    }

    /// The way a release goes.
    pub fn pipeline_of(&self, release: &Release) -> &Pipeline {
        self.channel_of(release).and_then(|channel| channel.pipeline.as_ref()).unwrap_or(&self.pipeline)
    }

    /// Whether a release may go there by its channel. One whose channel is gone goes nowhere: what was kept from
    /// production is not let there by a line that was taken out.
    pub fn leads_there(&self, release: &Release, env: &EnvName) -> bool {
        let is_known = release.channel.is_none() || self.channel_of(release).is_some();
        is_known && self.pipeline_of(release).contains(env)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str, versions: Option<&str>, tag: Tag) -> Channel {
        let versions = versions.map(|range| range.parse().unwrap());
        Channel { name: name.to_owned(), versions, tag, pipeline: None, fields: Vec::new(), default: false }
    }

    #[test]
    fn a_range_is_about_the_numbers_and_a_pattern_about_the_tag() {
        let stable = channel("stable", Some(">=1, <3"), Tag::None);
        let beta = channel("beta", None, Tag::Like("beta*".to_owned()));
        for (version, in_stable, in_beta) in [
            ("1.0.0", true, false),
            ("2.9.9+build.7", true, false),
            ("3.0.0", false, false),
            ("0.9.0", false, false),
            ("2.0.0-beta.1", false, true),
            ("2.0.0-rc.1", false, false),
        ] {
            let version: Version = version.parse().unwrap();
            assert_eq!((stable.takes(&version), beta.takes(&version)), (in_stable, in_beta), "{version}");
        }
        let within = channel("within", Some(">=1, <3"), Tag::Any);
        assert!(within.takes(&"2.0.0-rc.1".parse().unwrap()), "the tag is no matter of the range");
        assert_eq!(stable.to_string(), "stable (>=1, <3; no pre-releases)");
        assert_eq!(beta.to_string(), "beta (every version; pre-releases beta*)");
    }
}
