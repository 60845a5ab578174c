//! Reads an armoured SSH signature (OpenSSH, PROTOCOL.sshsig; the trailer of security keys: PROTOCOL.u2f).
//!
//! Whether it is good is `ssh-keygen`'s to say. This only tells which key made it and whether a security key was
//! touched for it, which `ssh-keygen -Y verify` does not ask.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

/// How one begins.
pub const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// Longer than any signature with any key: what is bigger is none.
const MOST: usize = 64 * 1024;
/// "User present": the key was touched.
const TOUCHED: u8 = 0x01;

/// What a signature says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSig {
    pub key_type: String,
    pub key: Vec<u8>,
    pub namespace: String,
    /// Whether the security key was touched; nothing: it is no security key.
    pub touched: Option<bool>,
}

impl SshSig {
    /// Reads one, or says why the text is none.
    pub fn parse(armoured: &str) -> Result<Self, &'static str> {
        if armoured.len() > MOST {
            return Err("it is too long for a signature");
        }
        let inner = armoured.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        let inner = inner.ok_or("it is no SSH signature: it does not begin and end as one")?;
        let letters: String = inner.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let blob = STANDARD.decode(letters).map_err(|_| "its base64 cannot be read")?;
        Self::read(&blob).ok_or("it is damaged")
    }

    fn read(blob: &[u8]) -> Option<Self> {
        let rest = blob.strip_prefix(b"SSHSIG")?;
        let (version, mut rest) = rest.split_first_chunk::<4>()?;
        if u32::from_be_bytes(*version) != 1 {
            return None;
        }
        let key = string(&mut rest)?.to_vec();
        let namespace = String::from_utf8(string(&mut rest)?.to_vec()).ok()?;
        let (_reserved, _hash) = (string(&mut rest)?, string(&mut rest)?);
        let signature = string(&mut rest)?;
        if !rest.is_empty() {
            return None;
        }
        let key_type = String::from_utf8(string(&mut key.as_slice())?.to_vec()).ok()?;
        let touched = match key_type.starts_with("sk-") {
            true => Some(flags(signature)? & TOUCHED != 0),
            false => None,
        };
        Some(Self { key_type, key, namespace, touched })
    }

    pub fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }
}

/// The flags byte that a security key puts behind its signature and signs with it; a counter of four bytes follows.
fn flags(mut signature: &[u8]) -> Option<u8> {
    let (_format, _signature) = (string(&mut signature)?, string(&mut signature)?);
    match signature {
        [flags, _, _, _, _] => Some(*flags),
        _ => None,
    }
}

/// A string of the SSH wire format: its length in four bytes, then its bytes.
fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (found, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(found)
}

/// `SHA256:…` as `ssh-keygen -l` prints it.
pub fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ED25519: &str = "-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg2oy5NEM/ixtorIGGGbkNbS5VkX
+xnbqzso6UDKu4r6kAAAAPYXBwcm92YWxAcmVsbWFuAAAAAAAAAAZzaGE1MTIAAABTAAAA
C3NzaC1lZDI1NTE5AAAAQBhIkYJ5C0VNrR/N21NDEIyWZLjF87XrHDID9bEcS/jPBzBECB
WFNzduPevY/2erdlFWF+2SUa6ZZOYj3NMplQ8=
-----END SSH SIGNATURE-----
";

    #[test]
    fn it_names_key_and_purpose_as_openssh_does() {
        let sig = SshSig::parse(ED25519).unwrap();
        assert_eq!((sig.key_type.as_str(), sig.namespace.as_str()), ("ssh-ed25519", super::super::NAMESPACE));
        assert_eq!(sig.touched, None);
        assert_eq!(sig.fingerprint(), "SHA256:Epkl8ReF0LI5Fuf2HqLH5OVpGAiimUyQWdlAzJphDtg");
    }

    /// Made with a program of our own as PROTOCOL.u2f describes it, accepted by `ssh-keygen -Y verify`, both of them.
    #[test]
    fn a_security_key_says_whether_it_was_touched() {
        for (armoured, touched) in [
            (include_str!("../../../tests/data/signing/touched.sig"), true),
            (include_str!("../../../tests/data/signing/untouched.sig"), false),
        ] {
            let sig = SshSig::parse(armoured).unwrap();
            assert_eq!(sig.key_type, "sk-ssh-ed25519@openssh.com");
            assert_eq!(sig.touched, Some(touched));
            assert_eq!(sig.fingerprint(), "SHA256:tmw36G8sZwIt8lfiW5Ziz93PyLunIFlgx+gmtlC6rJ8");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let huge = "x".repeat(MOST + 1);
        let cut = ED25519.replace("c3NoLWVk", "");
        for bad in ["", "hello", &huge, &cut, &ED25519.replace("U1NI", "U1NJ"), &ED25519.replace('=', "")] {
            assert!(SshSig::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stumble(blob in prop::collection::vec(any::<u8>(), 0..200)) {
            let armoured = format!("{BEGIN}\n{}\n{END}", STANDARD.encode([b"SSHSIG\0\0\0\x01".as_slice(), &blob].concat()));
            let _any = SshSig::parse(&armoured);
        }
    }
}
