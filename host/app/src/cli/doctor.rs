//! `remit doctor`: what this machine gives, what is missing, and how to get it.

use std::path::Path;

use anstream::println;
use clap::Subcommand;
use remit_core::manifest::Confinement;
use remit_core::outcome::ExitCode;
use remit_core::tool::{Containment, StartError};
use remit_process::{Probe, ProbeError, ToolBox, Without};
use remit_sandbox::Runtime;
use serde::Serialize;

use super::target::Rules;
use crate::exit::Stop;
use crate::owner::Owner;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD, NOTE, WARN};
use crate::wiring;

/// Checks this machine and explains what is missing
///
/// Ends with 0 if plugins and tools can run, 1 if not.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    closer: Option<Closer>,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

/// A closer look at one thing.
#[derive(Debug, Subcommand)]
enum Closer {
    Security(super::security::Args),
    Adapters(super::adapter::DoctorArgs),
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Good,
    Weaker,
    Bad,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self {
            name,
            verdict,
            found: found.into(),
            fix: None,
        }
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    match &args.closer {
        Some(Closer::Security(args)) => super::security::run(args),
        Some(Closer::Adapters(args)) => super::adapter::doctor(args),
        None => overview(args),
    }
}

fn overview(args: &Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let owner = Owner::read(&places, Path::new("."), &Rules::default())?;
    let mut checks = vec![engine(&places)];
    let runtime = wiring::runtime()?;
    runtime.block_on(async {
        checks.extend(tools_held(&owner).await);
        let tools = wiring::tool_box(&owner)?;
        checks.extend(programs(&owner, &tools).await);
        Ok::<(), Stop>(())
    })?;
    let bad = checks.iter().any(|check| check.verdict == Verdict::Bad);
    if args.json {
        super::print_json(&checks)?;
    } else {
        for check in &checks {
            print_check(check);
        }
    }
    Ok(if bad { ExitCode::Failed } else { ExitCode::Ok })
}

fn print_check(check: &Check) {
    let mark = match check.verdict {
        Verdict::Good => format!("{GOOD}ok{GOOD:#}"),
        Verdict::Weaker => format!("{WARN}--{WARN:#}"),
        Verdict::Bad => format!("{BAD}no{BAD:#}"),
    };
    println!(
        "{mark} {BOLD}{}{BOLD:#}  {DIM}{}{DIM:#}",
        check.name,
        printable(&check.found)
    );
    if let Some(fix) = &check.fix {
        println!("   {NOTE}fix:{NOTE:#} {}", printable(fix));
    }
}

fn engine(places: &Places) -> Check {
    match Runtime::new(Some(places.compiled())) {
        Ok(_) => Check::new("WebAssembly engine", Verdict::Good, "starts"),
        Err(error) => Check::new("WebAssembly engine", Verdict::Bad, error.to_string())
            .fix("raise the limit on address space (ulimit -v unlimited)"),
    }
}

async fn tools_held(owner: &Owner) -> Vec<Check> {
    let found = remit_process::probe(
        &wiring::scratch_base(),
        owner.policy().as_root(),
        Without::default(),
    )
    .await;
    let found = match found {
        Ok(found) => found,
        Err(ProbeError::Start(error @ StartError::TooLoose { .. })) => {
            return vec![Check::new(
                "tool confinement",
                Verdict::Bad,
                error.to_string(),
            )];
        }
        Err(error) => {
            return vec![Check::new("tools", Verdict::Bad, error.to_string())
            .fix("remit needs to start its supervisor; check that memfd or the temporary directory allow executables")];
        }
    };
    vec![confinement(&found), containment(&found)]
}

fn confinement(found: &Probe) -> Check {
    let (verdict, means) = match found.confinement {
        Confinement::Full => (
            Verdict::Good,
            "a tool sees and reaches what its plugin was granted, and nothing else",
        ),
        Confinement::Landlock => (
            Verdict::Weaker,
            "a tool reaches what its plugin was granted; it can see that other files exist, and \
             nothing can be carved out of a grant",
        ),
        Confinement::Namespaces => (
            Verdict::Weaker,
            "a tool sees what its plugin was granted; one layer less keeps it there",
        ),
        Confinement::None => (
            Verdict::Bad,
            "tools would run with your rights, so plugins that need tools are refused",
        ),
    };
    let check = Check::new(
        "tool confinement",
        verdict,
        format!(
            "level {}: {means} (Landlock {}, seccomp {})",
            found.confinement,
            match found.landlock {
                0 => "no".to_owned(),
                version => format!("version {version}"),
            },
            if found.seccomp { "yes" } else { "no" },
        ),
    );
    if found.lacking.is_empty() {
        check
    } else {
        check.fix(found.lacking.clone())
    }
}

fn containment(found: &Probe) -> Check {
    match found.containment {
        Containment::PidNamespace => Check::new(
            "process containment",
            Verdict::Good,
            "PID namespace: the kernel ends a tool's whole tree, whatever happens to remit",
        ),
        Containment::Subreaper => Check::new(
            "process containment",
            Verdict::Weaker,
            "subreaper: a tool's tree ends with its supervisor's help only",
        )
        .fix("allow user namespaces, as for tool confinement"),
    }
}

async fn programs(owner: &Owner, tools: &ToolBox) -> Vec<Check> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for (tool, _) in owner.policy().tools() {
        match tools.pin(tool.id(), tool.program(), &[]).await {
            Ok(_) => found.push(tool.id().to_string()),
            Err(_) => missing.push(tool.id().to_string()),
        }
    }
    let mut checks = vec![Check::new("tools here", Verdict::Good, found.join(", "))];
    if !missing.is_empty() {
        checks.push(
            Check::new("tools missing", Verdict::Weaker, missing.join(", "))
                .fix("install those that your plugins need; `remit tool check NAME` says where was looked"),
        );
    }
    checks
}
