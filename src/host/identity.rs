//! Who runs this process, as the kernel says.

use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use nix::unistd::{Uid, User, getuid};
use sha2::{Digest as _, Sha256};

use crate::domain::actor::{Actor, Person, Via};

/// Value of `/proc/self/loginuid` when nobody logged in (a service, a container).
const NO_LOGIN: u32 = u32::MAX;

/// The actor: real user id → password database, or who called sudo in enforced mode. `$USER` and `$LOGNAME` are never asked.
pub fn actor(via: Via) -> Actor {
    #[cfg(feature = "test-hooks")]
    if let Some(person) = test_person() {
        return Actor { person, via, tty: None, client: None, key: key() };
    }
    // A supervisor was started by relman, not by a person.
    let caller = if via == Via::Supervisor { None } else { super::enforced::caller() };
    let uid = caller.unwrap_or_else(|| getuid().as_raw());
    let name = name_of(uid);
    let login = login_uid().map(name_of).filter(|login| *login != name);
    // What the service user runs by itself, a script for example, has inherited the login of whoever started it; that must
    // not let it act as them.
    let is_service = super::enforced::service().is_some() && caller.is_none();
    let login = login.filter(|_| !is_service);
    Actor { person: Person { name, uid, login }, via, tty: tty(), client: client(), key: key() }
}

/// `name:uid`, only in test builds.
#[cfg(feature = "test-hooks")]
fn test_person() -> Option<Person> {
    let text = super::environment::test_hook("RELMAN_TEST_ACTOR")?;
    let (name, uid) = text.split_once(':').unwrap_or((&text, "4242"));
    Some(Person { name: name.to_owned(), uid: uid.parse().expect("a uid"), login: None })
}

/// The account's name, or `uid:1234` when there is none.
pub fn name_of(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| format!("uid:{uid}"), |user| crate::domain::text::one_line(&user.name))
}

/// The user who logged in: set once by PAM, kept through `su` and `sudo`.
pub(super) fn login_uid() -> Option<u32> {
    let text = std::fs::read_to_string("/proc/self/loginuid").ok()?;
    text.trim().parse().ok().filter(|uid| *uid != NO_LOGIN)
}

fn tty() -> Option<String> {
    let path = nix::unistd::ttyname(std::io::stdin()).ok()?;
    Some(crate::domain::text::one_line(&path.to_string_lossy()))
}

/// Address of the SSH client. The environment can be forged, so it is recorded and never decided upon.
fn client() -> Option<String> {
    let connection = super::environment::variable("SSH_CONNECTION")?;
    let address = connection.split(' ').next()?;
    address.parse::<std::net::IpAddr>().ok().map(|address| address.to_string())
}

/// Whether the kernel remembers who logged in, whoever they have become since.
pub fn knows_login() -> bool {
    login_uid().is_some()
}

/// No list of keys is longer; what is longer is something else.
const KEYS: u64 = 64 << 10;

/// Fingerprint of the key that sshd says it let in (`ExposeAuthInfo`): tells people apart who share one account. The
/// variable can be forged like every other, so it opens nothing; that two have the same key only bars (four-eyes).
fn key() -> Option<String> {
    let path = super::environment::variable("SSH_USER_AUTH")?;
    let mut options = std::fs::OpenOptions::new();
    let file =
        options.read(true).custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK).open(path).ok()?;
    let meta = file.metadata().ok()?;
    // sshd writes it for this account; what somebody else lays there says nothing.
    if !meta.is_file() || !(meta.uid() == getuid().as_raw() || meta.uid() == 0) || meta.mode() & 0o022 != 0 {
        return None;
    }
    let mut text = String::new();
    file.take(KEYS).read_to_string(&mut text).ok()?;
    text.lines().find_map(fingerprint)
}

/// `publickey ssh-ed25519 AAAA…` → `ssh-ed25519 SHA256:…`, as `ssh-keygen -l` writes it.
fn fingerprint(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (method, kind, blob) = (words.next()?, words.next()?, words.next()?);
    let is_kind = kind.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '@'));
    if method != "publickey" || !is_kind {
        return None;
    }
    let blob = STANDARD.decode(blob).ok()?;
    Some(format!("{kind} SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&blob))))
}

/// This machine's name.
pub fn host() -> String {
    nix::unistd::gethostname()
        .map_or_else(|_| "unknown".to_owned(), |name| crate::domain::text::one_line(&name.to_string_lossy()))
}

/// Identifies the current boot of this machine.
pub fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| "unknown".to_owned(), |id| id.trim().to_owned())
}

/// A fresh random identity from the kernel.
pub fn fresh_id() -> std::io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with ssh-keygen; the fingerprint is what `ssh-keygen -l` says.
    const LINE: &str =
        "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFHLfDainLWd08TzDhFPFmHw3doWQ5lwMLv9041iVTzC";

    #[test]
    fn a_key_has_the_fingerprint_that_ssh_keygen_shows() {
        assert_eq!(
            fingerprint(LINE).as_deref(),
            Some("ssh-ed25519 SHA256:oVl/yZhfjZ01LFMBWkvZtO8FjPSGEO2ctrTfUb/hugU")
        );
        for line in [
            "password",
            "publickey",
            "publickey ssh-ed25519",
            "publickey ssh-ed25519 ???",
            "hostbased ssh-rsa AAAA",
        ] {
            assert_eq!(fingerprint(line), None, "{line}");
        }
        assert_eq!(fingerprint("publickey \u{1b}[31m AAAA"), None);
    }
}
