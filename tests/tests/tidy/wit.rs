//! The contract's texts: every word that a plugin author can use is explained, and says since when
//! it is there.
//!
//! Never: a second opinion on whether the contract is valid; that is the parser's.

use wit_parser::{
    Docs, Function, Interface, InterfaceId, Resolve, Span, Stability, TypeDef, TypeDefKind, TypeId,
    WorldItem,
};

use crate::repository::{Findings, root};

/// The contract, as the parser reads it.
struct Contract {
    resolve: Resolve,
    findings: Findings,
}

#[test]
fn every_item_of_the_contract_is_explained_and_dated() {
    let mut resolve = Resolve::new();
    let (package, _) = resolve
        .push_dir(root().join("wit"))
        .unwrap_or_else(|e| panic!("wit/ cannot be read: {e:#}"));
    let mut contract = Contract {
        resolve: resolve.clone(),
        findings: Findings::default(),
    };
    let package = &resolve.packages[package];
    assert!(package.interfaces.len() > 5, "wit/ holds the contract");
    for (name, id) in &package.interfaces {
        contract.interface(name, *id, &resolve.interfaces[*id]);
    }
    for (name, id) in &package.worlds {
        let world = &resolve.worlds[*id];
        contract.explained(&format!("world {name}"), &world.docs, world.span);
        contract.dated(&format!("world {name}"), &world.stability, world.span);
        for (key, item) in world.imports.iter().chain(&world.exports) {
            let WorldItem::Interface {
                stability, span, ..
            } = item
            else {
                continue;
            };
            let what = format!("{name}: {}", resolve.name_world_key(key));
            contract.dated(&what, stability, *span);
        }
    }
    contract.findings.assert_none();
}

impl Contract {
    fn interface(&mut self, name: &str, id: InterfaceId, interface: &Interface) {
        let what = format!("interface {name}");
        self.explained(&what, &interface.docs, interface.span);
        self.dated(&what, &interface.stability, interface.span);
        for (function, item) in &interface.functions {
            self.function(&format!("{name}.{function}"), item);
        }
        for (type_name, type_id) in &interface.types {
            self.named_type(&format!("{name}.{type_name}"), id, *type_id);
        }
    }

    fn function(&mut self, what: &str, function: &Function) {
        self.explained(what, &function.docs, function.span);
        // A method is as old as its resource; the parser does not ask for more.
        if matches!(function.kind, wit_parser::FunctionKind::Freestanding) {
            self.dated(what, &function.stability, function.span);
        }
    }

    fn named_type(&mut self, what: &str, interface: InterfaceId, id: TypeId) {
        let item: TypeDef = self.resolve.types[id].clone();
        if let TypeDefKind::Type(wit_parser::Type::Id(other)) = &item.kind {
            // Taken over from another interface by `use`, and explained there.
            let owner = self.resolve.types[*other].owner;
            if owner != wit_parser::TypeOwner::Interface(interface) {
                return;
            }
        }
        self.explained(what, &item.docs, item.span);
        self.dated(what, &item.stability, item.span);
        let parts: Vec<(&String, &Docs, Span)> = match &item.kind {
            TypeDefKind::Record(r) => r
                .fields
                .iter()
                .map(|f| (&f.name, &f.docs, f.span))
                .collect(),
            TypeDefKind::Variant(v) => v.cases.iter().map(|c| (&c.name, &c.docs, c.span)).collect(),
            TypeDefKind::Enum(e) => e.cases.iter().map(|c| (&c.name, &c.docs, c.span)).collect(),
            TypeDefKind::Flags(f) => f.flags.iter().map(|f| (&f.name, &f.docs, f.span)).collect(),
            TypeDefKind::Resource
            | TypeDefKind::Handle(_)
            | TypeDefKind::Tuple(_)
            | TypeDefKind::Option(_)
            | TypeDefKind::Result(_)
            | TypeDefKind::List(_)
            | TypeDefKind::Map(..)
            | TypeDefKind::FixedLengthList(..)
            | TypeDefKind::Future(_)
            | TypeDefKind::Stream(_)
            | TypeDefKind::Type(_)
            | TypeDefKind::Unknown => Vec::new(),
        };
        for (name, docs, span) in parts {
            self.explained(&format!("{what}.{name}"), docs, span);
        }
    }

    fn explained(&mut self, what: &str, docs: &Docs, span: Span) {
        let text = docs.contents.as_deref().unwrap_or_default().trim();
        if text.is_empty() {
            let fix = "say with `///` what it means, with units and limits";
            self.add(what, "is not explained", fix, span);
        }
    }

    fn dated(&mut self, what: &str, stability: &Stability, span: Span) {
        if !matches!(stability, Stability::Stable { .. }) {
            let fix = "add `@since(version = ...)`";
            self.add(what, "does not say since when it is there", fix, span);
        }
    }

    fn add(&mut self, what: &str, problem: &str, fix: &str, span: Span) {
        // `<file>:<line>:<column>`, with the whole path of the file.
        let place = self.resolve.render_location(span);
        let place = place
            .strip_prefix(&format!("{}/", root().display()))
            .unwrap_or(&place);
        let mut parts = place.split(':');
        let file = parts.next().unwrap_or_default();
        let line = parts.next().and_then(|line| line.parse().ok()).unwrap_or(1);
        let message = format!("`{what}` {problem}");
        self.findings.add(file, line, &message, fix);
    }
}
