//! Does a store of an earlier schema come to this one with everything in it, with a copy kept and a line in the journal?

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use relman::domain::time::Timestamp;
use relman::host::state::State;
use relman::ops::{ErrorKind, OpError, open};
use relman::store::{SCHEMA_VERSION, Store, deployments, journal, releases};

use crate::support::world::{World, person, release_id};

mod embedded {
    refinery::embed_migrations!("assets/migrations");
}

const API: &str = "api@1.0.0";

fn now() -> Timestamp {
    "2026-09-01T12:00:00Z".parse().unwrap()
}

/// A store as relman with schema 1 left it: a release, and deployment #1 in `state` with a sign of life at 10:00.
fn first_schema(dir: &Path, state: &str) -> PathBuf {
    let path = dir.join("state/relman.db");
    State::prepare(&path).unwrap();
    let mut db = rusqlite::Connection::open(&path).unwrap();
    let mut runner = embedded::migrations::runner().set_target(refinery::Target::Version(1));
    runner.set_migration_table_name("schema_history");
    runner.run(&mut db).unwrap();
    // What a release's record looks like has not changed since.
    let world = World::new();
    let record = serde_json::to_string(&world.release(API)).unwrap();
    db.execute(
        "INSERT INTO releases (service, version, title, kind, state, stage, created_at, updated_at, revision, record)
         VALUES ('api', '1.0.0', 'x', 'standard', 'open', 'build', ?1, ?1, 1, ?2)",
        ["2026-09-01T10:00:00.000Z", &record],
    )
    .unwrap();
    let over = state == "succeeded";
    db.execute(
        "INSERT INTO deployments (service, version, environment, kind, state, epoch, strategy, subject, overrides, by_name,
             by_uid, requested_at, claimed_at, finished_at, cause, heartbeat_at, host, boot, uid, left_running, report,
             relman_version)
         VALUES ('api', '1.0.0', 'dev', 'deploy', ?1, 1, 'all-at-once', ?2, '[]', 'erin', 1, ?3, ?3, ?4, ?5, ?3,
             'bastion', 'boot-1', 1, '[]', '{}', '0.1.0')",
        rusqlite::params![
            state,
            format!("sha256:{}", "0".repeat(64)),
            "2026-09-01T10:00:00.000Z",
            over.then_some("2026-09-01T10:01:00.000Z"),
            over.then_some(r#"{"cause":"completed"}"#),
        ],
    )
    .unwrap();
    db.pragma_update(None, "application_id", 0x524C_4D4E).unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    path
}

fn migrated(path: &Path, at: Timestamp) -> Result<(Store, PathBuf), OpError> {
    let copy = path.with_file_name("copy.db");
    let made = copy.clone();
    let store = open::open(path, &person("root"), at, "instance-1", move || {
        std::fs::File::create(&made).map_err(|why| OpError::new(ErrorKind::Busy, why.to_string()))?;
        Ok(made)
    })?;
    Ok((store, copy))
}

#[test]
fn everything_is_still_there_a_copy_is_kept_and_the_journal_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = first_schema(dir.path(), "succeeded");
    let (store, copy) = migrated(&path, now()).unwrap();
    let release = store.read(|tx| releases::get(tx, &release_id(API))).unwrap();
    assert_eq!(release.id, release_id(API));
    let deployment = store.read(|tx| deployments::get(tx, "1".parse().unwrap())).unwrap();
    assert_eq!((deployment.content, deployment.started_by.name.as_str()), (None, "erin"));
    let last = store.read(|tx| journal::list(tx, None, None, 1)).unwrap().remove(0);
    assert_eq!(last.verb, "store.migrated");
    assert!(last.parsed().unwrap().reason.unwrap().contains(&copy.display().to_string()));
    let kept = rusqlite::Connection::open(&copy).unwrap();
    let version: i64 = kept.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!((version, SCHEMA_VERSION > 1), (1, true));
    drop(store);
    Store::open(&path).unwrap();
}

#[test]
fn a_store_is_left_as_it_is_while_an_older_relman_runs_a_deployment() {
    let dir = tempfile::tempdir().unwrap();
    let path = first_schema(dir.path(), "running");
    let soon = "2026-09-01T10:05:00Z".parse().unwrap();
    let error = migrated(&path, soon).map(|_| ()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Busy);
    assert!(error.sentence.starts_with("#1 is still run by an older relman"), "{error}");
    let db = rusqlite::Connection::open(&path).unwrap();
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
}

#[test]
fn a_deployment_that_fell_silent_does_not_hold_up_the_schema_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let path = first_schema(dir.path(), "running");
    migrated(&path, now().plus(Duration::from_hours(1))).unwrap();
}
