//! A full disk costs bytes of the log and nothing else.

use std::path::PathBuf;
use std::process::Command;

use crate::support::env::{TestEnv, gate};
use crate::support::wait;

/// A small disk where the store is; gone again when the value is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with a line that says why, where the test may not have one.
    #[expect(clippy::disallowed_methods, reason = "a test makes its own disk")]
    fn below(env: &TestEnv, size: &str) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            crate::support::skipped("not root");
            return None;
        }
        let path = env.path("state");
        std::fs::create_dir(&path).unwrap();
        let options = format!("size={size},mode=0700");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(path)),
            other => {
                crate::support::skipped(&format!("no small disk can be mounted: {other:?}"));
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    #[expect(clippy::disallowed_methods, reason = "a test takes its own disk away")]
    fn drop(&mut self) {
        // Out of sight at once, gone with the last process that uses it.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// Five megabytes of numbered lines, then a sign outside the full disk.
fn flood() -> String {
    format!("echo begin; {}; seq 1 700000; echo 'the end'; touch ended; exit 3", gate("go"))
}

#[test]
fn a_full_disk_costs_bytes_of_the_log_and_neither_script_nor_outcome() {
    let env = TestEnv::with_service("scripts = { deploy = [\"./deploy.sh\"] }");
    let Some(_disk) = SmallDisk::below(&env, "1200k") else { return };
    env.script("deploy.sh", &flood());
    env.registered("api@1.0.0");
    // Room that can be made again, as an operator would.
    env.write("state/ballast", &"x".repeat(300_000), 0o600);
    let id = env.start();
    env.until_log(id, "begin\n");

    env.touch("go");

    env.until_file("ended");
    let record = wait::until("the exit record", || env.exit_record(id), Option::is_some).unwrap();
    assert_eq!(record["state"], "failed");
    assert_eq!(record["cause"], serde_json::json!({ "cause": "exit", "code": 3 }));
    assert!(record["log_dropped"].as_u64().unwrap() > 1_000_000, "{record:#}");
    // Nobody can tell the store; who looks learns it nevertheless, and what is wrong.
    drop(wait::until("the end to be shown", || env.deployment(id), |d| d["state"] == "failed"));
    let shown = env.run(&["show", &id.to_string()]).ok().out;
    assert!(shown.contains("bytes of output were lost: the disk was full"), "{shown}");
    let doctor = env.run(&["doctor"]).exits(1).out;
    assert!(doctor.contains("MiB free of"), "{doctor}");
    assert!(doctor.contains("make room"), "{doctor}");
    drop(env.run(&["attach", &id.to_string()]).exits(9));
    std::fs::remove_file(env.path("state/ballast")).unwrap();
    let subject = format!("#{id}");
    let finished =
        |entries: &Vec<serde_json::Value>| entries.iter().any(|entry| entry["verb"] == "deployment.finished");
    drop(wait::until("the record", || env.journal(&subject), finished));
    let d = env.deployment(id);
    assert_eq!(d["cause"], record["cause"]);
    assert_eq!(d["log_dropped"], record["log_dropped"]);
    let log = env.log_bytes(id);
    assert_eq!(record["log_size"], log.len());
    assert_eq!(record["log_digest"], relman::domain::digest::Digest::of(&log).as_str());
    let written = log.len() as u64 + d["log_dropped"].as_u64().unwrap();
    assert!(written > 4_700_000, "{written} bytes are accounted for");
    env.assert_sound();
}

#[test]
fn a_log_says_how_much_is_missing_once_there_is_room_again() {
    let env = TestEnv::with_service("scripts = { deploy = [\"./deploy.sh\"] }");
    let Some(_disk) = SmallDisk::below(&env, "2400k") else { return };
    env.script(
        "deploy.sh",
        &format!("{}; seq 1 700000; touch flooded; {}; echo 'the end'; exit 0", gate("go"), gate("end")),
    );
    env.registered("api@1.0.0");
    // More than a pipe can still hold when the script has printed everything.
    env.write("state/ballast", &"x".repeat(1_300_000), 0o600);
    let id = env.start();
    env.until_script(id);
    env.touch("go");
    env.until_file("flooded");
    std::fs::remove_file(env.path("state/ballast")).unwrap();

    env.touch("end");

    let d = env.until_state(id, "succeeded");
    assert!(d["log_dropped"].as_u64().unwrap() > 1_000_000, "{d:#}");
    let log = env.log(id);
    let tail = &log[log.len() - 300..];
    assert!(log.contains(" bytes of output were lost: the disk was full\n"), "{tail}");
    assert!(log.contains("\nthe end\n"), "{tail}");
}
