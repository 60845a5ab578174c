//! `relman demo`

use super::{Session, current_dir, exit};
use crate::config;
use crate::demo;
use crate::desk::Desk;
use crate::domain::actor::Via;
use crate::ops::OpError;

/// Where the demo goes when there is no configuration.
const DIRECTORY: &str = "relman-demo";

pub(super) fn run(session: &mut Session) -> Result<u8, OpError> {
    session.may_touch_files()?;
    let cwd = current_dir()?;
    let unpacked = session.config.is_none() && config::find(None, &cwd).is_err();
    let path = if unpacked { demo::unpack(&cwd.join(DIRECTORY))? } else { session.config_path()? };
    let desk = Desk::open(session.load(&path)?, Via::Cli)?;
    let out = &session.out;
    let told = demo::run(&desk, |text| out.note(text))?;
    let next = if unpacked { format!("cd {DIRECTORY} && relman") } else { "relman".to_owned() };
    if session.out.is_json() {
        session.out.json("demo", &serde_json::json!({ "config": path, "next": next }));
    } else {
        session.out.line(told);
        session.out.line(format!("look at it with: {next}"));
    }
    Ok(exit::OK)
}
