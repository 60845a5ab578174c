//! Does verification pass over an honest journal, and name the first entry of one that was tampered with?

use std::path::{Path, PathBuf};
use std::time::Duration;

use relman::domain::deployment::DeploymentState;
use relman::domain::digest::hex;
use relman::domain::journal::hash;
use relman::domain::override_review::Finding;
use relman::domain::release::Stage;
use relman::domain::time::Timestamp;
use relman::ops::audit::history::{self, Remembered};
use relman::ops::audit::{self, FindingKind, Verified, archive, verify};
use relman::ops::deployment::cancel::cancel;
use relman::ops::release::back::back;
use relman::ops::release::create::{NewRelease, create};
use relman::ops::{ErrorKind, Store};

use crate::support::world::{POLICY, World, env_name, release_id};

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

/// What somebody does in the store behind relman's back, and what verification says about it.
#[track_caller]
fn found(kept: &Kept) -> Vec<String> {
    let verified = kept.verified();
    assert_eq!(verified.bad, None, "the chain itself was left alone");
    assert!(!verified.is_good());
    verified.findings.list.into_iter().map(|found| found.sentence).collect()
}

/// A store in which everything that has rows has one.
fn full() -> Kept {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::on_file(&dir.path().join("state/relman.db"));
    world.ready("api@1.0.0");
    world.freeze("Incident", "production", world.now, world.now.plus(Duration::from_hours(1)));
    let scope = relman::domain::freeze::Scope::everything();
    let kind = relman::domain::lock::LockKind::Warning;
    let lock = relman::ops::lock::NewLock { kind, scope, reason: "disk".to_owned(), expires: None };
    world.as_("erin", |cx| relman::ops::lock::set(cx, &lock)).unwrap();
    world.as_("bob", |cx| relman::ops::deployment::note::add(cx, "#1".parse().unwrap(), "slow")).unwrap();
    let head = world.as_("erin", verify).unwrap();
    assert!(head.is_good(), "{:#?}", head.findings);
    Kept { dir, head }
}

fn entry_of(kept: &Kept, subject: &str, verb: &str) -> i64 {
    let store = Store::open(&kept.path()).unwrap();
    let all = store.read(|tx| relman::store::journal::list(tx, None, Some(subject), 100)).unwrap();
    all.iter().find(|entry| entry.verb == verb).unwrap().seq
}

#[test]
fn a_row_changed_by_hand_is_named_with_the_entry_that_recorded_it() {
    let granted = entry_of(&full(), "api@1.0.0", "approval.granted");
    let ended = entry_of(&full(), "#1", "deployment.finished");
    for (sql, says) in [
        (
            "UPDATE approvals SET by_name = 'mallory' WHERE id = 2".to_owned(),
            format!("approval 2 differs from what entry {granted} recorded, in: by"),
        ),
        (
            "UPDATE deployments SET state = 'failed' WHERE id = 1".to_owned(),
            format!("deployment #1 differs from what entry {ended} recorded, in: state"),
        ),
        (
            "UPDATE deployments SET report = replace(report, 'pass', 'skipped') WHERE id = 1".to_owned(),
            String::new(),
        ),
        (
            "UPDATE releases SET state = 'closed'".to_owned(),
            "release 1 is not as relman writes it: column releases.state holds what this program cannot read \
             (closed stands where the record says open)"
                .to_owned(),
        ),
    ] {
        let kept = full().changed(&sql);
        let all = found(&kept);
        assert_eq!(all.len(), 1, "{all:#?}");
        if says.is_empty() {
            assert!(all[0].starts_with("deployment #1 "), "{all:#?}");
        } else {
            assert_eq!(all[0], says);
        }
    }
}

#[test]
fn every_kind_of_row_changed_by_hand_is_named() {
    for (sql, record) in [
        ("UPDATE freezes SET ends_at = '2027-09-01T10:00:01.000Z'", "freeze F1"),
        ("UPDATE freezes SET removed_at = starts_at, removed_by = 'x'", "freeze F1"),
        ("UPDATE locks SET reason = 'nothing'", "lock L1"),
        ("UPDATE locks SET ended_at = since, ended_by = 'x'", "lock L1"),
        ("UPDATE deployment_notes SET by_name = 'mallory'", "note on #1"),
        (
            "UPDATE deployment_steps SET cause = NULL, state = 'skipped' WHERE deployment_id = 1",
            "deployment #1",
        ),
        ("DELETE FROM deployment_steps WHERE deployment_id = 1", "deployment #1"),
        (
            "UPDATE releases SET record = replace(record, '\"open\"', '\"closed\"'), state = 'closed'",
            "release api@1.0.0",
        ),
        ("UPDATE approvals SET ended_at = at, ended_why = 'so' WHERE id = 1", "approval 1"),
    ] {
        let all = found(&full().changed(sql));
        assert!(
            all.len() == 1 && all[0].starts_with(record) && all[0].contains("differs from"),
            "{sql}: {all:#?}"
        );
    }
}

#[test]
fn a_row_that_no_entry_made_is_named() {
    let kept = full().changed(
        "INSERT INTO approvals (id, service, version, subject, verdict, by_name, by_uid, at, digest, content)
         SELECT 7, service, version, 'staging', verdict, 'mallory', 666, at, digest, content FROM approvals WHERE id = 1",
    );
    assert_eq!(found(&kept), ["approval 7 is in the store, but no journal entry made it"]);
}

#[test]
fn a_row_that_was_removed_is_named() {
    for (sql, record) in [
        ("DELETE FROM approvals WHERE id = 1", "approval 1"),
        ("DELETE FROM freezes", "freeze F1"),
        ("DELETE FROM locks", "lock L1"),
        ("DELETE FROM deployment_notes", "note on #1"),
    ] {
        let all = found(&full().changed(sql));
        assert_eq!(all.len(), 1, "{all:#?}");
        assert!(all[0].starts_with(record) && all[0].ends_with("is not in the store any more"), "{all:#?}");
    }
}

#[test]
fn since_an_entry_only_what_came_after_it_is_looked_at() {
    let kept = full().changed("UPDATE approvals SET by_name = 'mallory' WHERE id = 1");
    let world = World { store: Store::open(&kept.path()).unwrap(), ..World::new() };
    let from = |since| {
        let wanted = audit::Wanted { since: Some(since), remembered: None };
        world.as_("erin", |cx| audit::verify_with(cx, &wanted))
    };
    let first = entry_of(&kept, "api@1.0.0", "release.created");
    assert_eq!(from(first).unwrap().findings.list.len(), 1);
    let last = from(kept.head.entries).unwrap();
    assert!(last.is_good() && last.rows <= 1, "{last:#?}");
    assert_eq!(last.head, kept.head.head);
    assert_eq!(from(kept.head.entries + 1).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn a_chain_broken_twice_is_named_twice() {
    let kept = Kept::new()
        .changed("UPDATE journal SET body = replace(body, 'alice', 'mallory') WHERE seq IN (4, 9)");
    let verified = kept.verified();
    let chain: Vec<i64> = verified
        .findings
        .list
        .iter()
        .filter(|found| found.kind == audit::FindingKind::Chain)
        .filter_map(|found| found.seq)
        .collect();
    assert_eq!((chain, verified.entries), (vec![4, 9], 3));
}

#[test]
fn a_log_that_was_changed_or_cut_is_a_finding_and_one_that_is_gone_is_not() {
    let world = World::new();
    world.release("api@1.0.0");
    world.advance("api@1.0.0", 5);
    let d = world.running("api@1.0.0", "dev");
    let log = b"one\ntwo\n".to_vec();
    let outcome = relman::domain::deployment::Outcome {
        log_size: log.len() as u64,
        log_digest: relman::domain::digest::Digest::of(&log),
        ..crate::support::world::outcome(DeploymentState::Succeeded, world.now)
    };
    world
        .as_("erin", |cx| {
            relman::ops::deployment::finish::settle(
                cx,
                d.id,
                d.epoch,
                &relman::ops::deployment::finish::LIVE,
                &outcome,
                None,
            )
        })
        .unwrap();
    let told = || world.as_("erin", verify).unwrap();
    world.machine.log.replace(Some(log));
    assert!(told().is_good() && told().logs.same == 1);
    world.machine.log.replace(Some(b"one\nTWO\n".to_vec()));
    assert_eq!(
        told().findings.list[0].sentence,
        format!("the log of {} is not the one its outcome recorded: it was changed since", d.id)
    );
    world.machine.log.replace(Some(b"one\n".to_vec()));
    assert!(told().findings.list[0].sentence.ends_with("was cut: 4 of 8 bytes are left"));
    world.machine.log.replace(None);
    let gone = told();
    assert!(gone.is_good());
    assert_eq!(gone.remarks, ["1 log is gone; the hashes stay on record"]);
}

#[test]
fn a_history_that_shrank_or_was_computed_anew_is_noticed_by_who_remembers_it() {
    let world = World::new();
    world.release("api@1.0.0");
    let seen = world.as_("erin", history::newest).unwrap();
    let compare = |seen: &Remembered| world.store.read(|tx| history::compare(tx, seen)).unwrap();
    assert_eq!(compare(&seen), history::Comparison::Same);
    world.release("api@1.1.0");
    assert_eq!(compare(&seen), history::Comparison::Same, "it only grew");
    let further = Remembered { seq: 9, ..seen.clone() };
    assert_eq!(compare(&further), history::Comparison::Shrank { newest: 3 });
    assert_eq!(
        compare(&further).sentence(&further).unwrap(),
        "history shrank since you last looked: you have seen entry 9, and the newest one now is 3"
    );
    let other = Remembered { hash: "00".repeat(32), ..seen.clone() };
    assert!(compare(&other).sentence(&other).unwrap().starts_with("history changed since you last looked"));
    let elsewhere = Remembered { instance: "instance-2".to_owned(), ..seen };
    assert!(matches!(compare(&elsewhere), history::Comparison::Replaced { .. }));
    let wanted = audit::Wanted { since: None, remembered: Some(other.clone()) };
    let verified = world.as_("erin", |cx| audit::verify_with(cx, &wanted)).unwrap();
    assert_eq!(verified.findings.list[0].kind, audit::FindingKind::History);
    let accepted = world.as_("erin", |cx| history::accept(cx, Some(&other), "restored on Monday")).unwrap();
    assert_eq!(accepted.seq, 4);
    let (verb, body) = world.last_entry();
    assert_eq!((verb.as_str(), body.reason.as_deref()), ("history.accepted", Some("restored on Monday")));
    assert_eq!(body.detail.unwrap()["remembered"]["seq"], 2);
}

#[test]
fn the_report_names_overrides_gaps_own_approvals_and_refusals_from_the_record() {
    let world = World::with(&format!(
        "{POLICY}\n[environments.lab]\napprovals = [{{ from = \"managers\", count = 1 }}]\nself-approval = true\noverride = [\"managers\"]\n[services.tool]\npipeline = [\"lab\"]\nscripts = {{ deploy = [\"./deploy.sh\"] }}\n"
    ));
    // bob requests, approves and deploys by himself, against a freeze.
    world.as_("bob", |cx| create(cx, &release_id("tool@1.0.0"), &NewRelease::default())).unwrap();
    world.advance("tool@1.0.0", 5);
    world.approve("bob", "tool@1.0.0", "lab");
    world.freeze("Incident", "lab", world.now, world.now.plus(Duration::from_hours(1)));
    assert!(world.start("bob", "tool@1.0.0", "lab").is_err());
    let wanted = relman::ops::deployment::start::StartDeploy {
        overrides: [relman::domain::gate::GateId::Freeze].into(),
        reason: Some("the freeze is about something else".to_owned()),
        ..crate::support::world::wish("tool@1.0.0", "lab")
    };
    let started = world.as_("bob", |cx| relman::ops::deployment::start::start(cx, &wanted)).unwrap();
    let range = world.as_("erin", |cx| audit::range(cx, None, None)).unwrap();
    let report = world.as_("erin", |cx| audit::report::report(cx, range, None)).unwrap();
    assert!(!report.is_clean());
    let over = &report.overrides[0];
    assert_eq!(
        (over.gate.as_str(), over.by.as_str(), over.deployment),
        ("freeze", "bob", started.deployment.id)
    );
    assert_eq!(over.reason, "the freeze is about something else");
    let own: Vec<&str> = report.self_service.iter().map(|case| case.sentence.as_str()).collect();
    assert_eq!(
        own,
        [
            "bob registered tool@1.0.0 and approved it for lab",
            "bob alone requested, approved and deployed tool@1.0.0 to lab (#1)"
        ]
    );
    assert!(report.gaps.iter().any(|gap| gap.stage == Stage::Plan), "{:#?}", report.gaps);
    assert!(report.gaps.iter().any(|gap| gap.gate == "artifact"));
    assert_eq!(report.refused.len(), 1);
    // Another service has nothing to explain, and neither has the time before.
    let api =
        world.as_("erin", |cx| audit::report::report(cx, range, Some(&"api".parse().unwrap()))).unwrap();
    assert!(api.is_clean(), "{api:#?}");
    let before = audit::export::Range { since: 1, until: 1 };
    assert!(world.as_("erin", |cx| audit::report::report(cx, before, None)).unwrap().is_clean());
}

#[test]
fn a_clock_that_was_set_back_is_said_and_no_fault() {
    let mut world = World::new();
    world.pass(Duration::from_hours(24));
    world.release("api@1.0.0");
    world.now = world.now.minus(Duration::from_hours(24));
    world.release("api@1.1.0");
    let verified = world.as_("erin", verify).unwrap();
    assert!(verified.is_good());
    assert_eq!(verified.remarks, ["entry 3 is dated 1d before the one it follows: a clock was set back"]);
}

/// A store on a file, and its rows as somebody who can write the file changes them while it is in use.
fn by_hand(world: &World, path: &std::path::Path, sql: &str) {
    let raw = rusqlite::Connection::open(path).unwrap();
    let rows = raw.execute(sql, []).unwrap();
    assert!(rows > 0, "{sql} changed nothing");
    drop(raw);
    assert!(world.store.read(relman::ops::audit::instance).is_ok());
}

#[test]
fn a_decision_that_was_put_in_for_a_start_and_taken_out_again_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/relman.db");
    let mut world = World::on_file(&path);
    world.ready("api@1.0.0");
    world.withdraw("bob", "api@1.0.0", "production");
    assert!(world.start("erin", "api@1.0.0", "production").is_err());
    by_hand(&world, &path, "UPDATE approvals SET ended_at = NULL, ended_why = NULL WHERE by_name = 'bob'");
    let started = world.start("erin", "api@1.0.0", "production").unwrap().deployment;
    by_hand(
        &world,
        &path,
        "UPDATE approvals SET ended_at = at, ended_why = 'withdrawn' WHERE by_name = 'bob'",
    );
    let seq = world.store.read(relman::store::journal::head).unwrap().0;
    let verified = world.as_("erin", verify).unwrap();
    let decided: Vec<_> =
        verified.findings.list.iter().filter(|found| found.kind == FindingKind::Decision).collect();
    assert_eq!(decided.len(), 1, "{:#?}", verified.findings);
    assert_eq!(
        decided[0].sentence,
        format!(
            "{} began (entry {seq}) with an approval of api@1.0.0 for production by bob that no entry before it tells of",
            started.id
        )
    );
}

#[test]
fn a_second_person_who_was_only_written_into_the_store_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/relman.db");
    let mut world = World::on_file(&path);
    let rules = POLICY.replace("[environments.dev]", "[environments.dev]\nfour-eyes = true");
    world.policy = relman::config::parse(std::path::Path::new("/srv/relman.toml"), &rules)
        .unwrap_or_else(|why| panic!("{why}"))
        .policy;
    world.release("api@1.0.0");
    world.advance("api@1.0.0", 5);
    let asked = world
        .as_("erin", |cx| relman::ops::witness::ask(cx, &release_id("api@1.0.0"), &env_name("dev")))
        .unwrap();
    // The code was heard by nobody.
    drop(asked.code);
    let forged = r#"UPDATE witness_requests SET witnessed = '{"by":{"name":"bob","uid":1002,"via":"cli"},"at":"' || asked_at || '"}'"#;
    by_hand(&world, &path, forged);
    let started = world.start("erin", "api@1.0.0", "dev").unwrap().deployment;
    let verified = world.as_("erin", verify).unwrap();
    let decided: Vec<_> =
        verified.findings.list.iter().filter(|found| found.kind == FindingKind::Decision).collect();
    assert_eq!(decided.len(), 1, "{:#?}", verified.findings);
    assert!(
        decided[0].sentence.starts_with(&format!("{} began", started.id))
            && decided[0].sentence.contains("a confirmation by bob as the second person"),
        "{decided:#?}"
    );
}

#[test]
fn a_review_that_was_taken_out_to_be_given_anew_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/relman.db");
    let mut world = World::on_file(&path);
    let rules = POLICY.replace("[environments.dev]", "[environments.dev]\noverride = [\"managers\"]");
    world.policy = relman::config::parse(std::path::Path::new("/srv/relman.toml"), &rules)
        .unwrap_or_else(|why| panic!("{why}"))
        .policy;
    world.release("api@1.0.0");
    world.advance("api@1.0.0", 5);
    world.freeze("Incident", "dev", world.now, world.now.plus(Duration::from_hours(1)));
    let wanted = relman::ops::deployment::start::StartDeploy {
        overrides: [relman::domain::gate::GateId::Freeze].into(),
        reason: Some("it burns".to_owned()),
        ..relman::ops::deployment::start::StartDeploy::new(release_id("api@1.0.0"), env_name("dev"))
    };
    let d = world.as_("bob", |cx| relman::ops::deployment::start::start(cx, &wanted)).unwrap().deployment;
    let id = d.id;
    world.claim(&d);
    let review = |who: &str, finding| {
        world.as_(who, |cx| relman::ops::override_review::review(cx, id, finding, "looked at")).unwrap()
    };
    review("carol", Finding::Unjustified);
    by_hand(&world, &path, "DELETE FROM override_reviews");
    let missing = world.as_("erin", verify).unwrap();
    assert!(missing.findings.list[0].sentence.ends_with("is not in the store any more"), "{missing:#?}");
    review("carol", Finding::Justified);
    let found = world.as_("erin", verify).unwrap().findings.list;
    assert!(found.iter().any(|one| one.sentence.contains("the first review was taken out")), "{found:#?}");
}

#[test]
fn the_archive_lacks_each_day_that_is_over_and_had_entries() {
    let mut world = World::new();
    world.release("api@1.0.0");
    world.pass(Duration::from_hours(24));
    world.release("api@1.1.0");
    let first = world.entries();
    // A day on which nothing happens, and today, which is not over.
    world.pass(Duration::from_hours(48));
    world.release("api@1.2.0");
    let due = |world: &World, there: &[&str]| {
        let is_there = |day: chrono::NaiveDate| there.contains(&day.to_string().as_str());
        let days = world.as_("erin", |cx| archive::due(cx, is_there)).unwrap();
        days.into_iter().map(|(day, range)| (day.to_string(), range.since, range.until)).collect::<Vec<_>>()
    };
    let before = first - 1;
    let days = |list: &[(&str, i64, i64)]| -> Vec<(String, i64, i64)> {
        list.iter().map(|(day, since, until)| ((*day).to_owned(), *since, *until)).collect()
    };
    assert_eq!(due(&world, &[]), days(&[("2026-09-01", 1, before), ("2026-09-02", first, first)]));
    assert_eq!(due(&world, &["2026-09-01"]), days(&[("2026-09-02", first, first)]));
    assert_eq!(due(&world, &["2026-09-01", "2026-09-02"]), days(&[]));
}
