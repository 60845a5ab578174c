//! Enums that people read and write: one list of words gives `Display`, `FromStr` and the error that names them.

/// Implements `Display` and `FromStr` for an enum with `as_str` and a list of all its values.
macro_rules! words {
    ($type:ty, $what:literal, $all:expr) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl std::str::FromStr for $type {
            type Err = $crate::domain::ids::BadName;
            fn from_str(input: &str) -> Result<Self, Self::Err> {
                $all.iter().copied().find(|word| word.as_str() == input).ok_or_else(|| {
                    let known: Vec<&str> = $all.iter().map(|word| word.as_str()).collect();
                    $crate::domain::ids::BadName(format!(
                        "{} is not a {}; use one of {}",
                        $crate::domain::text::quoted(input, 40),
                        $what,
                        known.join(", ")
                    ))
                })
            }
        }
    };
}
pub(crate) use words;
