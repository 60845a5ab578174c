//! Does verification pass over an honest journal, and name the first entry of one that was tampered with?

use std::path::{Path, PathBuf};
use std::time::Duration;

use relman::domain::deployment::DeploymentState;
use relman::domain::digest::hex;
use relman::domain::journal::hash;
use relman::domain::release::Stage;
use relman::domain::time::Timestamp;
use relman::ops::audit::{Verified, verify};
use relman::ops::deployment::cancel::cancel;
use relman::ops::release::back::back;
use relman::ops::{ErrorKind, Store};

use crate::support::world::{World, release_id};

/// A directory with a store whose journal has some entries; nobody has it open.
struct Kept {
    dir: tempfile::TempDir,
    head: Verified,
}

impl Kept {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = World::on_file(&dir.path().join("state/relman.db"));
        for id in ["api@1.0.0", "api@1.1.0", "web@1.0.0"] {
            world.release(id);
            world.advance(id, 2);
        }
        world.deploy("api@1.0.0", "dev");
        let head = world.as_("erin", verify).unwrap();
        assert_eq!((head.entries, head.bad.clone()), (13, None));
        Self { dir, head }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("state/relman.db")
    }

    /// Does what somebody who can write the file could do, and leaves the schema as it was.
    fn tampered(self, act: impl FnOnce(&rusqlite::Connection)) -> Self {
        let raw = rusqlite::Connection::open(self.path()).unwrap();
        let triggers: Vec<(String, String)> = raw
            .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(triggers.len(), 2);
        for (name, _) in &triggers {
            raw.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
        }
        act(&raw);
        for (_, sql) in &triggers {
            raw.execute_batch(sql).unwrap();
        }
        drop(raw);
        self
    }

    fn changed(self, sql: &str) -> Self {
        self.tampered(|raw| {
            let rows = raw.execute(sql, []).unwrap();
            assert!(rows > 0, "{sql} changed nothing");
        })
    }

    fn verified(&self) -> Verified {
        let world = World { store: Store::open(&self.path()).unwrap(), ..World::new() };
        world.as_("erin", verify).unwrap()
    }

    /// Insists that verification stops at entry `seq`, and returns why.
    #[track_caller]
    fn bad(&self, seq: i64) -> String {
        let verified = self.verified();
        let (at, why) = verified.bad.unwrap();
        assert_eq!((at, verified.entries), (seq, seq - 1), "{why}");
        why
    }
}

#[test]
fn a_journal_of_many_acts_is_in_order() {
    let mut world = World::new();
    for id in ["api@1.0.0", "api@1.1.0"] {
        world.ready(id);
        world.deploy(id, "production");
    }
    let gone_back = world.roll_back_to("api", "production", "1.0.0");
    world.as_("dave", |cx| cancel(cx, gone_back.id, None)).unwrap();
    world.claim(&gone_back);
    world.end(&world.running("api@1.0.0", "dev"), DeploymentState::Failed);
    world.lost("api@1.0.0", "dev");
    world.freeze("Incident", "*", world.now, world.now.plus(Duration::from_hours(1)));
    assert_eq!(world.start("alice", "api@1.0.0", "staging").unwrap_err().kind, ErrorKind::Blocked);
    world.release("web@1.0.0");
    world.advance("web@1.0.0", 3);
    world.as_("alice", |cx| back(cx, &release_id("web@1.0.0"), Some(Stage::Request), "again")).unwrap();
    let verified = world.as_("bob", verify).unwrap();
    assert_eq!((verified.entries, verified.bad), (world.entries(), None));
    let head = world.store.read(relman::store::journal::head).unwrap();
    assert_eq!((verified.entries, verified.head), (head.0, hex(&head.1)));
}

#[test]
fn a_journal_longer_than_a_page_is_in_order() {
    let world = World::new();
    world.release("api@1.0.0");
    for at in 0..1100 {
        let title = Some(format!("take {at}"));
        world.edit("api@1.0.0", &relman::ops::release::edit::Edit { title, ..Default::default() });
    }
    let verified = world.as_("bob", verify).unwrap();
    assert_eq!((verified.entries, verified.bad), (1102, None));
}

#[test]
fn a_journal_that_was_only_closed_and_opened_is_in_order() {
    let kept = Kept::new();
    assert_eq!(kept.verified(), kept.head);
}

#[test]
fn putting_the_triggers_back_leaves_no_other_trace() {
    let kept = Kept::new().tampered(|_| {});
    assert_eq!(kept.verified(), kept.head);
}

#[test]
fn a_changed_body_is_named() {
    let kept =
        Kept::new().changed("UPDATE journal SET body = replace(body, 'alice', 'mallory') WHERE seq = 4");
    assert_eq!(kept.bad(4), "entry 4 was changed after it was written: its hash does not match its content");
}

#[test]
fn the_first_of_several_changed_entries_is_named() {
    let kept =
        Kept::new().changed("UPDATE journal SET body = replace(body, 'alice', 'mallory') WHERE seq > 5");
    kept.bad(6);
}

#[test]
fn a_changed_actor_verb_or_time_is_named() {
    for column in ["actor = 'uid:0'", "verb = 'release.edited'", "at_ms = at_ms - 1"] {
        let kept = Kept::new().changed(&format!("UPDATE journal SET {column} WHERE seq = 3"));
        kept.bad(3);
    }
}

#[test]
fn a_changed_subject_or_result_beside_the_body_is_named() {
    for column in ["subject = 'web@1.0.0'", "result = 'refused'"] {
        let kept = Kept::new().changed(&format!("UPDATE journal SET {column} WHERE seq = 3"));
        assert!(kept.bad(3).contains("in its columns"));
    }
}

#[test]
fn a_removed_entry_is_named_by_the_one_that_follows() {
    let kept = Kept::new().changed("DELETE FROM journal WHERE seq = 7");
    let verified = kept.verified();
    let why = "entry 8 follows entry 6: entries between them are missing".to_owned();
    assert_eq!((verified.entries, verified.bad), (6, Some((8, why))));
}

#[test]
fn a_removed_first_entry_is_named_by_the_one_that_follows() {
    let kept = Kept::new().changed("DELETE FROM journal WHERE seq = 1");
    assert_eq!(kept.verified().bad.unwrap().0, 2);
}

#[test]
fn removing_an_entry_and_closing_the_gap_is_named() {
    let kept = Kept::new().tampered(|raw| {
        raw.execute("DELETE FROM journal WHERE seq = 7", []).unwrap();
        raw.execute("UPDATE journal SET seq = seq - 1 WHERE seq > 7", []).unwrap();
    });
    kept.bad(7);
}

#[test]
fn two_entries_that_changed_places_are_named() {
    let kept = Kept::new().tampered(|raw| {
        for sql in ["seq = -1 WHERE seq = 5", "seq = 5 WHERE seq = 6", "seq = 6 WHERE seq = -1"] {
            raw.execute(&format!("UPDATE journal SET {sql}"), []).unwrap();
        }
    });
    kept.bad(5);
}

/// Writes a body with the right hash for it into entry `seq`.
fn rewrite(raw: &rusqlite::Connection, seq: i64, change: impl Fn(&str) -> String) {
    let row = raw.query_row(
        "SELECT at_ms, actor, verb, body, previous FROM journal WHERE seq = ?1",
        [seq],
        |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, String>(4)?,
            ))
        },
    );
    let (at, actor, verb, body, previous) = row.unwrap();
    let mut before = [0; 32];
    for (at, byte) in before.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&previous[at * 2..at * 2 + 2], 16).unwrap();
    }
    let body = change(&body);
    let own = hash(before, seq, Timestamp::from_millis(at), &actor, &verb, &body);
    raw.execute("UPDATE journal SET body = ?2, hash = ?3 WHERE seq = ?1", (seq, body, hex(&own))).unwrap();
}

#[test]
fn an_entry_replaced_with_its_hash_is_named_by_the_one_that_follows() {
    let kept = Kept::new().tampered(|raw| rewrite(raw, 5, |body| body.replace("alice", "mallory")));
    assert_eq!(kept.bad(6), "entry 6 does not continue the entry before it: one of the two was replaced");
}

#[test]
fn a_body_that_nobody_can_read_is_named() {
    let kept = Kept::new().tampered(|raw| rewrite(raw, 5, |_| "{".to_owned()));
    assert_eq!(kept.bad(5), "entry 5 has a body nobody can read");
}

#[test]
fn a_hash_that_is_none_is_named() {
    for column in ["hash", "previous"] {
        let kept =
            Kept::new().changed(&format!("UPDATE journal SET {column} = printf('%064s', 'z') WHERE seq = 5"));
        kept.bad(5);
    }
}

#[test]
fn an_entry_put_before_the_first_one_is_named() {
    let kept = Kept::new();
    let raw = rusqlite::Connection::open(kept.path()).unwrap();
    let sql = "INSERT INTO journal (seq, at_ms, actor, verb, subject, result, body, previous, hash)
               SELECT 0, at_ms, actor, verb, subject, result, body, previous, hash FROM journal WHERE seq = 4";
    assert_eq!(raw.execute(sql, []).unwrap(), 1);
    drop(raw);
    assert_eq!(kept.verified().bad.map(|(seq, _)| seq), Some(0));
}

#[test]
fn an_entry_added_by_hand_is_named() {
    let kept = Kept::new();
    let raw = rusqlite::Connection::open(kept.path()).unwrap();
    let sql = "INSERT INTO journal (seq, at_ms, actor, verb, subject, result, body, previous, hash)
               SELECT 14, at_ms, actor, verb, subject, result, body, previous, hash FROM journal WHERE seq = 4";
    assert_eq!(raw.execute(sql, []).unwrap(), 1);
    drop(raw);
    kept.bad(14);
}

#[test]
fn an_entry_replaced_behind_the_triggers_is_named() {
    let kept = Kept::new();
    let raw = rusqlite::Connection::open(kept.path()).unwrap();
    let sql = "REPLACE INTO journal (seq, at_ms, actor, verb, subject, result, body, previous, hash)
               SELECT seq, at_ms, actor, verb, subject, result, replace(body, 'alice', 'mallory'), previous, hash
               FROM journal WHERE seq = 4";
    assert_eq!(raw.execute(sql, []).unwrap(), 1);
    drop(raw);
    kept.bad(4);
}

#[test]
fn a_journal_that_was_cut_has_another_head() {
    let kept = Kept::new().changed("DELETE FROM journal WHERE seq > 9");
    let verified = kept.verified();
    assert_eq!((verified.entries, verified.bad), (9, None));
    assert_ne!(verified.head, kept.head.head);
}

#[test]
fn without_its_triggers_the_store_is_not_even_opened() {
    let kept = Kept::new();
    let raw = rusqlite::Connection::open(kept.path()).unwrap();
    raw.execute_batch("DROP TRIGGER journal_is_append_only_on_update").unwrap();
    drop(raw);
    let path: &Path = &kept.path();
    let error = Store::open(path).err().unwrap();
    assert_eq!(error.kind, relman::store::Kind::Foreign);
}

#[test]
fn an_emptied_journal_is_no_unbroken_one() {
    let kept = Kept::new().changed("DELETE FROM journal");
    let found = kept.verified();
    assert_eq!((found.entries, found.bad.as_ref().map(|(seq, _)| *seq)), (0, Some(1)), "{found:?}");
}
