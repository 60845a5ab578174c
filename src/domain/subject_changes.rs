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
    all
}

fn ways(old: &DeploySubject, new: &DeploySubject) -> Vec<String> {
    let mut all = Vec::new();
    if old.strategy != new.strategy {
        all.push("the strategy".to_owned());
    }
    all.extend(files(&old.scripts.all_files(), &new.scripts.all_files()));
    all.extend(named("the command line of", &pairs(&old.scripts.argv), &pairs(&new.scripts.argv)));
    let commands = |subject: &DeploySubject| -> BTreeMap<String, String> {
        let all = subject.scripts.commands.iter();
        all.map(|(key, command)| (key.clone(), command.argv.join(" "))).collect()
    };
    all.extend(named("the command of", &commands(old), &commands(new)));
    if old.working_dir != new.working_dir {
        all.push(format!("the working directory is {}", new.working_dir.display()));
    }
    let (before, after): (BTreeSet<_>, BTreeSet<_>) =
        (old.variables.iter().collect(), new.variables.iter().collect());
    all.extend(after.difference(&before).map(|name| format!("the variable {name} is handed in as well")));
    all.extend(
        before.difference(&after).map(|name| format!("the variable {name} is not handed in any more")),
    );
    if old.steps != new.steps {
        all.push("the steps beside those of the strategy".to_owned());
    }
    if old.retries != new.retries {
        all.push("how often a failed step is tried again".to_owned());
    }
    all
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

fn named(what: &str, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).map(|key| format!("{what} {key}")).collect()
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
                "the command line of verify".to_owned(),
                "the variable OTHER is handed in as well".to_owned(),
                "the variable TOKEN is not handed in any more".to_owned(),
            ]
        );
    }

    #[test]
    fn of_a_request_the_fields_are_named() {
        let said = differences(r#"{"need":"a","objective":"x"}"#, r#"{"need":"b","objective":"x"}"#);
        assert_eq!(said, ["the need"]);
        assert_eq!(differences("", "{}"), Vec::<String>::new());
    }
}
