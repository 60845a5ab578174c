//! A store remembers under which configuration it is used; another one is on record, and refused where others share it.

use std::path::PathBuf;

use relman::domain::digest::Digest;
use relman::domain::journal::Verb;
use relman::ops::ErrorKind;
use relman::ops::configured::{RulesFile, Say, last, notice};

use super::on_record::refused;
use crate::support::world::World;

fn file(path: &str, content: &str) -> RulesFile {
    RulesFile { path: PathBuf::from(path), digest: Digest::of(content.as_bytes()), owner: 0 }
}

fn noticed(world: &World, who: &str, file: &RulesFile, say: Say) -> (bool, Vec<String>) {
    let (news, entries) = world
        .journaled(|| world.as_(who, |cx| notice(cx.store, cx.actor, cx.now, file, cx.policy, say)).unwrap());
    (news, entries)
}

const USUAL: &str = "/etc/relman/relman.toml";

#[test]
fn the_first_one_is_remembered_and_the_same_again_is_no_news() {
    let world = World::new();
    assert_eq!(world.as_("alice", |cx| last(cx.store)).unwrap(), None);
    assert_eq!(noticed(&world, "alice", &file(USUAL, "a"), Say::Shared), (true, Vec::new()));
    assert_eq!(noticed(&world, "bob", &file(USUAL, "a"), Say::Shared), (false, Vec::new()));
    assert_eq!(world.as_("alice", |cx| last(cx.store)).unwrap(), Some(file(USUAL, "a")));
}

#[test]
fn in_a_store_with_a_past_the_first_one_is_on_record() {
    let world = World::new();
    world.release("api@1.0.0");
    let (_, entries) = noticed(&world, "alice", &file(USUAL, "a"), Say::Own);
    assert_eq!(entries, ["config.changed done relman.toml"]);
}

#[test]
fn an_edit_is_on_record_with_what_it_was_and_who_came_first_after_it() {
    let world = World::new();
    noticed(&world, "alice", &file(USUAL, "a"), Say::Shared);
    let (_, entries) = noticed(&world, "bob", &file(USUAL, "b"), Say::Shared);
    assert_eq!(entries, ["config.changed done relman.toml"]);
    let body = world.last_entry().1;
    assert_eq!((body.actor.name(), body.reason.as_deref()), ("bob", Some("its content is another one")));
    assert_eq!(body.before, serde_json::to_value(file(USUAL, "a")).ok());
    assert_eq!(body.after, serde_json::to_value(file(USUAL, "b")).ok());
    let other_owner = RulesFile { owner: 1001, ..file(USUAL, "b") };
    noticed(&world, "bob", &other_owner, Say::Shared);
    assert!(world.last_entry().1.reason.unwrap().contains("belongs to user id 1001, no longer to 0"));
}

#[test]
fn another_file_is_refused_where_others_share_the_store_until_it_is_adopted() {
    let world = World::new();
    noticed(&world, "alice", &file(USUAL, "a"), Say::Shared);
    let other = file("/home/mallory/relman.toml", "a");
    let verb = (Verb::ConfigChanged, "relman.toml");
    let error = refused(&world, "mallory", ErrorKind::NotPermitted, verb, |cx| {
        notice(cx.store, cx.actor, cx.now, &other, cx.policy, Say::Shared)
    });
    assert!(error.sentence.contains("/home/mallory/relman.toml would be other rules"), "{error}");
    assert!(error.hints[0].contains(&format!("relman --config {USUAL}")), "{error:?}");
    assert_eq!(noticed(&world, "alice", &file(USUAL, "a"), Say::Shared), (false, Vec::new()), "it stays");
    let (_, entries) = noticed(&world, "root", &other, Say::Adopts);
    assert_eq!(entries, ["config.changed done relman.toml"]);
    assert_eq!(noticed(&world, "mallory", &other, Say::Shared), (false, Vec::new()));
}

#[test]
fn a_store_of_ones_own_may_be_used_under_any_file_and_it_is_on_record() {
    let world = World::new();
    noticed(&world, "alice", &file(USUAL, "a"), Say::Own);
    let (_, entries) = noticed(&world, "alice", &file("/srv/relman.toml", "a"), Say::Own);
    assert_eq!(entries, ["config.changed done relman.toml"]);
    assert_eq!(
        world.last_entry().1.reason.as_deref(),
        Some("/srv/relman.toml instead of /etc/relman/relman.toml")
    );
}
