//! What goes on beside an execution, each in a task of its own that reads the ledger: the view for
//! whoever watches, the derived files, spans, hooks.
//!
//! Never: an execution that waits for one of them, except at its end for a bounded time.

use std::sync::Arc;

use anstream::eprintln;
use remit_engine::durable::ledger::LedgerError;
use remit_engine::durable::{Control, Which};
use remit_telemetry::Exporter;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Args, Execution, files, hooks, spans};
use crate::exit::Stop;
use crate::ledger_file::stop;
use crate::owner::Owner;
use crate::render::NOTE;
use crate::watch::execution::Watch;

type Reader = JoinHandle<Result<(), LedgerError>>;

/// The tasks beside an execution.
pub(super) struct Beside {
    view: Reader,
    files: JoinHandle<Result<(), Stop>>,
    spans: Option<Reader>,
    hooks: Option<Reader>,
}

impl Beside {
    /// Starts them. They end after `stop` became true; hooks at once if `hurry` did.
    pub(super) fn start(
        execution: &Execution,
        args: &Args,
        owner: &Owner,
        control: &Control,
        stop: &watch::Receiver<bool>,
        hurry: watch::Receiver<bool>,
    ) -> Self {
        let one = match &execution.which {
            Which::One(run) => Some(run.clone()),
            Which::Open | Which::Watch => None,
        };
        let ledger = || Arc::clone(&execution.ledger);
        let newest = *execution.ledger.newest().borrow();
        let view = Watch {
            ledger: ledger(),
            run: one.clone(),
            // Programs want to see the plan that they submit, too; people have it.
            since: if args.json { execution.since } else { newest },
            look: args.look(),
            screen: execution.screen.clone(),
            flags: args.ledger.flags(),
        };
        let files = files::keep(
            ledger(),
            execution.workspace.clone(),
            one.clone(),
            control.began(),
            stop.clone(),
        );
        let spans = execution.spans.clone().map(|exporter| {
            let tell = spans::tell(ledger(), one.clone(), newest, exporter, stop.clone());
            tokio::spawn(tell)
        });
        let hooks = hooks::declared(owner).map(|hooks| {
            let runner = hooks::Runner {
                hooks,
                ledger: ledger(),
                workshop: Arc::clone(&execution.workshop),
                run: one,
                since: execution.since,
            };
            tokio::spawn(runner.follow(stop.clone(), hurry))
        });
        Self {
            view: tokio::spawn(view.show(stop.clone())),
            files: tokio::spawn(files),
            spans,
            hooks,
        }
    }

    /// Waits for their end and says what went wrong with those that change nothing.
    ///
    /// # Errors
    /// The ledger cannot be shown, or one of them is a fault of remit.
    pub(super) async fn finish(self, exporter: Option<Arc<Exporter>>) -> Result<(), Stop> {
        let fault = |error: tokio::task::JoinError| Stop::Internal(error.into());
        let spans = async {
            let told = match self.spans {
                Some(spans) => spans.await,
                None => Ok(Ok(())),
            };
            if let Some(exporter) = exporter {
                spans::finish(exporter).await;
            }
            told
        };
        let hooks = async {
            match self.hooks {
                Some(hooks) => hooks.await,
                None => Ok(Ok(())),
            }
        };
        let (shown, kept, told, hooked) = tokio::join!(self.view, self.files, spans, hooks);
        let kept = kept.map_err(fault)?;
        for ended in [told, hooked] {
            if let Err(error) = ended.map_err(fault)? {
                stop(error).print();
            }
        }
        if let Err(trouble) = kept {
            // The runs are as they are; the files can be made again.
            trouble.print();
            eprintln!("  {NOTE}fix:{NOTE:#} remit ledger rebuild");
        }
        shown.map_err(fault)?.map_err(stop)
    }
}
