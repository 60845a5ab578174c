//! Secrets reach the script and never the disk.

use std::path::{Path, PathBuf};

use crate::support::env::{TestEnv, gate};
use crate::support::wait;

const SECRET: &str = "s3cr3t-Ümlaut/+==value";
/// What prints its first ten bytes, and the rest: in pieces, and without a piece of it in a script.
const HEAD: &str = "printf %s \"$TOKEN\" | head -c 10";
const TAIL: &str = "printf %s \"$TOKEN\" | tail -c +11";

/// An environment whose deploy script has the secret in `TOKEN`.
fn env(body: &str) -> TestEnv {
    let mut env = TestEnv::with_service(
        "grace = \"1s\"\nsecrets = [\"TOKEN\", \"PIN\"]\nscripts = { deploy = [\"./deploy.sh\"] }",
    );
    env.vars.push(("TOKEN".to_owned(), SECRET.to_owned()));
    env.script("deploy.sh", body);
    env.registered("api@1.0.0");
    env
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Insists that no file of the store holds any of these.
#[track_caller]
fn assert_nowhere(env: &TestEnv, needles: &[&[u8]]) {
    for path in files_below(&env.path("state")) {
        let bytes = std::fs::read(&path).unwrap();
        for needle in needles {
            let found = bytes.windows(needle.len()).any(|window| window == *needle);
            assert!(!found, "{} holds {}", path.display(), String::from_utf8_lossy(needle));
        }
    }
}

#[test]
fn a_secret_is_masked_on_the_disk_and_whole_in_the_script() {
    let env = env("printf %s \"$TOKEN\" > seen\necho \"token: $TOKEN, again: $TOKEN.\"");

    let said = env.deploy().ok();

    assert_eq!(std::fs::read_to_string(env.path("seen")).unwrap(), SECRET);
    assert!(env.log(1).contains("\ntoken: [masked], again: [masked].\n"), "{}", env.log(1));
    assert!(said.out.contains("token: [masked], again: [masked].\n"), "{said:#?}");
    assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET), "{said:#?}");
    assert_nowhere(&env, &[SECRET.as_bytes()]);
}

#[test]
fn a_secret_in_a_message_to_relman_is_masked_in_the_store() {
    let env = env(&format!("echo \"::relman note using $TOKEN\"; {}", gate("go")));
    let id = env.start();
    let d = wait::until("the note", || env.deployment(id), |d| d["progress_note"].is_string());
    assert_eq!(d["progress_note"], "using [masked]");
    env.touch("go");
    env.until_state(id, "succeeded");
    assert_nowhere(&env, &[SECRET.as_bytes()]);
}

#[test]
fn each_line_of_a_secret_with_several_is_masked() {
    let mut env = env("printf '%s\\n' \"$PIN\" | tail -n 1; echo \"$PIN\"");
    env.vars.push(("PIN".to_owned(), "the first half\nthe second half".to_owned()));
    drop(env.deploy().ok());
    let log = env.log(1);
    assert!(!log.contains("half"), "{log}");
    assert_nowhere(&env, &[b"first half", b"second half"]);
}

#[test]
fn a_secret_in_two_writes_never_touches_the_disk() {
    let (head, tail) = SECRET.split_at(10);
    let env = env(&format!(
        "echo begin; printf 'token: %s' \"$({HEAD})\"; touch half; {}; printf '%s.\\n' \"$({TAIL})\"; {}",
        gate("go"),
        gate("end")
    ));
    let id = env.start();
    env.until_file("half");
    env.until_log(id, "token: ");
    assert_nowhere(&env, &[head.as_bytes()]);

    env.touch("go");
    env.until_log(id, "token: [masked].\n");
    assert_nowhere(&env, &[head.as_bytes(), tail.as_bytes()]);
    env.touch("end");
    env.until_state(id, "succeeded");
}

#[test]
fn what_looked_like_the_beginning_of_a_secret_is_printed_in_the_end() {
    let (head, _) = SECRET.split_at(10);
    let env = env(&format!("printf '%s' '{head}'"));
    drop(env.deploy().ok());
    assert!(env.log(1).contains(&format!("\n{head}\n[relman] ")), "{}", env.log(1));
}

#[test]
fn encodings_of_a_secret_are_masked_too() {
    let env = env("printf %s \"$TOKEN\" | base64 -w0; echo\n\
                   printf 'x%s' \"$TOKEN\" | base64 -w0; echo\n\
                   printf 'user:%s' \"$TOKEN\" | base64 -w0 | tr '+/' '-_'; echo\n\
                   echo 'https://u:s3cr3t-%C3%9Cmlaut%2F%2B%3D%3Dvalue@host/'");
    drop(env.deploy().ok());
    let log = env.log(1);
    assert_eq!(log.matches("[masked]").count(), 4, "{log}");
    assert!(log.contains("https://u:[masked]@host/"), "{log}");
    for line in log.lines().filter(|line| line.contains("[masked]") && !line.contains("https")) {
        // At the seams a few characters may stay that say nothing about the secret alone.
        assert!(line.len() <= "[masked]".len() + 10, "{line}");
    }
}

#[test]
fn a_secret_completed_after_the_scripts_end_is_masked() {
    let (head, tail) = SECRET.split_at(10);
    let env =
        env(&format!("( {}; printf '%s\\n' \"$({TAIL})\" ) &\nprintf 'token: %s' \"$({HEAD})\"", gate("go")));
    let id = env.start();
    env.until_state(id, "succeeded");

    env.touch("go");
    let log = env.until_log(id, "[masked]");

    assert!(!log.contains(head), "{log}");
    assert_nowhere(&env, &[tail.as_bytes()]);
}

#[test]
fn a_value_too_short_to_be_masked_is_named_in_the_log() {
    let mut env = env("echo pin $PIN");
    env.vars.push(("PIN".to_owned(), "1234".to_owned()));
    drop(env.deploy().ok());
    assert!(env.log(1).contains("[relman] the value of PIN is too short to be masked\n"), "{}", env.log(1));
}

#[test]
fn a_secret_is_in_no_command_line() {
    let env = env(&format!("touch started; {}", gate("go")));
    let id = env.start();
    env.until_file("started");
    let all = env.processes();
    assert!(all.iter().any(|(_, line)| line.contains("__supervise")), "{all:#?}");
    assert!(!all.iter().any(|(_, line)| line.contains(SECRET)), "{all:#?}");
    env.touch("go");
    env.until_state(id, "succeeded");
}
