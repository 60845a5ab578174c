//! Who runs this process, as the kernel says.

use nix::unistd::{Uid, User, getuid};

use crate::domain::actor::{Actor, Person, Via};

/// Value of `/proc/self/loginuid` when nobody logged in (a service, a container).
const NO_LOGIN: u32 = u32::MAX;

/// The actor: real user id → password database. `$USER` and `$LOGNAME` are never asked.
pub fn actor(via: Via) -> Actor {
    #[cfg(feature = "test-hooks")]
    if let Some(person) = test_person() {
        return Actor { person, via, tty: None, client: None };
    }
    let uid = getuid();
    let name = name_of(uid.as_raw());
    let login = login_uid().map(name_of).filter(|login| *login != name);
    Actor { person: Person { name, uid: uid.as_raw(), login }, via, tty: tty(), client: client() }
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
fn login_uid() -> Option<u32> {
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
