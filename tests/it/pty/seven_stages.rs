//! A release through all seven stages, once with nothing but keys and once with nothing but commands; and the report that tells it.

use crate::support::env::TestEnv;
use crate::support::pty::Terminal;

const ID: &str = "api@1.0.0";
const DIGEST: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

/// A team that asks for everything there is in every stage.
fn strict() -> TestEnv {
    let env = TestEnv::new();
    env.config(
        r#"
[relman]
database = "state/relman.db"
[groups]
managers = ["alice", "bob"]
[environments.production]
[services.api]
pipeline = ["production"]
grace = "1s"
scripts = { build = ["./build.sh"], deploy = ["./deploy.sh"] }
[stages.request]
require = ["described"]
[stages.plan]
require = ["owner", "target-date", "scope", "milestones", "metrics", "communication", "risk", "rollback-plan"]
[stages.build]
require = ["artifact", "built"]
[stages.test]
require = ["checks"]
checks = ["unit"]
[stages.prepare]
require = ["checklist", "backup", "training", "impact", "announced", "conformance"]
checklist = ["Runbook written"]
voters = ["managers"]
[stages.review]
require = ["measured", "outcome", "lessons"]
"#,
    );
    env.script("deploy.sh", "echo copying");
    env.script("build.sh", &format!("echo ::relman artifact api.tar; echo ::relman digest {DIGEST}"));
    env
}

/// What an auditor reads without asking anyone.
#[track_caller]
fn assert_told(env: &TestEnv) {
    let report = env.run(&["report", ID]).ok().out;
    for part in [
        "# api@1.0.0: Guest checkout",
        "State: closed",
        "| need | every third cart is left |",
        "| owner | dora |",
        "| scope | 1 pay without an account (done) |",
        "code complete",
        "| success | 1 conversion \\>= 3 %: 4 %, achieved (done) |",
        "| communication | mail to support |",
        "| risk | low by alice |",
        "| rollback plan | switch back |",
        "| artifact | api.tar |",
        "| build | passed by alice",
        "| run.ended |",
        "| unit | passed by alice",
        "| checklist | Runbook written",
        "restored to try it",
        "| training | 1 support",
        "| impact | downtime: none |",
        "planned to customers by e-mail",
        "| go/no-go | go by alice (done) |",
        "deploy to production: succeeded",
        "| order | open",
        "| outcome | achieved: sold more |",
        "| lessons | 1 test with real carts |",
        "| release.created |",
        "| vote.cast |",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    let page = env.run(&["report", ID, "--html"]).ok().out;
    assert!(
        page.starts_with("<!doctype html>") && page.contains("<td>every third cart is left</td>"),
        "{page}"
    );
    env.assert_sound();
}

#[test]
fn with_nothing_but_commands() {
    let env = strict();
    let run = |args: &[&str]| drop(env.run(args).ok());
    let refused = |stage: &str| {
        let said = env.run(&["release", "advance", ID]).exits(11);
        assert!(said.err.contains(&format!("cannot leave the {stage} stage")), "{said:#?}");
    };
    let advance = || drop(env.run(&["release", "advance", ID]).ok());
    run(&["release", "new", ID, "--title", "Guest checkout"]);
    refused("request");
    run(&["release", "edit", ID, "--need", "every third cart is left"]);
    advance();
    refused("plan");
    run(&[
        "release",
        "edit",
        ID,
        "--owner",
        "dora",
        "--target",
        "+7d",
        "--communication",
        "mail to support",
        "--rollback-plan",
        "switch back",
    ]);
    run(&["plan", "scope", ID, "pay without an account"]);
    run(&["plan", "milestone", ID, "code complete", "--due", "+3d"]);
    run(&["plan", "metric", ID, "conversion", "--target", ">= 3 %"]);
    run(&["risk", ID, "--raise", "low"]);
    advance();
    refused("build");
    run(&["build", ID]);
    advance();
    refused("test");
    run(&["check", "record", ID, "unit", "passed"]);
    advance();
    refused("prepare");
    run(&["checklist", "tick", ID, "Runbook written"]);
    run(&["prepare", "backup", ID, "--place", "s3://backups/1", "--restored", "today 00:00"]);
    run(&["prepare", "training", ID, "support"]);
    run(&["prepare", "training", ID, "--done", "1"]);
    run(&["prepare", "impact", ID, "--downtime", "none"]);
    run(&["prepare", "announce", ID, "planned", "--to", "customers", "--by", "e-mail"]);
    let said = env.run(&["release", "advance", ID]).exits(11);
    assert!(said.err.contains("conformance: not done: pay without an account"), "{said:#?}");
    run(&["plan", "scope", ID, "--done", "1"]);
    let said = env.run(&["release", "advance", ID]).exits(11);
    assert!(said.err.contains("go-no-go: no go yet from managers"), "{said:#?}");
    run(&["prepare", "vote", ID, "go"]);
    advance();
    run(&["deploy", ID, "production", "--confirm", "1.0.0"]);
    advance();
    refused("review");
    run(&["review", "metric", ID, "1", "4 %"]);
    run(&["release", "edit", ID, "--outcome", "sold more"]);
    run(&["review", "lesson", ID, "test with real carts"]);
    advance();
    assert_told(&env);
}

/// The sheet of the release, and what one does in it.
struct Sheet<'a> {
    panes: &'a mut Terminal,
}

impl Sheet<'_> {
    fn open(panes: &mut Terminal) -> Sheet<'_> {
        panes.send("p");
        panes.wait_for("Enter change");
        Sheet { panes }
    }

    /// Stands on the first row whose line holds this.
    #[track_caller]
    fn on(&mut self, label: &str) -> &mut Self {
        self.panes.send("g");
        for number in 1..90 {
            self.panes.wait_for(&format!("{ID}, {number} of "));
            let screen = self.panes.picture().0;
            if screen.lines().any(|line| line.contains("│▸") && line.contains(label)) {
                return self;
            }
            self.panes.send("j");
        }
        panic!("no row says {label}\n{}", self.panes.picture().0);
    }

    /// Presses a key that opens a form, fills it in and waits until it is on record.
    #[track_caller]
    fn says(&mut self, key: &str, text: &str) -> &mut Self {
        self.panes.send(key);
        self.panes.wait_without("Enter change");
        self.panes.send(&format!("{text}\u{13}"));
        self.panes.wait_for("Enter change");
        self
    }

    /// Runs the build script from its row, and comes back when it has passed.
    #[track_caller]
    fn builds(&mut self) -> &mut Self {
        self.panes.send("\r");
        self.panes.wait_for("has not been run");
        self.panes.send("r");
        self.panes.insist("y", "build 1 passed");
        self.panes.send("\u{1b}");
        self.panes.wait_for("Enter change");
        self
    }

    fn close(&mut self) {
        self.panes.send("\u{1b}");
        self.panes.wait_without("Enter change");
    }
}

#[test]
fn with_nothing_but_keys() {
    let env = strict();
    let mut panes = Terminal::open(&env);
    panes.wait_for("Nothing here yet.");
    panes.send("n");
    panes.wait_for("New release");
    panes.send("\t1.0.0\tGuest checkout\u{13}");
    panes.wait_for("api@1.0.0 registered in the request stage");
    panes.send(">");
    panes.wait_for("cannot leave the request stage");
    panes.send("\u{1b}");
    panes.wait_without("cannot leave the request stage");
    Sheet::open(&mut panes).on("need").says("\r", "every third cart is left").close();
    panes.send(">");
    panes.wait_for("is now in the plan stage");
    let mut sheet = Sheet::open(&mut panes);
    sheet.on("owner").says("\r", "dora");
    sheet.on("target").says("\r", "+7d");
    sheet.on("scope").says("n", "pay without an account");
    sheet.on("milestones").says("n", "code complete\t+3d");
    sheet.on("success").says("n", "conversion\t>= 3 %");
    sheet.on("communication").says("\r", "mail to support");
    sheet.on("risk").says("\r", "low");
    sheet.on("rollback plan").says("\r", "switch back");
    sheet.close();
    panes.send(">");
    panes.wait_for("is now in the build stage");
    let mut sheet = Sheet::open(&mut panes);
    sheet.on(" build ").builds();
    sheet.close();
    panes.send(">");
    panes.wait_for("is now in the test stage");
    Sheet::open(&mut panes).on("unit").says("\r", "passed").close();
    panes.send(">");
    panes.wait_for("is now in the prepare stage");
    let mut sheet = Sheet::open(&mut panes);
    sheet.on("Runbook written").says("\r", "done");
    sheet.on("backup").says("\r", "s3://backups/1\t\ttoday 00:00");
    sheet.on("training").says("n", "support");
    sheet.on("1 support").says("\r", "done");
    sheet.on("impact").says("\r", "none");
    sheet.on("announced").says("n", "\tcustomers\te-mail");
    // From planned on to done.
    sheet.on("1 pay without").says("\r", "\u{1b}[C");
    sheet.on("go/no-go").says("\r", "go");
    sheet.close();
    panes.send(">");
    panes.wait_for("is now in the deploy stage");
    panes.send("D");
    panes.wait_for("type 1.0.0");
    panes.send("1.0.0");
    panes.wait_for("type 1.0.0: 1.0.0");
    panes.insist("\r", "#1 api@1.0.0");
    env.until_state(1, "succeeded");
    panes.wait_for("succeeded");
    panes.send("1");
    panes.wait_for("●production");
    panes.send(">");
    panes.wait_for("is now in the review stage");
    let mut sheet = Sheet::open(&mut panes);
    sheet.on("1 conversion").says("\r", "4 %");
    sheet.on("outcome").says("\r", "sold more");
    sheet.on("lessons").says("n", "test with real carts");
    sheet.close();
    panes.send(">");
    panes.wait_for("No release is open.");
    panes.send("q");
    assert_eq!(panes.ends(), 0);
    assert_told(&env);
}
