//! `relman keys`: every key of the panes, as it is in force here.

use serde::Serialize;

use super::args::Keys;
use super::{Session, exit};
use crate::config::{self, Panes};
use crate::ops::OpError;
use crate::tui::action::{ENTRIES, Entry, belongs, shown};
use crate::tui::keymap::Keymap;
use crate::tui::model::Pane;
use crate::tui::{dress, twin};

/// One action with its keys.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// The pane, or `every pane` where the keys are the same in all of them.
    pub pane: String,
    pub action: &'static str,
    pub keys: Vec<String>,
    pub does: &'static str,
    /// The command that does the same.
    pub command: Option<&'static str>,
}

pub(super) fn keys(session: &mut Session, args: &Keys) -> Result<u8, OpError> {
    // Without a configuration the panes have their own keys.
    let config = session.config_path().ok().and_then(|path| config::load(&path).ok());
    let keymap = dress::keymap(&config.map_or_else(Panes::default, |config| config.panes));
    let rows = rows(&keymap, args.pane.map(Pane::from));
    if session.out.is_json() {
        session.out.json("keys", &rows);
        return Ok(exit::OK);
    }
    let cells = |row: Row| {
        let keys = if row.keys.is_empty() { "–".to_owned() } else { row.keys.join(" ") };
        let command = row.command.map(|command| format!("relman {command}")).unwrap_or_default();
        vec![row.pane, keys, row.action.to_owned(), row.does.to_owned(), command]
    };
    session
        .out
        .table(&["PANE", "KEYS", "ACTION", "WHAT IT DOES", "COMMAND"], rows.into_iter().map(cells).collect());
    Ok(exit::OK)
}

/// Every action once where its keys are the same everywhere, otherwise once in each pane.
pub(super) fn rows(keymap: &Keymap, only: Option<Pane>) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in ENTRIES {
        let panes: Vec<Pane> = Pane::ALL.into_iter().filter(|pane| belongs(entry, *pane)).collect();
        let keys = |pane: Pane| keymap.keys(pane, entry.action).into_iter().map(shown).collect::<Vec<_>>();
        let first = panes.first().map(|pane| keys(*pane)).unwrap_or_default();
        let is_same = panes.iter().all(|pane| keys(*pane) == first);
        if is_same && panes.len() == Pane::ALL.len() {
            rows.push(row(entry, "every pane".to_owned(), first));
        } else if is_same && only.is_none() {
            let names: Vec<String> = panes.iter().map(|pane| pane.title().to_lowercase()).collect();
            rows.push(row(entry, names.join(", "), first));
        } else {
            let wanted = panes.into_iter().filter(|pane| only.is_none_or(|only| only == *pane));
            rows.extend(wanted.map(|pane| row(entry, pane.title().to_lowercase(), keys(pane))));
        }
    }
    rows
}

fn row(entry: &Entry, pane: String, keys: Vec<String>) -> Row {
    Row { pane, action: entry.name, keys, does: entry.doc, command: twin::command(entry.action) }
}
