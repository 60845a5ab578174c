//! Reads a git repository by running git: tags and messages, nothing is changed. What a repository's own configuration could
//! make git run is switched off.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::command::{self, Order};
use super::environment;

/// A repository that takes longer is on a disk that is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// Messages of some hundred thousand commits.
const MOST: usize = 64 << 20;

/// A tag and the commit it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub name: String,
    pub commit: String,
}

/// Commits with their whole messages, newest first.
pub type Messages = Vec<(String, String)>;

fn git(repo: &Path, args: &[&str]) -> Result<String, String> {
    let fixed = [
        "git",
        "--no-pager",
        "-c",
        "log.showSignature=false",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.quotePath=false",
    ];
    let argv: Vec<String> = fixed.iter().chain(args).map(|arg| (*arg).to_owned()).collect();
    let mut env = BTreeMap::from([
        ("LC_ALL".to_owned(), "C.UTF-8".to_owned()),
        ("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned()),
        ("GIT_OPTIONAL_LOCKS".to_owned(), "0".to_owned()),
    ]);
    for name in ["PATH", "HOME"] {
        env.extend(environment::variable(name).map(|value| (name.to_owned(), value)));
    }
    let order =
        Order { argv: &argv, working_dir: repo, env, stdin: String::new(), timeout: PATIENCE, keep: MOST };
    if !repo.is_dir() {
        return Err(format!("there is no directory {}", repo.display()));
    }
    let ended = command::run(order)?;
    match ended.code {
        Some(0) => Ok(ended.out),
        _ => {
            let said = ended.err.lines().next().unwrap_or_default().trim();
            Err(match said.is_empty() {
                true => format!("git in {}: {}", repo.display(), ended.how),
                false => format!("git in {}: {said}", repo.display()),
            })
        }
    }
}

/// The commit a name stands for now.
pub fn commit(repo: &Path, name: &str) -> Result<String, String> {
    let found =
        git(repo, &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")]);
    found.map(|text| text.trim().to_owned()).map_err(|why| match why.contains("exit status") {
        true => format!("{} knows no commit {name}", repo.display()),
        false => why,
    })
}

/// Every tag that is behind a commit.
pub fn tags(repo: &Path, upto: &str) -> Result<Vec<Tag>, String> {
    let format = "--format=%(refname:strip=2)%00%(objectname)%00%(*objectname)";
    let text = git(repo, &["for-each-ref", "refs/tags", format, "--merged", upto])?;
    let tag = |line: &str| {
        let mut parts = line.split('\0');
        let (name, object, peeled) = (parts.next()?, parts.next()?, parts.next()?);
        // An annotated tag is an object of its own: what it names is the commit.
        let commit = if peeled.is_empty() { object } else { peeled };
        Some(Tag { name: name.to_owned(), commit: commit.to_owned() })
    };
    Ok(text.lines().filter_map(tag).collect())
}

/// What was committed after one commit up to and with another, merges left out; only what touches the directory it is asked in,
/// for a repository may hold several services.
pub fn messages(repo: &Path, after: Option<&str>, upto: &str) -> Result<Messages, String> {
    let span = after.map_or_else(|| upto.to_owned(), |after| format!("{after}..{upto}"));
    let text = git(
        repo,
        &["log", "--no-merges", "--format=%H%x00%B%x00%x1e", "--end-of-options", &span, "--", "."],
    )?;
    let one = |record: &str| {
        let mut parts = record.trim_start_matches('\n').splitn(3, '\0');
        let (hash, message) = (parts.next()?, parts.next()?);
        (!hash.is_empty()).then(|| (hash.to_owned(), message.trim().to_owned()))
    };
    Ok(text.split('\u{1e}').filter_map(one).collect())
}
