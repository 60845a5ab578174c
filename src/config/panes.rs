//! How the panes look and which keys they take: `[keys.*]`, `[theme]` and `[panes]`, in the team's relman.toml and in one's own
//! panes.toml, which goes over it. Nothing here has a meaning for releases, so nothing of it is a rule that anybody confirms.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::problem::{Finding, Problem, Problems, Severity, Source};
use crate::domain::text::{did_you_mean, one_line, quoted};

/// What one file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Panes {
    /// Where it stands, for what is wrong with it.
    pub file: PathBuf,
    /// Section (`global` or a pane) → action → keys; without any the action has none there.
    pub keys: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// `name`, and colours by what they mean.
    pub theme: BTreeMap<String, String>,
    /// Plain letters instead of lines and marks; nothing: as the terminal seems to be.
    pub ascii: Option<bool>,
    /// Whether the last line says what can be done.
    pub hints: Option<bool>,
    /// Whether the line is spared; nothing: as slow as it turns out to be.
    pub low_bandwidth: Option<bool>,
    /// Whether clocks and counters stand still until something happens.
    pub reduced_motion: Option<bool>,
    /// How a person who looks elsewhere is told.
    pub notify: Option<Notify>,
    /// Whether the window's title says what runs and what waits.
    pub title: Option<bool>,
    /// Whether the mouse is taken from the beginning.
    pub mouse: Option<bool>,
}

/// The keys of `[panes]`.
pub(super) const KNOWN: &[&str] =
    &["ascii", "hints", "low-bandwidth", "reduced-motion", "notify", "title", "mouse"];

/// What a terminal is sent when something happens that a person who looks elsewhere should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// The bell: the only one that tmux and screen pass on.
    Bell,
    /// A notification of iTerm2, Windows Terminal, kitty and others.
    Osc9,
    /// One of rxvt, foot, Konsole and others.
    Osc777,
    None,
}

impl Notify {
    const ALL: [Self; 4] = [Self::Bell, Self::Osc9, Self::Osc777, Self::None];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bell => "bell",
            Self::Osc9 => "osc9",
            Self::Osc777 => "osc777",
            Self::None => "none",
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawPanes {
    pub ascii: Option<bool>,
    pub hints: Option<bool>,
    pub low_bandwidth: Option<String>,
    pub reduced_motion: Option<bool>,
    pub notify: Option<String>,
    pub title: Option<bool>,
    pub mouse: Option<bool>,
}

/// Something in it that cannot be: the path of keys to it, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    pub keys: Vec<String>,
    pub message: String,
    pub hint: Option<String>,
}

/// The sections of one file, before anything is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sections {
    pub keys: Option<toml::Table>,
    pub theme: Option<toml::Table>,
    pub panes: RawPanes,
}

/// The values as lists and texts; what is of another shape is found.
pub(super) fn read(file: &Path, sections: Sections, findings: &mut Vec<Finding>) -> Panes {
    let mut wrong = |keys: Vec<String>, message: String, hint: &str| {
        let hint = Some(hint.to_owned());
        findings.push(Finding { severity: Severity::Error, keys, message, hint });
    };
    let mut panes = Panes {
        file: file.to_path_buf(),
        ascii: sections.panes.ascii,
        hints: sections.panes.hints,
        reduced_motion: sections.panes.reduced_motion,
        title: sections.panes.title,
        mouse: sections.panes.mouse,
        ..Panes::default()
    };
    let at = |key: &str| vec!["panes".to_owned(), key.to_owned()];
    match sections.panes.low_bandwidth.as_deref() {
        None | Some("auto") => {}
        Some("on") => panes.low_bandwidth = Some(true),
        Some("off") => panes.low_bandwidth = Some(false),
        Some(other) => {
            let message = format!("{} is not auto, on or off", quoted(other, 40));
            wrong(at("low-bandwidth"), message, "write low-bandwidth = \"auto\"");
        }
    }
    if let Some(said) = sections.panes.notify.as_deref() {
        panes.notify = Notify::ALL.into_iter().find(|way| way.as_str() == said);
        if panes.notify.is_none() {
            let message = format!("{} is not bell, osc9, osc777 or none", quoted(said, 40));
            wrong(at("notify"), message, "bell is what tmux and screen pass on");
        }
    }
    for (section, bindings) in sections.keys.unwrap_or_default() {
        let toml::Value::Table(bindings) = bindings else {
            let hint =
                "write it below [keys.global], [keys.board], [keys.approvals], [keys.calendar] or [keys.log]";
            let message = format!("{} stands for no pane", one_line(&section));
            wrong(vec!["keys".to_owned(), section], message, hint);
            continue;
        };
        for (action, keys) in bindings {
            let path = vec!["keys".to_owned(), section.clone(), action.clone()];
            match texts(keys) {
                Some(keys) => {
                    panes.keys.entry(section.clone()).or_default().insert(action, keys);
                }
                None => wrong(
                    path,
                    format!("the keys of {} are no text and no list of texts", one_line(&action)),
                    "write \"D\", [\"D\", \"F5\"], or \"none\" for no key",
                ),
            }
        }
    }
    for (meaning, colour) in sections.theme.unwrap_or_default() {
        match colour {
            toml::Value::String(colour) => {
                panes.theme.insert(meaning, colour);
            }
            _ => wrong(
                vec!["theme".to_owned(), meaning.clone()],
                format!("{} is no text", one_line(&meaning)),
                "write the name of a theme or of a colour in quotes",
            ),
        }
    }
    panes
}

fn texts(value: toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::String(none) if none == "none" => Some(Vec::new()),
        toml::Value::String(one) => Some(vec![one]),
        toml::Value::Array(many) => many.into_iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// Where one's own file is looked for.
pub fn own_file(config_home: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let dir = config_home.filter(|dir| dir.is_absolute()).or_else(|| Some(home?.join(".config")))?;
    Some(dir.join("relman/panes.toml"))
}

/// Reads one's own file; without one nothing is said. What is wrong with a part of it leaves the rest in force.
pub fn own(path: &Path) -> (Option<Panes>, Vec<Problem>) {
    let text = match std::fs::read(path) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return (None, Vec::new()),
        Err(why) => return (None, Problems::unreadable(path, &why).0),
        Ok(bytes) if bytes.len() > 1 << 20 => {
            return (None, Problems::plain(path, "the file is larger than 1 MiB; is it a panes.toml?").0);
        }
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    };
    let source = Source::new(path, &text);
    let mut unknown = Vec::new();
    let sections = toml::Deserializer::parse(&text).and_then(|deserializer| {
        serde_ignored::deserialize(deserializer, |key| unknown.push(key.to_string()))
    });
    let sections: Sections = match sections {
        Ok(sections) => sections,
        Err(error) => return (None, source.syntax(&error).0),
    };
    let mut findings: Vec<Finding> = unknown.into_iter().map(|key| not_here(&key)).collect();
    let panes = read(path, sections, &mut findings);
    (Some(panes), findings.iter().map(|finding| source.locate(finding)).collect())
}

/// A key that has no place in one's own file.
fn not_here(key: &str) -> Finding {
    let near = {
        let names: Vec<String> = KNOWN.iter().map(|name| format!("panes.{name}")).collect();
        let sections = ["keys", "theme", "panes"];
        did_you_mean(key, sections.into_iter().chain(names.iter().map(String::as_str))).map(str::to_owned)
    };
    Finding {
        severity: Severity::Warning,
        keys: key.split('.').map(str::to_owned).collect(),
        message: format!("unknown key {}", one_line(key)),
        hint: Some(match near {
            Some(near) => format!("did you mean {near}?"),
            None => {
                "here stand [keys.*], [theme] and [panes]; everything else stands in relman.toml".to_owned()
            }
        }),
    }
}

/// Where in the file the complaints are.
pub fn placed(file: &Path, severity: Severity, complaints: Vec<Complaint>) -> Vec<Problem> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let source = Source::new(file, &text);
    let finding = |complaint: Complaint| {
        let Complaint { keys, message, hint } = complaint;
        source.locate(&Finding { severity, keys, message, hint })
    };
    complaints.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> (Panes, Vec<Finding>) {
        let mut findings = Vec::new();
        let panes = read(Path::new("panes.toml"), toml::from_str(text).unwrap(), &mut findings);
        (panes, findings)
    }

    #[test]
    fn keys_are_a_text_or_several_or_none() {
        let (panes, findings) =
            said("[keys.board]\ndeploy = [\"D\", \"F5\"]\nchain = \"none\"\nsheet = \"p\"\n");
        assert_eq!(findings, []);
        let board = &panes.keys["board"];
        assert_eq!((board["deploy"].len(), board["chain"].len(), &board["sheet"][0][..]), (2, 0, "p"));
    }

    #[test]
    fn what_has_another_shape_is_found_and_the_rest_stays() {
        let (panes, findings) = said(
            "[keys]\ndeploy = \"D\"\n[keys.log]\nwrap = 3\nfold = \"z\"\n[theme]\nname = 1\ngood = \"blue\"\n",
        );
        let paths: Vec<String> = findings.iter().map(|finding| finding.keys.join(".")).collect();
        assert_eq!(paths, ["keys.deploy", "keys.log.wrap", "theme.name"]);
        assert_eq!(panes.keys["log"]["fold"], ["z"]);
        assert_eq!(panes.theme["good"], "blue");
    }
}
