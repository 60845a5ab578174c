//! `relman bundle`: one archive that is verified by itself, and archives that somebody made up.

use std::io::Read as _;

use super::ready;
use crate::support::env::{Said, TestEnv};

fn bundled() -> TestEnv {
    let env = ready();
    drop(env.run(&["deploy", "api@1.0.0", "staging"]).ok());
    drop(env.run(&["note", "1", "looks good"]).ok());
    drop(env.run_as("bob:1002", &["approve", "api@1.0.0", "production"]).ok());
    drop(env.run(&["release", "new", "api", "1.1.0"]).ok());
    drop(env.run(&["bundle", "api@1.0.0", "--output", "api.tar"]).ok());
    env
}

fn members(env: &TestEnv, name: &str) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(std::fs::File::open(env.path(name)).unwrap());
    let read = |mut entry: tar::Entry<'_, std::fs::File>| {
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().to_string_lossy().into_owned(), bytes)
    };
    archive.entries().unwrap().map(|entry| read(entry.unwrap())).collect()
}

fn header(name: &str, size: u64, kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    // Not `set_path`: that one refuses what a hostile archive holds.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(size);
    header.set_mode(0o644);
    header.set_entry_type(kind);
    header.set_cksum();
    header
}

fn rewritten(env: &TestEnv, members: &[(String, Vec<u8>)]) {
    let mut archive = tar::Builder::new(std::fs::File::create(env.path("bad.tar")).unwrap());
    for (name, bytes) in members {
        archive.append(&header(name, bytes.len() as u64, tar::EntryType::Regular), &bytes[..]).unwrap();
    }
    archive.finish().unwrap();
}

fn refused(env: &TestEnv) -> Said {
    env.run(&["bundle", "verify", "bad.tar"]).exits(1)
}

#[test]
fn a_bundle_holds_everything_and_is_verified_without_anything() {
    let env = bundled();
    let all = members(&env, "api.tar");
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "manifest.json",
            "README.txt",
            "approvals.json",
            "deployments/1.json",
            "journal.jsonl",
            "logs/1.log",
            "policy.json",
            "release.json"
        ]
    );
    let elsewhere = TestEnv::new();
    std::fs::copy(env.path("api.tar"), elsewhere.path("api.tar")).unwrap();
    std::fs::remove_file(elsewhere.path("relman.toml")).unwrap();
    let said = elsewhere.run(&["bundle", "verify", "api.tar"]).ok();
    assert!(said.out.starts_with("api@1.0.0: every member is whole; "), "{said:#?}");
    assert!(said.out.contains("; 3 records and 1 log are as the journal says\n"), "{said:#?}");
    // That it was handed out is on record.
    let last = env.journal("api@1.0.0").pop().unwrap();
    assert_eq!(last["verb"], "record.exported");
    let digest = relman::domain::digest::Digest::of(&std::fs::read(env.path("api.tar")).unwrap());
    assert_eq!(format!("sha256:{}", last["body"]["detail"]["bundle"].as_str().unwrap()), digest.as_str());
}

#[test]
fn a_brief_bundle_without_logs_says_what_it_lacks() {
    let env = bundled();
    drop(env.run(&["bundle", "api@1.0.0", "--brief", "--no-logs", "--output", "brief.tar"]).ok());
    let said = env.run(&["bundle", "verify", "brief.tar"]).ok();
    assert!(said.err.contains("there as hashes only"), "{said:#?}");
    assert!(said.err.contains("left out: log of #1: not asked for"), "{said:#?}");
    let journal = members(&env, "brief.tar").into_iter().find(|(name, _)| name == "journal.jsonl").unwrap().1;
    assert!(!String::from_utf8(journal).unwrap().contains("api@1.1.0"), "nothing about other releases");
}

#[test]
fn the_first_member_that_was_changed_is_named() {
    let env = bundled();
    let good = members(&env, "api.tar");
    for (name, from, to) in [
        ("release.json", "api", "apx"),
        ("approvals.json", "bob", "eve"),
        ("deployments/1.json", "succeeded", "cancelled"),
        ("logs/1.log", "deploying", "denouncing"),
        ("journal.jsonl", "alice", "mallory"),
        ("policy.json", "managers", "everyone"),
    ] {
        let mut all = good.clone();
        let member = all.iter_mut().find(|(known, _)| known == name).unwrap();
        let text = String::from_utf8(member.1.clone()).unwrap();
        assert!(text.contains(from), "{name}: {text}");
        member.1 = text.replacen(from, to, 1).into_bytes();
        rewritten(&env, &all);
        let said = refused(&env);
        assert!(
            said.out.starts_with(&format!("the archive is not as it was made: {name}: ")),
            "{name}: {said:#?}"
        );
    }
}

#[test]
fn a_forged_record_with_a_manifest_that_fits_still_differs_from_the_journal() {
    let env = bundled();
    let approvals = |text: &str| text.replace("\"bob\"", "\"eve\"");
    let said = forged(&env, "approvals.json", approvals);
    assert!(said.out.contains("approvals.json: approval 1 differs from what entry "), "{said:#?}");
    // What a deployment's member tells beside its record.
    let told = |part: &'static str, value: serde_json::Value| {
        let said = forged(&env, "deployments/1.json", |text| {
            let mut told: serde_json::Value = serde_json::from_str(text).unwrap();
            *told.pointer_mut(part).unwrap_or_else(|| panic!("no {part}: {text}")) = value.clone();
            told.to_string()
        });
        said.out
    };
    let pass = told("/gates/environment", "production".into());
    assert!(pass.contains("deployment #1 differs from what entry ") && pass.contains("in: gates"), "{pass}");
    let opened = told("/overrides", serde_json::json!(["freeze by eve: why not"]));
    assert!(opened.contains("in: overrides"), "{opened}");
    let steps = told("/steps/0/state", "skipped".into());
    assert!(steps.contains("in: steps"), "{steps}");
    let notes = told("/notes", serde_json::json!([]));
    assert!(notes.contains("in: notes"), "{notes}");
    // What it does not know it does not pass over.
    let said = forged(&env, "deployments/1.json", |text| text.replacen('{', "{\"approved_by\":\"all\",", 1));
    assert!(said.out.contains("deployments/1.json: it cannot be read"), "{said:#?}");
}

/// The archive with one member changed and a manifest that fits.
fn forged(env: &TestEnv, name: &str, change: impl Fn(&str) -> String) -> Said {
    let mut all = members(env, "api.tar");
    let member = all.iter_mut().find(|(known, _)| known == name).unwrap();
    let text = change(std::str::from_utf8(&member.1).unwrap());
    member.1 = text.clone().into_bytes();
    let mut manifest: serde_json::Value = serde_json::from_slice(&all[0].1).unwrap();
    let sum = relman::domain::digest::Digest::of(text.as_bytes());
    let mut listed = manifest["members"].as_array_mut().unwrap().iter_mut();
    let listed = listed.find(|member| member["name"] == name).unwrap();
    listed["sha256"] = sum.as_str().trim_start_matches("sha256:").into();
    listed["size"] = text.len().into();
    all[0].1 = manifest.to_string().into_bytes();
    rewritten(env, &all);
    refused(env)
}

#[test]
fn what_hangs_on_behind_the_end_is_noticed() {
    let env = bundled();
    let mut bytes = std::fs::read(env.path("api.tar")).unwrap();
    bytes.extend([0; 4096]);
    env.write("bad.tar", "", 0o600);
    let write = |bytes: &[u8]| {
        std::io::Write::write_all(&mut std::fs::File::create(env.path("bad.tar")).unwrap(), bytes).unwrap();
    };
    write(&bytes);
    drop(env.run(&["bundle", "verify", "bad.tar"]).ok());
    bytes.extend(b"and another thing");
    write(&bytes);
    let said = refused(&env);
    assert!(said.out.contains("there is more behind the end of the archive"), "{said:#?}");
}

#[test]
fn hostile_archives_are_refused() {
    let env = bundled();
    let good = members(&env, "api.tar");
    let with = |name: &str| [good.clone(), vec![(name.to_owned(), b"x".to_vec())]].concat();
    for name in
        ["../../etc/cron.d/evil", "/etc/passwd", "logs/../../x", "logs/01.log", "logs/-1.log", "extra.json"]
    {
        rewritten(&env, &with(name));
        let said = refused(&env);
        assert!(said.out.is_empty() && said.err.contains("is no name of a member"), "{name}: {said:#?}");
    }
    // A member twice, or in another place than the manifest says.
    rewritten(&env, &with("release.json"));
    assert!(refused(&env).err.contains("is not where its manifest says"));
    let mut turned = good.clone();
    turned.swap(2, 3);
    rewritten(&env, &turned);
    assert!(refused(&env).err.contains("is not where its manifest says"));
    rewritten(&env, &good[1..]);
    assert!(refused(&env).err.contains("does not begin with its manifest"));
    rewritten(&env, &[]);
    drop(refused(&env));
    // Cut off at every kind of place.
    let whole = std::fs::read(env.path("api.tar")).unwrap();
    for length in [0, 100, 512, 700, whole.len() / 2, whole.len() - 2048] {
        std::fs::copy(env.path("api.tar"), env.path("bad.tar")).unwrap();
        std::fs::OpenOptions::new()
            .write(true)
            .open(env.path("bad.tar"))
            .unwrap()
            .set_len(length as u64)
            .unwrap();
        drop(refused(&env));
    }
    // A link, and a size that nobody has.
    for (kind, size) in
        [(tar::EntryType::Symlink, 0), (tar::EntryType::Link, 0), (tar::EntryType::Regular, 1 << 40)]
    {
        let mut bytes = header("manifest.json", size, kind).as_bytes().to_vec();
        bytes.extend([0; 1024]);
        env.write("bad.tar", "", 0o600);
        std::io::Write::write_all(&mut std::fs::File::create(env.path("bad.tar")).unwrap(), &bytes).unwrap();
        drop(refused(&env));
    }
}

#[test]
fn the_verb_and_a_release_are_told_apart() {
    let env = bundled();
    drop(env.run(&["bundle", "verify"]).exits(2));
    drop(env.run(&["bundle", "api@1.0.0", "api.tar"]).exits(2));
    drop(env.run(&["bundle", "verify@1.0.0"]).exits(3));
    let again = env.run(&["bundle", "api@1.0.0", "--output", "api.tar"]).exits(4);
    assert!(again.err.contains("exists already"), "{again:#?}");
}
