//! `relman init`, `relman config`, `relman paths`: where the configuration is found and how its mistakes are shown.

use crate::support::env::{MINIMAL, TestEnv};

/// Insists that the command's standard output or error shows this mistake with its place.
#[track_caller]
fn assert_shown(text: &str, expected: &str) {
    assert!(text.contains(expected), "this is not shown:\n{expected}\n--- but ---\n{text}");
}

#[test]
fn the_starter_passes_its_own_check() {
    let env = TestEnv::new();
    std::fs::remove_file(env.path("relman.toml")).unwrap();
    let dir = env.path("").canonicalize().unwrap();

    env.run(&["init", "shop"]).is(
        0,
        &format!("wrote {}/relman.toml\n", dir.display()),
        "next: name your scripts in it, then: relman config check\n",
    );
    let path = dir.join("relman.toml");
    env.run(&["config", "check"]).is(0, &format!("{} is in order\n", path.display()), "");
    assert!(env.run(&["config", "show"]).ok().out.contains("service shop: staging → production\n"));
    let before = std::fs::read(&path).unwrap();
    let again = env.run(&["init"]).exits(4);
    assert!(again.err.contains("exists already; nothing was written"), "{again:#?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    // And a release gets through it.
    drop(env.run(&["release", "new", "shop", "1.0.0"]).ok());
}

#[test]
fn a_service_is_named_after_its_directory() {
    let env = TestEnv::new();
    std::fs::create_dir(env.path("My Shop!")).unwrap();
    drop(TestEnv::finish(env.command(&["init"]).current_dir(env.path("My Shop!"))).ok());
    let text = std::fs::read_to_string(env.path("My Shop!/relman.toml")).unwrap();
    assert!(text.contains("[services.my-shop]\n"), "{text}");
}

#[test]
fn a_mistake_is_shown_with_its_line_column_caret_and_what_was_meant() {
    let env = TestEnv::new();
    env.config(&MINIMAL.replace("grace = \"1s\"", "grace = \"soon\""));
    let path = env.path("relman.toml").canonicalize().unwrap();
    let place = format!("{}:8:9: error: ", path.display());
    let picture = "   |\n 8 | grace = \"soon\"\n   |         ^^^^^^\n";
    for (args, on_stdout) in
        [(["config", "check"], true), (["release", "list"], false), (["config", "show"], false)]
    {
        let said = env.run(&args).exits(14);
        let text = if on_stdout { &said.out } else { &said.err };
        assert_shown(text, &place);
        assert_shown(text, picture);
    }
    let problem = env.run(&["--json", "config", "check"]).exits(14).json()["problems"][0].clone();
    assert_eq!((problem["line"].as_i64(), problem["column"].as_i64()), (Some(8), Some(9)));
    assert_eq!(problem["severity"], "error");
    let error = env.run(&["--json", "board"]).exits(14).error();
    assert_eq!(error["kind"], "bad-config");
}

#[test]
fn an_unknown_key_fails_the_check_and_only_warns_elsewhere() {
    let env = TestEnv::new();
    env.config(&MINIMAL.replace("grace =", "grase ="));
    let words = "warning: unknown key grase in [services.api]\n";
    let checked = env.run(&["config", "check"]).exits(14);
    assert_shown(&checked.out, words);
    assert_shown(&checked.out, "= did you mean grace?");
    assert_shown(&checked.out, "relman.toml:8:1: ");

    let listed = env.run(&["release", "list"]).ok();
    assert_shown(&listed.err, words);
    let json = env.run(&["--json", "release", "list"]).ok();
    assert_eq!(json.err, "", "programs are not told twice");
}

#[test]
fn files_that_are_no_configuration_are_refused() {
    let env = TestEnv::new();
    for (bytes, words) in [
        (&b"[relman\n"[..], "relman.toml:1:8: error: "),
        (b"\xff\xfe", "not UTF-8"),
        (b"[services.api]\npipeline = [\"staging\"]\n", "staging"),
        (b"a = 1\na = 2\n", "duplicate key"),
        (b"[services.api]\npipeline = 7\n", "relman.toml:2:12: error: "),
    ] {
        std::io::Write::write_all(&mut std::fs::File::create(env.path("relman.toml")).unwrap(), bytes)
            .unwrap();
        let said = env.run(&["config", "check"]).exits(14);
        assert_shown(&said.out, words);
    }
    env.config(&format!("# {}\n{MINIMAL}", "x".repeat(2 << 20)));
    assert_shown(&env.run(&["config", "check"]).exits(14).out, "larger than 1 MiB");
    env.config(&format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n")));
    drop(env.run(&["config", "check"]).ok());
}

#[test]
fn the_configuration_is_found_here_above_and_where_it_is_named() {
    let env = TestEnv::new();
    std::fs::create_dir_all(env.path("deep/er")).unwrap();
    let release = |env: &TestEnv, vars: &[(&str, &str)], args: &[&str], dir: &str| {
        let mut command = env.command(args);
        command.current_dir(env.path(dir)).envs(vars.iter().copied());
        TestEnv::finish(&mut command)
    };
    drop(release(&env, &[], &["release", "new", "api", "1.0.0"], "deep/er").ok());
    assert!(env.path("state/relman.db").exists(), "paths are relative to the file, not to where one stands");

    let other = MINIMAL.replace("services.api", "services.other").replace("state/", "elsewhere/");
    env.write("deep/other.toml", &other, 0o644);
    for (vars, args) in [
        (&[][..], &["--config", "../other.toml", "release", "new", "other", "1.0.0"][..]),
        (&[("RELMAN_CONFIG", "../other.toml")], &["release", "new", "other", "1.1.0"]),
    ] {
        drop(release(&env, vars, args, "deep/er").ok());
    }
    assert!(env.path("deep/elsewhere/relman.db").exists());
    let missing = env.run(&["--config", "nowhere.toml", "board"]).exits(14);
    assert!(missing.err.contains("nowhere.toml: error: cannot read it"), "{missing:#?}");

    std::fs::rename(env.path("relman.toml"), env.path("kept.toml")).unwrap();
    let none = release(&env, &[], &["board"], "deep/er").exits(14);
    assert!(none.err.contains("write one with: relman init"), "{none:#?}");
    std::fs::create_dir_all(env.path(".config/relman")).unwrap();
    std::fs::rename(env.path("kept.toml"), env.path(".config/relman/relman.toml")).unwrap();
    drop(release(&env, &[], &["board"], "deep/er").ok());
}

#[test]
fn paths_are_listed_with_whether_they_exist() {
    let env = TestEnv::new();
    let rows = env.run(&["--json", "paths"]).ok().json()["paths"].clone();
    let row = |what: &str| {
        rows.as_array()
            .unwrap()
            .iter()
            .find(|row| row["what"] == what)
            .unwrap_or_else(|| panic!("{what}: {rows}"))
    };
    assert_eq!(row("configuration")["exists"], true);
    assert_eq!(row("store")["exists"], false);
    assert!(row("store")["path"].as_str().unwrap().ends_with("/state/relman.db"));
    assert!(!env.path("state").exists(), "looking makes nothing");
    drop(env.run(&["board"]).ok());
    let text = env.run(&["paths"]).ok();
    assert!(text.out.lines().any(|line| line.contains("store") && line.contains("yes")), "{text:#?}");
}

#[test]
fn what_everybody_may_write_is_not_used_however_it_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::new();
    let path = env.path("relman.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let named = path.to_string_lossy().into_owned();
    for args in [vec!["board"], vec!["--config", &named, "board"]] {
        let said = env.run(&args).exits(14);
        assert!(said.err.contains("every user of this machine may write this file"), "{said:#?}");
        assert!(said.err.contains("chmod o-w"), "{said:#?}");
    }
    let said = env.run(&["config", "check"]).exits(14);
    assert!(said.out.contains("chmod o-w"), "{said:#?}");
    let said = env.run(&["doctor"]).exits(1);
    assert!(said.out.contains("chmod o-w"), "{said:#?}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).unwrap();
    drop(env.run(&["board"]).ok());
}

#[test]
fn everything_that_is_in_force_is_shown() {
    let env = TestEnv::new();
    env.config(
        r#"
[relman]
database = "state/relman.db"
[groups]
sre = ["erin", "%oncall"]
[environments.staging]
[environments.production]
hours = ["Mon-Thu 09:00-17:00"]
rollback-approvals = [{ from = "sre" }]
[services.api]
pipeline = ["staging", "production"]
timeout = "10m"
quiet-timeout = "2m"
pass-env = ["REGION"]
secrets = ["TOKEN"]
scripts = { deploy = ["./deploy.sh"] }
[stages.test]
checks = ["unit"]
[process.hotfix]
enter = "build"
skip = ["soak"]
[rights]
freeze = ["sre"]
[environments.production.rights]
cancel = []
[services.api.rights]
block = ["sre"]
[[freezes]]
name = "Year end"
environments = ["production"]
start = "2026-12-21 00:00"
end = "2027-01-04 08:00"
"#,
    );
    let text = env.run(&["config", "show"]).ok().out;
    let json = env.run(&["--json", "config", "show"]).ok().out;
    for words in ["%oncall", "Mon-Thu 09:00-17:00", "REGION", "TOKEN", "unit", "soak", "Year end"] {
        assert!(text.contains(words), "{words}:\n{text}");
        assert!(json.contains(words), "{words}:\n{json}");
    }
    let rights = ["[rights] freeze: sre", "cancel: nobody", "[services.api.rights] block: sre"];
    for words in rights.into_iter().chain([
        "timeout: 10m",
        "quiet timeout: 2m",
        "rollback approvals: 1 from sre",
        "2027-01-04 08:00",
    ]) {
        assert!(text.contains(words), "{words}:\n{text}");
    }
}

#[test]
fn no_time_at_all_is_no_limit() {
    let env = TestEnv::new();
    env.config(&MINIMAL.replace("grace = \"1s\"", "timeout = \"0s\""));
    let said = env.run(&["config", "check"]).exits(14);
    assert!(said.out.contains("every script would be stopped"), "{said:#?}");
}

#[test]
fn doctor_finds_scripts_that_everybody_may_write() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::deploying("true");
    let script = env.path("deploy.sh");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o777)).unwrap();
    let said = env.run(&["doctor"]).exits(1);
    assert!(
        said.out.contains("every user of this machine may write") && said.out.contains("chmod o-w"),
        "{said:#?}"
    );
}

#[test]
fn doctor_finds_scripts_that_could_not_be_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::new();
    env.script("deploy.sh", "true");
    let path = env.path("deploy.sh");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = env.run(&["doctor"]).exits(1);
    assert!(said.out.contains("deploy: ") && said.out.contains("chmod +x "), "{said:#?}");
    env.program("deploy.sh", "#!/no/such/shell\n");
    let said = env.run(&["doctor"]).exits(1);
    assert!(said.out.contains("asks for /no/such/shell, which cannot be run"), "{said:#?}");
}
