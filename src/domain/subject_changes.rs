//! What is different between two contents that decisions are about: for "why does it not count any more" and "what
//! would run now that did not run before".

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::subject::{DeploySubject, ScriptFile};

/// What is another in `new` than in `old`, both as canonical JSON; empty where nothing can be told apart.
pub fn differences(old: &str, new: &str) -> Vec<String> {
    let deploys = (serde_json::from_str(old), serde_json::from_str(new));
    if let (Ok(old), Ok(new)) = deploys {
        return between(&old, &new);
    }
    let objects = (serde_json::from_str(old), serde_json::from_str(new));
    let (Ok(Value::Object(old)), Ok(Value::Object(new))) = objects else { return Vec::new() };
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| format!("the {}", key.replace('_', " ")))
        .collect()
}

/// What would be run otherwise, whatever it is that is put there; nothing where the two are no deployments.
pub fn run_otherwise(old: &str, new: &str) -> Option<Vec<String>> {
    let (old, new) = (serde_json::from_str(old).ok()?, serde_json::from_str(new).ok()?);
    Some(ways(&old, &new))
}

/// Content, way and scripts.
fn between(old: &DeploySubject, new: &DeploySubject) -> Vec<String> {
    let mut all = Vec::new();
    let short = |subject: &DeploySubject| subject.artifact_digest.as_ref().map(|d| d.short().to_owned());
    for (what, before, after) in [
        ("commit", old.commit.clone(), new.commit.clone()),
        ("artifact", old.artifact.clone(), new.artifact.clone()),
        ("artifact digest", short(old), short(new)),
    ] {
        if before != after {
            let shown = |side: Option<String>| side.unwrap_or_else(|| "none".to_owned());
            all.push(format!("{what} {} → {}", shown(before), shown(after)));
        }
    }
    all.extend(ways(old, new));
    all.extend(named("the field", &old.fields, &new.fields));
    all
}

fn ways(old: &DeploySubject, new: &DeploySubject) -> Vec<String> {
    let mut all = Vec::new();
    if old.strategy != new.strategy {
        all.push(format!("the strategy: {} → {}", written(&old.strategy), written(&new.strategy)));
    }
    all.extend(files(&old.scripts.all_files(), &new.scripts.all_files()));
    all.extend(named("the command line of", &pairs(&old.scripts.argv), &pairs(&new.scripts.argv)));
    let commands = |subject: &DeploySubject| -> BTreeMap<String, String> {
        let all = subject.scripts.commands.iter();
        all.map(|(key, command)| (key.clone(), command.argv.join(" "))).collect()
    };
    all.extend(named("the command of", &commands(old), &commands(new)));
    if old.working_dir != new.working_dir {
        let (before, after) = (old.working_dir.display(), new.working_dir.display());
        all.push(format!("the working directory: {before} → {after}"));
    }
    let (before, after): (BTreeSet<_>, BTreeSet<_>) =
        (old.variables.iter().collect(), new.variables.iter().collect());
    all.extend(after.difference(&before).map(|name| format!("the variable {name} is handed in as well")));
    all.extend(
        before.difference(&after).map(|name| format!("the variable {name} is not handed in any more")),
    );
    let steps = |subject: &DeploySubject| -> BTreeMap<String, String> {
        subject.steps.iter().map(|step| (step.name.clone(), written(step))).collect()
    };
    all.extend(named("the step", &steps(old), &steps(new)));
    if old.steps != new.steps && steps(old) == steps(new) {
        let order = |subject: &DeploySubject| -> String {
            subject.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        all.push(format!("the order of the steps: {} → {}", order(old), order(new)));
    }
    if old.retries != new.retries {
        let (before, after) = (written(&old.retries), written(&new.retries));
        all.push(format!("how often a failed step is tried again: {before} → {after}"));
    }
    all
}

/// A setting in few words, as it is kept: `canary, pause 10m, percents 10 50 100`.
fn written(setting: &impl serde::Serialize) -> String {
    let Ok(Value::Object(fields)) = serde_json::to_value(setting) else { return String::new() };
    let is_duration = |value: &Value| value.get("secs").is_some() && value.get("nanos").is_some();
    let said = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => {
            let words: Vec<String> =
                all.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect();
            words.join(" ")
        }
        value if is_duration(value) => {
            let seconds = value.get("secs").and_then(Value::as_u64).unwrap_or_default();
            super::time::span(std::time::Duration::from_secs(seconds))
        }
        other => other.to_string(),
    };
    // What it is comes first, then the rest by name.
    let kind = fields.get("kind").map(said);
    let is_said = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(all) => !all.is_empty(),
        _ => true,
    };
    let others =
        fields.iter().filter(|(key, value)| !["kind", "name"].contains(&key.as_str()) && is_said(value));
    let others = others.map(|(key, value)| match value {
        Value::Bool(true) => key.replace(['-', '_'], " "),
        value => format!("{} {}", key.replace(['-', '_'], " "), said(value)),
    });
    kind.into_iter().chain(others).collect::<Vec<_>>().join(", ")
}

/// Scripts by their path: changed, new, gone.
fn files(old: &[ScriptFile], new: &[ScriptFile]) -> Vec<String> {
    let by_path = |files: &'_ [ScriptFile]| -> BTreeMap<String, String> {
        let digest = |file: &ScriptFile| file.digest.as_ref().map_or("missing", |d| d.short()).to_owned();
        files.iter().map(|file| (file.path.clone(), digest(file))).collect()
    };
    let (old, new) = (by_path(old), by_path(new));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths
        .into_iter()
        .filter_map(|path| match (old.get(path), new.get(path)) {
            (Some(before), Some(after)) if before == after => None,
            (Some(before), Some(after)) => Some(format!("{path} changed ({before} → {after})")),
            (None, _) => Some(format!("{path} is new")),
            (_, None) => Some(format!("{path} is not used any more")),
        })
        .collect()
}

fn pairs(argv: &[(super::policy::ScriptRole, super::policy::Argv)]) -> BTreeMap<String, String> {
    argv.iter().map(|(role, argv)| (role.to_string(), argv.join(" "))).collect()
}

/// Settings by their name: what they were and what they are.
fn named(what: &str, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let side = |all: &BTreeMap<String, String>, key: &String| {
        all.get(key).cloned().unwrap_or_else(|| "none".to_owned())
    };
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| format!("{what} {key}: {} → {}", side(old, key), side(new, key)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::digest::Digest;
    use crate::domain::hold::Retries;
    use crate::domain::policy::ScriptRole;
    use crate::domain::strategy::Strategy;
    use crate::domain::subject::ScriptSet;

    fn subject(script: &str) -> DeploySubject {
        DeploySubject {
            release: "api@1.0.0".parse().unwrap(),
            environment: "production".parse().unwrap(),
            commit: Some("4f2c".into()),
            artifact: None,
            artifact_digest: None,
            strategy: Strategy::AllAtOnce,
            scripts: ScriptSet {
                argv: vec![(ScriptRole::Deploy, vec!["./deploy.sh".into()])],
                commands: BTreeMap::new(),
                files: vec![ScriptFile {
                    path: "/srv/deploy.sh".into(),
                    digest: Some(Digest::of(script.as_bytes())),
                }],
            },
            working_dir: "/srv".into(),
            variables: vec!["TOKEN".into()],
            steps: Vec::new(),
            retries: Retries::default(),
            fields: BTreeMap::new(),
        }
    }

    #[test]
    fn each_thing_that_changed_is_named() {
        let old = subject("one");
        assert_eq!(differences(&old.canonical(), &old.canonical()), Vec::<String>::new());
        let mut new = subject("two");
        new.commit = None;
        new.artifact_digest = Some(Digest::of(b"image"));
        new.variables = vec!["OTHER".into()];
        new.scripts.argv.push((ScriptRole::Verify, vec!["./verify.sh".into()]));
        let said = differences(&old.canonical(), &new.canonical());
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        assert_eq!(
            said,
            [
                "commit 4f2c → none".to_owned(),
                format!("artifact digest none → {}", Digest::of(b"image").short()),
                format!("/srv/deploy.sh changed ({} → {})", one.short(), two.short()),
                "the command line of verify: none → ./verify.sh".to_owned(),
                "the variable OTHER is handed in as well".to_owned(),
                "the variable TOKEN is not handed in any more".to_owned(),
            ]
        );
    }

    #[test]
    fn settings_are_told_as_they_were_and_as_they_are() {
        use crate::domain::extra_step::ExtraStep;
        let step = |name: &str, required: bool| ExtraStep {
            name: name.to_owned(),
            command: vec!["./migrate.sh".into(), "up".into()],
            place: crate::domain::extra_step::Place::First,
            condition: crate::domain::extra_step::Condition::default(),
            environments: Vec::new(),
            required,
            goes_on: false,
            in_rollbacks: false,
        };
        let mut old = subject("one");
        old.steps = vec![step("migrate", false)];
        let mut new = subject("one");
        new.strategy = Strategy::Canary {
            percents: vec![10, 50, 100],
            pause: std::time::Duration::from_secs(600),
            judge: None,
        };
        new.steps = vec![step("migrate", true)];
        new.retries = Retries { times: 2, delay: std::time::Duration::from_secs(30) };
        new.working_dir = "/srv/new".into();
        new.scripts.argv[0].1.push("--fast".into());
        let said = differences(&old.canonical(), &new.canonical());
        assert_eq!(said[0], "the strategy: all-at-once → canary, pause 10m, percents 10 50 100");
        assert_eq!(said[1], "the command line of deploy: ./deploy.sh → ./deploy.sh --fast");
        assert_eq!(said[2], "the working directory: /srv → /srv/new");
        let plain = "command ./migrate.sh up, condition on-success, place first";
        assert_eq!(said[3], format!("the step migrate: {plain} → {plain}, required"));
        assert_eq!(said[4], "how often a failed step is tried again: delay 0s, times 0 → delay 30s, times 2");
        new.steps = vec![step("seed", false), step("migrate", false)];
        old.steps.push(step("seed", false));
        let said = differences(&old.canonical(), &new.canonical());
        assert!(
            said.contains(&"the order of the steps: migrate, seed → seed, migrate".to_owned()),
            "{said:?}"
        );
    }

    #[test]
    fn of_a_request_the_fields_are_named() {
        let said = differences(r#"{"need":"a","objective":"x"}"#, r#"{"need":"b","objective":"x"}"#);
        assert_eq!(said, ["the need"]);
        assert_eq!(differences("", "{}"), Vec::<String>::new());
    }
}
