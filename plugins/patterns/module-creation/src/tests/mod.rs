//! Tests of everything but the glue to the host.
//!
//! Never: a test that needs the network, or a tool other than the two that the plugin asks for.
mod corpus;
mod generated;
mod planned;
mod requested;
mod written;

use remit_plugin_library::import::Asked;
use remit_plugin_library::path::SafePath;
use remit_plugin_library::transaction::{MemoryRegister, Owner, Transaction};
use remit_plugin_library::validation::Wrong;

use crate::license::License;
use crate::request::{KNOWN, Language, ModuleType, Request};

/// Checks inputs as the component does.
fn check(inputs: &str) -> Result<Request, Vec<Wrong>> {
    let resolved = Asked::of(inputs)?.resolve(&KNOWN, |_| Err("no file".into()))?;
    Request::check(&resolved)
}

fn begin<'a>(base: &std::path::Path, register: &'a MemoryRegister) -> Transaction<'a> {
    let owner = Owner {
        id: "test".into(),
        task: "test".into(),
        ends_at_ms: 0,
    };
    Transaction::begin(base, &SafePath::here(), owner, register).unwrap()
}

/// A request that is valid, as JSON, with further members.
fn inputs(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    format!(
        r#"{{"module_name": "demo_kit", "language": "python", "module_type": "library"{comma}{more}}}"#
    )
}

/// Every combination of language, module type, command line and example.
fn all_requests() -> Vec<Request> {
    let mut all = Vec::new();
    for (_, language) in Language::ALL {
        for (_, module_type) in ModuleType::ALL {
            for (cli, examples) in [(false, false), (false, true), (true, false), (true, true)] {
                let mut request = check(&inputs("")).unwrap();
                request.language = language;
                request.module_type = module_type;
                request.cli = cli || module_type == ModuleType::Cli;
                request.examples = examples;
                request.license = License::Mit;
                all.push(request);
            }
        }
    }
    all
}
