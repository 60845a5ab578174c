//! Are there people for every seat of an approval policy, one seat each? Where not: which rules are too many for whom.
//!
//! One matching for the configuration, for the people of this machine and for one open decision, so that all three say
//! the same (APR-4).

use serde::{Deserialize, Serialize};

use super::policy::Rule;

/// Rules that want more people, taken together, than there are for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// Their groups, in the order of the rules.
    pub groups: Vec<String>,
    /// How many people they want together.
    pub needed: usize,
    /// Everybody who could, sorted.
    pub people: Vec<String>,
}

impl std::fmt::Display for Shortage {
    /// `managers and both want 2 people, and only bob may approve this`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let groups = self.groups.join(" and ");
        if self.people.is_empty() {
            return write!(f, "nobody left in {groups} may approve this");
        }
        let want = if self.groups.len() == 1 { "wants" } else { "want" };
        write!(
            f,
            "{groups} {want} {} people, and only {} may approve this",
            self.needed,
            self.people.join(", ")
        )
    }
}

/// Finds people for every seat; what cannot be filled. `people` of a group: nothing where anybody is in it, which is never
/// short.
pub fn shortage<'a>(rules: &[Rule], people: impl Fn(&str) -> Option<Vec<&'a str>>) -> Option<Shortage> {
    let closed: Vec<(&Rule, Vec<&str>)> =
        rules.iter().filter_map(|rule| Some((rule, people(&rule.from)?))).collect();
    let seats: Vec<usize> = closed
        .iter()
        .enumerate()
        .flat_map(|(at, (rule, _))| std::iter::repeat_n(at, usize::from(rule.count)))
        .collect();
    let mut names: Vec<&str> = closed.iter().flat_map(|(_, people)| people.iter().copied()).collect();
    names.sort_unstable();
    names.dedup();
    let hall = Hall { closed: &closed, seats: &seats, names: &names };
    let mut taken = vec![None; names.len()];
    for seat in 0..seats.len() {
        let mut tried = vec![false; names.len()];
        if !hall.seat(seat, &mut taken, &mut tried) {
            return Some(hall.short(seat, &taken, &tried));
        }
    }
    None
}

struct Hall<'a> {
    closed: &'a [(&'a Rule, Vec<&'a str>)],
    /// The rule of each seat.
    seats: &'a [usize],
    names: &'a [&'a str],
}

impl Hall<'_> {
    /// Finds somebody for a seat, if need be by giving others another seat.
    fn seat(&self, seat: usize, taken: &mut [Option<usize>], tried: &mut [bool]) -> bool {
        let (_, people) = &self.closed[self.seats[seat]];
        for (person, name) in self.names.iter().enumerate() {
            if !people.contains(name) || std::mem::replace(&mut tried[person], true) {
                continue;
            }
            let free = taken[person].is_none_or(|other| self.seat(other, taken, tried));
            if free {
                taken[person] = Some(seat);
                return true;
            }
        }
        false
    }

    /// Why a seat stays empty: everybody who was tried sits, and only where these same people could (Hall's theorem).
    fn short(&self, seat: usize, taken: &[Option<usize>], tried: &[bool]) -> Shortage {
        let reached = taken.iter().zip(tried).filter(|(_, tried)| **tried).filter_map(|(seat, _)| *seat);
        let mut rules: Vec<usize> = reached.chain([seat]).map(|seat| self.seats[seat]).collect();
        rules.sort_unstable();
        rules.dedup();
        let mut groups: Vec<String> = Vec::new();
        for rule in &rules {
            let group = &self.closed[*rule].0.from;
            if !groups.contains(group) {
                groups.push(group.clone());
            }
        }
        let people = self.names.iter().zip(tried).filter(|(_, tried)| **tried);
        Shortage {
            groups,
            needed: rules.iter().map(|rule| usize::from(self.closed[*rule].0.count)).sum(),
            people: people.map(|(name, _)| (*name).to_owned()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(rules: &[(&str, u8)], groups: &[(&str, &[&'static str])]) -> Option<String> {
        let rules: Vec<Rule> = rules
            .iter()
            .map(|(from, count)| Rule { from: (*from).to_owned(), count: *count, risk: None })
            .collect();
        let people = |group: &str| {
            let (_, people) = groups.iter().find(|(name, _)| *name == group).unwrap();
            (!people.contains(&"*")).then(|| people.to_vec())
        };
        shortage(&rules, people).map(|short| short.to_string())
    }

    #[test]
    fn one_person_cannot_take_two_seats() {
        let both = [("rm", 1), ("sre", 1)];
        let only_bob = Some("rm and sre want 2 people, and only bob may approve this".to_owned());
        for (rm, sre, said) in [
            (&["bob"][..], &["bob"][..], only_bob),
            (&["bob"], &["bob", "erin"], None),
            (&["bob", "erin"], &["bob"], None),
            (&["*"], &["bob"], None),
            (&["*"], &["*"], None),
            (&[], &["bob"], Some("nobody left in rm may approve this".to_owned())),
        ] {
            assert_eq!(short(&both, &[("rm", rm), ("sre", sre)]), said, "{rm:?} {sre:?}");
        }
    }

    #[test]
    fn only_the_rules_that_are_in_each_others_way_are_named() {
        let groups: &[(&str, &[&str])] =
            &[("rm", &["bob", "ana"]), ("sre", &["dave"]), ("sec", &["ana", "bob"])];
        let said = short(&[("sre", 1), ("rm", 2), ("sec", 1)], groups).unwrap();
        assert_eq!(said, "rm and sec want 3 people, and only ana, bob may approve this");
        assert_eq!(
            short(&[("sre", 3)], groups).unwrap(),
            "sre wants 3 people, and only dave may approve this"
        );
        assert_eq!(short(&[("rm", 1), ("rm", 1), ("sre", 1)], groups), None);
    }
}
