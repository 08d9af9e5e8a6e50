//! What is wrong with a component although it loads: what its owner would stumble over, or its user.
//!
//! First what can be told from the bytes and the manifest, then what shows when it is tried on a
//! host that plays along. Never: a finding without a fix; a rule of taste.

mod behaviour;
mod request;
mod schema;
mod text;

use remit_component::{Report, inspect};
use remit_core::diagnostic::Diagnostics;
use remit_engine::plugin::Descriptor;
use serde::Serialize;

use crate::exit::Stop;
use crate::loading::Loaded;
use crate::places::Places;
use crate::trial::{Bench, Placed};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// Nobody should be given this component.
    Error,
    /// It works, and could be better.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Stable kebab-case word for programs.
    pub(crate) code: &'static str,
    /// How much it matters.
    pub(crate) severity: Severity,
    /// One sentence: what is wrong.
    pub(crate) message: String,
    /// One sentence: what would be right.
    pub(crate) fix: String,
}

/// Findings as they come.
#[derive(Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let finding = Finding {
            code,
            severity,
            message: message.into(),
            fix: fix.into(),
        };
        if !self.0.contains(&finding) {
            self.0.push(finding);
        }
    }

    fn error(&mut self, code: &'static str, message: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Error, code, message, fix);
    }

    fn warning(&mut self, code: &'static str, message: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Warning, code, message, fix);
    }

    /// Errors first, otherwise in the order in which they were found.
    fn sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| finding.severity);
        self.0
    }
}

/// The mistakes of a manifest, as findings.
pub(crate) fn of_manifest(mistakes: &Diagnostics) -> Vec<Finding> {
    let mut findings = Findings::default();
    for mistake in mistakes.list() {
        findings.error(
            mistake.code,
            format!(
                "{}:{}: {}",
                mistake.source.name(),
                mistake.line,
                mistake.full_message()
            ),
            mistake.help.clone(),
        );
    }
    findings.sorted()
}

/// Everything that is wrong with a component.
///
/// # Errors
/// The machine gives no temporary directory, or a scenario names files that are not there. That the
/// component does not load is a finding.
pub(crate) async fn lint(
    places: &Places,
    loaded: &Loaded,
    scenarios: &[Placed],
) -> Result<Vec<Finding>, Stop> {
    let mut findings = Findings::default();
    let report = match inspect(&loaded.bytes) {
        Ok(report) => report,
        Err(error) => {
            findings.error("unreadable", error.to_string(), "build the component again");
            return Ok(findings.sorted());
        }
    };
    of_bytes(&mut findings, loaded, &report);
    request::check(&mut findings, loaded, &report);
    if !report.target.loads() {
        return Ok(findings.sorted());
    }
    let bench = match Bench::new(places, loaded).await {
        Ok(bench) => bench,
        Err(Stop::Plugin(why)) => {
            findings.error(
                "does-not-load",
                why,
                "build it against the contract in wit/",
            );
            return Ok(findings.sorted());
        }
        Err(other) => return Err(other),
    };
    if let Some(described) = behaviour::describe(&mut findings, &bench).await? {
        of_descriptor(&mut findings, loaded, &described);
        let is_pattern = described.adapter.is_none();
        let schema = schema::inputs(&mut findings, &described.input_schema);
        schema::outputs(&mut findings, &described.output_schema, is_pattern);
        if let Some(schema) = schema {
            behaviour::check(&mut findings, &bench, &schema, &report).await?;
        }
    }
    request::check_scenarios(&mut findings, &bench, scenarios).await?;
    Ok(findings.sorted())
}

/// Larger than what needs a whole interpreter, in bytes.
const LARGE: u64 = 32 << 20;
/// Of how many bytes one may be for debugging before it is worth a word.
const DEBUG_SHARE: u64 = 3;
/// Debug information that does not matter, in bytes.
const LITTLE_DEBUG: u64 = 256 << 10;

fn of_bytes(findings: &mut Findings, loaded: &Loaded, report: &Report) {
    if !report.target.loads() {
        findings.error(
            "not-a-plugin",
            report.target.verdict(),
            "export remit:plugin/pattern@0.1.0 or remit:plugin/adapter@0.1.0, whole",
        );
    }
    for missing in &report.target.missing {
        if report.target.loads() {
            findings.warning(
                "half-a-role",
                format!("a second interface is not whole: {missing}"),
                "export all of it, or nothing of it",
            );
        }
    }
    if !loaded.has_manifest {
        findings.error(
            "no-manifest",
            "there is no manifest inside: its owner cannot see what it asks for",
            "put it in with `remit plugin pack`, or with the SDK's macro",
        );
    }
    if report.sizes.total > LARGE {
        findings.warning(
            "large",
            format!("it has {} bytes", report.sizes.total),
            "build it optimised for size, and leave out what it does not need",
        );
    }
    let custom = report.sizes.custom;
    if custom > LITTLE_DEBUG && custom > report.sizes.total / DEBUG_SHARE {
        findings.warning(
            "debug-build",
            format!(
                "{custom} of its {} bytes are names and debug information",
                report.sizes.total
            ),
            "build it in release mode, and strip it",
        );
    }
    if let Some(word) = text::unfinished(&loaded.bytes) {
        findings.warning(
            "may-be-unfinished",
            format!("there is the text {word:?} in it, with which a `todo!()` ends"),
            "finish what is not done, or remove it",
        );
    }
}

fn of_descriptor(findings: &mut Findings, loaded: &Loaded, described: &Descriptor) {
    let manifest = &loaded.manifest;
    if loaded.has_manifest && described.id != manifest.id().as_str() {
        findings.error(
            "id-differs",
            format!(
                "it calls itself `{}`, its manifest `{}`",
                described.id,
                manifest.id()
            ),
            "use one id in both",
        );
    }
    let version = manifest.version().to_string();
    if loaded.has_manifest && described.version != version {
        findings.error(
            "version-differs",
            format!(
                "it says version `{}`, its manifest `{version}`",
                described.version
            ),
            "use one version in both, for example from the package",
        );
    }
    if text::is_empty_talk(&described.title) {
        findings.error(
            "no-title",
            format!("its title {:?} says nothing", described.title),
            "say in one line what it does, for example \"Create a module with tests\"",
        );
    }
}
