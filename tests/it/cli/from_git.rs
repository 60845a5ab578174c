//! `relman release new SERVICE --from-git`, against real repositories made by git itself.

use std::process::Command;

use super::ready;
use crate::support::env::TestEnv;

/// Commits in a repository of its own.
struct Repo<'a> {
    env: &'a TestEnv,
    name: &'static str,
}

impl Repo<'_> {
    #[expect(clippy::disallowed_methods, reason = "a test makes its own repository")]
    fn git(&self, args: &[&str]) {
        let dir = self.env.path(self.name);
        let said = Command::new("git")
            .arg("-C")
            .arg(&dir)
            .args(["-c", "user.name=Dora", "-c", "user.email=dora@example.org", "-c", "tag.gpgSign=false"])
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
    }

    fn commit(&self, file: &str, message: &str) {
        let path = format!("{}/{file}", self.name);
        self.env.write(&path, message, 0o644);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }
}

fn repo<'a>(env: &'a TestEnv, name: &'static str) -> Repo<'a> {
    let repo = Repo { env, name };
    std::fs::create_dir_all(env.path(name).join("api")).unwrap();
    repo.git(&["init", "--quiet", "--initial-branch", "main"]);
    repo
}

fn dry(env: &TestEnv, more: &[&str]) -> serde_json::Value {
    let args =
        [&["--json", "release", "new", "api", "--from-git", "--repo", "src", "--dry-run"], more].concat();
    env.run(&args).json()["proposal"].clone()
}

#[test]
fn a_repository_without_a_version_begins_with_one() {
    let env = ready();
    let repo = repo(&env, "src");
    repo.commit("a", "first try");
    let found = dry(&env, &[]);
    assert_eq!(found["id"], "api@0.1.0", "{found:#}");
    assert_eq!(found["changes"], serde_json::json!(["first try"]));
}

#[test]
fn tags_and_messages_become_a_version_a_title_and_a_list_of_changes() {
    let env = ready();
    let repo = repo(&env, "src");
    repo.commit("a", "feat: carts");
    repo.git(&["tag", "--annotate", "--message", "x", "v1.4.2"]);
    repo.git(&["tag", "nightly"]);
    repo.commit("a", "fix(cart): totals");
    repo.commit("a", "docs: how to pay");
    repo.commit("a", "feat: guests may pay\n\nThey asked for it.");
    let found = dry(&env, &[]);
    assert_eq!(found["id"], "api@1.5.0");
    assert_eq!(found["title"], "Guests may pay");
    assert_eq!(found["why"], "3 commits since v1.4.2; \"feat: guests may pay\" makes it a minor one");
    let changes = ["feat: guests may pay", "fix(cart): totals", "docs: how to pay"];
    assert_eq!(found["changes"], serde_json::json!(changes));
    assert_eq!(found["misfit"], serde_json::Value::Null);
    assert_eq!(found["commit"].as_str().unwrap().len(), 40);

    let said = env.run(&["release", "new", "api", "--from-git", "--repo", "src"]).ok();
    assert!(said.out.starts_with("api@1.5.0 registered in the"), "{said:#?}");
    let shown = env.run(&["release", "show", "api@1.5.0"]).ok();
    assert!(shown.out.contains("- feat: guests may pay"), "{shown:#?}");
}

#[test]
fn a_breaking_change_under_a_patch_version_is_flagged_and_stays_so() {
    let env = ready();
    let repo = repo(&env, "src");
    repo.commit("a", "feat: carts");
    repo.git(&["tag", "v1.4.2"]);
    repo.commit("a", "refactor: orders\n\nBREAKING CHANGE: the old address is gone");
    let said = env.run(&["release", "new", "api", "1.4.3", "--from-git", "--repo", "src"]).ok();
    let why = "\"refactor!: orders\" breaks something: after 1.4.2 that asks for 2.0.0 or later, not 1.4.3";
    assert!(said.err.contains(why), "{said:#?}");
    let shown = env.run(&["release", "advance", "api@1.4.3"]).ok();
    drop(env.run(&["release", "advance", "api@1.4.3"]).ok());
    let left = env.run(&["release", "advance", "api@1.4.3"]).ok();
    assert!(left.out.contains("version") && left.out.contains(why), "{shown:#?}\n{left:#?}");
}

#[test]
fn a_repository_of_several_services_gives_each_its_own() {
    let env = ready();
    let repo = repo(&env, "src");
    repo.commit("api/a", "feat: carts");
    repo.git(&["tag", "api-1.4.2"]);
    repo.git(&["tag", "web-7.0.0"]);
    repo.commit("b", "feat!: not of this service");
    repo.commit("api/a", "fix: totals");
    let args = ["--json", "release", "new", "api", "--from-git", "--repo", "src/api", "--dry-run"];
    let found = env.run(&args).json()["proposal"].clone();
    assert_eq!((&found["id"], &found["changes"]), (&"api@1.4.3".into(), &serde_json::json!(["fix: totals"])));
}

#[test]
fn what_cannot_be_read_is_said_and_nothing_is_registered() {
    let env = ready();
    let new = |more: &[&str]| env.run(&[&["release", "new", "api", "--from-git"], more].concat());
    let none = new(&["--repo", "nowhere"]).exits(1);
    assert!(none.err.contains("there is no directory nowhere"), "{none:#?}");
    let no_repo = new(&[]).exits(1);
    assert!(
        no_repo.err.contains("not a git repository") || no_repo.err.contains("knows no commit"),
        "{no_repo:#?}"
    );
    let repo = repo(&env, "src");
    repo.commit("a", "feat: carts");
    repo.git(&["tag", "v1.4.2"]);
    let nothing = new(&["--repo", "src"]).exits(4);
    assert!(nothing.err.contains("nothing was committed since v1.4.2"), "{nothing:#?}");
    let unknown = new(&["--repo", "src", "--to", "feature"]).exits(1);
    assert!(unknown.err.contains("knows no commit feature"), "{unknown:#?}");
    // What looks like an option is a name.
    drop(new(&["--repo", "src", "--to=--output=/tmp/x"]).exits(1));
}

#[test]
fn a_release_takes_the_plan_of_an_earlier_one_over_and_nothing_that_was_done() {
    let env = ready();
    for args in [
        &["plan", "metric", "api@1.0.0", "conversion", "--target", ">= 3 %"][..],
        &["review", "metric", "api@1.0.0", "1", "4 %"],
        &["prepare", "task", "api@1.0.0", "order a licence"],
        &["prepare", "task", "api@1.0.0", "--done", "1"],
        &["release", "edit", "api@1.0.0", "--owner", "dora", "--rollback-plan", "switch back"],
        &["release", "new", "api", "1.1.0", "--like", "api@1.0.0"],
    ] {
        drop(env.run(args).ok());
    }
    let shown = env.run(&["plan", "show", "api@1.1.0"]).ok().out;
    assert!(shown.contains("dora") && shown.contains("switch back"), "{shown}");
    assert!(shown.contains("1 conversion >= 3 %\n"), "{shown}");
    let prepared = env.run(&["prepare", "show", "api@1.1.0"]).ok().out;
    assert!(prepared.contains("· 1 order a licence\n"), "{prepared}");
    drop(env.run(&["release", "new", "api", "1.2.0", "--like", "api@9.9.9"]).exits(3));
}

#[test]
fn a_branch_that_moves_is_pinned_to_the_commit_it_stood_for() {
    let env = TestEnv::with_service("repo = \"src\"");
    let repo = repo(&env, "src");
    repo.commit("a", "feat: carts");
    let commit = |id: &str| {
        let said = env.run(&["--json", "release", "show", id]).ok().json();
        said["release"]["release"]["build"]["commit"].as_str().unwrap().to_owned()
    };
    drop(env.run(&["release", "new", "api", "1.0.0", "--commit", "main"]).ok());
    let first = commit("api@1.0.0");
    assert_eq!(first.len(), 40, "{first}");
    repo.commit("a", "feat: guests may pay");
    assert_eq!(commit("api@1.0.0"), first, "it stands for what it stood for");
    drop(env.run(&["release", "edit", "api@1.0.0", "--commit", "main"]).ok());
    assert_ne!(commit("api@1.0.0"), first);
    // A hash of another clone stays as it was typed; a name that stands for nothing is refused.
    drop(env.run(&["release", "edit", "api@1.0.0", "--commit", "9f2c1ab"]).ok());
    assert_eq!(commit("api@1.0.0"), "9f2c1ab");
    let unknown = env.run(&["release", "edit", "api@1.0.0", "--commit", "v9.9.9"]).exits(3);
    assert!(unknown.err.contains("v9.9.9") && unknown.err.contains("write the hash"), "{}", unknown.err);
}
