//! The names of things: services, environments, versions, releases, deployments, freezes.
//!
//! Each is a newtype that can only be made by parsing, because these strings end up in argument lists, file
//! names, environment variables and on terminals. What they may hold is an allow-list, not a block-list.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a name was not accepted: a sentence that quotes the input harmlessly and says what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadName(pub String);

/// `^[a-z0-9][a-z0-9-]{0,39}$`: safe as a file name, an argument and an environment variable's value.
fn plain_name(kind: &str, input: &str) -> Result<String, BadName> {
    let shown = super::text::quoted(input, 40);
    if input.is_empty() {
        return Err(BadName(format!("the {kind} is empty; use 1 to 40 characters of a-z, 0-9 and -")));
    }
    if input.starts_with('-') {
        return Err(BadName(format!("{shown} starts with '-'; a {kind} starts with a letter or a digit")));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some(at) = input.chars().position(|c| !allowed(c)) {
        return Err(BadName(format!(
            "{shown} is not a {kind}: character {} is not one of a-z, 0-9 and -",
            at + 1
        )));
    }
    if input.len() > 40 {
        return Err(BadName(format!("{shown} is too long for a {kind}: {} of 40 characters", input.len())));
    }
    Ok(input.to_owned())
}

macro_rules! plain_name {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = BadName;
            fn from_str(input: &str) -> Result<Self, BadName> {
                plain_name($kind, input).map(Self)
            }
        }
        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(input: String) -> Result<Self, BadName> {
                input.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

plain_name!(
    /// A release train: a schedule that takes along what is ready.
    TrainName,
    "train name"
);
plain_name!(
    /// A service: what is released on its own.
    ServiceName,
    "service name"
);
plain_name!(
    /// An environment: where a release is deployed.
    EnvName,
    "environment name"
);

/// A version as SemVer 2.0 defines it, at most 64 characters so that it fits names and columns.
///
/// Equality is textual (build metadata counts, so that `1.0.0+a` and `1.0.0+b` are two releases); ordering is
/// SemVer precedence first and the text after, so that both agree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(semver::Version);

impl From<semver::Version> for Version {
    fn from(version: semver::Version) -> Self {
        Self(version)
    }
}

impl Version {
    pub fn as_semver(&self) -> &semver::Version {
        &self.0
    }

    /// Whether this version ranks above `other`; build metadata is ignored, as SemVer demands.
    pub fn outranks(&self, other: &Self) -> bool {
        self.0.cmp_precedence(&other.0).is_gt()
    }

    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }
}

impl FromStr for Version {
    type Err = BadName;
    fn from_str(input: &str) -> Result<Self, BadName> {
        let shown = super::text::quoted(input, 64);
        if input.len() > 64 {
            return Err(BadName(format!(
                "{shown} is too long for a version: {} of 64 characters",
                input.len()
            )));
        }
        match semver::Version::parse(input) {
            Ok(version) => Ok(Self(version)),
            Err(why) => {
                let hint = input
                    .strip_prefix('v')
                    .filter(|rest| semver::Version::parse(rest).is_ok())
                    .map(|rest| format!("; leave out the v: {rest}"))
                    .unwrap_or_default();
                Err(BadName(format!("{shown} is not a SemVer version such as 1.4.2 ({why}){hint}")))
            }
        }
    }
}
impl TryFrom<String> for Version {
    type Error = BadName;
    fn try_from(input: String) -> Result<Self, BadName> {
        input.parse()
    }
}
impl From<Version> for String {
    fn from(version: Version) -> String {
        version.to_string()
    }
}
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// `service@version`: the identity of a release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseId {
    pub service: ServiceName,
    pub version: Version,
}

impl ReleaseId {
    pub fn new(service: ServiceName, version: Version) -> Self {
        Self { service, version }
    }
}
impl FromStr for ReleaseId {
    type Err = BadName;
    fn from_str(input: &str) -> Result<Self, BadName> {
        let Some((service, version)) = input.split_once('@') else {
            return Err(BadName(format!(
                "{} is not a release; write service@version, such as storefront@1.4.2",
                super::text::quoted(input, 64)
            )));
        };
        Ok(Self { service: service.parse()?, version: version.parse()? })
    }
}
impl TryFrom<String> for ReleaseId {
    type Error = BadName;
    fn try_from(input: String) -> Result<Self, BadName> {
        input.parse()
    }
}
impl From<ReleaseId> for String {
    fn from(id: ReleaseId) -> String {
        id.to_string()
    }
}
impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}@{}", self.service, self.version))
    }
}

/// What a person may type for a release: `service@version`, `service@latest`, `service@current` and `service@previous` (what is
/// live, and what was before it; `:environment` says where), or a unique prefix of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseRef {
    Exact(ReleaseId),
    Latest(ServiceName),
    Live {
        service: ServiceName,
        /// Nothing: where a release of the service is to arrive.
        environment: Option<EnvName>,
        /// The one before it.
        previous: bool,
    },
    Prefix(String),
}

impl FromStr for ReleaseRef {
    type Err = BadName;
    fn from_str(input: &str) -> Result<Self, BadName> {
        if let Ok(id) = input.parse() {
            return Ok(Self::Exact(id));
        }
        if let Some(service) = input.strip_suffix("@latest") {
            return service.parse().map(Self::Latest);
        }
        if let Some((service, wanted)) = input.split_once('@') {
            let (word, place) =
                wanted.split_once(':').map_or((wanted, None), |(word, env)| (word, Some(env)));
            if let "current" | "previous" = word {
                return Ok(Self::Live {
                    service: service.parse()?,
                    environment: place.map(str::parse).transpose()?,
                    previous: word == "previous",
                });
            }
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '+' | '_' | '-');
        if !input.is_empty() && input.len() <= 105 && input.chars().all(allowed) && !input.starts_with('-') {
            return Ok(Self::Prefix(input.to_owned()));
        }
        Err(BadName(format!(
            "{} is not a release; write service@version, service@latest, service@current, or the beginning of one",
            super::text::quoted(input, 64)
        )))
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $sign:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl FromStr for $name {
            type Err = BadName;
            fn from_str(input: &str) -> Result<Self, BadName> {
                let digits = input.strip_prefix($sign).unwrap_or(input);
                match digits.parse::<i64>() {
                    Ok(number) if number > 0 => Ok(Self(number)),
                    _ => Err(BadName(format!(
                        "{} is not a {}; write its number, such as {}142",
                        super::text::quoted(input, 40),
                        $kind,
                        $sign
                    ))),
                }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!("{}{}", $sign, self.0))
            }
        }
    };
}

number_id!(
    /// `#142`: one attempt to put a release into an environment. The number is what people say aloud.
    DeploymentId,
    "#",
    "deployment"
);
number_id!(
    /// One person's decision about one release and one subject.
    ApprovalId,
    "A",
    "approval"
);
number_id!(
    /// A freeze that lives in the store (those of `relman.toml` are known by their names).
    FreezeId,
    "F",
    "freeze"
);
number_id!(
    /// An ad hoc hold on services and environments.
    LockId,
    "L",
    "lock"
);
number_id!(
    /// Something people ask for, before a version is known that brings it.
    RequestId,
    "R",
    "request"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_hold_only_what_is_safe_everywhere() {
        for good in ["api", "a", "0", "store-front-2", &"x".repeat(40)] {
            assert_eq!(good.parse::<ServiceName>().unwrap().as_str(), good);
        }
        for bad in
            ["", "-rf", "../../x", "$(id)", "a;b", "Api", "a b", "a\nb", "\u{202e}a", &"x".repeat(41), "é"]
        {
            assert!(bad.parse::<ServiceName>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_refusal_says_where_and_quotes_harmlessly() {
        let error = "ab\u{1b}[31m".parse::<ServiceName>().unwrap_err().to_string();
        assert!(error.contains("character 3"), "{error}");
        assert!(!error.contains('\u{1b}'), "{error:?}");
    }

    #[test]
    fn versions_are_semver_and_a_leading_v_gets_a_hint() {
        assert!("1.4.2-rc.1+build.5".parse::<Version>().unwrap().is_prerelease());
        let error = "v1.4.2".parse::<Version>().unwrap_err().to_string();
        assert!(error.ends_with("leave out the v: 1.4.2"), "{error}");
        assert!("1.4".parse::<Version>().is_err());
        assert!("01.4.0".parse::<Version>().is_err());
    }

    #[test]
    fn precedence_ignores_build_metadata_but_identity_does_not() {
        let (a, b): (Version, Version) = ("1.0.0+a".parse().unwrap(), "1.0.0+b".parse().unwrap());
        assert_ne!(a, b);
        assert!(!a.outranks(&b) && !b.outranks(&a));
        let rc: Version = "1.0.0-rc.1".parse().unwrap();
        assert!(a.outranks(&rc));
    }

    #[test]
    fn a_deployment_number_is_read_with_and_without_its_sign() {
        assert_eq!("#142".parse::<DeploymentId>(), Ok(DeploymentId(142)));
        assert_eq!("142".parse::<DeploymentId>(), Ok(DeploymentId(142)));
        for bad in ["#", "0", "-1", "#14a", "99999999999999999999"] {
            assert!(bad.parse::<DeploymentId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_release_reference_may_be_exact_latest_or_a_prefix() {
        assert!(matches!("api@1.0.0".parse(), Ok(ReleaseRef::Exact(_))));
        assert!(matches!("api@latest".parse(), Ok(ReleaseRef::Latest(_))));
        assert!(matches!(
            "api@current".parse(),
            Ok(ReleaseRef::Live { environment: None, previous: false, .. })
        ));
        assert!(matches!(
            "api@previous:eu".parse(),
            Ok(ReleaseRef::Live { environment: Some(_), previous: true, .. })
        ));
        assert!("api@current:".parse::<ReleaseRef>().is_err());
        assert!(matches!("api@1.".parse(), Ok(ReleaseRef::Prefix(_))));
        assert!("api@1.0.0; rm -rf".parse::<ReleaseRef>().is_err());
        assert!("--all".parse::<ReleaseRef>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused_in_one_printable_line(input in any::<String>()) {
            for error in [
                input.parse::<ServiceName>().err().map(|e| e.to_string()),
                input.parse::<Version>().err().map(|e| e.to_string()),
                input.parse::<ReleaseId>().err().map(|e| e.to_string()),
                input.parse::<DeploymentId>().err().map(|e| e.to_string()),
            ].into_iter().flatten() {
                prop_assert!(!error.chars().any(char::is_control), "{error:?}");
            }
        }

        #[test]
        fn what_is_accepted_survives_a_round_trip(service in "[a-z0-9][a-z0-9-]{0,39}", a in 0u32..999, b in 0u32..999) {
            let id: ReleaseId = format!("{service}@{a}.{b}.0").parse().unwrap();
            prop_assert_eq!(id.to_string().parse::<ReleaseId>().unwrap(), id);
        }
    }
}
