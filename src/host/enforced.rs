//! Enforced mode: relman runs as a service user of its own, which people reach through sudo, and nobody else can write the
//! store.
//!
//! Whether it is on is decided by the configuration of the system (`[relman] service-user`, root's file) and by the real
//! user id, which nobody chooses. Who acts is then `SUDO_UID`, and a variable is only worth what put it there: sudo sets it
//! whatever the person wants, and a person who runs the program directly has another real user id. Left are processes of
//! the service user itself, such as a deploy script: their parent is not sudo, so they are the service user and nobody else.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::unistd::{Gid, Uid, User, getegid, geteuid, getgid, getppid, getuid};

use super::{environment, identity};

/// The one configuration of enforced mode.
const SYSTEM: &str = "/etc/relman/relman.toml";

/// The service user this process runs as in enforced mode.
static SERVICE: OnceLock<Service> = OnceLock::new();

/// The account that owns the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub home: PathBuf,
}

/// Where the configuration of the system is.
pub fn system_config() -> PathBuf {
    #[cfg(feature = "test-hooks")]
    if let Some(path) = environment::test_hook("RELMAN_TEST_SYSTEM_CONFIG") {
        return PathBuf::from(path);
    }
    PathBuf::from(SYSTEM)
}

/// Whether this process runs as the account of that name. Never as root: that would be no boundary.
pub fn is_run_as(name: &str) -> bool {
    let own = getuid();
    !own.is_root() && User::from_name(name).ok().flatten().is_some_and(|user| user.uid == own)
}

/// From now on this process is the service user's.
pub fn switch_on(name: &str) {
    let user = User::from_uid(getuid()).ok().flatten();
    let home = user.map_or_else(|| PathBuf::from("/"), |user| user.dir);
    // Asked once, at the start; a second time says the same.
    let _known = SERVICE.set(Service { name: name.to_owned(), home });
}

/// The service user, where enforced mode is on.
pub fn service() -> Option<&'static Service> {
    SERVICE.get()
}

/// Whether sudo started this process, or something says that it did: sudo always leaves its variables.
fn is_through_sudo() -> bool {
    let says_so = ["SUDO_UID", "SUDO_COMMAND"].iter().any(|name| environment::raw(name).is_some());
    says_so || parent_status().is_ok_and(|status| started_sudo(&status).is_some())
}

/// The account that sudo made this process run as, unless it is root, and whether nobody logs in as it: such an account is
/// a service user's.
pub fn through_sudo() -> Option<(String, bool)> {
    let user = User::from_uid(getuid()).ok().flatten().filter(|user| !user.uid.is_root())?;
    let has_no_shell = ["nologin", "false"].iter().any(|end| user.shell.ends_with(end));
    is_through_sudo().then_some((user.name, has_no_shell))
}

/// Who called sudo, as far as that can be believed.
pub(super) fn caller() -> Option<u32> {
    service()?;
    let uid: u32 = environment::variable("SUDO_UID")?.parse().ok()?;
    let believed = match parent(uid) {
        Parent::Sudo => true,
        Parent::Other => false,
        // Hidden (hidepid): then only what the kernel remembers of the login can vouch for it.
        Parent::Hidden => identity::login_uid() == Some(uid),
    };
    believed.then_some(uid)
}

enum Parent {
    Sudo,
    Other,
    Hidden,
}

/// Whether the parent is sudo, called by that user: a process of that name with root's rights, whose real user id is still
/// the caller's. Somebody's own program can have the name but not the rights; any other program that borrows root's rights
/// has the real user id of who started it, so nobody passes for anybody else.
fn parent(caller: u32) -> Parent {
    match parent_status() {
        // Some versions become root altogether.
        Ok(status) if started_sudo(&status).is_some_and(|real| real == caller || real == 0) => Parent::Sudo,
        // Whose parent has ended has init for one, and could have seen to that.
        Err(why) if is_hidden(&why) && getppid().as_raw() != 1 => Parent::Hidden,
        _ => Parent::Other,
    }
}

/// Processes of others are kept out of sight (`hidepid`), or only their content is.
fn is_hidden(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
}

fn parent_status() -> io::Result<String> {
    std::fs::read_to_string(format!("/proc/{}/status", getppid()))
}

/// The real user id of a process that is sudo.
fn started_sudo(status: &str) -> Option<u32> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let uids: Vec<u32> = field("Uid:")?.split_whitespace().filter_map(|uid| uid.parse().ok()).collect();
    // Real, effective, saved, file system.
    let [real, 0, 0, 0] = uids.as_slice() else { return None };
    (field("Name:") == Some("sudo")).then_some(*real)
}

/// relman's own commands take orders from relman alone. Through sudo they would run what a person orders under the service
/// user's name; sudo always says that it was there, and relman takes that away for its own children.
pub fn refuse_from_sudo() -> Result<(), String> {
    if is_through_sudo() {
        return Err("this is a command of relman itself; it is not run through sudo".to_owned());
    }
    Ok(())
}

/// Refuses rights that were borrowed: a setuid or setgid program, or one with capabilities of its own. relman needs none,
/// and what it starts would have them too.
pub fn refuse_borrowed_rights() -> Result<(), String> {
    let (uid, euid, gid, egid) = (getuid(), geteuid(), getgid(), getegid());
    if uid != euid || gid != egid {
        return Err(borrowed(uid, euid, gid, egid));
    }
    if is_secure_execution() {
        return Err(
            "this program was given capabilities of its own; relman runs with none: setcap -r its file"
                .to_owned(),
        );
    }
    Ok(())
}

fn borrowed(uid: Uid, euid: Uid, gid: Gid, egid: Gid) -> String {
    let bit = if uid == euid { "g-s" } else { "u-s" };
    format!(
        "relman is not run with borrowed rights (real user {uid}, group {gid}; effective user {euid}, group {egid}): \
         take the bit away: chmod {bit} the program"
    )
}

/// What the kernel tells every program that it starts with more rights than its caller has (`AT_SECURE`).
fn is_secure_execution() -> bool {
    const AT_SECURE: usize = 23;
    const WORD: usize = size_of::<usize>();
    let Ok(bytes) = std::fs::read("/proc/self/auxv") else { return false };
    let words: Vec<usize> = bytes
        .chunks_exact(WORD)
        .filter_map(|chunk| Some(usize::from_ne_bytes(chunk.try_into().ok()?)))
        .collect();
    words.chunks_exact(2).any(|pair| pair[0] == AT_SECURE && pair[1] != 0)
}

/// Why a file says nothing about what root wants: somebody else could have written it, or put another one in its place.
/// A directory in which everybody may only add (sticky) is no way to replace what root has put there.
pub fn not_roots(path: &Path) -> Option<String> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for (depth, part) in absolute.ancestors().enumerate() {
        let shown = part.display();
        let Ok(meta) = part.symlink_metadata() else { return Some(format!("{shown} cannot be looked at")) };
        if meta.file_type().is_symlink() {
            return Some(format!("{shown} is a symbolic link: name the real path"));
        }
        if meta.uid() != 0 {
            let owner = identity::name_of(meta.uid());
            return Some(format!("{shown} belongs to {owner}, not to root: chown root {shown}"));
        }
        let is_sticky = depth > 0 && meta.mode() & 0o1000 != 0;
        if meta.mode() & 0o022 != 0 && !is_sticky {
            return Some(format!("others may write {shown}: chmod go-w {shown}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_that_name_with_roots_rights_is_sudo_and_tells_who_started_it() {
        let status =
            |name: &str, uids: &str| format!("Name:\t{name}\nUmask:\t0022\nUid:\t{uids}\nGid:\t0\t0\t0\t0\n");
        for (uids, real) in [("1001\t0\t0\t0", 1001), ("0\t0\t0\t0", 0)] {
            assert_eq!(started_sudo(&status("sudo", uids)), Some(real));
        }
        for (name, uids) in [
            ("sudo", "1001\t1001\t1001\t1001"),
            ("sudo", "0\t1001\t0\t0"),
            ("sudo", "1001\t0\t1001\t0"),
            ("sudo", ""),
            ("sh", "0\t0\t0\t0"),
            ("sudo-not", "1001\t0\t0\t0"),
        ] {
            assert_eq!(started_sudo(&status(name, uids)), None, "{name} {uids}");
        }
        assert_eq!(started_sudo(""), None);
    }

    #[test]
    fn borrowed_rights_name_the_bit_to_take_away() {
        let (me, other) = (Uid::from_raw(1001), Uid::from_raw(0));
        let (mine, theirs) = (Gid::from_raw(1001), Gid::from_raw(4));
        assert!(borrowed(me, other, mine, mine).contains("chmod u-s"));
        assert!(borrowed(me, me, mine, theirs).contains("chmod g-s"));
        assert_eq!(refuse_borrowed_rights(), Ok(()));
    }

    #[test]
    fn what_somebody_else_could_replace_is_not_roots() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
        assert!(not_roots(&link).unwrap().contains("symbolic link"));
        assert!(not_roots(&dir.path().join("nothing")).unwrap().contains("cannot be looked at"));
        assert_eq!(not_roots(Path::new("/etc")), None);
    }
}
