//! Everything a key can mean: one registry for dispatch, footer, help, palette and the documents.

use super::model::Pane;

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    FocusBoard,
    FocusApprovals,
    FocusCalendar,
    FocusLog,
    NextPane,
    PreviousPane,
    Up,
    Down,
    Left,
    Right,
    Top,
    Bottom,
    HalfDown,
    HalfUp,
    PageDown,
    PageUp,
    Open,
    Back,
    Quit,
    QuitNow,
    Filter,
    NextHit,
    PreviousHit,
    Palette,
    Help,
    Refresh,
    Redraw,
    Mouse,
    Copy,
    CopyScreen,
    Suspend,
    Times,
    Messages,
    Who,
    Metrics,
    Undo,
    Redo,
    Requests,
    Timeline,
    Handover,
    Zoom,
    ConfirmRules,
    LockKeyboard,
    UnlockKeyboard,
    GoLog,
    GoBoard,
    GoApprovals,
    GoCalendar,
    Sort,
    NewRelease,
    Advance,
    MoveBack,
    Block,
    Edit,
    Sheet,
    Why,
    Deploy,
    Schedule,
    Chain,
    Locks,
    Train,
    RollBack,
    CancelDeployment,
    Decide,
    Demo,
    Approve,
    ApproveLater,
    Diff,
    Mark,
    MarkAll,
    Reject,
    Withdraw,
    Witness,
    ReviewOverride,
    NewFreeze,
    StopTheLine,
    RemoveFreeze,
    EditFreeze,
    Today,
    PreviousMonth,
    NextMonth,
    CalendarView,
    CalendarZone,
    Follow,
    Wrap,
    NextError,
    PreviousError,
    PreviousDeployment,
    NextDeployment,
    PreviousStep,
    NextStep,
    Fold,
    OnlyNew,
    SideBySide,
    Note,
    AsOf,
    EntryBack,
    EntryOn,
    HourBack,
    HourOn,
    DayBack,
    DayOn,
}

impl Action {
    /// Whether it starts or stops what is real.
    pub fn reaches_outside(self) -> bool {
        matches!(self, Self::Deploy | Self::Schedule | Self::Chain | Self::RollBack | Self::CancelDeployment)
    }
}

/// Where an action has a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Everywhere,
    In(Pane),
}

/// One row of the registry.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub action: Action,
    /// Name in the palette: stable, in kebab case.
    pub name: &'static str,
    /// What it does, as help shows it.
    pub doc: &'static str,
    pub places: &'static [Place],
    /// Default keys; two characters are a chord.
    pub keys: &'static [&'static str],
    /// Its word in the footer, for actions that are worth a place there.
    pub hint: Option<&'static str>,
}

const ALL: &[Place] = &[Place::Everywhere];
const BOARD: &[Place] = &[Place::In(Pane::Board)];
const APPROVALS: &[Place] = &[Place::In(Pane::Approvals)];
const TIMELESS: &[Place] = &[Place::In(Pane::Board), Place::In(Pane::Approvals), Place::In(Pane::Calendar)];
const CALENDAR: &[Place] = &[Place::In(Pane::Calendar)];
const LOG: &[Place] = &[Place::In(Pane::Log)];

const fn row(
    action: Action,
    name: &'static str,
    doc: &'static str,
    places: &'static [Place],
    keys: &'static [&'static str],
    hint: Option<&'static str>,
) -> Entry {
    Entry { action, name, doc, places, keys, hint }
}

/// The registry. Order is the order in help and, for those with a hint, in the footer.
pub const ENTRIES: &[Entry] = &[
    // First, because they are possible only when they are urgent.
    row(
        Action::Decide,
        "decide",
        "decide about a deployment that waits for a person, or was lost",
        &[Place::In(Pane::Board), Place::In(Pane::Log)],
        &["R"],
        Some("decide"),
    ),
    row(
        Action::CancelDeployment,
        "cancel-deployment",
        "stop the running deployment (asks first)",
        &[Place::In(Pane::Board), Place::In(Pane::Log)],
        &["X"],
        Some("cancel"),
    ),
    row(
        Action::Deploy,
        "deploy",
        "deploy the release to its next environment (asks first)",
        &[Place::In(Pane::Board), Place::In(Pane::Approvals)],
        &["D"],
        Some("deploy"),
    ),
    row(
        Action::Chain,
        "chain",
        "deploy several releases, each after those it depends on",
        BOARD,
        &["C"],
        None,
    ),
    row(
        Action::Schedule,
        "schedule",
        "deploy later: at a time, or when it opens; or move what waits",
        &[Place::In(Pane::Board), Place::In(Pane::Approvals), Place::In(Pane::Log)],
        &["S"],
        None,
    ),
    row(
        Action::Why,
        "why",
        "why it may or may not go on: every gate",
        &[Place::In(Pane::Board), Place::In(Pane::Approvals)],
        &["w", "i"],
        Some("why"),
    ),
    row(Action::Advance, "advance", "move the release to the next stage", BOARD, &[">"], Some("advance")),
    row(Action::MoveBack, "move-back", "move it back one stage (asks for a reason)", BOARD, &["<"], None),
    row(Action::NewRelease, "new-release", "register a release", BOARD, &["n"], Some("new")),
    row(Action::Edit, "edit", "edit what is recorded about the release", BOARD, &["e"], Some("edit")),
    row(
        Action::Sheet,
        "sheet",
        "everything on record about it, stage by stage: add, change, tick, vote",
        BOARD,
        &["p"],
        Some("record"),
    ),
    row(Action::Block, "block", "block the release, or lift its block, with a reason", BOARD, &["b"], None),
    row(
        Action::RollBack,
        "roll-back",
        "go back to a release that was good (asks first)",
        &[Place::In(Pane::Board), Place::In(Pane::Log)],
        &["B"],
        Some("roll back"),
    ),
    row(
        Action::Locks,
        "locks",
        "locks: keep others from deploying somewhere, edit and lift",
        &[Place::In(Pane::Board), Place::In(Pane::Calendar)],
        &["L"],
        None,
    ),
    row(
        Action::Demo,
        "demo",
        "fill the empty store with samples by running the demo scripts",
        BOARD,
        &["M"],
        None,
    ),
    row(
        Action::Approve,
        "approve",
        "approve it (shows what, asks first)",
        APPROVALS,
        &["a"],
        Some("approve"),
    ),
    row(Action::Diff, "diff", "what changed in the scripts since what is live", APPROVALS, &["d"], None),
    row(Action::ApproveLater, "approve-later", "approve it from a later time on", APPROVALS, &["A"], None),
    row(Action::Reject, "reject", "reject it with a reason", APPROVALS, &["x"], Some("reject")),
    row(
        Action::Mark,
        "mark",
        "mark it, or not: a and x then decide about all that is marked",
        APPROVALS,
        &["m"],
        None,
    ),
    row(
        Action::MarkAll,
        "mark-all",
        "mark all that waits for you, but what wants its version typed",
        APPROVALS,
        &["*"],
        None,
    ),
    row(Action::Withdraw, "withdraw", "take your own decision back", APPROVALS, &["W"], Some("take back")),
    row(
        Action::Witness,
        "witness",
        "confirm live what somebody else is starting",
        &[Place::In(Pane::Board), Place::In(Pane::Approvals)],
        &["E"],
        None,
    ),
    row(
        Action::ReviewOverride,
        "review-override",
        "say whether the oldest override that waits for it was right",
        APPROVALS,
        &["V"],
        None,
    ),
    row(
        Action::NewFreeze,
        "new-freeze",
        "add a freeze beginning on the selected day",
        CALENDAR,
        &["n"],
        Some("new freeze"),
    ),
    row(
        Action::StopTheLine,
        "stop-the-line",
        "freeze now: nothing starts any more (asks for a reason)",
        ALL,
        &["N", "<f8>"],
        Some("stop the line"),
    ),
    row(
        Action::EditFreeze,
        "edit-freeze",
        "make a freeze of the selected day longer, shorter or another one",
        CALENDAR,
        &["e"],
        Some("edit"),
    ),
    row(
        Action::RemoveFreeze,
        "remove-freeze",
        "take a freeze of the selected day away",
        CALENDAR,
        &["x"],
        Some("remove"),
    ),
    row(
        Action::Train,
        "train",
        "the train of this day: who comes along; leave it out, let it go on",
        CALENDAR,
        &["R"],
        None,
    ),
    row(Action::CalendarView, "calendar-view", "month, week or agenda", CALENDAR, &["w"], Some("view")),
    row(
        Action::CalendarZone,
        "calendar-zone",
        "whose clock: the configuration's, UTC, or each freeze's own",
        CALENDAR,
        &["z"],
        None,
    ),
    row(Action::Today, "today", "go to today", CALENDAR, &["t"], Some("today")),
    row(Action::PreviousMonth, "previous-month", "one month back", CALENDAR, &["["], None),
    row(Action::NextMonth, "next-month", "one month on", CALENDAR, &["]"], None),
    row(Action::Follow, "follow", "follow the end, or stay", LOG, &["s", "F"], Some("follow")),
    row(Action::NextError, "next-error", "next line that looks like an error", LOG, &["e"], Some("error")),
    row(Action::PreviousError, "previous-error", "previous line that looks like an error", LOG, &["E"], None),
    row(Action::PreviousDeployment, "previous-deployment", "older deployment", LOG, &["["], Some("older")),
    row(Action::NextDeployment, "next-deployment", "newer deployment", LOG, &["]"], None),
    row(Action::PreviousStep, "previous-step", "go to the step before", LOG, &["{"], None),
    row(Action::NextStep, "next-step", "go to the next step", LOG, &["}"], Some("step")),
    row(Action::Fold, "fold", "fold it to its steps, or unfold", LOG, &["z"], Some("steps")),
    row(
        Action::OnlyNew,
        "only-new",
        "only lines the last good deployment did not print, or all",
        LOG,
        &["v"],
        None,
    ),
    row(Action::Note, "note", "write a note into the log", LOG, &["a"], None),
    row(Action::SideBySide, "side-by-side", "several deployments at once, or one again", LOG, &["|"], None),
    row(Action::Wrap, "wrap", "wrap long lines", LOG, &["w"], None),
    row(
        Action::AsOf,
        "as-of",
        "show a moment of the past, read-only; Esc comes back",
        TIMELESS,
        &["@"],
        None,
    ),
    row(Action::EntryBack, "entry-back", "into the past by one entry of the journal", TIMELESS, &["{"], None),
    row(Action::EntryOn, "entry-on", "on by one entry", TIMELESS, &["}"], None),
    row(Action::HourBack, "hour-back", "an hour back", TIMELESS, &["("], None),
    row(Action::HourOn, "hour-on", "an hour on", TIMELESS, &[")"], None),
    row(Action::DayBack, "day-back", "a day back", TIMELESS, &["-"], None),
    row(Action::DayOn, "day-on", "a day on", TIMELESS, &["="], None),
    row(Action::Open, "open", "open, look closer", ALL, &["<enter>", "0"], Some("open")),
    row(
        Action::GoLog,
        "go-log",
        "show the log of this release's newest deployment",
        &[Place::In(Pane::Board), Place::In(Pane::Approvals)],
        &["gl"],
        None,
    ),
    row(Action::GoBoard, "go-board", "to this release on the board", ALL, &["gb"], None),
    row(
        Action::GoApprovals,
        "go-approvals",
        "to what waits for an approval of this release",
        ALL,
        &["ga"],
        None,
    ),
    row(
        Action::GoCalendar,
        "go-calendar",
        "to the day of what is next about this release",
        ALL,
        &["gc"],
        None,
    ),
    row(
        Action::Sort,
        "sort",
        "sort: as usual, by name, by risk, by target date",
        &[Place::In(Pane::Board), Place::In(Pane::Approvals)],
        &["s"],
        None,
    ),
    row(Action::Filter, "filter", "filter the list; search the log", ALL, &["/"], Some("filter")),
    row(Action::NextHit, "next-hit", "next match", ALL, &[], None),
    row(Action::PreviousHit, "previous-hit", "previous match", ALL, &[], None),
    row(Action::FocusBoard, "board", "the release pipeline", ALL, &["1"], None),
    row(Action::FocusApprovals, "approvals", "the approval queue", ALL, &["2"], None),
    row(Action::FocusCalendar, "calendar", "the freeze calendar", ALL, &["3"], None),
    row(Action::FocusLog, "log", "the live deploy log", ALL, &["4"], None),
    row(Action::NextPane, "next-pane", "next pane", ALL, &["<tab>"], None),
    row(Action::PreviousPane, "previous-pane", "previous pane", ALL, &["<s-tab>"], None),
    row(Action::Up, "up", "up", ALL, &["k", "<up>"], None),
    row(Action::Down, "down", "down", ALL, &["j", "<down>"], None),
    row(Action::Left, "left", "left; previous stage or day", ALL, &["h", "<left>"], None),
    row(Action::Right, "right", "right; next stage or day", ALL, &["l", "<right>"], None),
    row(Action::Top, "top", "to the beginning", ALL, &["gg", "<home>"], None),
    row(Action::Bottom, "bottom", "to the end; follows the log again", ALL, &["G", "<end>"], None),
    row(Action::HalfDown, "half-down", "half a page down", ALL, &["<c-d>"], None),
    row(Action::HalfUp, "half-up", "half a page up", ALL, &["<c-u>"], None),
    row(Action::PageDown, "page-down", "a page down", ALL, &["<pgdn>", "<c-f>", "<space>"], None),
    row(Action::PageUp, "page-up", "a page up", ALL, &["<pgup>", "<c-b>"], None),
    row(Action::Zoom, "zoom", "give the pane the whole screen", ALL, &["f", "+"], None),
    row(Action::Times, "times", "times: relative, local, UTC", ALL, &["T"], None),
    row(
        Action::ConfirmRules,
        "confirm-rules",
        "stand by the rules that somebody changed, where confirm-rules asks for a second person",
        ALL,
        &[],
        None,
    ),
    row(
        Action::LockKeyboard,
        "lock",
        "lock this keyboard: the screen goes on, acting keys are refused",
        ALL,
        &[],
        None,
    ),
    row(Action::UnlockKeyboard, "unlock", "unlock this keyboard: asks who you are", ALL, &[], None),
    row(Action::Palette, "palette", "every action by name", ALL, &[":"], None),
    row(Action::Messages, "messages", "what was said before", ALL, &["!"], None),
    row(Action::Who, "who", "who else is in, and what they look at", ALL, &["gw"], None),
    row(
        Action::Requests,
        "requests",
        "what people ask for: add to the list, make releases of it",
        ALL,
        &["gr"],
        None,
    ),
    row(
        Action::Handover,
        "handover",
        "what the next shift must know: what runs, waits, is closed, is wrong",
        ALL,
        &["gh"],
        None,
    ),
    row(Action::Timeline, "timeline", "what went to an environment, newest first", ALL, &["gt"], None),
    row(Action::Metrics, "metrics", "the figures: how often, how fast, how well it goes", ALL, &["gm"], None),
    row(
        Action::Undo,
        "undo",
        "take back the last thing you did here, where that can be taken back",
        ALL,
        &["u"],
        None,
    ),
    row(Action::Redo, "redo", "do again what you took back", ALL, &["U"], None),
    row(Action::Refresh, "refresh", "read everything again", ALL, &["<c-r>", "<f5>"], None),
    row(Action::Redraw, "redraw", "draw everything again", ALL, &["<c-l>"], None),
    row(
        Action::Copy,
        "copy",
        "to the clipboard: what one stands on, its version, commit, command",
        ALL,
        &["y"],
        None,
    ),
    row(Action::CopyScreen, "copy-pane", "to the clipboard: what this pane shows", ALL, &["Y"], None),
    row(Action::Mouse, "mouse", "take the mouse, or leave it to the terminal", ALL, &["<f2>"], None),
    row(Action::Suspend, "suspend", "go to the shell; fg comes back", ALL, &["<c-z>"], None),
    row(Action::Back, "back", "close, clear the filter; never quits", ALL, &["<esc>", "<c-g>"], None),
    row(Action::Quit, "quit", "leave; deployments go on", ALL, &["q"], None),
    row(Action::QuitNow, "quit-now", "leave from anywhere", ALL, &["Q"], None),
    row(Action::Help, "help", "every key of this pane", ALL, &["?", "<f1>"], Some("help")),
];

/// Whether the action has a meaning in the pane.
pub fn belongs(entry: &Entry, pane: Pane) -> bool {
    entry.places.iter().any(|place| *place == Place::Everywhere || *place == Place::In(pane))
}

/// The row of an action.
pub fn entry(action: Action) -> &'static Entry {
    ENTRIES.iter().find(|entry| entry.action == action).expect("every action has its row; a test counts them")
}

/// How a key is shown: `D`, `Enter`, `Ctrl-R`.
pub fn shown(key: &str) -> String {
    match key {
        "<enter>" => "Enter".to_owned(),
        "<esc>" => "Esc".to_owned(),
        "<tab>" => "Tab".to_owned(),
        "<s-tab>" => "Shift-Tab".to_owned(),
        "<space>" => "Space".to_owned(),
        "<pgdn>" => "PgDn".to_owned(),
        "<pgup>" => "PgUp".to_owned(),
        other => match other.strip_prefix("<c-").and_then(|rest| rest.strip_suffix('>')) {
            Some(key) => format!("Ctrl-{}", key.to_uppercase()),
            None => match other.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
                Some(name) if !name.is_empty() => {
                    let mut name = name.to_owned();
                    name[..1].make_ascii_uppercase();
                    name
                }
                _ => other.to_owned(),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn no_two_actions_of_a_pane_share_a_key_and_no_chord_hides_behind_one() {
        for pane in Pane::ALL {
            let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
            for entry in ENTRIES.iter().filter(|entry| belongs(entry, pane)) {
                for key in entry.keys {
                    if let Some(other) = taken.insert(key, entry.name) {
                        panic!("{key} means {other} and {} in {pane:?}", entry.name);
                    }
                }
            }
            for key in taken.keys().filter(|key| key.len() == 2) {
                assert!(!taken.contains_key(&key[..1]), "{key} can never be typed in {pane:?}");
            }
        }
    }

    #[test]
    fn names_are_unique_and_every_action_has_one_row() {
        let names: BTreeSet<&str> = ENTRIES.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), ENTRIES.len());
        for entry in ENTRIES {
            assert_eq!(
                ENTRIES.iter().filter(|other| other.action == entry.action).count(),
                1,
                "{}",
                entry.name
            );
        }
    }

    #[test]
    fn what_reaches_the_outside_is_a_capital_far_from_what_does_not() {
        for entry in ENTRIES.iter().filter(|entry| entry.action.reaches_outside()) {
            for key in entry.keys {
                assert!(key.chars().all(|c| c.is_ascii_uppercase()), "{key}");
            }
        }
        let never = ["~", "<c-a>", "<c-h>", "<c-i>", "<c-j>", "<c-m>", "<c-[>", "<del>"];
        for entry in ENTRIES {
            assert!(!entry.keys.iter().any(|key| never.contains(key)), "{}", entry.name);
        }
    }
}
