//! Tests of everything but the glue to the host.
//!
//! Never: a test that needs the network, or a tool other than the one that the plugin asks for.
mod corpus;
mod generated;
mod requested;
mod written;

use remit_plugin_library::import::Asked;
use remit_plugin_library::validation::Wrong;
use serde_json::{Value, json};

use crate::request::{KNOWN, Request};

/// Checks inputs as the component does.
fn check(inputs: &Value) -> Result<Request, Vec<Wrong>> {
    let resolved = Asked::of(&inputs.to_string())?.resolve(&KNOWN, |_| Err("no file".into()))?;
    Request::check(&resolved)
}

/// Settings with everything that is hard to write.
fn settings() -> Value {
    json!([
        {"key": "enabled", "type": "boolean", "default": true, "description": "Whether \"it\" is on"},
        {"key": "detection.min_similar", "type": "integer", "default": 3, "required": true,
         "validation": {"min": 0, "max": 10}, "description": "Two\nlines # here"},
        {"key": "detection.threshold", "type": "float", "default": 1,
         "validation": {"min": 0, "max": 1}},
        {"key": "detection.deep.er", "type": "float", "default": 1e30},
        {"key": "name", "type": "string", "default": "a \"b\" \\ 'c' \u{e9} \u{1f600} \u{2028} \u{1} «x»\n\ttail ",
         "validation": {"pattern": "^a"}},
        {"key": "level", "type": "string", "default": "no", "validation": {"enum": ["no", "yes", "0123", ""]}},
        {"key": "on", "type": "boolean", "default": false},
        {"key": "class", "type": "integer", "default": -9_007_199_254_740_993_i64},
        {"key": "tags-list", "type": "array", "default": ["a", 1, 1.5, true, [], {"b": "c d"}]},
        {"key": "options", "type": "object", "default": {"x y": {"z": [1]}, "null": "~"}},
        {"key": "ratio", "type": "float", "default": 2.5e-7, "validation": {"enum": [2.5e-7, 1]}},
        {"key": "whole", "type": "integer", "default": 4.0, "validation": {"max": 5}},
        {"key": "quote'd".replace('\'', "_"), "type": "string", "default": "2025-01-01", "description": "it's \"\"\" \\"}
    ])
}

/// A request for a format with all those settings.
fn request(format: &str) -> Request {
    check(&json!({
        "config_name": "demo_config", "config_path": format!("conf/it/demo.{format}"),
        "settings": settings(), "loader_language": "both",
    }))
    .unwrap()
}
