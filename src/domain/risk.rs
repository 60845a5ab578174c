//! Risk as points: what a release changes, how long ago the last one was, how often they failed (PLN-4).
//!
//! | input | points |
//! |---|---|
//! | size of the change: small, medium, large | 0, 1, 2 |
//! | the schema of the data changes | 2 |
//! | a contract with others (an interface, a file format) changes | 2 |
//! | how critical the area is: low, medium, high | 0, 1, 2 |
//! | nothing of the service went to production for 30 days, or never | 1 |
//! | of its last ten deployments to production more than a fifth failed | 1 |
//! | more than two fifths failed | 2 instead |
//!
//! 0 to 2 points are low, 3 to 5 medium, 6 and more high.

use serde::{Deserialize, Serialize};

use super::release::Level;
use super::words::words;

/// How much changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    Small,
    Medium,
    Large,
}

impl Size {
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}
words!(Size, "size", Self::ALL);

/// What a person says about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    pub size: Size,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub schema: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contract: bool,
    pub area: Level,
}

/// What is known from the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// Whole days since its service was last deployed to production; nothing: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_since_last: Option<u64>,
    /// Of its newest deployments to production, at most [`LOOKED_AT`]: how many there are, and how many failed.
    pub deployments: u32,
    pub failed: u32,
}

/// So many deployments say how often they fail.
pub const LOOKED_AT: u32 = 10;
/// After so many days without one the next deployment is harder.
const LONG_AGO: u64 = 30;

/// A level and everything it was computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    pub inputs: Inputs,
    pub record: Record,
    pub points: u32,
    pub level: Level,
}

/// Computes it.
pub fn assess(inputs: Inputs, record: Record) -> Assessment {
    let points = explain(&inputs, &record).iter().map(|(points, _)| points).sum();
    let level = match points {
        0..=2 => Level::Low,
        3..=5 => Level::Medium,
        _ => Level::High,
    };
    Assessment { inputs, record, points, level }
}

/// Each input that counts, with its points.
pub fn explain(inputs: &Inputs, record: &Record) -> Vec<(u32, String)> {
    let size = match inputs.size {
        Size::Small => 0,
        Size::Medium => 1,
        Size::Large => 2,
    };
    let area = match inputs.area {
        Level::Low => 0,
        Level::Medium => 1,
        Level::High => 2,
    };
    let stale = match record.days_since_last {
        None => (1, "its service was never in production".to_owned()),
        Some(days) => (
            u32::from(days >= LONG_AGO),
            format!("its service was last deployed to production {days} days ago"),
        ),
    };
    let (failed, all) = (record.failed, record.deployments);
    let often = match (failed * 5 > all * 2, failed * 5 > all) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    };
    let mut found = vec![
        (size, format!("the change is {}", inputs.size)),
        (if inputs.schema { 2 } else { 0 }, "the schema of the data changes".to_owned()),
        (if inputs.contract { 2 } else { 0 }, "a contract with others changes".to_owned()),
        (area, format!("the area is of {} criticality", inputs.area)),
        stale,
        (often, format!("{failed} of its last {all} deployments to production failed")),
    ];
    found.retain(|(points, _)| *points > 0);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Record = Record { days_since_last: Some(3), deployments: 10, failed: 0 };
    const SMALL: Inputs = Inputs { size: Size::Small, schema: false, contract: false, area: Level::Low };

    /// The table above, line by line.
    #[test]
    fn every_input_adds_its_points() {
        let points = |inputs: Inputs, record: Record| assess(inputs, record).points;
        assert_eq!(points(SMALL, FRESH), 0);
        assert_eq!(points(Inputs { size: Size::Medium, ..SMALL }, FRESH), 1);
        assert_eq!(points(Inputs { size: Size::Large, ..SMALL }, FRESH), 2);
        assert_eq!(points(Inputs { schema: true, ..SMALL }, FRESH), 2);
        assert_eq!(points(Inputs { contract: true, ..SMALL }, FRESH), 2);
        assert_eq!(points(Inputs { area: Level::Medium, ..SMALL }, FRESH), 1);
        assert_eq!(points(Inputs { area: Level::High, ..SMALL }, FRESH), 2);
        assert_eq!(points(SMALL, Record { days_since_last: Some(29), ..FRESH }), 0);
        assert_eq!(points(SMALL, Record { days_since_last: Some(30), ..FRESH }), 1);
        assert_eq!(points(SMALL, Record { days_since_last: None, ..FRESH }), 1);
        for (failed, expected) in [(2, 0), (3, 1), (4, 1), (5, 2), (10, 2)] {
            assert_eq!(points(SMALL, Record { failed, ..FRESH }), expected, "{failed} of 10");
        }
        assert_eq!(points(SMALL, Record { deployments: 0, ..FRESH }), 0, "none failed of none");
    }

    #[test]
    fn levels_begin_where_the_table_says() {
        let level = |inputs, record| assess(inputs, record).level;
        assert_eq!(level(Inputs { schema: true, ..SMALL }, FRESH), Level::Low);
        assert_eq!(level(Inputs { schema: true, size: Size::Medium, ..SMALL }, FRESH), Level::Medium);
        let five = Inputs { schema: true, contract: true, size: Size::Medium, ..SMALL };
        assert_eq!(level(five, FRESH), Level::Medium);
        assert_eq!(level(five, Record { days_since_last: None, ..FRESH }), Level::High);
    }
}
