//! What a script finds when it starts: variables, streams, directory, arguments, signals.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;

use crate::support::env::TestEnv;

/// Signals 32 and 33 belong to the C library: no program can set or reset them.
const RESERVED: u64 = 0b11 << 31;

/// The lines of the script's output, without relman's own.
fn printed(env: &TestEnv) -> Vec<String> {
    env.log(1).lines().filter(|line| !line.starts_with("[relman] ")).map(str::to_owned).collect()
}

#[test]
fn a_script_gets_the_variables_of_the_contract_and_no_others() {
    let mut env = TestEnv::with_service(
        "scripts = { deploy = [\"/usr/bin/env\"] }\npass-env = [\"PASSED\", \"ABSENT\"]\nsecrets = [\"TOKEN\"]",
    );
    for (name, value) in [
        ("USER", "alice"),
        ("LANG", "de_DE.UTF-8"),
        ("TZ", "Europe/Berlin"),
        ("PASSED", "yes"),
        ("TOKEN", "x-masked-x"),
        ("SSH_AUTH_SOCK", "/nowhere"),
        ("LD_LIBRARY_PATH", "/nowhere"),
        ("BASH_ENV", "/nowhere"),
        ("LC_ALL", "C"),
        ("RELMAN_VERSION", "6.6.6"),
        ("RELMAN_CONFIG", env.path("relman.toml").to_str().unwrap()),
    ] {
        env.vars.push((name.to_owned(), value.to_owned()));
    }
    let digest = format!("sha256:{}", "ab".repeat(32));
    let new = ["release", "new", "api", "1.0.0", "--commit", "c0ffee", "--artifact", "api.tar", "--digest"];
    drop(env.run(&[&new[..], &[&digest]].concat()).ok());

    drop(env.run(&["deploy", "api@1.0.0", "staging", "--reason", "because it's \"time\""]).ok());

    let found: BTreeMap<String, String> = printed(&env)
        .iter()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let home = env.path("").to_str().unwrap().to_owned();
    let expected: BTreeMap<String, String> = [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", &home),
        ("USER", "alice"),
        ("LANG", "de_DE.UTF-8"),
        ("TZ", "Europe/Berlin"),
        ("PASSED", "yes"),
        ("TOKEN", "[masked]"),
        ("RELMAN_SERVICE", "api"),
        ("RELMAN_VERSION", "1.0.0"),
        ("RELMAN_PREVIOUS_VERSION", ""),
        ("RELMAN_VERSION_CHANGE", ""),
        ("RELMAN_ENVIRONMENT", "staging"),
        ("RELMAN_DEPLOYMENT", "1"),
        ("RELMAN_KIND", "deploy"),
        ("RELMAN_STEP", "deploy"),
        ("RELMAN_STEP_INDEX", "1"),
        ("RELMAN_STEP_COUNT", "1"),
        ("RELMAN_TARGETS", ""),
        ("RELMAN_PERCENT", ""),
        ("RELMAN_COLOR", ""),
        ("RELMAN_ARTIFACT", "api.tar"),
        ("RELMAN_ARTIFACT_DIGEST", &digest),
        ("RELMAN_COMMIT", "c0ffee"),
        ("RELMAN_ACTOR", "alice"),
        ("RELMAN_REASON", "because it's \"time\""),
        ("RELMAN_ATTEMPT", "1"),
        ("RELMAN_EPOCH", "1"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.trim_end_matches('/').to_owned()))
    .collect();
    let trimmed: BTreeMap<String, String> =
        found.into_iter().map(|(name, value)| (name, value.trim_end_matches('/').to_owned())).collect();
    assert_eq!(trimmed, expected);
}

#[test]
fn what_the_launcher_lacks_gets_a_plain_value() {
    let env = TestEnv::with_service("scripts = { deploy = [\"/usr/bin/env\"] }");
    env.registered("api@1.0.0");
    let mut command = env.command(&["deploy", "api@1.0.0", "staging"]);
    command.env_clear();
    drop(TestEnv::finish(&mut command).ok());
    let mut plain: Vec<String> =
        printed(&env).into_iter().filter(|line| !line.starts_with("RELMAN_")).collect();
    plain.sort();
    assert_eq!(plain, ["HOME=/", "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin"]);
}

#[test]
fn a_script_reads_nothing_and_inherits_no_file_of_relmans() {
    let env = TestEnv::with_service("scripts = { deploy = [\"/bin/ls\", \"-l\", \"/proc/self/fd\"] }");
    env.registered("api@1.0.0");

    drop(env.deploy().ok());

    let links: BTreeMap<String, String> = printed(&env)
        .iter()
        .filter_map(|line| line.split_once(" -> "))
        .map(|(left, target)| (left.rsplit(' ').next().unwrap().to_owned(), target.to_owned()))
        .collect();
    assert_eq!(links["0"], "/dev/null");
    assert!(links["1"].starts_with("pipe:"), "{links:?}");
    assert_eq!(links["1"], links["2"]);
    // What this test program itself was started with is not relman's to close.
    let inherited = |number: &str| {
        let own = std::fs::read_link(format!("/proc/self/fd/{number}"));
        own.is_ok_and(|own| own.to_str() == links.get(number).map(String::as_str))
    };
    let more: Vec<_> = links
        .iter()
        .filter(|(number, target)| {
            !["0", "1", "2"].contains(&number.as_str()) && !target.contains("/fd") && !inherited(number)
        })
        .collect();
    assert!(more.is_empty(), "{more:?}");
}

#[test]
fn a_script_starts_in_the_working_directory_and_is_found_from_there() {
    let env = TestEnv::with_service("working-dir = \"deep/er\"\nscripts = { deploy = [\"./where.sh\"] }");
    std::fs::create_dir_all(env.path("deep/er")).unwrap();
    env.script("deep/er/where.sh", "pwd -P");
    env.registered("api@1.0.0");

    drop(env.deploy().ok());

    let dir = env.path("deep/er").canonicalize().unwrap();
    assert_eq!(printed(&env), [dir.to_str().unwrap()]);
}

#[test]
fn arguments_reach_a_script_as_they_are_written() {
    let env = TestEnv::with_service(
        r#"scripts = { deploy = ["./deploy.sh", "$(id); rm -rf x", "*", "", "a  b", "'\"`", "-n", "é|&<>"] }"#,
    );
    env.script("deploy.sh", "printf '<%s>\\n' \"$@\"");
    env.registered("api@1.0.0");
    env.touch("x");

    drop(env.deploy().ok());

    assert_eq!(printed(&env), ["<$(id); rm -rf x>", "<*>", "<>", "<a  b>", "<'\"`>", "<-n>", "<é|&<>>"]);
    assert!(env.path("x").exists());
}

/// The signal sets of a script that was deployed through `wrapper`.
fn signal_sets(wrapper: &[&str]) -> BTreeMap<String, u64> {
    let env = TestEnv::deploying("");
    // Without a shell in between: one would change some of them by itself.
    env.program("deploy.sh", "#!/usr/bin/env -S grep -h ^Sig /proc/self/status\n");
    let mut command = env.command_through(wrapper, &["deploy", "api@1.0.0", "staging"]);
    drop(TestEnv::finish(&mut command).ok());
    printed(&env)
        .iter()
        .filter_map(|line| line.split_once(":\t"))
        .filter_map(|(name, value)| Some((name.to_owned(), u64::from_str_radix(value, 16).ok()? & !RESERVED)))
        .collect()
}

#[track_caller]
fn assert_clean(sets: &BTreeMap<String, u64>) {
    let names: BTreeSet<&str> = sets.keys().map(String::as_str).collect();
    assert!(names.is_superset(&BTreeSet::from(["SigBlk", "SigIgn", "SigCgt"])), "{names:?}");
    assert_eq!((sets["SigBlk"], sets["SigIgn"]), (0, 0), "{sets:x?}");
}

#[test]
fn a_script_of_a_launcher_that_blocks_signals_blocks_none() {
    assert_clean(&signal_sets(&["env", "--block-signal=TERM,INT,HUP,USR1"]));
}

#[test]
fn a_script_of_a_launcher_that_ignores_signals_ignores_none() {
    assert_clean(&signal_sets(&["sh", "-c", "trap '' INT HUP QUIT TERM PIPE USR1; exec \"$@\"", "sh"]));
}

#[test]
fn a_script_of_a_launcher_that_ignores_job_control_ignores_no_signal_either() {
    assert_clean(&signal_sets(&["sh", "-c", "trap '' TSTP TTIN TTOU CHLD WINCH; exec \"$@\"", "sh"]));
}

#[test]
fn the_files_of_a_deployment_have_their_modes_whatever_the_umask_says() {
    for mask in ["000", "077"] {
        let env = TestEnv::deploying("umask");
        let wrapper = format!("umask {mask}; exec \"$@\"");
        let args = ["deploy", "api@1.0.0", "staging"];
        drop(TestEnv::finish(&mut env.command_through(&["sh", "-c", &wrapper, "sh"], &args)).ok());
        let mode = |name: &str| env.file_of(1, name).metadata().unwrap().permissions().mode() & 0o7777;
        for name in ["output.log", "output.idx", "exit", "supervisor.lock"] {
            assert_eq!(mode(name), 0o640, "{name} under umask {mask}");
        }
        assert_eq!(mode(""), 0o700, "the directory under umask {mask}");
        assert_eq!(printed(&env), [format!("0{mask}")], "the script's own umask is its launcher's");
    }
}
