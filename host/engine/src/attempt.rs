//! One try: from a fresh instance, through the checks of its inputs, to exactly one outcome.
//!
//! Never: work before the inputs are valid; an outcome that a plugin's claim alone decides.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use remit_core::claim::{self, Claims};
use remit_core::denial::{Denial, MissingKey};
use remit_core::event::{Event, GrantSummary, Level, LogSource};
use remit_core::outcome::{Artifact, CancelReason, FaultKind, InputProblem, Outcome};
use serde_json::{Value, json};

use crate::host::PluginHost;
use crate::inputs::{RawInputs, Schema};
use crate::plugin::{
    Context, Descriptor, Failure, Finished, Instance, Plugin, PluginFault, Refused, Role,
};

/// Changed files that the event lists. The rest is counted by `more`.
const MAX_CHANGES: usize = 10_000;
/// Artifacts that an outcome keeps; the contract's limit.
const MAX_ARTIFACTS: usize = 10_000;

/// What an attempt is about.
#[derive(Debug, Clone)]
pub struct Request {
    /// The run's ULID.
    pub run_id: String,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// Grows with each attempt that was ever leased.
    pub fence: u64,
    /// What was said about inputs.
    pub inputs: RawInputs,
    /// Which interface to use, if the plugin has both.
    pub role: Option<Role>,
    /// The plugin's version, from its manifest.
    pub version: String,
    /// Digest of the component.
    pub component_digest: String,
    /// Digest of the manifest.
    pub manifest_digest: String,
    /// What the plugin may do, for those who watch.
    pub grants: GrantSummary,
    /// What the previous attempt saved.
    pub checkpoint: Option<Vec<u8>>,
    /// What the plugin says of itself, if others have asked it already.
    pub described: Described,
}

/// What a plugin says of itself in one role. It is asked once by all who share this: the answer
/// depends on nothing but the component.
#[derive(Debug, Clone, Default)]
pub struct Described(Arc<OnceLock<(Descriptor, Schema)>>);

impl Described {
    /// What is known already.
    #[must_use]
    pub fn get(&self) -> Option<&Descriptor> {
        self.0.get().map(|(descriptor, _)| descriptor)
    }

    /// What this instance says, or one before it said.
    ///
    /// # Errors
    /// The plugin faulted, or its schema is not one.
    pub async fn ask(
        &self,
        instance: &mut dyn Instance,
    ) -> Result<&(Descriptor, Schema), PluginFault> {
        if let Some(known) = self.0.get() {
            return Ok(known);
        }
        let descriptor = instance.describe().await?;
        let schema = Schema::parse(&descriptor.input_schema)
            .map_err(|error| PluginFault::new(FaultKind::Contract, error.to_string()))?;
        // Two may have asked at the same time, and got the same.
        Ok(self.0.get_or_init(|| (descriptor, schema)))
    }
}

/// Why an attempt stopped before it had an outcome of its own.
enum Stop {
    Fault(PluginFault),
    Inputs(Vec<InputProblem>),
    Unavailable(String),
}

impl From<PluginFault> for Stop {
    fn from(fault: PluginFault) -> Self {
        Self::Fault(fault)
    }
}

/// An instance whose inputs have been found valid. Only [`prepare`] makes one.
struct Ready {
    instance: Box<dyn Instance>,
    inputs: Value,
}

/// Carries out one attempt. Every event of it is on record when this returns.
pub async fn run(plugin: &dyn Plugin, host: &Arc<PluginHost>, request: Request) -> Outcome {
    let limit = host.identity().time;
    record_start(host, &request).await;
    let outcome = {
        let work = carry_out(plugin, host, &request);
        tokio::pin!(work);
        let outcome = tokio::select! {
            // The plugin's own end wins over a deadline that passes at the same moment.
            biased;
            outcome = &mut work => unless_final(host, outcome),
            reason = host.cancel().cancelled() => Outcome::Cancelled { reason },
            () = host.time_over() => Outcome::TimedOut {
                limit_ms: millis(limit),
            },
        };
        host.end();
        // Here the instance is dropped, and with it every tool that it started.
        outcome
    };
    record_revocation(host, &request).await;
    if !host.settle().await {
        host_says(
            host,
            Level::Warn,
            "some tools were still ending when the run ended",
        )
        .await;
    }
    record_changes(host).await;
    let outcome = with_denials(host, outcome);
    host.journal()
        .emit(Event::RunFinished {
            outcome: outcome.clone(),
            wall_ms: millis(host.elapsed()),
        })
        .await;
    host.journal().flush().await;
    outcome
}

/// What a plugin says after its approval was taken back is nobody's answer any more: it may only be
/// how it met the end.
fn unless_final(host: &PluginHost, outcome: Outcome) -> Outcome {
    match host.cancel().reason().filter(|reason| reason.is_final()) {
        Some(reason) => Outcome::Cancelled { reason },
        None => outcome,
    }
}

async fn carry_out(plugin: &dyn Plugin, host: &Arc<PluginHost>, request: &Request) -> Outcome {
    let mut ready = match prepare(plugin, host, request).await {
        Ok(ready) => ready,
        Err(stop) => {
            return match stop {
                Stop::Fault(fault) => fault_outcome(fault),
                Stop::Inputs(problems) => Outcome::InvalidInput { problems },
                Stop::Unavailable(what) => Outcome::Unavailable { what },
            };
        }
    };
    let inputs = ready.inputs.clone();
    host.journal().emit(Event::InputsAccepted { inputs }).await;
    let identity = host.identity();
    let context = Context {
        run_id: request.run_id.clone(),
        task_id: identity.task.clone(),
        attempt: request.attempt,
        fence: request.fence,
        effect_key: format!("{}/{}", request.run_id, identity.task),
        inputs: ready.inputs.to_string(),
        time_left_ms: millis(host.time_left()),
        checkpoint: request.checkpoint.clone(),
    };
    match ready.instance.execute(context).await {
        Ok(finished) => conclude(host, finished).await,
        Err(fault) => fault_outcome(fault),
    }
}

/// Instantiates the plugin and checks everything that can be wrong before it works.
async fn prepare(
    plugin: &dyn Plugin,
    host: &Arc<PluginHost>,
    request: &Request,
) -> Result<Ready, Stop> {
    let mut instance = plugin.instantiate(Arc::clone(host), request.role).await?;
    let (inputs, problems) =
        check_inputs(instance.as_mut(), &request.inputs, &request.described).await?;
    if !problems.is_empty() {
        return Err(Stop::Inputs(problems));
    }
    let missing = instance.validate_config().await?;
    if !missing.is_empty() {
        let what: Vec<String> = missing.into_iter().map(|problem| problem.message).collect();
        return Err(Stop::Unavailable(what.join("; ")));
    }
    Ok(Ready { instance, inputs })
}

/// Checks inputs against the plugin's schema and its own rules: every problem at once.
///
/// # Errors
/// The plugin faulted, or its schema is not one.
pub async fn check_inputs(
    instance: &mut dyn Instance,
    inputs: &RawInputs,
    described: &Described,
) -> Result<(Value, Vec<InputProblem>), PluginFault> {
    let (_, schema) = described.ask(instance).await?;
    let value = inputs.resolve(schema);
    let mut problems = schema.problems(&value);
    for problem in instance.validate_inputs(&value.to_string()).await? {
        // The plugin may see what the schema has seen already.
        if !problems.iter().any(|known| known.path == problem.path) {
            problems.push(problem);
        }
    }
    Ok((value, problems))
}

async fn record_start(host: &PluginHost, request: &Request) {
    let identity = host.identity();
    host.journal()
        .emit(Event::RunStarted {
            plugin: identity.plugin.clone(),
            version: request.version.clone(),
            component: request.component_digest.clone(),
            manifest: request.manifest_digest.clone(),
            workspace: identity.workspace.display().to_string(),
            grants: Box::new(request.grants.clone()),
        })
        .await;
}

/// A run rests on one approval at most, so that it is the one which was taken back.
async fn record_revocation(host: &PluginHost, request: &Request) {
    if !host.is_over() {
        return;
    }
    for approval in &request.grants.approvals {
        let approval = approval.clone();
        host.journal()
            .emit(Event::ApprovalRevoked { approval })
            .await;
    }
}

/// What the host saw, and where the plugin's claims differ from it.
async fn record_changes(host: &PluginHost) {
    match host.changes().await {
        Ok(mut changes) => {
            // Held against all that was seen, not only against what the event lists.
            let mismatch = claim::compare(&host.take_claims(), &changes);
            let more = changes.len() > MAX_CHANGES;
            changes.truncate(MAX_CHANGES);
            host.journal()
                .emit(Event::FilesChanged { changes, more })
                .await;
            if let Some(mismatch) = mismatch {
                host.journal().emit(Event::ClaimsDiffer { mismatch }).await;
            }
        }
        Err(error) => host_says(host, Level::Warn, &error.to_string()).await,
    }
}

async fn host_says(host: &PluginHost, level: Level, message: &str) {
    host.journal()
        .emit(Event::Log {
            level,
            source: LogSource::Host,
            message: message.to_owned(),
            fields: Value::Null,
        })
        .await;
}

fn fault_outcome(fault: PluginFault) -> Outcome {
    Outcome::PluginFault {
        kind: fault.kind,
        message: fault.message,
    }
}

async fn conclude(host: &PluginHost, finished: Finished) -> Outcome {
    match finished {
        Finished::Pattern {
            summary,
            outputs,
            artifacts,
        } => match object(&outputs) {
            Ok(outputs) => Outcome::Succeeded {
                summary,
                outputs,
                artifacts: claim_all(host, Vec::new(), artifacts).await,
            },
            Err(fault) => fault_outcome(fault),
        },
        Finished::Adapter {
            success,
            output,
            error,
            duration_ms,
            artifacts,
            claimed_changes,
            cost,
            details,
        } => {
            let details = match object(&details) {
                Ok(details) => details,
                Err(fault) => return fault_outcome(fault),
            };
            let artifacts = claim_all(host, claimed_changes.clone(), artifacts).await;
            let cost = cost.map(|(input, output, micro_usd)| {
                json!({"input-tokens": input, "output-tokens": output, "micro-usd": micro_usd})
            });
            let outputs = json!({
                "success": success, "output": output, "error": error,
                "duration-ms": duration_ms, "artifacts": artifacts,
                "claimed-changes": claimed_changes, "cost": cost, "details": details,
            });
            if success {
                let summary = "the tool did what was asked".to_owned();
                Outcome::Succeeded {
                    summary,
                    outputs,
                    artifacts,
                }
            } else {
                Outcome::Failed {
                    code: "tool-failed".into(),
                    message: error.unwrap_or_else(|| "the tool did not succeed".into()),
                    hint: None,
                    retryable: false,
                    outputs,
                }
            }
        }
        Finished::Failure(failure) => failure_outcome(host, failure),
    }
}

/// Parses what must be a JSON object.
fn object(text: &str) -> Result<Value, PluginFault> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        Ok(_) => Err(PluginFault::new(
            FaultKind::Contract,
            "the plugin's outputs are JSON but not an object",
        )),
        Err(error) => Err(PluginFault::new(
            FaultKind::Contract,
            format!("the plugin's outputs are not JSON: {error}"),
        )),
    }
}

/// Looks for each artifact, and keeps what the plugin claims until the working tree is compared.
async fn claim_all(
    host: &PluginHost,
    changed: Vec<String>,
    artifacts: Vec<Artifact>,
) -> Vec<Artifact> {
    let mut seen = Vec::with_capacity(artifacts.len().min(MAX_ARTIFACTS));
    for artifact in artifacts.into_iter().take(MAX_ARTIFACTS) {
        seen.push(host.see(artifact).await);
    }
    host.keep_claims(Claims {
        changed,
        artifacts: seen.clone(),
    });
    seen
}

fn failure_outcome(host: &PluginHost, failure: Failure) -> Outcome {
    match failure {
        Failure::InvalidInput(problems) => Outcome::InvalidInput { problems },
        Failure::Denied(refused) => denied(host, &refused),
        Failure::Unavailable(what) => Outcome::Unavailable { what },
        Failure::Rejected(reason) => Outcome::Rejected { reason },
        // A plugin may notice the end before the host stops it; without a reason of the host's
        // the words are only the plugin's.
        Failure::Cancelled => Outcome::Cancelled {
            reason: host.cancel().reason().unwrap_or(CancelReason::Requested),
        },
        Failure::TimedOut => Outcome::TimedOut {
            limit_ms: millis(host.identity().time),
        },
        Failure::Failed {
            code,
            message,
            hint,
            retryable,
        } => Outcome::Failed {
            code,
            message,
            hint,
            retryable,
            outputs: Value::Null,
        },
    }
}

/// The plugin gives up over a denial. The host's own words for it are the ones to show; the
/// plugin's stand only if the host knows nothing of it.
fn denied(host: &PluginHost, refused: &Refused) -> Outcome {
    let mut known = host.denials();
    known.extend(host.asked());
    let is_meant = |denial: &Denial| {
        denial.capability.word() == refused.capability && denial.scope == refused.scope
    };
    let mut denials: Vec<Denial> = known
        .iter()
        .filter(|denial| is_meant(denial))
        .cloned()
        .collect();
    if denials.is_empty() {
        denials = known;
    }
    denials.dedup();
    let message = denials.is_empty().then(|| {
        format!(
            "{} {}; to allow it: {}",
            refused.capability, refused.scope, refused.fix
        )
    });
    Outcome::Denied { denials, message }
}

/// A failure after the host refused what the plugin has no business with, or what the owner
/// forbids, is a denial: that is what its reader can act on. A plugin that was merely not given
/// something optional has failed for a reason of its own.
fn with_denials(host: &PluginHost, outcome: Outcome) -> Outcome {
    let denials: Vec<Denial> = host
        .denials()
        .into_iter()
        .filter(|denial| match denial.missing {
            MissingKey::Declared | MissingKey::Forbidden { .. } | MissingKey::Changed { .. } => {
                true
            }
            MissingKey::Allowed => false,
        })
        .collect();
    match outcome {
        Outcome::Failed { message, .. } if !denials.is_empty() => Outcome::Denied {
            denials,
            message: Some(message),
        },
        other @ (Outcome::Succeeded { .. }
        | Outcome::Failed { .. }
        | Outcome::Rejected { .. }
        | Outcome::InvalidInput { .. }
        | Outcome::Denied { .. }
        | Outcome::Unavailable { .. }
        | Outcome::TimedOut { .. }
        | Outcome::Cancelled { .. }
        | Outcome::PluginFault { .. }
        | Outcome::Internal { .. }) => other,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A new run's name: a ULID, so that names sort by time.
#[must_use]
pub fn new_run_id() -> String {
    ulid::Ulid::generate().to_string()
}
