//! The state machine of a deployment under every order of events: two operators, a supervisor, processes that wait,
//! tickers, relmans that look for lost ones, crashes, and a clock that jumps both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use relman::domain::deployment::{Cause, Deployment, DeploymentState, ProcessRef, StepState};
use relman::domain::freeze::Scope;
use relman::domain::hold::{Choice, Hold, HoldReason};
use relman::domain::ids::DeploymentId;
use relman::domain::lock::LockKind;
use relman::ops::deployment::abandon::abandon;
use relman::ops::deployment::cancel::{cancel, cancel_and_roll_back};
use relman::ops::deployment::claim::{self, Claim};
use relman::ops::deployment::guide::{Decision, guide};
use relman::ops::deployment::later::reschedule;
use relman::ops::deployment::reconcile::{Orphans, reconcile};
use relman::ops::deployment::resolve::resolve;
use relman::ops::deployment::start::{self, StartDeploy};
use relman::ops::deployment::tick::tick;
use relman::ops::deployment::turn::{self, Turn};
use relman::ops::deployment::{finish, follow_up};
use relman::ops::lock::{self, NewLock};
use relman::ops::{Liveness, audit};

use crate::support::world::{World, env_name, outcome, wish};

/// Something that happens.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Start(bool),
    Claim,
    Hold(bool),
    Run,
    /// The supervisor ends so: the exit record, then the store.
    End(bool),
    /// It dies after the exit record and before the store.
    EndUnheard(bool),
    /// It dies without a word.
    Die,
    /// A machine that slept wakes up and goes on where it was, in its old epoch.
    WakeUp,
    Look(bool),
    Cancel(bool),
    CancelAndBack(bool),
    Decide(bool, usize),
    Resolve(bool),
    Abandon(bool),
    FollowUp,
    /// Somebody asks for one that begins in so many minutes, or as soon as it may.
    Later(bool, Option<u64>),
    /// The process that waits for one of those that have not begun asks for its turn.
    Turn(usize),
    /// It dies.
    WaiterDies(usize),
    Tick(bool),
    Reschedule(bool, u64),
    Lock,
    Unlock,
    Clock(i64),
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let one = any::<bool>;
    prop_oneof![
        3 => one().prop_map(Event::Start),
        3 => Just(Event::Claim),
        2 => one().prop_map(Event::Hold),
        2 => Just(Event::Run),
        2 => one().prop_map(Event::End),
        1 => one().prop_map(Event::EndUnheard),
        1 => Just(Event::Die),
        2 => Just(Event::WakeUp),
        2 => one().prop_map(Event::Look),
        2 => one().prop_map(Event::Cancel),
        1 => one().prop_map(Event::CancelAndBack),
        2 => (one(), 0usize..6).prop_map(|(who, choice)| Event::Decide(who, choice)),
        2 => one().prop_map(Event::Resolve),
        2 => one().prop_map(Event::Abandon),
        1 => Just(Event::FollowUp),
        3 => (one(), prop::option::of(1u64..90)).prop_map(|(who, at)| Event::Later(who, at)),
        5 => (0usize..4).prop_map(Event::Turn),
        1 => (0usize..4).prop_map(Event::WaiterDies),
        1 => one().prop_map(Event::Tick),
        1 => (one(), 1u64..90).prop_map(|(who, at)| Event::Reschedule(who, at)),
        1 => Just(Event::Lock),
        1 => Just(Event::Unlock),
        2 => (-30i64..60).prop_map(Event::Clock),
    ]
}

fn who(first: bool) -> &'static str {
    if first { "erin" } else { "dave" }
}

/// What the supervisor of the newest deployment knows.
#[derive(Default)]
struct Supervisor {
    of: Option<Deployment>,
    holds: u32,
    /// The outcome it wrote down.
    record: Option<DeploymentState>,
}

pub(super) struct Model {
    pub(super) world: World,
    supervisor: Supervisor,
    /// How deployments ended: never to change again.
    ends: BTreeMap<DeploymentId, (DeploymentState, Option<Cause>)>,
    /// What people settled, whatever its supervisor says later.
    by_people: BTreeSet<DeploymentId>,
}

impl Model {
    pub(super) fn new() -> Self {
        let world = World::new();
        for id in ["api@1.0.0", "api@1.1.0"] {
            world.release(id);
            world.advance(id, 5);
        }
        world.deploy("api@1.0.0", "dev");
        Self { world, supervisor: Supervisor::default(), ends: BTreeMap::new(), by_people: BTreeSet::new() }
    }

    fn all(&self) -> BTreeMap<DeploymentId, Deployment> {
        let filter = relman::ops::Filter { environment: Some(env_name("dev")), ..Default::default() };
        let all = self.world.store.read(|tx| relman::store::deployments::list(tx, &filter, 1000)).unwrap();
        all.into_iter().map(|d| (d.id, d)).collect()
    }

    /// The newest deployment: the one people talk about.
    fn newest(&self) -> DeploymentId {
        *self.all().keys().last().unwrap()
    }

    /// One of those that have not begun.
    fn pending(&self, at: usize) -> Option<Deployment> {
        let pending = self.world.store.read(relman::store::pending::list).unwrap();
        let count = pending.len();
        pending.into_iter().nth(at % count.max(1))
    }

    /// Lets it happen; what is refused changes nothing and is no matter here.
    pub(super) fn happen(&mut self, event: &Event) {
        let id = self.newest();
        let w = &self.world;
        match event {
            Event::Start(first) => {
                if let Ok(started) = w.start(who(*first), "api@1.1.0", "dev") {
                    let of = Some(started.deployment.clone());
                    self.supervisor = Supervisor { of, ..Supervisor::default() };
                    if *first {
                        w.claim(&started.deployment);
                    }
                }
            }
            Event::Claim
            | Event::Hold(_)
            | Event::Run
            | Event::End(_)
            | Event::EndUnheard(_)
            | Event::WakeUp => {
                self.supervise(event);
            }
            Event::Die => drop(w.machine.alive.borrow_mut().insert(id, Liveness::Gone)),
            Event::Look(first) => drop(w.as_(who(*first), |cx| reconcile(cx, Orphans::Leave))),
            Event::Cancel(first) => drop(w.as_(who(*first), |cx| cancel(cx, id, None))),
            Event::CancelAndBack(first) => {
                drop(w.as_(who(*first), |cx| cancel_and_roll_back(cx, id, "hurts")));
            }
            Event::Decide(first, choice) => {
                let reason = Some("because".to_owned());
                let wanted = Decision { deployment: id, choice: Choice::ALL[*choice], reason, seen: None };
                drop(w.as_(who(*first), |cx| guide(cx, &wanted)));
            }
            Event::Resolve(good) => {
                if w.as_("erin", |cx| resolve(cx, id, *good, "looked")).is_ok() {
                    self.by_people.insert(id);
                }
            }
            Event::Abandon(first) => {
                if w.as_(who(*first), |cx| abandon(cx, id, "hangs")).is_ok() {
                    self.by_people.insert(id);
                }
            }
            Event::FollowUp => drop(w.as_("erin", |cx| follow_up::begin(cx, id))),
            Event::Later(..)
            | Event::Turn(_)
            | Event::WaiterDies(_)
            | Event::Tick(_)
            | Event::Reschedule(..)
            | Event::Lock
            | Event::Unlock => self.wait(event),
            Event::Clock(minutes) => {
                let ahead = Duration::from_mins(minutes.unsigned_abs());
                self.world.now =
                    if *minutes < 0 { self.world.now.minus(ahead) } else { self.world.now.plus(ahead) };
            }
        }
    }

    /// What happens to deployments that have not begun.
    fn wait(&mut self, event: &Event) {
        let id = self.newest();
        let w = &self.world;
        match event {
            Event::Later(first, minutes) => {
                let at = minutes.map(|minutes| w.now.plus(Duration::from_mins(minutes)));
                let later = w.later(at);
                let wanted = StartDeploy { later: Some(later), ..wish("api@1.1.0", "dev") };
                let started = w.as_(who(*first), |cx| start::start(cx, &wanted));
                if let Some(d) =
                    started.ok().map(|started| started.deployment).filter(|d| !d.state.is_pending())
                {
                    self.supervisor = Supervisor { of: Some(d), ..Supervisor::default() };
                }
            }
            Event::Turn(at) => {
                let Some(d) = self.pending(*at) else { return };
                let by = ProcessRef { pid: 1, start: 1 };
                if let Ok(Turn::Go(ticket)) = w.as_("erin", |cx| turn::turn(cx, d.id, by)) {
                    assert!(d.state.is_pending(), "{} began twice", d.id);
                    let of = Some(Deployment { epoch: ticket.epoch, ..w.deployment(d.id) });
                    self.supervisor = Supervisor { of, ..Supervisor::default() };
                }
            }
            Event::WaiterDies(at) => {
                if let Some(d) = self.pending(*at) {
                    w.machine.alive.borrow_mut().insert(d.id, Liveness::Gone);
                }
            }
            Event::Tick(first) => {
                let ticked = w.as_(who(*first), tick).unwrap();
                for id in ticked.revived {
                    w.machine.alive.borrow_mut().remove(&id);
                }
            }
            Event::Reschedule(first, minutes) => {
                let at = Some(w.now.plus(Duration::from_mins(*minutes)));
                let later = w.later(at);
                drop(w.as_(who(*first), |cx| reschedule(cx, id, &later)));
            }
            Event::Lock => {
                let scope = Scope::everything();
                let reason = "disk".to_owned();
                let new = NewLock { kind: LockKind::Automation, scope, reason, expires: None };
                drop(w.as_("dave", |cx| lock::set(cx, &new)));
            }
            Event::Unlock => {
                for lock in w.as_("dave", lock::list).unwrap() {
                    drop(w.as_("dave", |cx| lock::lift(cx, lock.id, None)));
                }
            }
            _ => {}
        }
    }

    fn supervise(&mut self, event: &Event) {
        let w = &self.world;
        let Some(d) = self.supervisor.of.clone() else { return };
        let (id, epoch) = (d.id, d.epoch);
        let is_alive = w.machine.alive.borrow().get(&id) != Some(&Liveness::Gone);
        if !is_alive && !matches!(event, Event::WakeUp) {
            return;
        }
        match event {
            Event::Claim => {
                if let Ok(Claim::Ended { .. }) = w.as_("erin", |cx| claim::claim(cx, id, epoch)) {
                    self.supervisor.of = None;
                }
            }
            Event::Hold(trouble) => {
                self.supervisor.holds += 1;
                let plan = w.plan(&d);
                let number = self.supervisor.holds;
                let hold = match trouble {
                    true => Hold::after(
                        number,
                        &plan,
                        HoldReason::Failed { cause: Cause::Exit { code: 1 } },
                        w.now,
                    ),
                    false => Hold::before(number, &plan, HoldReason::Promotion, w.now),
                };
                w.as_("erin", |cx| claim::hold(cx, id, epoch, &hold)).unwrap();
            }
            Event::Run | Event::WakeUp => {
                // Whoever was taken for dead was only asleep.
                w.machine.alive.borrow_mut().remove(&id);
                let mut step = w.store.read(|tx| relman::store::steps::list_of(tx, id)).unwrap().remove(0);
                (step.state, step.attempt) = (StepState::Running, 1);
                w.as_("erin", |cx| claim::step(cx, id, epoch, &step)).unwrap();
            }
            Event::End(good) | Event::EndUnheard(good) => {
                // Only what was claimed comes to an end.
                if w.deployment(id).claimed_at.is_none() || self.supervisor.record.is_some() {
                    return;
                }
                let state = match (good, w.deployment(id).cancel) {
                    (true, _) => DeploymentState::Succeeded,
                    (false, Some(_)) => DeploymentState::Cancelled,
                    (false, None) => DeploymentState::Failed,
                };
                let outcome = outcome(state, w.now);
                w.machine.exit.borrow_mut().insert(id, outcome.clone());
                self.supervisor.record = Some(state);
                if matches!(event, Event::EndUnheard(_)) {
                    w.machine.alive.borrow_mut().insert(id, Liveness::Gone);
                    return;
                }
                w.as_("erin", |cx| finish::settle(cx, id, epoch, &finish::OWN, &outcome, None)).unwrap();
            }
            _ => {}
        }
    }

    /// One event, and what must be so after each.
    fn step(&mut self, event: &Event) -> Result<(), TestCaseError> {
        let before = self.all();
        let entries = self.world.entries();
        self.happen(event);
        let after = self.all();
        let active = after.values().filter(|d| d.state.is_active()).count();
        prop_assert!(active <= 1, "{active} active deployments after {event:?}");
        let written = self.world.entries() - entries;
        let subjects: Vec<String> = self
            .world
            .store
            .read(|tx| relman::store::journal::list(tx, None, None, u32::try_from(written).unwrap()))
            .unwrap()
            .iter()
            .filter_map(relman::domain::journal::Entry::parsed)
            .map(|body| body.subject)
            .collect();
        for (id, d) in &after {
            let was = before.get(id).map(|was| was.state);
            if was == Some(d.state) {
                continue;
            }
            // An event may take it through more than one state (silence → lost → settled): each step is legal.
            let legal = was.is_none_or(|was| {
                was.may_become(d.state)
                    || (was.may_become(DeploymentState::Lost) && DeploymentState::Lost.may_become(d.state))
                    // Launched and claimed in one transaction.
                    || (was.is_pending() && d.state == DeploymentState::Running)
            });
            prop_assert!(legal, "{id} went from {was:?} to {} by {event:?}", d.state);
            prop_assert!(
                subjects.contains(&id.to_string()),
                "{id} became {} without an entry by {event:?}",
                d.state
            );
        }
        // What began last has the highest fencing token.
        let began: Vec<&Deployment> = after.values().filter(|d| d.claimed_at.is_some()).collect();
        for d in began.iter().filter(|d| before.get(&d.id).is_some_and(|was| was.claimed_at.is_none())) {
            let is_highest = began.iter().all(|other| other.id == d.id || other.epoch < d.epoch);
            prop_assert!(is_highest, "{} began in epoch {}, which is not the highest", d.id, d.epoch);
        }
        for (id, d) in after.iter().filter(|(_, d)| d.state.is_over()) {
            let end = (d.state, d.cause.clone());
            let known = self.ends.entry(*id).or_insert_with(|| end.clone());
            prop_assert_eq!(&*known, &end, "how {} ended changed by {:?}", id, event);
        }
        Ok(())
    }

    /// What has not begun is over once its time has passed, whether anything waits for it or not.
    fn nothing_waits_for_ever(&mut self) -> Result<(), TestCaseError> {
        self.world.pass(Duration::from_hours(24 * 40));
        for d in self.world.store.read(relman::store::pending::list).unwrap() {
            self.world.machine.alive.borrow_mut().insert(d.id, Liveness::Gone);
        }
        self.world.as_("bob", |cx| reconcile(cx, Orphans::Leave)).unwrap();
        let left = self.world.store.read(relman::store::pending::list).unwrap();
        prop_assert!(left.is_empty(), "{left:?}");
        Ok(())
    }

    /// Everybody is gone and a relman looks: no outcome that was written down is lost.
    fn at_rest(&mut self) -> Result<(), TestCaseError> {
        self.nothing_waits_for_ever()?;
        let Some(d) = self.supervisor.of.clone() else { return Ok(()) };
        self.world.machine.alive.borrow_mut().insert(d.id, Liveness::Gone);
        self.world.pass(Duration::from_hours(24));
        self.world.as_("bob", |cx| reconcile(cx, Orphans::Leave)).unwrap();
        let now = self.world.deployment(d.id);
        prop_assert!(!now.state.is_live(), "{} is {} although nothing of it lives", d.id, now.state);
        if let Some(record) = self.supervisor.record.filter(|_| !self.by_people.contains(&d.id)) {
            prop_assert_eq!(now.state, record, "{} wrote down how it ended", d.id);
        }
        let verified = self.world.as_("erin", audit::verify).unwrap();
        prop_assert_eq!(verified.bad, None);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn no_order_of_events_makes_two_active_loses_an_end_or_leaves_no_entry(
        events in prop::collection::vec(event(), 1..40)
    ) {
        let mut model = Model::new();
        for event in &events {
            model.step(event)?;
        }
        model.at_rest()?;
    }
}
