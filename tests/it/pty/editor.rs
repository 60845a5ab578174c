//! A person's own editor, opened from a form: it has the terminal to itself, and what it saves is what stands there.

use nix::sys::signal::Signal;

use crate::support::env::TestEnv;
use crate::support::pty::Terminal;

/// Panes with an editor that is a script; `$1` is the file.
fn panes(editor: &str) -> (TestEnv, Terminal) {
    let env = TestEnv::new();
    env.registered("api@1.0.0");
    env.write("edit.sh", &format!("#!/bin/sh\n{editor}\n"), 0o755);
    let path = env.path("edit.sh").display().to_string();
    let mut panes = Terminal::with(&env, (80, 24), &[("EDITOR", &format!("'{path}' --wait"))]);
    panes.wait_for("api@1.0.0");
    panes.send("b");
    panes.wait_for("Block api@1.0.0");
    (env, panes)
}

#[test]
fn what_is_saved_stands_in_the_field_and_is_recorded_with_its_lines() {
    let (env, mut panes) =
        panes("[ \"$1\" = --wait ] && shift; printf 'first line\\nsecond line\\n' > \"$1\"");
    panes.wait_for("Ctrl-O");
    panes.send("\u{f}");
    panes.wait_for("first line↵second line  (2 lines)");
    panes.send("\u{13}");
    panes.wait_for("api@1.0.0 is blocked");
    let shown = env.run(&["release", "show", "api@1.0.0", "--json"]).ok().json();
    assert_eq!(shown["release"]["release"]["blocked"]["reason"], "first line\nsecond line");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn an_editor_that_fails_or_saves_nothing_leaves_the_text_as_it_was() {
    for (editor, said) in [
        ("exit 3", "ended with 3: the text stays as it was"),
        ("shift; : > \"$1\"", "nothing was saved: the text stays as it was"),
        ("kill -9 $$", "was stopped: the text stays as it was"),
        (
            "shift; head -c 5000 /dev/zero | tr '\\0' x > \"$1\"",
            "the text is too long: 5000 of 4000 bytes; it is in",
        ),
    ] {
        let (_env, mut panes) = panes(editor);
        panes.send("leaks memory");
        panes.wait_for("leaks memory");
        panes.send("\u{f}");
        panes.wait_for(said);
        panes.wait_for("leaks memory");
        panes.send("\u{1b}");
        panes.wait_for("Esc again leaves");
        panes.send("\u{1b}");
        panes.wait_without("Block api@1.0.0");
        panes.send("q");
        assert_eq!(panes.ends(), 0);
    }
}

#[test]
fn the_editor_gets_every_key_and_an_interrupt_there_ends_nothing_here() {
    let editor = "shift; trap 'touch interrupted' INT; printf EDITING; read -r typed; printf HEARD; \
                  while ! [ -e interrupted ]; do sleep 0.05; done; printf '%s' \"$typed\" > \"$1\"";
    let (_env, mut panes) = panes(editor);
    panes.send("\u{f}");
    panes.wait_for("EDITING");
    assert!(!panes.modes().0, "the editor has the terminal as the shell left it");
    panes.send("disk is full\n");
    panes.wait_for("HEARD");
    panes.send("\u{3}");
    panes.wait_for("Block api@1.0.0");
    panes.wait_for("disk is full");
    panes.send("\u{1b}");
    panes.wait_for("Esc again leaves");
    panes.send("\u{1b}");
    panes.wait_without("Block api@1.0.0");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
}

#[test]
fn when_the_terminal_goes_away_while_the_editor_is_open_nothing_stays_behind() {
    let (_env, mut panes) = panes("printf EDITING; exec sleep 1000");
    panes.send("half a reason");
    panes.wait_for("half a reason");
    panes.send("\u{f}");
    panes.wait_for("EDITING");
    let pid = panes.pid();
    panes.signal(Signal::SIGHUP);
    // The shell's group is told: editor and panes alike.
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    for child in children.split_whitespace() {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.parse().unwrap()), Signal::SIGHUP).unwrap();
    }
    assert_eq!(panes.code(), 129);
}

#[test]
fn the_command_line_opens_it_too_and_line_by_line_as_well() {
    let env = TestEnv::new();
    env.registered("api@1.0.0");
    env.write("edit.sh", "#!/bin/sh\nprintf 'carts\\nare lost\\n' > \"$1\"\n", 0o755);
    let path = env.path("edit.sh").display().to_string();
    let mut lines = Terminal::with(&env, (80, 24), &[("EDITOR", &path), ("RELMAN_A11Y", "1")]);
    lines.wait_for("relman>");
    assert!(!lines.modes().0, "no alternate screen");
    lines.send("release edit api@1.0.0 --editor need\r");
    lines.wait_for("api@1.0.0 changed");
    let shown = env.run(&["release", "show", "api@1.0.0", "--json"]).ok().json();
    assert_eq!(shown["release"]["release"]["request"]["need"], "carts\nare lost");
    lines.send("release edit api@1.0.0 --editor owner\r");
    lines.wait_for("owner is no long text");
    lines.send("q\r");
    assert_eq!(lines.code(), 0);
    let without = env.run(&["release", "edit", "api@1.0.0", "--editor", "need"]).exits(2);
    assert!(without.err.contains("--need TEXT"), "{}", without.err);
}
