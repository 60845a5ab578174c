//! What happened (`Msg`, in the past tense) and what is to be done (`Effect`, as orders).
//!
//! The panes are an Elm loop: `update(&mut Model, Msg) -> Vec<Effect>` is pure, drawing is a pure function of the
//! model, and everything that touches the machine is an effect that a thread carries out and answers with a
//! message. Components with state of their own were weighed and left out: four panes and a dozen popups are far
//! below the size where a component tree pays for its framework, and this way every behaviour is a plain test.

use crossterm::event::{KeyEvent, MouseEvent};

use super::worker::requests::RequestOrder;
use crate::config::Panes;
use crate::domain::ansi::Line;
use crate::domain::approval::{Approval, ApprovalSubject};
use crate::domain::deployment::Deployment;
use crate::domain::document::Document;
use crate::domain::gate::GateReport;
use crate::domain::ids::{DeploymentId, EnvName, LockId, ReleaseId, ServiceName, TrainName};
use crate::domain::override_review::{Bypass, Finding};
use crate::domain::policy::Policy;
use crate::domain::release::Stage;
use crate::domain::session::{Call, Focus, Session};
use crate::domain::time::{Timestamp, Window};
use crate::domain::version_template::VersionSaid;
use crate::domain::witness::Request;
use crate::ops::OpError;
use crate::ops::approval::decide::Decision;
use crate::ops::deployment::chain::StartChain;
use crate::ops::deployment::guide;
use crate::ops::deployment::later::Later;
use crate::ops::deployment::rollback::{Choices, StartRollback};
use crate::ops::deployment::start::{Preview, StartDeploy};
use crate::ops::deployment::toggle::StartToggle;
use crate::ops::freeze::NewFreeze;
use crate::ops::freeze::edit::EditFreeze;
use crate::ops::lock::{EditLock, NewLock};
use crate::ops::past::{Place, Travel};
use crate::ops::release::create::NewRelease;
use crate::ops::release::edit::Edit;
use crate::ops::release::evidence::Evidence;
use crate::ops::release::record::Record;
use crate::ops::train::Prognosis;
use crate::ops::undo::Way;
use crate::ops::view::board::Board;
use crate::ops::view::calendar::Calendar;
use crate::ops::view::deployment::DeploymentView;
use crate::ops::view::metrics::Metrics;
use crate::ops::view::queue::Pending;
use crate::ops::view::release::ReleaseView;
use crate::ops::view::rights::Standing;
use crate::ops::view::script_diff::ScriptDiffs;
use crate::ops::view::when::Slot;
use crate::ops::wanted::Listed;
use crate::ops::witness::{Asked, Confirm};

/// Everything the panes show, read in one go.
#[derive(Debug, Clone, Default)]
pub struct Views {
    pub board: Board,
    pub queue: Vec<Pending>,
    /// Overrides that wait for a review, oldest first.
    pub overrides: Vec<Bypass>,
    pub calendar: Option<Calendar>,
    /// The newest ones, newest first.
    pub deployments: Vec<Deployment>,
    /// The deployment the log pane shows.
    pub shown: Option<DeploymentView>,
    /// Who sits here and belongs where, once that was read.
    pub rights: Option<Standing>,
    /// Who asks for a second person.
    pub witnesses: Vec<Request>,
    /// Who has the panes open.
    pub sessions: Vec<Session>,
    /// What somebody said to all who have.
    pub call: Option<Call>,
}

/// A part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    pub id: DeploymentId,
    /// Offset of each line with its content, from the top of the page.
    pub lines: Vec<(u64, Line)>,
    pub size: u64,
    /// Whether the page reaches the end.
    pub at_end: bool,
    /// Whether this page answers a request (and not mere growth).
    pub asked: bool,
    /// Whether it begins with what was searched.
    pub searched: bool,
    /// Of a search: which of how many hits this is, where they were counted.
    pub hits: Option<(u64, u64)>,
    /// Of a search: that it went past an end of the log; `true` backwards.
    pub went_round: Option<bool>,
}

/// Something that happened.
#[derive(Debug)]
pub enum Msg {
    /// What the terminal sent, before the loop sorts it.
    Terminal(crossterm::event::Event),
    Signalled(i32),
    Key(KeyEvent),
    Pasted(String),
    Resized(u16, u16),
    /// A second has passed and something on the screen counts time.
    Ticked(Timestamp),
    Loaded(Box<Views>, Timestamp),
    /// The views as they were at a moment of the past.
    Travelled(Box<Views>, Place),
    Previewed(Box<Preview>, EnvName),
    /// Every gate of one deployment, to be read.
    Explained(Box<GateReport>, Vec<Slot>),
    /// What changed in the scripts, to be read.
    Differed(Box<ScriptDiffs>),
    /// When a release can go to an environment.
    Slots {
        release: ReleaseId,
        environment: EnvName,
        slots: Vec<Slot>,
    },
    Choices {
        service: ServiceName,
        environment: EnvName,
        choices: Box<Choices>,
        needs_confirmation: bool,
    },
    Detailed(Box<ReleaseView>),
    Foretold(Box<Prognosis>),
    /// What an order would hit, before it is carried out.
    Weighed(Box<Effect>, Vec<String>),
    /// The code for a second person.
    WitnessAsked(Box<Asked>),
    /// What a second person should know.
    WitnessShown(Box<Request>, Box<Pending>),
    LogRead(LogPage),
    /// The last lines of several logs.
    WallRead(Vec<(DeploymentId, Vec<Line>)>),
    /// The log cannot be compared, and why.
    NotCompared(String),
    /// The log grew while the page stays where it is.
    LogGrew {
        id: DeploymentId,
        size: u64,
        lines: u64,
    },
    /// A search went through without a hit.
    NotFound(String),
    Started(DeploymentId, String),
    /// An act succeeded; the sentence is shown.
    Done(String),
    /// A release was registered: the board stands on it as soon as it is there.
    Registered(ReleaseId, String),
    /// The same of what can be taken back.
    DoneForNow(String),
    Decided(Box<Approval>),
    /// What became other in the rules since somebody stood by them; and whether somebody is asked to.
    RulesShown(Vec<String>, bool),
    /// The figures of so many days.
    Measured(Box<Metrics>, u64),
    /// What was saved in an editor, or why there is nothing.
    EditorSaved(Result<String, String>),
    /// The end of the newest log of a build, and of which run it is.
    BuildShown(ReleaseId, usize, Vec<String>),
    /// What people ask for.
    Requested(Vec<Listed>),
    /// What the next shift must know.
    Handover(Box<Document>),
    /// What went to an environment, newest first.
    Timeline(EnvName, Vec<Deployment>),
    Failed(OpError),
    /// Something is wrong that nobody here asked for: said, whatever is open.
    Troubled(String),
    /// relman.toml was changed and says these rules now.
    RulesChanged(Box<Policy>, Box<Panes>),
    /// Long work tells how far it is.
    Progressed(String),
    /// The store is held by another process.
    StoreHeld(String),
    FocusChanged(bool),
    /// What the mouse did.
    Moused(MouseEvent),
    /// A frame has reached the terminal, slowly or not, or never will.
    Written(Result<bool, Option<i32>>),
}

/// Which part of a log is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The last lines.
    End,
    /// From the line that begins here, moved by so many lines.
    Top(u64, i64),
    /// From the first or last line after or before the offset that holds one of the words.
    Search { from: u64, words: Vec<String>, backward: bool },
}

/// An order to the machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Load,
    /// Show another moment, or now again.
    Travel(Travel),
    ShowMonth(Window),
    Preview {
        release: ReleaseId,
        environment: EnvName,
    },
    /// Asks the gates without offering the deployment.
    Explain {
        release: ReleaseId,
        environment: EnvName,
    },
    /// What changed in the scripts since what is live.
    Differ {
        release: ReleaseId,
        subject: ApprovalSubject,
    },
    Deploy(Box<StartDeploy>),
    Chain(Box<StartChain>),
    /// Run the plan script.
    Plan(Box<StartDeploy>),
    AskChoices {
        service: ServiceName,
        environment: EnvName,
    },
    RollBack(Box<StartRollback>),
    Toggle(Box<StartToggle>),
    Cancel {
        id: DeploymentId,
        reason: Option<String>,
    },
    Abandon {
        id: DeploymentId,
        reason: String,
    },
    CancelAndRollBack {
        id: DeploymentId,
        reason: String,
    },
    /// Decide how a deployment that waits goes on.
    Guide(Box<guide::Decision>),
    Resolve {
        id: DeploymentId,
        succeeded: bool,
        reason: String,
    },
    Reschedule {
        id: DeploymentId,
        later: Later,
    },
    Lock(Box<NewLock>),
    EditLock {
        id: LockId,
        edit: EditLock,
    },
    /// What the next departure of a train would take along.
    Prognosis(TrainName),
    SkipTrain {
        train: TrainName,
        reason: Option<String>,
    },
    ResumeTrain {
        train: TrainName,
        reason: String,
    },
    Unlock {
        id: LockId,
        reason: Option<String>,
    },
    ReviewOverride {
        id: DeploymentId,
        finding: Finding,
        note: String,
    },
    Detail(ReleaseId),
    Create {
        service: ServiceName,
        /// Nothing: what the template of the service says.
        version: Option<VersionSaid>,
        new: Box<NewRelease>,
    },
    Edit {
        id: ReleaseId,
        edit: Box<Edit>,
    },
    Advance(ReleaseId),
    MoveBack {
        id: ReleaseId,
        to: Option<Stage>,
        reason: String,
    },
    Block {
        id: ReleaseId,
        reason: String,
    },
    Unblock {
        id: ReleaseId,
        reason: String,
    },
    Decide(Box<Decision>),
    /// Put something on record about a release.
    Record {
        id: ReleaseId,
        what: Box<Record>,
    },
    /// Record the result of a check.
    Evidence {
        id: ReleaseId,
        name: String,
        evidence: Box<Evidence>,
    },
    /// Tick an item of the checklist.
    Tick {
        id: ReleaseId,
        item: String,
    },
    /// Several in one act, each recorded for itself.
    DecideAll(Vec<Decision>),
    Withdraw {
        release: ReleaseId,
        subject: ApprovalSubject,
    },
    AddFreeze(Box<NewFreeze>),
    EditFreeze(Box<EditFreeze>),
    /// Say first what one of these would hit; do it at once where that is nothing.
    Weigh(Box<Effect>),
    RemoveFreeze {
        handle: String,
    },
    Demo,
    /// Show this deployment in the log pane.
    Watch(DeploymentId),
    /// Show the ends of these logs beside each other; none: no more.
    WatchAll {
        ids: Vec<DeploymentId>,
        rows: usize,
    },
    /// Leave out of the log what this other deployment printed.
    Compare {
        id: DeploymentId,
        against: Option<DeploymentId>,
    },
    Note {
        id: DeploymentId,
        text: String,
    },
    ReadLog {
        id: DeploymentId,
        origin: Origin,
        rows: usize,
    },
    /// Show what became other in the rules.
    ShowRules,
    /// Stand by the rules as they were shown.
    ConfirmRules(Vec<String>),
    /// Let the person edit a text in their editor.
    OpenEditor(String),
    /// Ask the command of an item of the checklist.
    Verify {
        id: ReleaseId,
        item: String,
    },
    /// Run the script of a check.
    RunCheck {
        id: ReleaseId,
        name: String,
    },
    /// Run the build script.
    Build(ReleaseId),
    CancelBuild(ReleaseId),
    /// Read the end of its log.
    AskBuild(ReleaseId),
    /// Read what people ask for.
    AskRequests,
    /// What went to an environment.
    AskTimeline(EnvName),
    /// What the next shift must know.
    AskHandover,
    /// Change that list.
    Request(Box<RequestOrder>),
    /// Compute the figures of so many days.
    AskMetrics {
        service: Option<ServiceName>,
        days: u64,
    },
    /// Find out when it can go there.
    AskSlots {
        release: ReleaseId,
        environment: EnvName,
    },
    /// Name the change ticket, and look again at what it would be deployed under.
    NameChange {
        release: ReleaseId,
        environment: EnvName,
        number: String,
    },
    /// Ask for a second person.
    AskWitness {
        release: ReleaseId,
        environment: EnvName,
    },
    /// Show what somebody asks a witness for.
    ShowWitness(Box<Request>),
    /// Confirm it.
    Confirm(Box<Confirm>),
    /// Say that one looks after it.
    Take(DeploymentId),
    /// Tell others what is before the eyes here.
    Tell(Box<Focus>),
    /// Take back what was done last in these panes, or do it again.
    Undo(Way),
    Bell,
    Redraw,
    /// To the clipboard.
    Copy {
        what: String,
        text: String,
    },
    /// Take the mouse, or give it back.
    Mouse(bool),
    Suspend,
    Quit,
}
