//! Is an archive the same for the same journal, and what of the journal is in it?

use std::io::Read;

use relman::domain::ids::ReleaseId;
use relman::ops::audit;
use relman::ops::bundle::{self, LogOf, Logs, Wanted};

use crate::support::world::{World, release_id};

struct NoLogs;

impl Logs for NoLogs {
    fn open(&self, _release: &ReleaseId, _of: LogOf) -> Option<Box<dyn Read>> {
        None
    }
}

fn composed(world: &World, brief: bool) -> (Vec<u8>, bundle::Bundled) {
    let wanted = Wanted {
        release: release_id("api@1.0.0"),
        logs: true,
        brief,
        policy: serde_json::json!({}),
        allowed_signers: None,
    };
    let mut bytes = Vec::new();
    let head = world.as_("erin", audit::head).unwrap();
    let at = (head.instance, head.seq, head.hash);
    let made = world.as_("erin", |cx| bundle::compose(cx, &wanted, &NoLogs, at, &mut bytes)).unwrap();
    (bytes, made)
}

fn eventful() -> World {
    let mut world = World::new();
    world.release("web@1.0.0");
    world.ready("api@1.0.0");
    world.deploy("api@1.0.0", "production");
    world.release("web@1.1.0");
    world
}

/// Nothing is signed here.
const KEYS: bundle::Keys<'static> =
    bundle::Keys { own: None, check: &|_, _, _, _| Err("nothing is signed here".to_owned()) };

#[test]
fn the_same_journal_makes_the_same_bytes() {
    let world = eventful();
    let (first, made) = composed(&world, false);
    assert_eq!(composed(&world, false).0, first);
    assert_eq!(made.size, first.len() as u64);
    let sum = relman::domain::digest::Digest::of(&first);
    assert_eq!(format!("sha256:{}", made.sha256), sum.as_str());
}

#[test]
fn it_verifies_from_the_first_entry_of_the_release_to_the_newest() {
    let world = eventful();
    let (bytes, _) = composed(&world, false);
    let checked = bundle::verify(&mut &bytes[..], &KEYS).unwrap();
    assert!(checked.is_good(), "{checked:#?}");
    // What came before the release is not in it: the store and another release.
    let behind = world.entries().cast_unsigned() - 2;
    assert_eq!((checked.entries, checked.in_full), (behind, behind));
    assert!(checked.records >= 4, "{checked:#?}");
    let brief = bundle::verify(&mut &composed(&world, true).0[..], &KEYS).unwrap();
    assert!(brief.is_good(), "{brief:#?}");
    assert_eq!((brief.entries, brief.in_full), (checked.entries, checked.entries - 1));
}

#[test]
fn a_brief_archive_that_is_passed_off_as_a_full_one_is_noticed() {
    let world = eventful();
    let (bytes, _) = composed(&world, true);
    // One byte more or less in the manifest, and the block it stands in keeps its length.
    let text = String::from_utf8(bytes).unwrap().replacen("\"brief\": true,", "\"brief\":false,", 1);
    let checked = bundle::verify(&mut text.as_bytes(), &KEYS).unwrap();
    assert!(checked.bad.unwrap().1.contains("as hashes only"));
}

#[test]
fn what_was_handed_out_is_on_record_with_its_hash() {
    let world = eventful();
    let wanted = Wanted {
        release: release_id("api@1.0.0"),
        logs: false,
        brief: false,
        policy: serde_json::json!({}),
        allowed_signers: None,
    };
    let mut bytes = Vec::new();
    let (made, entries) =
        world.journaled(|| world.as_("erin", |cx| bundle::write(cx, &wanted, &NoLogs, &mut bytes)).unwrap());
    assert_eq!(entries, ["record.exported done api@1.0.0"]);
    assert_eq!(world.last_entry().1.detail.unwrap()["bundle"], made.sha256);
    let missing = Wanted { release: release_id("api@9.9.9"), ..wanted };
    assert!(world.as_("erin", |cx| bundle::write(cx, &missing, &NoLogs, &mut Vec::new())).is_err());
    assert_eq!(world.journaled(|| ()).1, [""; 0]);
}
