//! Members of Unix groups.

use std::collections::BTreeSet;
use std::ffi::CString;

use nix::unistd::{Gid, Group, User, getgrouplist, getuid};

use crate::domain::policy::Policy;
use crate::domain::vacancy;

/// Everyone this machine knows to be in `group`: its member list, the accounts of the local password file whose
/// primary group it is, and the current user if the group list of the system says so (which also covers
/// directories that cannot be listed).
pub fn members(group: &str) -> BTreeSet<String> {
    let Some(group) = Group::from_name(group).ok().flatten() else { return BTreeSet::new() };
    let mut names: BTreeSet<String> = group.mem.into_iter().collect();
    if let Ok(accounts) = std::fs::read_to_string("/etc/passwd") {
        let primary = accounts.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(2)?.parse() == Ok(group.gid.as_raw())).then(|| name.to_owned())
        });
        names.extend(primary);
    }
    if let Some(me) = User::from_uid(getuid()).ok().flatten()
        && groups_of(&me).contains(&group.gid)
    {
        names.insert(me.name);
    }
    names
}

fn groups_of(user: &User) -> Vec<Gid> {
    CString::new(user.name.as_str())
        .ok()
        .and_then(|name| getgrouplist(&name, user.gid).ok())
        .unwrap_or_default()
}

/// The user id of an account, where this machine knows it.
pub fn uid_of(name: &str) -> Option<u32> {
    User::from_name(name).ok().flatten().map(|user| user.uid.as_raw())
}

/// What the people of this machine could never do under these rules.
pub fn vacancies(policy: &Policy) -> Vec<String> {
    vacancy::vacancies(policy, &policy.roster(members))
}
