//! What the people of this machine could never do: groups that are empty here, rights nobody has, approvals nobody can give.
//!
//! The configuration alone cannot tell: who is in a Unix group is known where relman runs (APR-4, N7).

use super::actor::Roster;
use super::approval::ApprovalSubject;
use super::policy::{Policy, Rule};
use super::release::Stage;
use super::right::{Grant, Place, Right};
use super::seats;

/// Every such thing as a sentence.
pub fn vacancies(policy: &Policy, roster: &Roster) -> Vec<String> {
    let mut found = Vec::new();
    for (group, members) in &policy.groups {
        // One that is empty in the file is said to be so where the file is checked.
        if !members.is_empty() && is_empty(roster, group) {
            let written: Vec<String> = members.iter().map(ToString::to_string).collect();
            found.push(format!("nobody on this machine is in the group {group} ({})", written.join(", ")));
        }
    }
    for right in Right::ALL {
        let mut seen: Vec<Vec<Grant>> = Vec::new();
        for place in places(policy, right) {
            let ruling = policy.ruling(right, place);
            let is_own = ruling.right == right && !ruling.grants.is_empty();
            if is_own && !seen.contains(&ruling.grants) && !ruling.is_anyones(roster) {
                let lines: Vec<&str> = ruling.grants.iter().map(|grant| grant.line.as_str()).collect();
                let lines = lines.join(" and ");
                found.push(format!("nobody on this machine has the right {right}{place} ({lines})"));
                seen.push(ruling.grants);
            }
        }
    }
    for env in policy.environments.values() {
        let name = &env.name;
        found.extend(open_seats(&format!("{name} (approvals)"), &env.approvals, env.self_approval, roster));
        let back = &env.rollback_approvals;
        found.extend(open_seats(&format!("{name} (rollback-approvals)"), back, env.self_approval, roster));
    }
    for stage in Stage::ALL {
        let Some(what) = ApprovalSubject::of_stage(stage) else { continue };
        let rules = policy.stage(stage);
        let what = format!("a {} ([stages.{stage}] approvals)", what.as_text());
        found.extend(open_seats(&what, &rules.approvals, rules.self_approval, roster));
    }
    found
}

fn is_empty(roster: &Roster, group: &str) -> bool {
    !roster.is_open(group) && roster.people(group).next().is_none()
}

fn places(policy: &Policy, right: Right) -> Vec<Place<'_>> {
    if !right.has_environment() && !right.has_service() {
        return vec![Place::default()];
    }
    let mut places = Vec::new();
    for service in policy.services.values() {
        match right.has_environment() {
            false => places.push(Place::service(&service.name)),
            true if !right.has_service() => places.extend(service.pipeline.iter().map(Place::environment)),
            true => places.extend(service.pipeline.iter().map(|env| Place::both(&service.name, env))),
        }
    }
    places
}

/// Why these rules can never all be met, or not for everybody's releases.
fn open_seats(what: &str, rules: &[Rule], self_approval: bool, roster: &Roster) -> Option<String> {
    if rules.is_empty() {
        return None;
    }
    if !could_be_met(rules, roster, None) {
        return Some(format!("nobody could ever approve {what}: there are too few people for its rules"));
    }
    if self_approval {
        return None;
    }
    let mut people: Vec<&str> = rules.iter().flat_map(|rule| roster.people(&rule.from)).collect();
    people.sort_unstable();
    people.dedup();
    let needed: Vec<&str> =
        people.into_iter().filter(|name| !could_be_met(rules, roster, Some(name))).collect();
    (!needed.is_empty()).then(|| {
        format!(
            "{what}: what {} asks for can be approved by nobody else, and an own approval does not count",
            needed.join(" or ")
        )
    })
}

/// Whether there are people for every seat, one seat each, without this person.
fn could_be_met(rules: &[Rule], roster: &Roster, without: Option<&str>) -> bool {
    let people = |group: &str| {
        let named = roster.people(group).filter(|name| Some(*name) != without);
        (!roster.is_open(group)).then(|| named.collect())
    };
    seats::shortage(rules, people).is_none()
}

#[cfg(test)]
mod tests {
    use super::super::actor::Members;
    use super::*;

    fn roster(groups: &[(&str, &[&str])]) -> Roster {
        let members = |names: &[&str]| Members {
            names: names.iter().filter(|name| **name != "*").map(|name| (*name).to_owned()).collect(),
            everyone: names.contains(&"*"),
        };
        Roster::new(groups.iter().map(|(group, names)| ((*group).to_owned(), members(names))).collect())
    }

    fn rule(from: &str, count: u8) -> Rule {
        Rule { from: from.to_owned(), count, risk: None }
    }

    #[test]
    fn who_is_needed_to_approve_is_named() {
        let rules = [rule("rm", 1), rule("sre", 1)];
        let two = roster(&[("rm", &["bob"]), ("sre", &["bob", "erin"])]);
        let said = open_seats("production", &rules, false, &two).unwrap();
        assert!(said.contains("what bob or erin asks for"), "{said}");
        assert_eq!(open_seats("production", &rules, true, &two), None, "they may approve their own");
        let enough = roster(&[("rm", &["bob", "carol"]), ("sre", &["dave", "erin"])]);
        assert_eq!(open_seats("production", &rules, false, &enough), None);
        let never = roster(&[("rm", &["bob"]), ("sre", &["bob"])]);
        assert!(open_seats("production", &rules, true, &never).unwrap().contains("nobody could ever"));
    }
}
