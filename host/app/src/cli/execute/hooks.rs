//! Starts the owner's hooks for what happens while runs are executed.
//!
//! Each hook has a queue of its own and one tool at a time. Never: an execution that waits for a
//! hook, or comes to something else because of one; a hook for what a hook did, which is in no
//! ledger.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anstream::eprintln;
use remit_core::durable::{Entry, LedgerEvent, RunId};
use remit_core::event::Event;
use remit_core::hook::{Cause, Hook, HookQueue, Hooks};
use remit_core::outcome::CancelReason;
use remit_engine::cancel::Cancel;
use remit_engine::durable::ledger::{Ledger, LedgerError};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::follow::Follower;
use crate::execution::{HookTrouble, Started, Workshop};
use crate::owner::Owner;
use crate::printable::printable;
use crate::render::{self, DIM, NOTE, WARN};
use crate::timeline::json_line;

/// How long the end waits for hooks that run or wait. They tell someone something; whoever is told
/// in time is told of the end, too.
const END: Duration = Duration::from_secs(10);
/// How long ended hooks may take to be gone.
const GONE: Duration = Duration::from_secs(2);

/// The hooks of the owner.
pub(super) fn declared(owner: &Owner) -> Option<Hooks> {
    let hooks: Vec<Hook> = owner
        .policy()
        .hooks()
        .iter()
        .map(|declared| declared.hook().clone())
        .collect();
    // How many there may be was checked when the policy was read.
    Hooks::try_from(hooks)
        .ok()
        .filter(|hooks| !hooks.all().is_empty())
}

/// What starts hooks.
pub(super) struct Runner {
    pub(super) hooks: Hooks,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) workshop: Arc<Workshop>,
    /// The run, if only one is executed.
    pub(super) run: Option<RunId>,
    /// The place after which events count.
    pub(super) since: u64,
}

/// What is known of the hooks at work.
struct Working {
    queues: Vec<HookQueue<Started>>,
    tools: JoinSet<(usize, Result<(), HookTrouble>)>,
    cancel: Cancel,
    failures: BTreeMap<usize, u64>,
}

impl Runner {
    /// Starts hooks until `stop` is true, everything was seen, and the hooks are done or the time
    /// for that is over; at once if `hurry` is true.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) async fn follow(
        self,
        stop: watch::Receiver<bool>,
        mut hurry: watch::Receiver<bool>,
    ) -> Result<(), LedgerError> {
        let mut follower = Follower::after(Arc::clone(&self.ledger), None, self.since, stop);
        let wants_activity = |word: &&str| self.hooks.all().iter().any(|hook| hook.matches(word));
        if !Event::WORDS.iter().any(wants_activity) && !wants_activity(&"ACTIVITY") {
            follower = follower.without_activity();
        }
        let mut working = Working {
            queues: self
                .hooks
                .all()
                .iter()
                .map(|_| HookQueue::default())
                .collect(),
            tools: JoinSet::new(),
            cancel: Cancel::new(),
            failures: BTreeMap::new(),
        };
        let seen = loop {
            tokio::select! {
                entries = follower.next() => match entries {
                    Ok(Some(entries)) => for entry in &entries {
                        self.offer(entry, &mut working);
                    },
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                },
                Some(ended) = working.tools.join_next() => self.ended(ended, &mut working),
            }
        };
        self.wait(&mut working, &mut hurry).await;
        self.conclude(&working);
        seen
    }

    /// Waits for what runs and waits, within bounds.
    async fn wait(&self, working: &mut Working, hurry: &mut watch::Receiver<bool>) {
        let enough = tokio::time::sleep(END);
        tokio::pin!(enough);
        while !working.tools.is_empty() {
            tokio::select! {
                Some(ended) = working.tools.join_next() => self.ended(ended, working),
                () = &mut enough => break,
                Ok(_) = hurry.wait_for(|hurry| *hurry) => break,
            }
        }
        working.cancel.cancel(CancelReason::Forced);
        let gone = async { while working.tools.join_next().await.is_some() {} };
        // Beyond that, closing the workshop ends every tool.
        drop(tokio::time::timeout(GONE, gone).await);
    }

    fn offer(&self, entry: &Entry, working: &mut Working) {
        let of_another = self.run.is_some() && entry.run.is_some() && entry.run != self.run;
        if of_another {
            return;
        }
        let word = entry.event.word();
        let inner = if let LedgerEvent::Activity { activity, .. } = &entry.event {
            Some(activity.word())
        } else {
            None
        };
        let named = |hook: &Hook| hook.matches(word) || inner.is_some_and(|w| hook.matches(w));
        if !self.hooks.all().iter().any(named) {
            return;
        }
        let Ok(json) = json_line(entry) else {
            return;
        };
        let mut places: Vec<usize> = self
            .hooks
            .started_by(word, Cause::Run)
            .map(|(place, _)| place)
            .collect();
        if let Some(inner) = inner {
            let further = self.hooks.started_by(inner, Cause::Run);
            places.extend(further.map(|(place, _)| place));
            places.sort_unstable();
            places.dedup();
        }
        for place in places {
            let started = Started {
                run: entry.run.clone(),
                seq: entry.seq,
                word: inner.unwrap_or(word),
                json: json.clone(),
            };
            let queue = working.queues.get_mut(place);
            if let Some(first) = queue.and_then(|queue| queue.offer(started)) {
                self.start(place, first, working);
            }
        }
    }

    fn start(&self, place: usize, started: Started, working: &mut Working) {
        let Some(hook) = self.hooks.all().get(place).cloned() else {
            return;
        };
        let workshop = Arc::clone(&self.workshop);
        let cancel = working.cancel.clone();
        working.tools.spawn(async move {
            let done = workshop.run_hook(&hook, started, cancel).await;
            (place, done)
        });
    }

    fn ended(
        &self,
        ended: Result<(usize, Result<(), HookTrouble>), tokio::task::JoinError>,
        working: &mut Working,
    ) {
        let Ok((place, done)) = ended else {
            // It panicked, which was said; its queue stays as it is.
            return;
        };
        if let Err(trouble) = done {
            let failures = working.failures.entry(place).or_default();
            *failures += 1;
            self.say(place, &trouble, *failures == 1);
        }
        let queue = working.queues.get_mut(place);
        if let Some(next) = queue.and_then(HookQueue::ended) {
            self.start(place, next, working);
        }
    }

    fn name(&self, place: usize) -> String {
        let hook = self.hooks.all().get(place);
        hook.map(|hook| hook.tool().to_string()).unwrap_or_default()
    }

    /// Says that a hook failed: the first time for people, always in the log.
    fn say(&self, place: usize, trouble: &HookTrouble, first: bool) {
        let name = self.name(place);
        tracing::debug!(hook = name, ?trouble, "a hook failed");
        if !first {
            return;
        }
        match trouble {
            HookTrouble::Failed(message) => eprintln!(
                "{WARN}warning:{WARN:#} hook {name}: {}\n  {DIM}the run goes on{DIM:#}",
                printable(message)
            ),
            HookTrouble::Denied(denials) => {
                eprintln!("{WARN}warning:{WARN:#} hook {name} was denied; the run goes on");
                denials.iter().for_each(render::denial);
            }
            HookTrouble::Cancelled => {}
        }
    }

    /// Says at the end what hooks did not hear.
    fn conclude(&self, working: &Working) {
        for (place, queue) in working.queues.iter().enumerate() {
            let failed = working.failures.get(&place).copied().unwrap_or(0);
            let unheard = queue.dropped() + queue.waiting() as u64 + u64::from(queue.is_running());
            if failed > 1 || unheard > 0 {
                eprintln!(
                    "{WARN}warning:{WARN:#} hook {}: {failed} failed, {unheard} events were not told\n  \
                     {NOTE}see:{NOTE:#} remit audit show --plugin command",
                    self.name(place)
                );
            }
        }
    }
}
