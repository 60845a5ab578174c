//! What a person sees when the file is wrong, and that every key there is can be used.

use super::*;
use proptest::prelude::*;

const MINIMAL: &str = r#"
[environments.staging]
[environments.production]
[services.api]
pipeline = ["staging", "production"]
scripts = { deploy = ["./deploy.sh"] }
"#;

fn at(text: &str) -> Result<Config, Problems> {
    parse(Path::new("/srv/app/relman.toml"), text)
}

/// The sentence, place and hint of the only problem of a file made of the minimal one and `extra`.
fn problem(extra: &str) -> Problem {
    let problems = at(&format!("{MINIMAL}{extra}")).expect_err("a problem").0;
    assert_eq!(problems.len(), 1, "{}", Problems(problems.clone()));
    problems.into_iter().next().unwrap()
}

#[test]
fn services_environments_and_scripts_are_enough() {
    let config = at(MINIMAL).unwrap();
    assert_eq!(config.database, Path::new("/srv/app/.relman/relman.db"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let production = config.policy.environments.values().find(|env| env.is_production()).unwrap();
    assert!(production.confirm, "a production environment asks for the version");
}

#[test]
fn the_starter_and_the_example_are_sound() {
    let starter = at(&starter("api")).unwrap();
    assert_eq!(starter.warnings, []);
    let example = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("relman.toml")).unwrap();
    assert_eq!(example.warnings, []);
    assert!(example.policy.services.len() >= 3 && example.policy.environments.len() >= 4);
}

#[test]
fn everything_the_starter_shows_as_a_comment_is_accepted_too() {
    let text: String = starter("api")
        .lines()
        .map(|line| {
            let code = line.strip_prefix("# ").filter(|rest| rest.starts_with('[') || rest.contains(" = "));
            format!("{}\n", code.unwrap_or(line))
        })
        .collect();
    // Alternatives for one key follow each other there; TOML takes each key once.
    let mut seen = std::collections::BTreeSet::new();
    let mut section = String::new();
    let once: String = text
        .lines()
        .filter(|line| {
            if line.starts_with('[') {
                section = line.to_string();
            }
            let key = line.split(" = ").next().unwrap_or_default();
            line.starts_with('#') || !line.contains(" = ") || seen.insert(format!("{section}{key}"))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let config = at(&once).unwrap_or_else(|problems| panic!("{problems}\n{once}"));
    assert!(!config.policy.freezes.is_empty() && !config.policy.stages.is_empty());
}

#[test]
fn a_typing_mistake_is_shown_where_it_is_with_what_was_meant() {
    let text = MINIMAL.replace("pipeline", "pipline");
    let shown = at(&text).unwrap_err().to_string();
    let expected = "/srv/app/relman.toml:5:1: warning: unknown key pipline in [services.api]\n   |\n \
                    5 | pipline = [\"staging\", \"production\"]\n   | ^^^^^^^\n   = did you mean pipeline?";
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn an_unknown_key_alone_is_a_warning() {
    let config = at(&format!("{MINIMAL}ownr = \"web\"\n")).unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert_eq!(config.warnings[0].hint.as_deref(), Some("did you mean owner?"));
}

#[test]
fn each_mistake_has_its_place_and_its_next_step() {
    mistakes(&[
        ("timeout = \"soon\"\n", 7, "not a duration"),
        ("strategy.production = { kind = \"canry\" }\n", 7, "did you mean canary?"),
        ("strategy.production = { kind = \"canary\", percents = [50, 10] }\n", 7, "rise from above 0 to 100"),
        ("strategy.staging = { kind = \"rolling\", targets = [\"-rf\"] }\n", 7, "is not a target"),
        ("pass-env = [\"LD_PRELOAD\"]\n", 7, "never passed"),
        ("secrets = [\"1X\"]\n", 7, "not the name of a variable"),
        ("[environments.qa]\nkind = \"produktion\"\n", 8, "did you mean production?"),
        ("[environments.qa]\nhours = [\"Mon-Fri 9-17\"]\n", 8, "Mon-Thu 09:00-17:00"),
        ("[environments.qa]\nhours = [\"Mon 22:00-06:00\"]\n", 8, "over midnight"),
        ("[environments.qa]\ndeployers = [\"sre\"]\n", 8, "there is no group 'sre'"),
        ("[environments.qa]\nsigned-approvals = \"required\"\n", 8, "no allowed-signers file is named"),
        (
            "[environments.qa]\nsigned-approvals = \"yes\"\n",
            8,
            "use one of off, optional, required, security-key",
        ),
        ("[relman]\nrevoked-keys = \"gone\"\n", 8, "nobody's key counts"),
        ("[environments.qa]\nfour-eyes = 7\n", 8, "write true, or a table"),
        ("[environments.qa]\nfour-eyes = { form = [] }\n", 8, "did you mean from?"),
        ("[environments.qa]\nfour-eyes = { from = [\"sre\"] }\n", 8, "there is no group 'sre'"),
        ("[environments.qa]\nfour-eyes = { ttl = \"0s\" }\n", 8, "after no time at all"),
        ("[relman]\nconfirm-rules = [\"sre\"]\n", 8, "there is no group 'sre'"),
        ("[environments.QA]\n", 7, "character 1"),
        ("[environments.qa]\napproval-timeout = \"5s\"\n", 8, "at least a minute"),
        ("[environments.qa]\nescalate-after = \"2h\"\n", 8, "belong together"),
        ("[environments.qa]\nremind-every = \"5s\"\n", 8, "at least a minute"),
    ]);
}

#[test]
fn each_mistake_of_the_process_has_its_place_and_its_next_step() {
    mistakes(&[
        ("[relman]\ntime-zone = \"Europe/Berln\"\n", 8, "did you mean Europe/Berlin?"),
        ("[stages.tets]\n", 7, "did you mean test?"),
        ("[stages.test]\nrequire = [\"check\"]\n", 8, "did you mean checks?"),
        ("[stages.plan]\nchecks = [\"unit\"]\n", 8, "belongs into [stages.test]"),
        ("[stages.plan]\napproval-ttl = \"2h\"\n", 8, "[stages.request] or [stages.test] or [stages.review]"),
        (
            "[groups]\nrm = [\"a\", \"b\"]\n[stages.test]\napprovals = [{ from = \"rm\" }]\nsigned-approvals = \"required\"\n",
            11,
            "no allowed-signers file is named",
        ),
        ("[stages.test]\nescalate-after = \"2h\"\n", 8, "belong together"),
        ("[rights]\nblock = [\"!sre\"]\n", 8, "there is no group 'sre'"),
        (
            "[groups]\nrm = [\"a\"]\n[rights]\nblock = [\"rm\", \"!rm\"]\n",
            10,
            "both given the right and kept from it",
        ),
        (
            "[groups]\nrm = [\"a\", \"b\"]\n[stages.test]\napprovals = [{ from = \"rm\" }]\napproval-ttl = \"0s\"\n",
            11,
            "no approval would ever count",
        ),
        ("[process.hotfix]\nskip = [\"exclusive\"]\n", 8, "is not known here"),
        ("[[freezes]]\nname = \"x\"\nstart = \"tomorrow\"\nend = \"2026-01-02\"\n", 9, "write the date"),
        (
            "[[freezes]]\nname = \"x\"\nstart = \"2026-01-02\"\nend = \"2026-01-01\"\n",
            10,
            "not after the start",
        ),
        ("[hooks]\n\"deployment.fnished\" = [[\"x\"]]\n", 8, "did you mean deployment.finished?"),
        ("[hooks]\n\"deployment.finished\" = [\"./x\"]\n", 8, "each a list of a program"),
        ("[hooks]\n\"freeze.*\" = [{ command = \"./x\" }]\n", 8, "each a list of a program"),
        ("[hooks]\n\"freeze.*\" = [{ command = [\"x\"], service = [\"a\"] }]\n", 8, "did you mean services?"),
        ("[hooks]\npre-deploy = [{ command = [\"x\"], services = [\"[\"] }]\n", 8, "is not a pattern"),
        ("[hooks]\nwebhook = \"chat.example.com\"\n", 8, "begins with https://"),
        ("[hooks]\nwebhook = { url = \"https://a:b@chat.example.com\" }\n", 8, "no user or password"),
        ("[hooks]\nwebhook = { url = \"https://x.example\", evnts = [] }\n", 8, "did you mean events?"),
        (
            "[hooks]\nwebhook = { url = \"https://x.example\", headers = { Host = \"y\" } }\n",
            8,
            "cannot be set",
        ),
        ("[hooks]\ntimeout = \"0s\"\n", 8, "no time at all"),
        ("[change]\n", 7, "say who is asked"),
        (
            "[change]\nadapter = \"jira\"\nurl = \"https://x.example\"\nproject = \"OPS\"\n",
            7,
            "where the token is",
        ),
        (
            "[[freezes]]\nname = \"x\"\nstart = \"2026-01-02\"\nend = \"2026-01-03\"\nrrule = \"FREQ=HOURLY\"\n",
            11,
            "finer than a day",
        ),
        (
            "[[freezes]]\nname = \"x\"\nstart = \"2026-01-02\"\nend = \"2026-01-03\"\nexcept = [\"2026-12-25\"]\n",
            11,
            "only a freeze with an rrule",
        ),
        (
            "[[freezes]]\nname = \"x\"\nstart = \"2026-01-02\"\nend = \"2026-01-03\"\nrunning = \"stop-at\"\n",
            11,
            "stop-at-step",
        ),
    ]);
}

/// Each of these added to a sound file is a mistake at this line, with these words.
fn mistakes(cases: &[(&str, usize, &str)]) {
    for (extra, line, words) in cases {
        let problem = problem(extra);
        let shown = problem.to_string();
        assert_eq!(problem.place.as_ref().map(|place| place.line), Some(*line), "{shown}");
        assert!(shown.contains(words), "{shown}\n… does not say: {words}");
    }
}

#[test]
fn wrong_types_and_broken_syntax_are_pointed_at() {
    let shown = problem("timeout = 5\n").to_string();
    assert!(shown.contains("relman.toml:7:11: error:"), "{shown}");
    let shown = problem("timeout = \"5m\n").to_string();
    assert!(shown.contains("relman.toml:7:"), "{shown}");
}

#[test]
fn rules_nobody_can_meet_are_warned_about() {
    let text = format!(
        "{MINIMAL}[groups]\nrm = [\"ana\"]\n[environments.qa]\napprovals = [{{ from = \"rm\", count = 1 }}]\n"
    );
    let config = at(&text).unwrap();
    assert!(
        config.warnings[0]
            .message
            .contains("rm has 1 person; when one of them made the release, not enough are left"),
        "{}",
        config.warnings[0]
    );
}

/// What is warned about, and what is only noted, in a file with these lines more.
fn remarks(extra: &str) -> (Vec<String>, Vec<String>) {
    let config = at(&format!("{MINIMAL}{extra}")).unwrap_or_else(|problems| panic!("{problems}"));
    let said = |all: &[Problem]| all.iter().map(|one| one.message.clone()).collect();
    (said(&config.warnings), said(&config.notes))
}

#[test]
fn policies_of_stages_and_of_several_rules_are_looked_at_too() {
    let groups = "[groups]\nrm = [\"ana\"]\nboth = [\"ana\"]\npair = [\"bo\", \"cy\"]\nall = [\"%staff\"]\n";
    let two = |first: &str, second: &str| {
        format!("approvals = [{{ from = \"{first}\" }}, {{ from = \"{second}\" }}]")
    };
    let cases: &[(&str, String, &str)] = &[
        (
            "stages.test",
            "approvals = [{ from = \"rm\", count = 3 }]".to_owned(),
            "rm has 1 person, the rule wants 3",
        ),
        ("stages.review", "approvals = [{ from = \"rm\" }]".to_owned(), "when one of them made the release"),
        (
            "environments.qa",
            format!("self-approval = true\n{}", two("rm", "both")),
            "nobody could ever approve this: rm and both want 2 people, and only ana may approve this",
        ),
        ("stages.request", two("pair", "pair"), "when bo or cy made the release, not enough are left"),
    ];
    for (section, lines, said) in cases {
        let (warnings, _) = remarks(&format!("{groups}[{section}]\n{lines}\n"));
        assert_eq!(warnings.len(), 1, "{section}: {warnings:?}");
        assert!(warnings[0].contains(said), "{section}: {warnings:?}");
    }
    for fine in [
        "approvals = [{ from = \"all\", count = 9 }]",
        "self-approval = true\napprovals = [{ from = \"rm\" }]",
    ] {
        let (warnings, _) = remarks(&format!("{groups}[stages.test]\n{fine}\n"));
        assert_eq!(warnings, [] as [&str; 0], "{fine}");
    }
}

#[test]
fn a_delivery_that_waits_for_people_is_said_to() {
    let text = |approvals: &str, conductor: &str| {
        let deliver = format!("[services.api.deliver.staging]\nconductor = \"{conductor}\"\n");
        format!("{deliver}[groups]\nrm = [\"bo\", \"cy\"]\n[environments.qa]\n{approvals}\n")
    };
    let with = |lines: &str, conductor: &str| {
        let minimal = MINIMAL.replace("[environments.staging]", &format!("[environments.staging]\n{lines}"));
        let config = at(&format!("{minimal}{}", text("", conductor))).unwrap();
        let said = |all: &[Problem]| -> Vec<String> { all.iter().map(|one| one.message.clone()).collect() };
        (said(&config.warnings), said(&config.notes))
    };
    let one = "approvals = [{ from = \"rm\" }]";
    let (warnings, notes) = with(one, "bo");
    assert_eq!(warnings, [] as [&str; 0]);
    let said = "staging asks for approvals: what is delivered waits until it is approved there, and then begins by \
                itself; an approval of bo does not count, as bo starts it";
    assert_eq!(notes, [said]);
    let (warnings, _) = with("approvals = [{ from = \"rm\", count = 2 }]\nself-approval = false", "bo");
    assert!(
        warnings.iter().any(|one| one.contains("nothing is ever delivered to staging by bo")),
        "{warnings:?}"
    );
    let (warnings, notes) = with("four-eyes = true", "bo");
    assert!(warnings[0].contains("a second person confirms each start live"), "{warnings:?}");
    assert_eq!(notes, [] as [&str; 0]);
    let (warnings, _) = with("four-eyes = { exempt = [\"rm\"] }", "bo");
    assert_eq!(warnings, [] as [&str; 0], "who needs no second person may deliver");
    assert_eq!(with("", "bo").1, [] as [&str; 0]);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
    let text = format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n"));
    at(&text).unwrap();
}

proptest! {
    #[test]
    fn any_text_is_a_configuration_or_a_list_of_problems(text in any::<String>()) {
        if let Err(problems) = at(&text) {
            prop_assert!(!problems.0.is_empty());
            prop_assert!(!problems.to_string().chars().any(|c| c.is_control() && c != '\n'));
        }
    }

    #[test]
    fn damaged_configurations_never_panic(cut in 0usize..3000, insert in "[\\[\\]={}\"'#\\n.a0-]{0,3}") {
        let text = starter("api").replace("\n# ", "\n");
        let cut = text.floor_char_boundary(cut.min(text.len()));
        let damaged = format!("{}{insert}{}", &text[..cut], &text[cut..]);
        drop(at(&damaged));
    }
}

/// The pipeline of the only service, as people read it, or the sentence of the only problem.
fn pipeline(text: &str) -> Result<String, String> {
    let text = MINIMAL
        .replace("[environments.staging]", "[environments.staging]\n[environments.eu]\n[environments.us]")
        .replace("[\"staging\", \"production\"]", text);
    match at(&text) {
        Ok(config) => Ok(config.policy.services.values().next().unwrap().pipeline.describe()),
        Err(problems) => {
            assert_eq!(problems.0.len(), 1, "{problems}");
            Err(problems.0[0].message.clone())
        }
    }
}

#[test]
fn a_phase_is_a_name_a_list_or_a_table() {
    let all = "[\"staging\", [\"eu\", \"us\"], \"production\"]";
    assert_eq!(pipeline(all), Ok("staging → eu + us → production".to_owned()));
    let one = "[{ environments = [\"eu\", \"us\"], required = 1 }, \"production\"]";
    assert_eq!(pipeline(one), Ok("eu + us (1 of 2) → production".to_owned()));
    let optional = "[\"staging\", { environments = [\"eu\"], required = \"none\" }, \"production\"]";
    assert_eq!(pipeline(optional), Ok("staging → eu (optional) → production".to_owned()));
}

#[test]
fn what_is_no_phase_says_what_is() {
    for (text, sentence) in [
        ("[7]", "this is no phase of a pipeline"),
        ("[[\"eu\", 7]]", "an environment is named by a text"),
        ("[{ required = 1 }]", "a phase names its environments"),
        ("[{ environments = [\"eu\"], need = 1 }]", "a phase has no key 'need'"),
        (
            "[{ environments = [\"eu\"], required = 0 }]",
            "required is \"all\", \"none\" (the phase is optional) or a number from 1 on",
        ),
        (
            "[{ environments = [\"eu\"], required = 2 }]",
            "2 are required, but the phase has only 1 environments",
        ),
        ("[\"eu\", [\"us\", \"eu\"]]", "eu is in the pipeline twice"),
        (
            "[{ environments = [\"eu\"], required = \"none\" }]",
            "a pipeline needs a phase that is not optional: being live there is its goal",
        ),
    ] {
        assert_eq!(pipeline(text).unwrap_err(), sentence, "{text}");
    }
}

#[test]
fn steps_and_toggles_are_read_and_their_mistakes_named() {
    let step = |lines: &str| format!("[[services.api.steps]]\n{lines}\n");
    let config = at(&format!(
        "{MINIMAL}{}[services.api.toggles.new-search]\non = [\"./flag.sh\", \"on\"]\noff = [\"./flag.sh\", \"off\"]\n",
        step("name = \"warm\"\ncommand = [\"./warm.sh\"]\nplace = \"first\"\nrun = \"always\"\nenvironments = [\"prod*\"]")
    ))
    .unwrap();
    let service = config.policy.services.values().next().unwrap();
    let commands: Vec<String> = service.commands().into_keys().collect();
    assert_eq!(commands, ["step warm", "toggle new-search off", "toggle new-search on"]);
    for (lines, sentence) in [
        ("name = \"verify\"\ncommand = [\"x\"]", "reads like a step of a strategy"),
        ("name = \"\"\ncommand = [\"x\"]", "a step has a name of letters"),
        ("name = \"warm\"", "a script is a list of a program and its arguments"),
        ("name = \"warm\"\ncommand = [\"x\"]\nplace = \"middle\"", "middle"),
        ("name = \"warm\"\ncommand = [\"x\"]\nrun = \"on-failure\"\nrequired = true", "never waited for"),
    ] {
        assert!(
            problem(&step(lines)).message.contains(sentence),
            "{lines}: {}",
            problem(&step(lines)).message
        );
    }
    let toggle = problem("[services.api.toggles.new-search]\non = [\"./flag.sh\"]\n");
    assert!(toggle.message.contains("a script is a list"), "{}", toggle.message);
}

#[test]
fn control_that_controls_nothing_is_a_mistake_or_a_warning() {
    let controlled =
        MINIMAL.replace("[environments.staging]", "[environments.staging]\nchange-controlled = true");
    let both = format!("{controlled}change-controlled = true\n");
    let problems = at(&both).unwrap_err();
    assert!(problems.0[0].message.contains("nobody could be asked"), "{problems}");
    let change = "[change]\ncommand = [\"./itsm.sh\"]\n";
    assert!(at(&format!("{both}{change}")).unwrap().warnings.is_empty());
    for text in [format!("{controlled}{change}"), format!("{MINIMAL}{change}")] {
        let warnings = at(&text).unwrap().warnings;
        assert!(warnings.iter().any(|one| one.message.contains("change-controlled")), "{warnings:?}");
    }
}

#[test]
fn a_record_needs_the_template_it_is_made_from() {
    let lines = "adapter = \"servicenow\"\nurl = \"https://x.example\"\ntoken-env = \"T\"\nrecord = true\n";
    let problems = at(&format!("{MINIMAL}[change]\n{lines}")).unwrap_err();
    assert!(problems.0[0].message.contains("name its template"), "{problems}");
}

#[test]
fn hooks_and_change_tickets_are_read_as_they_are_written() {
    use crate::domain::change::Adapter;
    use crate::domain::hook::Way;
    let config = at(&format!(
        r#"{MINIMAL}change-controlled = true
[relman]
bell = false
[groups]
sre = ["erin", "dave"]
leads = ["bob"]
[environments.qa]
change-controlled = true
approvals = [{{ from = "sre" }}]
remind-every = "30m"
escalate-after = "2h"
escalate-to = ["leads"]
[hooks]
timeout = "5s"
queue-blocked-after = "10m"
pass-env = ["REGION"]
pre-deploy = [["./may-i.sh", "now"], {{ command = ["./other.sh"], services = ["other"] }},
  {{ command = ["./late.sh"], environments = ["prod*"] }}]
post-deploy = [["./done.sh"], {{ command = ["./loud.sh"], services = ["a*"], environments = ["q*"] }}]
"approval.*" = [["notify", "people"]]
webhook = [
  {{ url = "https://chat.example.com/x", events = ["freeze.*"], services = ["api"], environments = ["q*"] }},
  {{ name = "ops", url = "https://ops.example.com", headers = {{ X-Team = "a" }},
    headers-env = {{ Authorization = "OPS_TOKEN" }}, secret-env = "OPS_SECRET" }},
]
[change]
adapter = "servicenow"
url = "https://corp.service-now.com/"
user-env = "SN_USER"
token-env = "SN_TOKEN"
template = "abc123"
record = true
timeout = "10s"
max-age = "5m"
create = false
fields = {{ assignment_group = "deploy" }}
"#
    ))
    .unwrap_or_else(|problems| panic!("{problems}"));
    let policy = &config.policy;
    assert!(!policy.bell);
    let keys: Vec<&str> = policy.hooks.list.iter().map(|hook| hook.key.as_str()).collect();
    assert_eq!(keys, ["approval.*[0]", "post-deploy[0]", "post-deploy[1]", "webhook[0]", "webhook ops"]);
    assert_eq!(policy.hooks.list[1].events, ["deployment.finished"]);
    match &policy.hooks.list[1].way {
        Way::Command { argv, working_dir, pass_env } => {
            assert_eq!((argv[0].as_str(), working_dir.to_str()), ("/srv/app/done.sh", Some("/srv/app")));
            assert_eq!(pass_env, &["REGION"]);
        }
        other => panic!("{other:?}"),
    }
    let some = &policy.hooks.list[2];
    assert_eq!((&some.services, &some.environments), (&vec!["a*".to_owned()], &vec!["q*".to_owned()]));
    let service = policy.services.values().next().unwrap();
    let guards: Vec<&str> = service.guards.iter().map(|guard| guard.name.as_str()).collect();
    assert_eq!(guards, ["pre-deploy", "pre-deploy 3"], "those of other services are none of this one's");
    assert_eq!(service.guards[0].command, ["/srv/app/may-i.sh", "now"]);
    assert_eq!(service.commands()["hook pre-deploy"], service.guards[0].command);
    let change = policy.change.as_ref().unwrap();
    match &change.adapter {
        Adapter::ServiceNow(account) => {
            assert_eq!(account.url, "https://corp.service-now.com");
            assert_eq!((account.table.as_str(), account.fields.len()), ("change_request", 1));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((change.proceed.as_slice(), change.create), (&["Implement".to_owned()][..], false));
    // Nothing that api goes to is change-controlled.
    assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
}

#[test]
fn a_success_threshold_says_how_many_targets_may_fail() {
    let spare = |targets: usize, threshold: i64| {
        let names: Vec<String> = (0..targets).map(|n| format!("\"t{n}\"")).collect();
        let text = format!(
            "{MINIMAL}strategy.staging = {{ kind = \"rolling\", targets = [{}], success-threshold = {threshold} }}\n",
            names.join(", ")
        );
        let config = at(&text).map_err(|problems| problems.0[0].message.clone())?;
        let strategy = config.policy.services.values().next().unwrap().strategies.values().next().cloned();
        match strategy {
            Some(crate::domain::strategy::Strategy::Rolling { spare, .. }) => Ok::<usize, String>(spare),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(spare(10, 80), Ok(2));
    assert_eq!(spare(10, 85), Ok(1), "as many must succeed as are needed, rounded up");
    assert_eq!(spare(3, 100), Ok(0));
    assert!(spare(3, 0).unwrap_err().contains("from 1 to 100"));
}

#[test]
fn a_delivery_needs_a_conductor_and_a_phase_people_must_pass() {
    let text = |pipeline: &str, lines: &str| {
        format!(
            "{}[services.api.deliver.staging]\n{lines}\n",
            MINIMAL.replace("[\"staging\", \"production\"]", pipeline)
        )
    };
    let plain = "[\"staging\", \"production\"]";
    let config =
        at(&text(plain, "conductor = \"carol\"\ninterval = \"30m\"\nhours = [\"Mon-Fri 09:00-16:00\"]"))
            .unwrap();
    let delivery = config.policy.services.values().next().unwrap().deliveries.values().next().unwrap();
    assert_eq!(delivery.max_changes, 8);
    let why = |text: String| at(&text).unwrap_err().0.remove(0).message;
    assert!(why(text(plain, "interval = \"30m\"")).contains("no conductor"));
    assert!(why(text(plain, "conductor = \"carol\"\nmax-changes = 0")).contains("at least 1"));
    let optional = "[{ environments = [\"staging\"], required = \"none\" }, \"production\"]";
    assert!(why(text(optional, "conductor = \"carol\"")).contains("only people deploy there"));
    assert!(why(text("[\"production\"]", "conductor = \"carol\"")).contains("not in the pipeline"));
}

#[test]
fn every_key_about_people_can_be_used_and_is_understood() {
    use crate::domain::right::{Place, Right};
    let text = MINIMAL.replace("[environments.production]", "[environments.production]\n[environments.production.rights]\ndeploy = [\"sre\"]\ncancel = [\"sre\", \"rm\"]");
    let config = at(&format!(
        "[relman]\nreadonly = true\nservice-user = \"relman\"\n[groups]\nsre = [\"ana\", \"bo\"]\nrm = [\"cy\"]\n\
         [rights]\nfreeze = [\"rm\"]\n{text}[services.api.rights]\nblock = [\"sre\"]\n"
    ))
    .unwrap();
    assert_eq!(config.warnings, []);
    assert!(config.policy.readonly);
    assert_eq!(config.service_user.as_deref(), Some("relman"));
    let env = "production".parse().unwrap();
    let service = "api".parse().unwrap();
    let line = |right: Right| config.policy.ruling(right, Place::both(&service, &env)).grants[0].line.clone();
    assert_eq!(line(Right::Deploy), "[environments.production.rights] deploy");
    assert_eq!(line(Right::Cancel), "[environments.production.rights] cancel");
    assert_eq!(line(Right::Freeze), "[rights] freeze");
    assert_eq!(line(Right::Unblock), "[services.api.rights] block");
    for name in ["root", "", "a b"] {
        assert!(at(&format!("[relman]\nservice-user = \"{name}\"\n{MINIMAL}")).is_err(), "{name}");
    }
}

#[test]
fn a_freeze_that_repeats_is_read_with_its_rule_and_its_exceptions() {
    let freeze = "[[freezes]]\nname = \"Weekends\"\nstart = \"2026-01-01 16:00\"\nend = \"2026-01-04 08:00\"\n\
                  time-zone = \"Europe/Berlin\"\nrrule = \"FREQ=WEEKLY;BYDAY=FR\"\nexcept = [\"2026-01-02\"]\n\
                  running = \"stop-at-step\"\n";
    let config = at(&format!("{MINIMAL}{freeze}")).unwrap();
    let [freeze] = config.policy.freezes.as_slice() else { panic!("one freeze") };
    let wanted = |text: &str| text.parse::<crate::domain::time::Timestamp>().unwrap();
    assert_eq!(freeze.window.start, wanted("2026-01-09T16:00:00+01:00"), "the first Friday is left out");
    let summer = freeze.next(wanted("2026-07-01T00:00:00Z")).unwrap();
    assert_eq!(
        (summer.start, summer.end),
        (wanted("2026-07-03T16:00:00+02:00"), wanted("2026-07-06T08:00:00+02:00"))
    );
    assert_eq!(freeze.running, crate::domain::freeze::Running::StopAtStep);
}
