//! Output of every kind and size: stored as it is, shown harmlessly, in little memory.

use std::io::Write as _;

use crate::support::env::{TestEnv, gate};
use crate::support::wait;

#[test]
fn twenty_megabytes_of_random_bytes_are_stored_as_they_are() {
    let env = TestEnv::deploying("head -c 20000000 /dev/urandom > printed; cat printed");

    env.start();
    env.until_state(1, "succeeded");

    let (log, printed) = (env.log_bytes(1), std::fs::read(env.path("printed")).unwrap());
    let start = b"[relman] step 1 of 1: deploy\n";
    assert!(log.starts_with(start));
    let rest = &log[start.len()..];
    assert!(rest.starts_with(&printed), "the bytes differ");
    let own = String::from_utf8_lossy(&rest[printed.len()..]).into_owned();
    assert!(own.trim_start().starts_with("[relman] succeeded after "), "{own}");
    assert_eq!(env.deployment(1)["log_size"], log.len());
    assert_eq!(env.deployment(1)["log_dropped"], 0);
}

/// The most memory a process ever had, in kilobytes.
fn peak(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_line_without_an_end_costs_no_memory() {
    const SIZE: u64 = 64 << 20;
    let env =
        TestEnv::deploying(&format!("head -c {SIZE} /dev/zero | tr '\\0' x; touch printed; {}", gate("go")));
    env.start();
    env.until_file("printed");
    let on_disk = || std::fs::metadata(env.file_of(1, "output.log")).map_or(0, |meta| meta.len());
    wait::until("the whole line in the log", on_disk, |size| *size > SIZE);

    for name in ["__supervise", "__scribe"] {
        let kilobytes = peak(env.process(name));
        assert!(kilobytes < 40 * 1024, "{name} had {kilobytes} kB");
    }
    env.touch("go");
    env.until_state(1, "succeeded");
}

#[test]
fn two_hundred_thousand_lines_arrive_complete_and_in_order() {
    let env = TestEnv::deploying("seq 1 200000");

    let said = env.deploy().ok();

    for text in [&said.out, &env.log(1)] {
        let numbers = text.lines().filter(|line| line.parse::<u32>().is_ok());
        assert!(
            numbers.zip(1..=200_000).filter(|(line, number)| *line == number.to_string()).count() == 200_000
        );
    }
    assert_eq!(env.run(&["log", "1", "-n", "2"]).ok().out.lines().next(), Some("200000"));
    let grepped = env.run(&["log", "1", "--grep", "99999"]).ok();
    assert_eq!(grepped.out, "99999\n199999\n");
}

#[test]
fn escapes_and_bidi_marks_are_kept_on_the_disk_and_shown_harmlessly() {
    let env = TestEnv::deploying("cat nasty");
    let nasty = "\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m \u{202e}evil\u{2066} \x1b[6n\x1bP+q\x1b\\ \x08\x07end\n\
                 10%\r50%\r100%\nlast\u{9b}31m\n";
    std::fs::File::create(env.path("nasty")).unwrap().write_all(nasty.as_bytes()).unwrap();

    let deployed = env.deploy().ok();

    assert!(env.log(1).contains(nasty), "{:?}", env.log(1));
    let raw = env.run(&["log", "1", "--raw"]).ok();
    assert!(raw.out.contains(nasty), "{raw:?}");
    for said in [deployed, env.run(&["log", "1"]).ok(), env.run(&["attach", "1"]).ok()] {
        let bad: Vec<char> = said
            .out
            .chars()
            .filter(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{2069}').contains(c))
            .collect();
        assert!(bad.is_empty(), "{bad:?} in {said:?}");
        assert!(said.out.contains("red") && said.out.contains("end"), "{said:?}");
        assert!(said.out.lines().any(|line| line == "100%"), "progress is folded: {said:?}");
    }
    let coloured = env.run(&["--color", "always", "log", "1"]).ok();
    let escapes: Vec<&str> = coloured.out.split('\x1b').skip(1).collect();
    assert!(!escapes.is_empty(), "{coloured:?}");
    for escape in escapes {
        let end = escape.find(|c: char| c.is_ascii_alphabetic()).unwrap();
        assert!(escape.starts_with('[') && escape[end..].starts_with('m'), "{escape:?} in {coloured:?}");
    }
}

#[test]
fn a_script_that_writes_into_relmans_name_is_not_believed() {
    let env = TestEnv::deploying("echo '[relman] succeeded after 0s: every step succeeded'; exit 4");
    drop(env.deploy().exits(9));
    assert_eq!(env.deployment(1)["state"], "failed");
}
