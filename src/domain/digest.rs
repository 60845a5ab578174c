//! Content digests: of artifacts, of what an approval is about, of journal entries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ids::BadName;

/// `sha256:<64 hex>`, or `sha384:`/`sha512:` with their lengths, in lower case, as container registries write it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// The SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex(&Sha256::digest(bytes))))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve hex digits: enough to compare by eye.
    pub fn short(&self) -> &str {
        let hex = self.0.split_once(':').map_or(self.0.as_str(), |(_, hex)| hex);
        hex.get(..12).unwrap_or(hex)
    }
}

impl FromStr for Digest {
    type Err = BadName;
    fn from_str(input: &str) -> Result<Self, BadName> {
        let text = input.to_ascii_lowercase();
        let length = match text.split_once(':').map(|(algorithm, _)| algorithm) {
            Some("sha256") => 64,
            Some("sha384") => 96,
            Some("sha512") => 128,
            _ => 0,
        };
        let hex = text.split_once(':').map_or("", |(_, hex)| hex);
        if length == 0 || hex.len() != length || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(BadName(format!(
                "{} is not a digest; write sha256: and 64 hexadecimal digits (sha384 and sha512 work too)",
                super::text::quoted(input, 40)
            )));
        }
        Ok(Self(text))
    }
}
impl TryFrom<String> for Digest {
    type Error = BadName;
    fn try_from(input: String) -> Result<Self, BadName> {
        input.parse()
    }
}
impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.0
    }
}
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").as_str(), empty);
        assert_eq!(empty.to_uppercase().parse::<Digest>().unwrap().as_str(), empty);
        assert_eq!(Digest::of(b"").short(), "e3b0c44298fc");
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for bad in ["", "abc", "md5:00", "sha256:", "sha256:xyz", &format!("sha256:{}", "g".repeat(64))] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
