//! Before the beginning: a deployment that waits for its time, its gates and its turn.
//!
//! Waiting costs next to nothing and holds nothing. Whoever calls it off settles it in the store; this process sees that
//! and goes. When this process is told to end (a shutdown), it goes and leaves the deployment waiting: `relman tick`
//! revives it.

use std::time::{Duration, Instant};

use crate::domain::deployment::ProcessRef;
use crate::domain::time::Timestamp;
use crate::host::{clock, fault, process};
use crate::ops::deployment::turn::Turn;

use super::run::{CLAIM_PATIENCE, Supervisor};
use super::scribe::{Task, Word};

/// How often the turn is asked for: the scribe looks into the store only when something may have changed.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long after its expiry a store that stays out of reach is still waited for.
const AFTER_EXPIRY: Duration = Duration::from_secs(60);

/// How the waiting ended.
pub(super) enum Beginning {
    Now,
    /// There is nothing to do (any more).
    Never,
}

impl Supervisor {
    /// Waits until the deployment may begin. `Err`: whoever launched it hears why it does not even wait.
    pub(super) async fn wait_to_begin(&mut self, expires: Timestamp) -> Result<Beginning, String> {
        let by = process::identify(std::process::id().cast_signed())
            .ok_or("the kernel does not say when this process began")?;
        let mut said = Vec::new();
        fault::point("before-waiting");
        let first = tokio::time::timeout(CLAIM_PATIENCE, self.link.ask(Task::Turn(by))).await;
        let first =
            first.unwrap_or_else(|_| Word::Never("the store could not be reached in time".to_owned()));
        if let Word::Never(why) | Word::Later(why) | Word::Turn(Turn::NotOurs { why }) = first {
            return Err(why);
        }
        fault::point("before-ready");
        super::report(crate::host::launch::READY);
        super::run::leave_streams();
        let (mut word, mut expires) = (first, expires);
        loop {
            // Somebody may have given it more time.
            if let Word::Turn(Turn::Wait { expires: told, .. }) = &word {
                expires = *told;
            }
            match word {
                Word::Turn(Turn::Go(ticket)) => {
                    fault::point("after-claim");
                    self.order.ticket = *ticket;
                    self.link.tell(&self.order);
                    self.begin_clocks();
                    return Ok(Beginning::Now);
                }
                Word::Turn(Turn::Wait { says, .. }) if says != said => {
                    for line in &says {
                        self.say(line);
                    }
                    said = says;
                }
                Word::Turn(Turn::Ended { why } | Turn::NotOurs { why }) => {
                    self.say(&why);
                    return Ok(Beginning::Never);
                }
                Word::Never(why) => {
                    self.say(&format!("this process waits no longer: {why}"));
                    return Ok(Beginning::Never);
                }
                _ => {}
            }
            let Some(next) = self.ask_for_turn(by, expires).await else { return Ok(Beginning::Never) };
            word = next;
        }
    }

    /// The next answer; nothing when there is no use in waiting for it.
    async fn ask_for_turn(&mut self, by: ProcessRef, expires: Timestamp) -> Option<Word> {
        let until = Instant::now() + ASK_EVERY;
        while Instant::now() < until {
            if self.is_told_to_end(ASK_EVERY).await {
                self.say("this process was told to end; the deployment waits on: relman tick revives it");
                return None;
            }
        }
        let mut answer = std::pin::pin!(self.link.ask(Task::Turn(by)));
        loop {
            match tokio::time::timeout(ASK_EVERY, &mut answer).await {
                Ok(word) => return Some(word),
                Err(_) if clock::now() > expires.plus(AFTER_EXPIRY) => {
                    self.say("this process waits no longer: the store stayed out of reach until it expired");
                    return None;
                }
                Err(_) => {}
            }
        }
    }
}
