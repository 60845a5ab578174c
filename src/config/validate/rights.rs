//! Reads who may do what: `[rights]`, `[environments.E.rights]`, `[services.S.rights]`, the older short forms of an
//! environment, and the account of enforced mode.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::domain::policy::{Member, Policy};
use crate::domain::right::{Grant, Place, Right, Rights};

/// The section a list stands in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Section<'a> {
    General,
    Environment(&'a str),
    Service(&'a str),
}

impl Section<'_> {
    fn keys(self) -> Vec<String> {
        match self {
            Self::General => keys!["rights"].to_vec(),
            Self::Environment(name) => keys!["environments", name, "rights"].to_vec(),
            Self::Service(name) => keys!["services", name, "rights"].to_vec(),
        }
    }

    fn title(self) -> String {
        format!("[{}]", self.keys().join("."))
    }
}

impl Checker {
    /// The account of enforced mode. It is looked up where it counts.
    pub(super) fn service_user(&mut self, name: Option<String>) -> Option<String> {
        let name = name?;
        let keys = keys!["relman", "service-user"];
        if name == "root" {
            let hint = Some("make an account for relman alone: relman setup enforced".to_owned());
            self.hinted(keys, "the service user cannot be root: scripts would run as root", hint);
        } else if name.is_empty()
            || name.len() > 32
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        {
            self.error(keys, "the service user is the name of an account");
        }
        Some(name)
    }

    /// The groups of a list; one with a `!` before it is kept out.
    fn listed(&mut self, keys: &[String], groups: &[String]) {
        for (index, group) in groups.iter().enumerate() {
            let keys = [keys, &keys![index][..]].concat();
            self.group(&keys, group.strip_prefix('!').unwrap_or(group));
            if let Some(name) = group.strip_prefix('!')
                && groups.iter().any(|other| other == name)
            {
                self.error(&keys, format!("{name} is both given the right and kept from it"));
            }
        }
    }

    pub(super) fn rights(&mut self, section: Section<'_>, raw: BTreeMap<String, Vec<String>>) -> Rights {
        let mut rights = Rights::new();
        for (name, groups) in raw {
            let keys = [&section.keys()[..], keys![name]].concat();
            if name == "approve" {
                let hint = Some("write who approves in [environments.E] approvals".to_owned());
                self.hinted(&keys, "approving is not given by a right: approval rules say who decides", hint);
                continue;
            }
            if !self.one_of(&keys, &name, &Right::ALL.map(Right::as_str)) {
                continue;
            }
            let Ok(right) = name.parse::<Right>() else { continue };
            self.listed(&keys, &groups);
            if let Some((why, hint)) = misplaced(right, section) {
                self.hinted(&keys, why, Some(hint));
                continue;
            }
            rights.insert(right, Grant::new(groups, format!("{} {right}", section.title())));
        }
        rights
    }

    /// The same of an environment with its short forms. Saying it twice is a mistake: one would believe the other.
    pub(super) fn rights_of_environment(
        &mut self,
        name: &str,
        raw: BTreeMap<String, Vec<String>>,
        short: [(Right, Vec<String>); 3],
    ) -> Rights {
        let mut rights = self.rights(Section::Environment(name), raw);
        for (right, groups) in short {
            let Some(key) = right.short_form() else { continue };
            // An empty short form has always said nothing.
            if groups.is_empty() {
                continue;
            }
            let keys = keys!["environments", name, key].to_vec();
            self.listed(&keys, &groups);
            if rights.contains_key(&right) {
                let why = format!("{key} and [environments.{name}.rights] {right} say the same thing twice");
                self.hinted(&keys, why, Some("take one of the two out".to_owned()));
                continue;
            }
            rights.insert(right, Grant::new(groups, format!("[environments.{name}] {key}")));
        }
        rights
    }

    /// Rights that nobody has, and lists that make stopping harder than starting.
    pub(super) fn rights_nobody_has(&mut self, policy: &Policy) {
        let mut found = Vec::new();
        let sections = std::iter::once((Section::General, &policy.rights))
            .chain(
                policy
                    .environments
                    .values()
                    .map(|env| (Section::Environment(env.name.as_str()), &env.rights)),
            )
            .chain(policy.services.values().map(|one| (Section::Service(one.name.as_str()), &one.rights)));
        for (section, rights) in sections {
            for (right, grant) in rights {
                let is_empty = |group: &String| policy.groups.get(group).is_some_and(Vec::is_empty);
                if grant.except.is_empty() && grant.groups.iter().all(is_empty) {
                    found.push((
                        place_of(section, *right, grant),
                        format!("nobody has the right {right} here"),
                    ));
                }
            }
        }
        for (env, missing, line) in harder_to_stop(policy) {
            let keys = line.unwrap_or_else(|| keys!["environments", env].to_vec());
            let why = format!(
                "{missing} may deploy to {env} but not stop what others deploy there: name them in cancel as well"
            );
            found.push((keys, why));
        }
        for (keys, why) in found {
            self.warning(&keys, why);
        }
    }
}

fn place_of(section: Section<'_>, right: Right, grant: &Grant) -> Vec<String> {
    match (section, right.short_form()) {
        (Section::Environment(name), Some(key)) if grant.line.ends_with(&format!("] {key}")) => {
            keys!["environments", name, key].to_vec()
        }
        _ => [&section.keys()[..], keys![right]].concat(),
    }
}

/// Where and why a right cannot be given there.
fn misplaced(right: Right, section: Section<'_>) -> Option<(String, String)> {
    match section {
        Section::Environment(_) | Section::Service(_) if right == Right::Administer => Some((
            format!("the right {right} is about the whole store"),
            format!("write it in [rights]: {right} = […]"),
        )),
        Section::Environment(_) if !right.has_environment() => Some((
            format!("the right {right} is about a release, not about an environment"),
            format!("write it in [rights] or [services.S.rights]: {right} = […]"),
        )),
        Section::Service(_) if !right.has_service() => Some((
            format!("the right {right} is not about one service: a train takes many along"),
            format!("write it in [rights] or [environments.E.rights]: {right} = […]"),
        )),
        _ => None,
    }
}

/// Environments with groups that may deploy and, by a list that leaves them out, not stop: with the keys of that list.
fn harder_to_stop(policy: &Policy) -> Vec<(String, String, Option<Vec<String>>)> {
    let members = |groups: &[String]| -> BTreeSet<String> {
        groups.iter().filter_map(|group| policy.groups.get(group)).flatten().map(Member::to_string).collect()
    };
    let mut found = Vec::new();
    for env in policy.environments.values() {
        let place = Place::environment(&env.name);
        let cancel = policy.ruling(Right::Cancel, place);
        let [list] = cancel.grants.as_slice() else { continue };
        // Whoever is kept out by name is meant to be.
        if list.groups.is_empty() && !list.except.is_empty() {
            continue;
        }
        if cancel.right != Right::Cancel || members(&list.groups).contains("*") {
            continue;
        }
        let deploy = policy.ruling(Right::Deploy, place);
        let missing = match deploy.grants.as_slice() {
            [] if deploy.is_open => "everyone".to_owned(),
            grants => {
                let all: Vec<String> = grants.iter().flat_map(|grant| grant.groups.clone()).collect();
                let left_out: Vec<String> =
                    members(&all).difference(&members(&list.groups)).cloned().collect();
                if left_out.is_empty() {
                    continue;
                }
                left_out.join(", ")
            }
        };
        let keys = match env.rights.contains_key(&Right::Cancel) {
            true => keys!["environments", env.name, "rights", "cancel"].to_vec(),
            false => keys!["rights", "cancel"].to_vec(),
        };
        found.push((env.name.to_string(), missing, Some(keys)));
    }
    found
}
