//! Rules about what a plugin does when it works.
//!
//! Never: an outcome that is asked for; only that there is one, and that it has the shape of the
//! contract.

use remit_core::outcome::{FaultKind, Outcome};
use remit_core::path::RelPath;
use remit_core::quantity::TimeSpan;
use remit_core::scenario::{CancelAt, End, ExpectedCall, Fault, Refusal, Step};
use remit_core::tool::Exit;
use remit_engine::inputs::Schema;
use remit_scripted::samples;
use serde_json::{Value, json};

use super::{Book, Subject};
use crate::exit::Stop;
use crate::trial::stranger::{self, content};
use crate::trial::{Bench, Placed, Tried};

/// How long a plugin gets whose tool never ends.
const SHORT: TimeSpan = TimeSpan::milliseconds(500);

/// Runs the plugin in every way in which a run can go.
pub(super) async fn judge(book: &mut Book, subject: &Subject<'_>) -> Result<(), Stop> {
    let inputs = match &subject.schema {
        Some(schema) => samples(schema),
        None => Vec::new(),
    };
    if inputs.is_empty() {
        for rule in ["C15", "C16", "C17", "C18", "C19", "C20", "C21", "C22"] {
            book.skip(
                rule,
                "no inputs could be made from its schema; add \"examples\" to it",
            );
        }
        return Ok(());
    }
    let mut seen = Seen::default();
    seen.powerless(book, subject.bench, &inputs).await?;
    let done = seen.granted(book, subject.bench, &inputs).await?;
    seen.refused(book, subject.bench, &inputs).await?;
    seen.faults(book, subject.bench, &inputs).await?;
    outputs(book, &subject.described.output_schema, &done);
    paths(book, &done);
    ends(book, subject, &inputs).await?;
    match seen.memory {
        Some(message) => book.fail("C22", message),
        None => book.pass("C22"),
    }
    Ok(())
}

/// What was seen in all runs together.
#[derive(Default)]
struct Seen {
    memory: Option<String>,
}

impl Seen {
    /// What is wrong with an end, if anything is.
    fn wrong(&mut self, how: &str, tried: &Tried) -> Option<String> {
        if let Outcome::PluginFault {
            kind: FaultKind::Memory,
            message,
        } = &tried.outcome
        {
            self.memory.get_or_insert_with(|| message.clone());
        }
        let wrong = tried.fault_or_no_end()?;
        Some(format!("{how}: {wrong}"))
    }

    async fn powerless(
        &mut self,
        book: &mut Book,
        bench: &Bench,
        inputs: &[Value],
    ) -> Result<(), Stop> {
        let powerless = bench.powerless()?;
        let mut wrong = Vec::new();
        for input in inputs {
            let tried = run(&powerless, input, content()).await?;
            wrong.extend(self.wrong("with nothing granted", &tried));
        }
        book.settle("C15", &wrong);
        Ok(())
    }

    async fn granted(
        &mut self,
        book: &mut Book,
        bench: &Bench,
        inputs: &[Value],
    ) -> Result<Vec<Tried>, Stop> {
        let mut wrong = Vec::new();
        let mut done = Vec::new();
        for input in inputs {
            let tried = run(bench, input, content()).await?;
            wrong.extend(self.wrong("with everything granted", &tried));
            done.push(tried);
        }
        book.settle("C16", &wrong);
        Ok(done)
    }

    async fn refused(
        &mut self,
        book: &mut Book,
        bench: &Bench,
        inputs: &[Value],
    ) -> Result<(), Stop> {
        let mut wrong = Vec::new();
        for (refusal, word) in Refusal::WORDS {
            for input in inputs {
                let mut call = content();
                call.refuse = Some(refusal);
                let tried = run(bench, input, call).await?;
                wrong.extend(self.wrong(&format!("with {word}"), &tried));
            }
        }
        book.settle("C17", &wrong);
        Ok(())
    }

    async fn faults(
        &mut self,
        book: &mut Book,
        bench: &Bench,
        inputs: &[Value],
    ) -> Result<(), Stop> {
        let mut wrong = Vec::new();
        let text = remit_core::scenario::Content::text("one\n{\"two\": 2}\nthree\n");
        let output = Step::Output(remit_core::event::Stream::Stdout, text);
        for (fault, word) in Fault::WORDS {
            for input in inputs {
                let mut call = ExpectedCall::anything(vec![
                    output.clone(),
                    Step::End(End::Exit(Exit::Code(1))),
                ]);
                call.fault = Some(fault);
                let tried = run(bench, input, call).await?;
                wrong.extend(self.wrong(&format!("with {word}"), &tried));
            }
        }
        book.settle("C18", &wrong);
        Ok(())
    }
}

async fn run(bench: &Bench, input: &Value, otherwise: ExpectedCall) -> Result<Tried, Stop> {
    let scenario = stranger::scenario(&bench.loaded().manifest, input)?;
    bench
        .run(&Placed::made("conformance", scenario, otherwise))
        .await
}

/// Outputs of successes, held against the schema that they promise to follow.
fn outputs(book: &mut Book, schema: &str, done: &[Tried]) {
    let Ok(schema) = Schema::parse(schema) else {
        book.skip("C19", "its output schema is none");
        return;
    };
    let mut wrong = Vec::new();
    let mut any = false;
    for tried in done {
        if let Outcome::Succeeded { outputs, .. } = &tried.outcome {
            any = true;
            let problems = schema.problems(outputs);
            wrong.extend(problems.iter().map(ToString::to_string));
        }
        if let Outcome::PluginFault {
            kind: FaultKind::Contract,
            message,
        } = &tried.outcome
        {
            any = true;
            wrong.push(message.clone());
        }
    }
    match any {
        true => book.settle("C19", &wrong),
        false => book.skip("C19", "no sample of its inputs led to a success"),
    }
}

fn paths(book: &mut Book, done: &[Tried]) {
    let mut wrong = Vec::new();
    let mut any = false;
    for tried in done {
        let (outputs, artifacts) = match &tried.outcome {
            Outcome::Succeeded {
                outputs, artifacts, ..
            } => (outputs, json!(artifacts)),
            Outcome::Failed { outputs, .. } => (
                outputs,
                outputs.get("artifacts").cloned().unwrap_or(json!([])),
            ),
            Outcome::Rejected { .. }
            | Outcome::InvalidInput { .. }
            | Outcome::Denied { .. }
            | Outcome::Unavailable { .. }
            | Outcome::TimedOut { .. }
            | Outcome::Cancelled { .. }
            | Outcome::PluginFault { .. }
            | Outcome::Internal { .. } => continue,
        };
        let claimed = outputs.get("claimed-changes").and_then(Value::as_array);
        let artifacts = artifacts.as_array().cloned().unwrap_or_default();
        let named = artifacts.iter().filter_map(|one| one.get("path"));
        for path in named.chain(claimed.into_iter().flatten()) {
            any = true;
            let text = path.as_str().unwrap_or_default();
            if let Err(error) = RelPath::parse(text) {
                wrong.push(error.to_string());
            }
        }
    }
    match any {
        true => book.settle("C20", &wrong),
        false => book.skip("C20", "no sample of its inputs led to a file"),
    }
}

/// Whether it ends when it has to. The host sees to that; what is looked at is that it can.
async fn ends(book: &mut Book, subject: &Subject<'_>, inputs: &[Value]) -> Result<(), Stop> {
    let Some(input) = inputs.first() else {
        return Ok(());
    };
    let hang = ExpectedCall::anything(vec![Step::End(End::Hang)]);
    let manifest = &subject.bench.loaded().manifest;
    let mut wrong = Vec::new();
    let mut scenario = stranger::scenario(manifest, input)?;
    scenario.time = Some(SHORT);
    let tried = subject
        .bench
        .run(&Placed::made("time", scenario, hang.clone()))
        .await?;
    wrong.extend(stuck("when its time was over", &tried));
    let mut scenario = stranger::scenario(manifest, input)?;
    scenario.cancel = Some(CancelAt {
        event: Some("inputs-accepted".to_owned()),
        after: 1,
    });
    let tried = subject
        .bench
        .run(&Placed::made("cancel", scenario, hang))
        .await?;
    wrong.extend(stuck("when it was cancelled", &tried));
    book.settle("C21", &wrong);
    Ok(())
}

/// What is wrong with an end that had to come.
fn stuck(when: &str, tried: &Tried) -> Option<String> {
    let fault = tried.fault()?;
    Some(format!("{when}: {fault}"))
}
