//! An approval of the owner, as a layer.
//!
//! Never: a rule for another component than the approved one; the layer pins it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::rule::{AllowRule, Pin, Place, Section, Subject};
use super::{Layer, Origin, written};
use crate::approval::Approval;
use crate::diagnostic::Source;

impl Layer {
    /// What an approval allows, for exactly the component that it records.
    #[must_use]
    pub fn approved(approval: &Approval) -> Self {
        let origin = Origin::Approval(approval.id.to_string());
        let pin = format!("component = \"{}\"", approval.component);
        let scopes = approval.allow.scopes();
        let rules: Vec<String> = scopes
            .iter()
            .map(|scope| written(scope.capability().word(), &scope.to_string()))
            .collect();
        let text = [std::slice::from_ref(&pin), &rules].concat().join("\n");
        let source = Source::new(origin.to_string(), text);
        let place = |span: Range<usize>, rule: String| Place {
            origin: origin.clone(),
            source: Arc::clone(&source),
            span,
            rule,
        };
        let mut end = pin.len();
        let mut allow = Vec::with_capacity(scopes.len());
        for (scope, rule) in scopes.into_iter().zip(rules) {
            let start = end + 1;
            end = start + rule.len();
            let place = place(start..end, rule);
            allow.push(AllowRule { scope, place });
        }
        let section = Section {
            subject: Subject::Plugin(approval.plugin.clone()),
            pin: Some(Pin {
                component: approval.component,
                place: place(0..pin.len(), pin),
            }),
            file: None,
            allow,
            deny: Vec::new(),
            memory: None,
            time: None,
            confinement: None,
        };
        Self {
            origin: origin.clone(),
            tools: Vec::new(),
            broken: BTreeSet::new(),
            sections: vec![section],
            search: None,
            confinement: None,
            as_root: None,
            hooks: Vec::new(),
        }
    }
}
