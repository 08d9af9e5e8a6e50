//! `remit inspect`: what a file is and what it asks for, before anything of it runs.

use anstream::println;
use remit_component::{Kind, Package, Report, Seal, inspect, unpack};
use remit_core::manifest::Manifest;
use remit_core::outcome::ExitCode;
use serde_json::json;

use crate::exit::Stop;
use crate::loading::bytes_of;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD, NOTE};

use super::target::Look;

/// Shows what a plugin is and asks for; runs nothing
///
/// Works on any WebAssembly file, also on foreign and damaged ones. Ends with 0 for a plugin that
/// this host can load, 10 for anything else.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A `.wasm` file, a built-in id, or an id whose `file` the policy names
    plugin: String,

    #[command(flatten)]
    look: Look,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let owner = args.look.owner()?;
    let (place, bytes) = bytes_of(&args.plugin, &owner)?;
    let report = match inspect(&bytes) {
        Ok(report) => report,
        Err(error) if args.look.json => {
            super::print_json(&json!({
                "file": place, "error": {"code": error.code(), "message": error.to_string()},
            }))?;
            return Ok(ExitCode::Plugin);
        }
        Err(error) => return Err(Stop::Plugin(format!("{place}: {error}"))),
    };
    let package = unpack(&bytes).unwrap_or_default();
    let manifest = report
        .manifest
        .as_ref()
        .map(|found| Manifest::parse(&format!("{place} (manifest inside)"), &found.text));
    if args.look.json {
        print_report_json(&place, &report, manifest.as_ref(), &package)?;
    } else {
        print_report(&place, &report, manifest.as_ref());
        print_package(&package);
    }
    match manifest {
        Some(Err(diagnostics)) => Err(diagnostics.into()),
        Some(Ok(_)) | None if report.target.loads() => Ok(ExitCode::Ok),
        Some(Ok(_)) | None => Ok(ExitCode::Plugin),
    }
}

type Parsed = Result<Manifest, remit_core::diagnostic::Diagnostics>;

fn print_report_json(
    place: &str,
    report: &Report,
    manifest: Option<&Parsed>,
    package: &Package,
) -> Result<(), Stop> {
    let requests = match manifest {
        Some(Ok(manifest)) => json!({
            "id": manifest.id().to_string(),
            "version": manifest.version().to_string(),
            "title": manifest.title(),
            "requests": manifest.requests().iter().map(|request| json!({
                "capability": request.scope().capability(),
                "scope": request.scope().to_string(),
                "reason": request.reason(),
                "optional": request.is_optional(),
            })).collect::<Vec<_>>(),
        }),
        Some(Err(_)) | None => serde_json::Value::Null,
    };
    super::print_json(&json!({
        "file": place,
        "loads": report.target.loads(),
        "verdict": report.target.verdict(),
        "asks-for": requests,
        "package": package,
        "report": report,
    }))
}

fn print_report(place: &str, report: &Report, manifest: Option<&Parsed>) {
    let mark = if report.target.loads() {
        format!("{GOOD}ok{GOOD:#}")
    } else {
        format!("{BAD}no{BAD:#}")
    };
    let kind = match report.kind {
        Kind::Component => "component",
        Kind::CoreModule => "core module",
    };
    println!("{BOLD}{}{BOLD:#}", printable(place));
    println!("  {mark} {}", printable(&report.target.verdict()));
    println!("  {DIM}{}{DIM:#}", report.digest);
    println!(
        "  {kind}, {} bytes: code {}, data {}, other sections {}",
        report.sizes.total, report.sizes.code, report.sizes.data, report.sizes.custom
    );
    for producer in &report.metadata.producers {
        println!(
            "  {DIM}{}:{DIM:#} {} {}",
            printable(&producer.field),
            printable(&producer.name),
            printable(&producer.version)
        );
    }
    print_manifest(manifest);
    println!("{BOLD}imports{BOLD:#}");
    for item in &report.imports {
        println!("  {}", printable(&item.name));
        if !item.functions.is_empty() {
            println!("    {DIM}{}{DIM:#}", printable(&item.functions.join(" ")));
        }
    }
    println!("{BOLD}exports{BOLD:#}");
    for item in &report.exports {
        println!("  {}", printable(&item.name));
    }
}

fn print_manifest(manifest: Option<&Parsed>) {
    let manifest = match manifest {
        None => {
            println!("{BOLD}asks for{BOLD:#} nothing: it has no manifest");
            return;
        }
        // Its mistakes are printed at the end, where they are not scrolled away.
        Some(Err(_)) => {
            println!("{BOLD}asks for{BOLD:#} what nobody can tell: its manifest has mistakes");
            return;
        }
        Some(Ok(manifest)) => manifest,
    };
    println!(
        "{BOLD}{} {}{BOLD:#} {}",
        manifest.id(),
        manifest.version(),
        printable(manifest.title())
    );
    if manifest.requests().is_empty() {
        println!("{BOLD}asks for{BOLD:#} nothing");
        return;
    }
    println!("{BOLD}asks for{BOLD:#}");
    for request in manifest.requests() {
        let optional = if request.is_optional() {
            " (optional)"
        } else {
            ""
        };
        println!(
            "  {NOTE}{} {}{NOTE:#}{optional}  {}",
            request.scope().capability(),
            printable(&request.scope().to_string()),
            printable(request.reason())
        );
    }
}

/// What is packed around the component. A README is not printed: it is read elsewhere.
fn print_package(package: &Package) {
    let size = |text: &Option<String>| match text {
        Some(text) => format!("{} bytes", text.len()),
        None => "none".to_owned(),
    };
    if *package == Package::default() {
        return;
    }
    println!("{BOLD}package{BOLD:#}");
    println!(
        "  readme {}, licence {}",
        size(&package.readme),
        size(&package.licence)
    );
    match package.seal {
        Some(Seal::Intact) => println!("  {GOOD}ok{GOOD:#} everything is as it was packed"),
        Some(Seal::Broken) => {
            println!("  {BAD}no{BAD:#} something is not as it was packed; get it again");
        }
        None => {}
    }
}
