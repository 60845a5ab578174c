//! The order of things that depend on each other.

/// Puts everything after what it comes after; ties keep the order given. `Err`: some that wait for each other, the first
/// one again at the end. What is not in `all` does not matter.
pub fn order<T: Clone + PartialEq>(all: &[T], before: impl Fn(&T) -> Vec<T>) -> Result<Vec<T>, Vec<T>> {
    let mut placed: Vec<T> = Vec::with_capacity(all.len());
    let mut left: Vec<T> = all.to_vec();
    while !left.is_empty() {
        let is_free =
            |item: &T| before(item).iter().all(|first| placed.contains(first) || !all.contains(first));
        let Some(at) = left.iter().position(is_free) else { return Err(circle(&left, before)) };
        placed.push(left.remove(at));
    }
    Ok(placed)
}

/// A circle among things none of which is free: going from each to one it waits for must come back.
fn circle<T: Clone + PartialEq>(left: &[T], before: impl Fn(&T) -> Vec<T>) -> Vec<T> {
    let mut walked: Vec<T> = vec![left[0].clone()];
    loop {
        let here = &walked[walked.len() - 1];
        let Some(next) = before(here).into_iter().find(|first| left.contains(first)) else { return walked };
        let seen = walked.iter().position(|item| *item == next);
        walked.push(next);
        if let Some(start) = seen {
            return walked.split_off(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn before(pairs: &[(char, char)]) -> impl Fn(&char) -> Vec<char> {
        let pairs = pairs.to_vec();
        move |item| pairs.iter().filter(|(later, _)| later == item).map(|(_, first)| *first).collect()
    }

    #[test]
    fn what_depends_on_nothing_keeps_its_place() {
        assert_eq!(order(&['c', 'a', 'b'], before(&[])), Ok(vec!['c', 'a', 'b']));
        assert_eq!(order(&['c', 'a', 'b'], before(&[('c', 'b')])), Ok(vec!['a', 'b', 'c']));
        assert_eq!(order(&['c'], before(&[('c', 'x')])), Ok(vec!['c']), "what is not there does not matter");
    }

    #[test]
    fn a_circle_is_named() {
        let found = order(&['a', 'b', 'c', 'd'], before(&[('a', 'b'), ('b', 'c'), ('c', 'b')])).unwrap_err();
        assert_eq!(found, ['b', 'c', 'b']);
    }

    proptest! {
        #[test]
        fn everything_stands_after_what_it_comes_after(pairs in prop::collection::vec((0u8..8, 0u8..8), 0..20)) {
            let all: Vec<u8> = (0..8).collect();
            let before = |item: &u8| -> Vec<u8> {
                pairs.iter().filter(|(later, _)| later == item).map(|(_, first)| *first).collect()
            };
            match order(&all, before) {
                Ok(placed) => {
                    prop_assert_eq!(placed.len(), 8);
                    for (later, first) in &pairs {
                        let at = |item| placed.iter().position(|known| known == item);
                        prop_assert!(at(first) < at(later));
                    }
                }
                Err(circle) => {
                    prop_assert!(circle.len() > 1 && circle.first() == circle.last());
                    for step in circle.windows(2) {
                        prop_assert!(before(&step[0]).contains(&step[1]));
                    }
                }
            }
        }
    }
}
