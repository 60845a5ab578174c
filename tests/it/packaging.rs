//! The Debian package: what is in it, where, and that building it changes nothing else.

#![expect(clippy::disallowed_methods, reason = "what is tested is a program")]

use std::process::Command;

use crate::support::env::TestEnv;

fn output(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{command:?}: {out}{err}");
    out.into_owned()
}

#[test]
fn the_package_holds_program_manual_completions_timer_and_directories() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        crate::support::skipped("no dpkg-deb here");
        return;
    }
    let env = TestEnv::new();
    let mut pack = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/deb"));
    pack.arg(env!("CARGO_BIN_EXE_relman"))
        .env("CARGO_TARGET_DIR", env.path("out"))
        .env("RELMAN_PACK_TEST_BUILD", "yes");
    let deb = output(&mut pack).trim().to_owned();
    let files = output(Command::new("dpkg-deb").args(["--contents", &deb]));
    for (mode, path) in [
        ("-rwxr-xr-x root/root", "./usr/bin/relman"),
        ("-rw-r--r-- root/root", "./usr/share/man/man1/relman.1.gz"),
        ("-rw-r--r-- root/root", "./usr/share/man/man1/relman-deploy.1.gz"),
        ("-rw-r--r-- root/root", "./usr/share/bash-completion/completions/relman"),
        ("-rw-r--r-- root/root", "./usr/lib/systemd/system/relman-tick@.timer"),
        ("-rw-r--r-- root/root", "./usr/lib/tmpfiles.d/relman.conf"),
        ("-rw-r--r-- root/root", "./usr/lib/sysusers.d/relman.conf"),
        ("-rw-r--r-- root/root", "./usr/share/relman/relman.toml"),
    ] {
        let found = files.lines().find(|line| line.ends_with(&format!(" {path}")));
        assert!(found.is_some_and(|line| line.starts_with(mode)), "{path}: {found:?}\n{files}");
    }
    assert!(
        !files.contains("./var/") && !files.contains("./etc/"),
        "the store and the rules are nobody's to overwrite"
    );
    let control = output(Command::new("dpkg-deb").args(["--field", &deb]));
    assert!(control.contains(concat!("Version: ", env!("CARGO_PKG_VERSION"))), "{control}");
    assert!(control.contains("Depends: libc6 (>= 2."), "{control}");
    for script in ["postinst", "prerm", "postrm"] {
        let path = format!("{}/packaging/debian/{script}", env!("CARGO_MANIFEST_DIR"));
        drop(output(Command::new("sh").args(["-n", &path])));
    }
}

#[test]
fn a_program_that_is_built_for_tests_is_not_packed() {
    let env = TestEnv::new();
    let mut pack = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/deb"));
    let done =
        pack.arg(env!("CARGO_BIN_EXE_relman")).env("CARGO_TARGET_DIR", env.path("out")).output().unwrap();
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && err.contains("is built for tests"), "{err}");
}
