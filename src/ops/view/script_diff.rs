//! What is in the scripts that changed: what a deployment would run now beside what ran for what is live.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::board;
use super::queue::{self, Pending};
use crate::domain::approval::ApprovalSubject;
use crate::domain::diff::{Kind, Line, unified};
use crate::domain::digest::Digest;
use crate::domain::ids::ReleaseId;
use crate::domain::subject::{DeploySubject, ScriptFile};
use crate::ops::{Ctx, OpError};
use crate::store::{approvals, deployments};

/// One script that is another than it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScriptDiff {
    pub path: String,
    /// Of what ran; nothing: it is new.
    pub before: Option<Digest>,
    /// Of what would run; nothing: it is not used any more, or is not there.
    pub after: Option<Digest>,
    pub lines: Vec<Line>,
    /// Why the lines cannot be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// What an approver sees of the scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScriptDiffs {
    pub release: ReleaseId,
    pub subject: ApprovalSubject,
    /// What it is compared with, in a sentence.
    pub compared: String,
    pub scripts: Vec<ScriptDiff>,
}

/// About an open decision.
pub fn of_decision(cx: &Ctx<'_>, id: &ReleaseId, subject: &ApprovalSubject) -> Result<ScriptDiffs, OpError> {
    of(cx, &queue::find(cx, &board::board(cx)?, id, subject)?)
}

/// About what stands in the queue.
pub fn of(cx: &Ctx<'_>, item: &Pending) -> Result<ScriptDiffs, OpError> {
    let answer = |compared: String, scripts| ScriptDiffs {
        release: item.release.id.clone(),
        subject: item.subject.clone(),
        compared,
        scripts,
    };
    let Some(env) = item.subject.environment() else {
        return Ok(answer("it is not about what is run".to_owned(), Vec::new()));
    };
    let Some(new) = parsed(&item.content) else {
        return Ok(answer("what would be run is not known".to_owned(), Vec::new()));
    };
    let Some(live) = &item.live else {
        let all = compare(cx, &[], &new.scripts.all_files());
        return Ok(answer(format!("nothing is live in {env}: every script is new"), all));
    };
    let about = cx.store.read(|tx| deployments::find_about(tx, live.id))?;
    let Some(old) = about.as_deref().and_then(parsed) else {
        return Ok(answer(format!("what {} ran was not recorded: no comparison", live.id), Vec::new()));
    };
    let scripts = compare(cx, &old.scripts.all_files(), &new.scripts.all_files());
    let what = if scripts.is_empty() { "no script changed since" } else { "what changed since" };
    Ok(answer(format!("{what} {} of {} began in {env}", live.id, live.release), scripts))
}

fn parsed(content: &str) -> Option<DeploySubject> {
    serde_json::from_str(content).ok()
}

fn compare(cx: &Ctx<'_>, old: &[ScriptFile], new: &[ScriptFile]) -> Vec<ScriptDiff> {
    fn by_path(files: &[ScriptFile]) -> BTreeMap<&str, &ScriptFile> {
        files.iter().map(|file| (file.path.as_str(), file)).collect()
    }
    let (old, new) = (by_path(old), by_path(new));
    let paths: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let content = |files: &BTreeMap<&str, &ScriptFile>, path: &str| {
        files.get(path).and_then(|file| file.digest.clone())
    };
    let changed = paths.into_iter().filter(|path| content(&old, path) != content(&new, path));
    changed
        .map(|path| {
            let (before, after) = (content(&old, path), content(&new, path));
            let texts = || {
                let was =
                    before.as_ref().map_or(Ok(String::new()), |digest| cx.machine.kept_script(digest))?;
                let is = match new.get(path).filter(|_| after.is_some()) {
                    Some(file) => cx.machine.script_text(file)?,
                    None => String::new(),
                };
                Ok::<_, String>((was, is))
            };
            let (lines, why_not) = match texts() {
                Ok((was, is)) => (unified(&was, &is), None),
                Err(why) => (Vec::new(), Some(why)),
            };
            ScriptDiff { path: path.to_owned(), before, after, lines, why_not }
        })
        .collect()
}

impl ScriptDiffs {
    /// Line by line, as `diff -u` writes it; the heading of each script first.
    pub fn lines(&self) -> Vec<(Kind, String)> {
        let mut all = vec![(Kind::Remark, self.compared.clone())];
        for script in &self.scripts {
            let path = crate::domain::text::one_line(&script.path);
            let name = |digest: &Option<Digest>| match digest {
                Some(digest) => format!("{path} {}", digest.short()),
                None => "none".to_owned(),
            };
            all.push((Kind::Place, format!("--- {}", name(&script.before))));
            all.push((Kind::Place, format!("+++ {}", name(&script.after))));
            all.extend(script.why_not.iter().map(|why| (Kind::Remark, format!("not shown: {why}"))));
            all.extend(script.lines.iter().map(|line| (line.kind, line.shown())));
        }
        all
    }
}

/// Contents that an approver may still be shown: of what is live, of what is on its way, and of what decisions stand about.
pub fn in_use(cx: &Ctx<'_>) -> Result<BTreeSet<Digest>, OpError> {
    cx.store.read(|tx| {
        let mut contents: Vec<String> =
            approvals::list_open(tx)?.into_iter().map(|approval| approval.content).collect();
        let (active, pending) = deployments::list_unfinished(tx)?;
        let mut ids: Vec<_> = active.into_iter().chain(pending).map(|d| d.id).collect();
        for service in cx.policy.services.values() {
            for env in &service.pipeline {
                ids.extend(deployments::find_live(tx, &service.name, env)?.map(|live| live.id));
            }
        }
        for id in ids {
            contents.extend(deployments::find_about(tx, id)?);
        }
        let files =
            contents.iter().filter_map(|content| parsed(content)).flat_map(|one| one.scripts.all_files());
        Ok(files.filter_map(|file| file.digest).collect())
    })
}
