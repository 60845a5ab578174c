//! What relman decides, and nothing else: types, state machines and policy as pure functions.
//!
//! No I/O, no clock, no SQL, no terminal: time, actor and facts come in as values, so every rule is testable as
//! "state in, value out". A "no" is a value ([`gate::BlockReason`]), never an error.
//!
//! One word for one thing, here and in code, screens and documents:
//!
//! | word | meaning |
//! |---|---|
//! | service | something that is released on its own |
//! | environment | a place a release is deployed to |
//! | pipeline | a service's environments in order, in phases |
//! | release | `service@version` on its way through the seven stages |
//! | stage | one of request, plan, build, test, prepare, deploy, review |
//! | artifact | what is deployed, named by its digest |
//! | gate | one question that must be answered with yes before a deployment or a move |
//! | approval | one person's recorded decision, bound to what it was about |
//! | freeze | a closed window; an override opens one gate on record |
//! | deployment | `#142`: one attempt to put a release into an environment, made of steps |
//! | journal | the append-only record of everything done and refused |

pub mod actor;
pub mod ansi;
pub mod approval;
pub mod chain;
pub mod change;
pub mod channel;
pub mod checklist;
pub mod commits;
pub mod delivery;
pub mod deployment;
pub mod diff;
pub mod difference;
pub mod digest;
pub mod document;
pub mod drift;
pub mod event;
pub mod extra_step;
pub mod freeze;
pub mod gate;
pub mod hold;
pub mod hook;
pub mod hours;
pub mod ical;
pub mod ids;
pub mod journal;
pub mod junit;
pub mod lock;
pub mod metrics;
pub mod moment;
pub mod monitor;
pub mod note;
pub mod novelty;
pub mod override_review;
pub mod pipeline;
pub mod policy;
pub mod prompt;
pub mod recurrence;
pub mod release;
pub mod replay;
pub mod right;
pub mod risk;
pub mod rules;
pub mod seats;
pub mod session;
pub mod signature;
pub mod stage_rules;
pub mod strategy;
pub mod subject;
pub mod subject_changes;
pub mod terms;
pub mod text;
pub mod time;
pub mod toggle;
pub mod train;
pub mod vacancy;
pub mod version_template;
pub mod wait;
pub mod wanted;
pub mod witness;
mod words;
