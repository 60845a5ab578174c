//! Who holds the store's write lock, for the sentence a waiting person reads.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A process that holds the lock: `pid 4711 (relman, alice)`, with a word when it is stopped.
pub fn holder(store: &Path) -> Option<String> {
    let mut name = store.file_name()?.to_os_string();
    name.push("-shm");
    let inode = store.with_file_name(name).metadata().ok()?.ino();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // SQLite's write lock in WAL mode is byte 120 of the shared-memory file.
    let line = locks.lines().find(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() >= 8
            && fields[3] == "WRITE"
            && fields[6] == "120"
            && fields[5].rsplit(':').next() == Some(inode.to_string().as_str())
    })?;
    let pid: i32 = line.split_whitespace().nth(4)?.parse().ok()?;
    if pid == i32::try_from(std::process::id()).ok()? {
        return None;
    }
    Some(describe(pid))
}

fn describe(pid: i32) -> String {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else {
        return format!("pid {pid}");
    };
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1).map(crate::domain::text::one_line)
    };
    let program = field("Name:").unwrap_or_else(|| "?".to_owned());
    let user =
        field("Uid:").and_then(|uid| uid.parse().ok()).map_or_else(String::new, super::identity::name_of);
    let stopped = if field("State:").as_deref() == Some("T") { ", stopped" } else { "" };
    format!("pid {pid} ({program}, {user}{stopped})")
}
