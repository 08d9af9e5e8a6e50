//! Tests of everything but the glue to the host.
//!
//! Never: a test that needs the network, or a tool other than the two that the plugin asks for.
mod generated;
mod planned;
mod requested;
mod written;

use crate::license::License;
use crate::request::{Language, ModuleType, Request};

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
                let mut request = Request::check(&inputs("")).unwrap();
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
