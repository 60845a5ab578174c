//! What may be written in relman.toml, before anything is checked.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::panes::RawPanes;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Raw {
    pub relman: RawRelman,
    pub groups: BTreeMap<String, Vec<String>>,
    pub environments: BTreeMap<String, RawEnvironment>,
    pub services: BTreeMap<String, RawService>,
    pub stages: BTreeMap<String, RawStage>,
    pub announcements: BTreeMap<String, String>,
    pub process: BTreeMap<String, RawProcess>,
    pub freezes: Vec<RawFreeze>,
    pub trains: BTreeMap<String, RawTrain>,
    pub change: Option<RawChange>,
    pub hooks: Option<toml::Table>,
    pub keys: Option<toml::Table>,
    pub theme: Option<toml::Table>,
    pub panes: RawPanes,
    pub rights: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawRelman {
    pub database: Option<String>,
    pub time_zone: Option<String>,
    pub approval_ttl: Option<String>,
    pub log_retention: Option<String>,
    pub allowed_signers: Option<String>,
    pub revoked_keys: Option<String>,
    pub readonly: bool,
    pub confirm_rules: Vec<String>,
    pub service_user: Option<String>,
    pub bell: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawEnvironment {
    pub kind: Option<String>,
    pub mirrors: Option<String>,
    pub drift_ignore: Vec<String>,
    pub mirrored_by: Option<String>,
    pub soak: Option<String>,
    pub hours: Vec<String>,
    pub confirm: Option<String>,
    pub approvals: Vec<RawRule>,
    pub approval_ttl: Option<String>,
    pub rollback_approvals: Vec<RawRule>,
    pub deployers: Vec<String>,
    pub r#override: Vec<String>,
    pub override_ttl: Option<String>,
    pub override_review: Option<String>,
    pub promote_full: Vec<String>,
    pub self_approval: Option<bool>,
    pub newest_only: bool,
    pub signed_approvals: Option<String>,
    pub queue: Option<String>,
    pub after_failure: Option<String>,
    pub one_in_queue: Option<bool>,
    pub outdated: Option<String>,
    pub rights: BTreeMap<String, Vec<String>>,
    pub change_controlled: bool,
    pub remind_every: Option<String>,
    pub escalate_after: Option<String>,
    pub escalate_to: Vec<String>,
    pub approval_timeout: Option<String>,
    /// A switch or a table: looked at by hand.
    pub four_eyes: Option<toml::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawChange {
    pub command: Vec<String>,
    pub pass_env: Vec<String>,
    pub adapter: Option<String>,
    pub url: Option<String>,
    pub user_env: Option<String>,
    pub token_env: Option<String>,
    pub token_file: Option<String>,
    pub table: Option<String>,
    pub project: Option<String>,
    pub issue_type: Option<String>,
    pub template: Option<String>,
    pub start_field: Option<String>,
    pub end_field: Option<String>,
    pub fields: Option<toml::Table>,
    pub create: Option<bool>,
    pub record: bool,
    pub timeout: Option<String>,
    pub max_age: Option<String>,
    pub proceed: Option<Vec<String>>,
    pub wait: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawRule {
    pub from: String,
    #[serde(default = "one")]
    pub count: i64,
    pub risk: Option<String>,
}

fn one() -> i64 {
    1
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawService {
    /// Environments, lists of them, tables: looked at by hand, for errors that say what is meant.
    pub pipeline: Vec<toml::Value>,
    pub owner: Option<String>,
    pub repo: Option<String>,
    pub version: Option<String>,
    pub working_dir: Option<String>,
    pub timeout: Option<String>,
    pub quiet_timeout: Option<String>,
    pub step_timeout: Option<String>,
    pub grace: Option<String>,
    pub pass_env: Vec<String>,
    pub secrets: Vec<String>,
    pub scripts: BTreeMap<String, Vec<String>>,
    pub strategy: BTreeMap<String, RawStrategy>,
    pub depends_on: Vec<String>,
    pub prompts: BTreeMap<String, RawPrompt>,
    pub steps: Vec<RawStep>,
    pub toggles: BTreeMap<String, RawToggle>,
    pub deliver: BTreeMap<String, RawDelivery>,
    pub monitors: BTreeMap<String, RawMonitor>,
    pub channels: BTreeMap<String, RawChannel>,
    pub fields: Vec<String>,
    pub checks: BTreeMap<String, Vec<String>>,
    pub rights: BTreeMap<String, Vec<String>>,
    pub change_controlled: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawChannel {
    pub versions: Option<String>,
    pub pre_release: Option<String>,
    /// As that of the service.
    pub pipeline: Vec<toml::Value>,
    pub fields: Vec<String>,
    pub default: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawMonitor {
    pub command: Vec<String>,
    pub environments: Vec<String>,
    pub every: Option<String>,
    pub after: Option<String>,
    pub r#for: Option<String>,
    pub timeout: Option<String>,
    pub failure_limit: Option<u32>,
    pub inconclusive_limit: Option<u32>,
    pub consecutive_error_limit: Option<u32>,
    pub consecutive_success_limit: Option<u32>,
    pub severity: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawDelivery {
    pub conductor: Option<String>,
    pub hours: Vec<String>,
    pub interval: Option<String>,
    pub max_changes: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawStep {
    pub name: String,
    pub command: Vec<String>,
    pub place: Option<String>,
    pub run: Option<String>,
    pub environments: Vec<String>,
    pub required: bool,
    pub continue_on_error: bool,
    pub in_rollbacks: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawToggle {
    pub description: Option<String>,
    pub on: Vec<String>,
    pub off: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawPrompt {
    pub label: Option<String>,
    pub description: Option<String>,
    pub r#type: Option<String>,
    pub choices: Vec<String>,
    pub required: bool,
    pub default: Option<String>,
    pub secret: bool,
    pub asked_of: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawStrategy {
    pub kind: String,
    pub targets: Vec<String>,
    pub batch: Option<i64>,
    pub success_threshold: Option<i64>,
    pub percents: Vec<i64>,
    pub pause: Option<String>,
    pub judge: Option<String>,
    pub keep: Option<String>,
    pub on_failure: Option<String>,
    pub retries: Option<i64>,
    pub retry_delay: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawStage {
    pub require: Vec<String>,
    pub approvals: Vec<RawRule>,
    pub approval_ttl: Option<String>,
    pub self_approval: Option<bool>,
    pub signed_approvals: Option<String>,
    pub remind_every: Option<String>,
    pub escalate_after: Option<String>,
    pub escalate_to: Vec<String>,
    pub approval_timeout: Option<String>,
    pub checks: Vec<String>,
    pub allowed_failures: Vec<String>,
    pub check_ttl: Option<String>,
    pub mirror_max_age: Option<String>,
    pub statements: Vec<String>,
    pub checklist: Vec<toml::Value>,
    pub voters: Vec<String>,
    pub backup_max_age: Option<String>,
    pub announce_before: Option<String>,
    pub bake: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawProcess {
    pub enter: Option<String>,
    pub skip: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawFreeze {
    pub name: String,
    pub reason: Option<String>,
    pub services: Vec<String>,
    pub environments: Vec<String>,
    pub start: Option<String>,
    pub end: Option<String>,
    pub time_zone: Option<String>,
    pub rrule: Option<String>,
    pub except: Vec<String>,
    pub running: Option<String>,
    pub stops: Option<String>,
    pub suspended: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawTrain {
    pub departs: Option<String>,
    pub time_zone: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub services: Vec<String>,
    pub cut_off: Option<String>,
    pub conductor: Option<String>,
    pub on_failure: Option<String>,
    pub expire: Option<String>,
}

/// The keys of each section, for "did you mean". A test reads a file that uses all of them.
pub(super) const KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "relman",
            "groups",
            "environments",
            "services",
            "stages",
            "announcements",
            "process",
            "freezes",
            "trains",
            "change",
            "hooks",
            "keys",
            "theme",
            "panes",
            "rights",
        ],
    ),
    (
        "relman",
        &[
            "database",
            "time-zone",
            "approval-ttl",
            "log-retention",
            "allowed-signers",
            "revoked-keys",
            "readonly",
            "confirm-rules",
            "service-user",
            "bell",
        ],
    ),
    ("panes", crate::config::panes::KNOWN),
    (
        "environments.*",
        &[
            "kind",
            "mirrors",
            "drift-ignore",
            "mirrored-by",
            "soak",
            "hours",
            "confirm",
            "approvals",
            "approval-ttl",
            "rollback-approvals",
            "deployers",
            "override",
            "override-ttl",
            "override-review",
            "self-approval",
            "newest-only",
            "signed-approvals",
            "promote-full",
            "queue",
            "after-failure",
            "one-in-queue",
            "outdated",
            "rights",
            "change-controlled",
            "remind-every",
            "escalate-after",
            "escalate-to",
            "approval-timeout",
            "four-eyes",
        ],
    ),
    ("environments.*.approvals.*", &["from", "count", "risk"]),
    ("environments.*.rollback-approvals.*", &["from", "count", "risk"]),
    ("environments.*.four-eyes", &["from", "exempt", "ttl"]),
    (
        "services.*",
        &[
            "pipeline",
            "owner",
            "repo",
            "version",
            "working-dir",
            "timeout",
            "quiet-timeout",
            "step-timeout",
            "grace",
            "pass-env",
            "secrets",
            "scripts",
            "strategy",
            "depends-on",
            "prompts",
            "steps",
            "toggles",
            "deliver",
            "monitors",
            "channels",
            "fields",
            "checks",
            "rights",
            "change-controlled",
        ],
    ),
    (
        "services.*.steps.*",
        &["name", "command", "place", "run", "environments", "required", "continue-on-error", "in-rollbacks"],
    ),
    ("services.*.toggles.*", &["description", "on", "off"]),
    ("services.*.channels.*", &["versions", "pre-release", "pipeline", "fields", "default"]),
    (
        "services.*.monitors.*",
        &[
            "command",
            "environments",
            "every",
            "after",
            "for",
            "timeout",
            "failure-limit",
            "inconclusive-limit",
            "consecutive-error-limit",
            "consecutive-success-limit",
            "severity",
        ],
    ),
    ("services.*.deliver.*", &["conductor", "hours", "interval", "max-changes"]),
    (
        "services.*.strategy.*",
        &[
            "kind",
            "targets",
            "batch",
            "success-threshold",
            "percents",
            "pause",
            "judge",
            "keep",
            "on-failure",
            "retries",
            "retry-delay",
        ],
    ),
    (
        "services.*.prompts.*",
        &["label", "description", "type", "choices", "required", "default", "secret", "asked-of"],
    ),
    (
        "change",
        &[
            "command",
            "pass-env",
            "adapter",
            "url",
            "user-env",
            "token-env",
            "token-file",
            "table",
            "project",
            "issue-type",
            "template",
            "start-field",
            "end-field",
            "fields",
            "create",
            "record",
            "timeout",
            "max-age",
            "proceed",
            "wait",
        ],
    ),
    (
        "stages.*",
        &[
            "require",
            "approvals",
            "approval-ttl",
            "self-approval",
            "signed-approvals",
            "remind-every",
            "escalate-after",
            "escalate-to",
            "approval-timeout",
            "checks",
            "allowed-failures",
            "check-ttl",
            "mirror-max-age",
            "statements",
            "checklist",
            "voters",
            "backup-max-age",
            "announce-before",
            "bake",
        ],
    ),
    ("stages.*.approvals.*", &["from", "count", "risk"]),
    ("announcements", &["planned", "starting", "done", "rolled-back"]),
    ("process.*", &["enter", "skip"]),
    (
        "trains.*",
        &["departs", "time-zone", "from", "to", "services", "cut-off", "conductor", "on-failure", "expire"],
    ),
    (
        "freezes.*",
        &[
            "name",
            "reason",
            "services",
            "environments",
            "start",
            "end",
            "time-zone",
            "rrule",
            "except",
            "running",
            "stops",
            "suspended",
        ],
    ),
];

/// The keys known in the section that `parents` lead to.
pub(super) fn known_keys(parents: &[String]) -> &'static [&'static str] {
    let fits = |pattern: &str| {
        let parts: Vec<&str> = pattern.split('.').filter(|part| !part.is_empty()).collect();
        parts.len() == parents.len()
            && parts.iter().zip(parents).all(|(part, key)| *part == "*" || part == key)
    };
    KEYS.iter().find(|(pattern, _)| fits(pattern)).map_or(&[], |(_, keys)| keys)
}

/// Reads the text; also returns the paths of keys nobody read.
pub(super) fn read(text: &str) -> Result<(Raw, Vec<Vec<String>>), toml::de::Error> {
    let mut unknown = Vec::new();
    let deserializer = toml::Deserializer::parse(text)?;
    let raw = serde_ignored::deserialize(deserializer, |path| unknown.push(segments(&path)))?;
    Ok((raw, unknown))
}

fn segments(path: &serde_ignored::Path<'_>) -> Vec<String> {
    use serde_ignored::Path;
    let (parent, own) = match path {
        Path::Root => return Vec::new(),
        Path::Seq { parent, index } => (parent, Some(index.to_string())),
        Path::Map { parent, key } => (parent, Some((*key).clone())),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            (parent, None)
        }
    };
    let mut all = segments(parent);
    all.extend(own);
    all
}
