//! One process per deployment: claims it, runs its steps, records how it ended, and is gone.
//!
//! Order of truth: the exit record first, then the store; a dead store delays the record, never the deployment.
//! The supervisor does not decide whether it may run (that was decided) and talks to no terminal. A daemon for
//! all deployments was weighed and left out: its crash or upgrade would touch every one of them, it needs a
//! protocol with versions and rights, and somebody must start it. Here the store is the meeting place.
//!
//! ```text
//! relman ── __launch (leaves the session, ends) ── __supervise ─┬─ __scribe (writes to the store)
//!                                                               └─ script, script's children
//! ```

mod adopt;
mod builder;
pub mod courier;
mod course;
mod frozen;
mod link;
mod mask;
mod measurer;
mod output;
mod run;
mod scribe;
mod script;
mod stop;
mod waiting;

use std::io::{BufRead as _, Write as _};
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::domain::deployment::ProcessRef;
use crate::domain::ids::DeploymentId;
use crate::host::launch;
use crate::host::{enforced, process};

pub use self::output::OWN;

/// The hidden commands through which relman starts itself.
pub const COMMANDS: [&str; 11] = [
    "__launch",
    "__supervise",
    "__scribe",
    "__build",
    "__building",
    "__adopt",
    "__adopting",
    "__deliver",
    "__delivering",
    "__measure",
    "__measuring",
];

/// Runs one of [`COMMANDS`]; returns the exit code.
pub fn main(arguments: &[String]) -> u8 {
    if let Err(sentence) = enforced::refuse_borrowed_rights().and_then(|()| enforced::refuse_from_sudo()) {
        report(&sentence);
        return 1;
    }
    let result = match arguments.first().map(String::as_str) {
        Some("__launch") => launch::leave_session_and_run(&["__supervise".to_owned()]),
        Some("__supervise") => {
            process::call_oneself(c"relman-superv");
            ordered(run::supervise)
        }
        Some("__build") => launch::leave_session_and_run(&["__building".to_owned()]),
        Some("__building") => {
            process::call_oneself(c"relman-build");
            ordered(builder::build)
        }
        Some("__scribe") => {
            process::call_oneself(c"relman-scribe");
            scribe::run().map_err(|error| error.sentence)
        }
        Some("__adopt") => {
            let mut second = arguments.to_vec();
            "__adopting".clone_into(&mut second[0]);
            launch::leave_session_and_run(&second)
        }
        Some("__adopting") => adopting(&arguments[1..]),
        Some("__deliver") => {
            let mut second = arguments.to_vec();
            "__delivering".clone_into(&mut second[0]);
            launch::leave_session_and_run(&second)
        }
        Some("__delivering") => {
            process::call_oneself(c"relman-courier");
            match &arguments[1..] {
                [config] => courier::run(Path::new(config)).map_err(|error| error.sentence),
                _ => Err("one argument".to_owned()),
            }
        }
        Some("__measure") => {
            let mut second = arguments.to_vec();
            "__measuring".clone_into(&mut second[0]);
            launch::leave_session_and_run(&second)
        }
        Some("__measuring") => {
            process::call_oneself(c"relman-monitor");
            measurer::run(&arguments[1..])
        }
        _ => Err("not one of relman's own commands".to_owned()),
    };
    match result {
        Ok(()) => 0,
        Err(sentence) => {
            report(&sentence);
            1
        }
    }
}

/// One line to whoever launched us; nobody may be listening any more.
fn report(line: &str) {
    let mut out = std::io::stdout().lock();
    let _nobody = writeln!(out, "{}", crate::domain::text::one_line(line)).and_then(|()| out.flush());
}

/// Reads the order of whoever launched this process, and carries it out.
fn ordered<O: DeserializeOwned, F: Future<Output = Result<(), String>>>(
    carry_out: impl FnOnce(O) -> F,
) -> Result<(), String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|why| format!("no order: {why}"))?;
    let order: O = serde_json::from_str(&line).map_err(|why| format!("an order nobody can read: {why}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| format!("cannot wait for several things at once: {why}"))?;
    let local = tokio::task::LocalSet::new();
    let result = runtime.block_on(local.run_until(carry_out(order)));
    // Reader tasks of pipes that something left running still holds would wait for ever.
    runtime.shutdown_background();
    result
}

fn adopting(arguments: &[String]) -> Result<(), String> {
    let [config, id, pid, start] = arguments else { return Err("four arguments".to_owned()) };
    let id: DeploymentId = id.parse().map_err(|why| format!("{why}"))?;
    let script = ProcessRef {
        pid: pid.parse().map_err(|why| format!("{why}"))?,
        start: start.parse().map_err(|why| format!("{why}"))?,
    };
    adopt::from_outside(Path::new(config), id, script)
}
