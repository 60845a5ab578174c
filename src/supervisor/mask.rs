//! Takes secrets out of a stream before it reaches the disk.
//!
//! Works on bytes in any pieces: what could be the beginning of a secret at the end of a piece is held back until
//! the next piece decides. Values and their common encodings are masked; what a script makes of a secret by
//! itself (reversed, split by other text) is not, and the README says so.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter values would mask ordinary text.
pub(super) const SHORTEST: usize = 6;

const MASK: &[u8] = b"[masked]";

/// Masks a fixed set of secrets in a stream.
pub(super) struct Masker {
    needles: Vec<Vec<u8>>,
    automaton: Option<AhoCorasick>,
    longest: usize,
    held: Vec<u8>,
}

impl Masker {
    pub(super) fn new(secrets: &[String]) -> Self {
        let mut needles = BTreeSet::new();
        for secret in secrets {
            for variant in variants(secret) {
                if variant.len() >= SHORTEST {
                    needles.insert(variant);
                }
            }
        }
        let needles: Vec<Vec<u8>> = needles.into_iter().collect();
        let automaton = (!needles.is_empty()).then(|| {
            let builder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&needles);
            builder.expect("a handful of short patterns fits an automaton")
        });
        let longest = needles.iter().map(Vec::len).max().unwrap_or(0);
        Self { needles, automaton, longest, held: Vec::new() }
    }

    /// Whether there is anything to mask: without, the bytes can be used as they are.
    pub(super) fn is_idle(&self) -> bool {
        self.automaton.is_none()
    }

    /// Masks the next piece and appends what is safe to show to `out`.
    pub(super) fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let Some(automaton) = &self.automaton else {
            out.extend_from_slice(piece);
            return;
        };
        self.held.extend_from_slice(piece);
        let keep_from = self.held.len() - self.could_begin();
        let mut done = 0;
        for found in automaton.find_iter(&self.held) {
            if found.start() >= keep_from {
                break;
            }
            out.extend_from_slice(&self.held[done..found.start()]);
            out.extend_from_slice(MASK);
            done = found.end();
        }
        let safe = keep_from.max(done);
        out.extend_from_slice(&self.held[done..safe]);
        self.held.drain(..safe);
    }

    /// Ends the stream: what was held back is no secret after all.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        if let Some(automaton) = &self.automaton {
            out.extend_from_slice(&automaton.replace_all_bytes(&held, &vec![MASK; self.needles.len()]));
        }
    }

    /// Length of the longest end of what is held that is a proper beginning of a secret.
    fn could_begin(&self) -> usize {
        let most = self.held.len().min(self.longest.saturating_sub(1));
        (1..=most)
            .rev()
            .find(|length| {
                let tail = &self.held[self.held.len() - length..];
                self.needles.iter().any(|needle| needle.len() > *length && needle.starts_with(tail))
            })
            .unwrap_or(0)
    }
}

/// The value, each line of it, and the forms in which programs print it.
fn variants(secret: &str) -> Vec<Vec<u8>> {
    let mut plain: Vec<&str> = vec![secret];
    plain.extend(secret.lines().filter(|line| line.len() >= SHORTEST));
    let mut all = Vec::new();
    for text in plain {
        let bytes = text.as_bytes();
        if bytes.len() < SHORTEST {
            continue;
        }
        all.push(bytes.to_vec());
        let percent = percent_encoded(bytes);
        all.push(lower_percent(&percent).into_bytes());
        all.push(percent.into_bytes());
        if let Ok(json) = serde_json::to_string(text) {
            all.push(json.trim_matches('"').as_bytes().to_vec());
        }
        for lead in 0..3 {
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                all.push(base64_inside(engine, bytes, lead));
            }
        }
        for width in WRAPS {
            all.extend(wrapped_base64(bytes, width));
        }
    }
    all
}

/// Where common tools break base64: `base64` and PEM.
const WRAPS: [usize; 2] = [76, 64];

/// The lines of a value that is encoded by itself and too long for one.
fn wrapped_base64(bytes: &[u8], width: usize) -> Vec<Vec<u8>> {
    let text = STANDARD_NO_PAD.encode(bytes);
    if text.len() <= width {
        return Vec::new();
    }
    let lines = text.as_bytes().chunks(width).filter(|line| line.len() >= SHORTEST);
    lines.map(<[u8]>::to_vec).collect()
}

/// `%2F` → `%2f`: both are in use.
fn lower_percent(encoded: &str) -> String {
    let mut out = String::with_capacity(encoded.len());
    let mut left = 0;
    for c in encoded.chars() {
        out.push(if left > 0 { c.to_ascii_lowercase() } else { c });
        left = if c == '%' { 2 } else { i32::max(left - 1, 0) };
    }
    out
}

/// The characters that are the same whatever stands before and after the secret, when it begins `lead` bytes into
/// a group of three.
fn base64_inside(engine: &impl base64::Engine, bytes: &[u8], lead: usize) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(0, lead).chain(bytes.iter().copied()).collect();
    let text = engine.encode(&padded);
    let from = (lead * 8).div_ceil(6);
    let to = padded.len() * 8 / 6;
    text.as_bytes()[from..to].to_vec()
}

fn percent_encoded(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(byte) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mask(secrets: &[&str], pieces: &[&[u8]]) -> String {
        let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let mut masker = Masker::new(&secrets);
        let mut out = Vec::new();
        for piece in pieces {
            masker.feed(piece, &mut out);
        }
        masker.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_secret_is_masked_whole_and_in_pieces() {
        assert_eq!(mask(&["hunter22"], &[b"token hunter22!"]), "token [masked]!");
        assert_eq!(mask(&["hunter22"], &[b"token hun", b"ter", b"22!"]), "token [masked]!");
        assert_eq!(mask(&["hunter22"], &[b"token hun", b"ting"]), "token hunting");
    }

    #[test]
    fn what_cannot_be_a_secret_is_not_held_back() {
        let mut masker = Masker::new(&["hunter22".to_owned()]);
        let mut out = Vec::new();
        masker.feed(b"a line without end", &mut out);
        assert_eq!(out, b"a line without end");
    }

    #[test]
    fn encoded_forms_are_masked() {
        let secret = "s3cr3t/pass word";
        for lead in ["", "x", "xy"] {
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{lead}{secret}:tail"));
            let shown = mask(&[secret], &[text.as_bytes()]);
            assert!(shown.contains("[masked]"), "{text} → {shown}");
        }
        assert_eq!(mask(&[secret], &[b"u=s3cr3t%2Fpass%20word"]), "u=[masked]");
        assert_eq!(mask(&["quote\"inside"], &[br#"{"k":"quote\"inside"}"#]), r#"{"k":"[masked]"}"#);
    }

    #[test]
    fn each_line_of_a_key_is_masked_and_short_values_are_left() {
        assert_eq!(mask(&["first-line\nsecond-line"], &[b"got second-line"]), "got [masked]");
        assert_eq!(mask(&["abc"], &[b"abcabc"]), "abcabc");
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(
            text in "[ab]{0,60}", secrets in prop::collection::vec("[ab]{6,9}", 0..3), cuts in prop::collection::vec(0usize..60, 0..8)
        ) {
            let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let whole = mask(&secrets, &[text.as_bytes()]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(mask(&secrets, &pieces), whole);
        }
    }

    #[test]
    fn long_values_are_masked_as_base64_breaks_them_and_in_lower_case_url_forms() {
        let secret = format!("start/{}", "x/y".repeat(40));
        let encoded = STANDARD_NO_PAD.encode(&secret);
        for width in WRAPS {
            let broken: Vec<&str> =
                encoded.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
            let masked = mask(&[&secret], &[broken.join("\n").as_bytes()]);
            assert!(broken[..broken.len() - 1].iter().all(|line| !masked.contains(line)), "{masked}");
        }
        assert!(!mask(&["pass/word"], &[b"key=pass%2fword&"]).contains("pass"));
    }
}
