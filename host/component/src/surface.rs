//! The surface of a file: what it imports and exports, down to the single function.
//!
//! Toolchains import only what is called, so the list of functions says what a component can do:
//! one that reads files and one that deletes them differ here.
//! Never: a list that was not checked by the validator first.

use std::collections::BTreeMap;

use serde::Serialize;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::{EntityType, TypesRef};
use wasmparser::{BinaryReader, ComponentExportSectionReader, ComponentImportSectionReader};

use crate::error::InspectError;
use crate::sections::{Section, sections};

/// Section identifier of the imports of a component.
const IMPORTS: u8 = 10;

/// Section identifier of the exports of a component.
const EXPORTS: u8 = 11;

/// What an imported or exported thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// An interface: functions and resources under one name.
    Interface,
    /// A function on its own.
    Function,
    /// A type on its own.
    Type,
    /// A value.
    Value,
    /// A core module, or of a core module: everything that it takes from one other module.
    Module,
    /// A component.
    Component,
}

/// One thing that a file imports or exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Item {
    /// Its name, for example `wasi:io/streams@0.2.6`.
    pub name: String,
    /// What it is.
    pub kind: ItemKind,
    /// The functions of an interface or module, in the order of the file, for example
    /// `[method]child.next-event`.
    pub functions: Vec<String>,
    /// The resources of an interface; of a module, its memories, tables and globals.
    pub resources: Vec<String>,
}

/// Imports and exports.
#[derive(Debug, Default)]
pub(crate) struct Surface {
    pub(crate) imports: Vec<Item>,
    pub(crate) exports: Vec<Item>,
}

/// The surface of a valid component.
///
/// # Errors
/// A section cannot be read; not after validation.
pub(crate) fn of_component(bytes: &[u8], types: TypesRef<'_>) -> Result<Surface, InspectError> {
    let mut surface = Surface::default();
    for section in sections(bytes, 0) {
        let section = section?;
        match section.id {
            IMPORTS => {
                for import in ComponentImportSectionReader::new(reader(&section))? {
                    let name = import?.name.name;
                    if let Some(item) = types.component_item_for_import(name) {
                        surface.imports.push(item_of(name, item.ty, types));
                    }
                }
            }
            EXPORTS => {
                for export in ComponentExportSectionReader::new(reader(&section))? {
                    let name = export?.name.name;
                    if let Some(item) = types.component_item_for_export(name) {
                        surface.exports.push(item_of(name, item.ty, types));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(surface)
}

fn reader<'a>(section: &Section<'a>) -> BinaryReader<'a> {
    BinaryReader::new(section.content, section.range.start)
}

fn item_of(name: &str, ty: ComponentEntityType, types: TypesRef<'_>) -> Item {
    let mut item = Item {
        name: name.to_owned(),
        kind: ItemKind::Interface,
        functions: Vec::new(),
        resources: Vec::new(),
    };
    item.kind = match ty {
        ComponentEntityType::Instance(id) => {
            for (name, part) in &types[id].exports {
                match part.ty {
                    ComponentEntityType::Func(_) => item.functions.push(name.clone()),
                    ComponentEntityType::Type { created, .. } => {
                        if let wasmparser::component_types::ComponentAnyTypeId::Resource(_) =
                            created
                        {
                            item.resources.push(name.clone());
                        }
                    }
                    ComponentEntityType::Module(_)
                    | ComponentEntityType::Value(_)
                    | ComponentEntityType::Instance(_)
                    | ComponentEntityType::Component(_) => {}
                }
            }
            ItemKind::Interface
        }
        ComponentEntityType::Func(_) => ItemKind::Function,
        ComponentEntityType::Value(_) => ItemKind::Value,
        ComponentEntityType::Type { .. } => ItemKind::Type,
        ComponentEntityType::Module(_) => ItemKind::Module,
        ComponentEntityType::Component(_) => ItemKind::Component,
    };
    item
}

/// The surface of a valid core module: imports by the module that they come from.
pub(crate) fn of_module(types: TypesRef<'_>) -> Surface {
    let mut surface = Surface::default();
    let mut places = BTreeMap::new();
    for (module, name, ty) in types.core_imports().into_iter().flatten() {
        let place = *places.entry(module).or_insert_with(|| {
            surface.imports.push(Item {
                name: module.to_owned(),
                kind: ItemKind::Module,
                functions: Vec::new(),
                resources: Vec::new(),
            });
            surface.imports.len() - 1
        });
        if let Some(item) = surface.imports.get_mut(place) {
            sort_in(item, name, ty);
        }
    }
    let mut own = Item {
        name: String::new(),
        kind: ItemKind::Module,
        functions: Vec::new(),
        resources: Vec::new(),
    };
    for (name, ty) in types.core_exports().into_iter().flatten() {
        sort_in(&mut own, name, ty);
    }
    if !own.functions.is_empty() || !own.resources.is_empty() {
        surface.exports.push(own);
    }
    surface
}

fn sort_in(item: &mut Item, name: &str, ty: EntityType) {
    match ty {
        EntityType::Func(_) | EntityType::FuncExact(_) => item.functions.push(name.to_owned()),
        EntityType::Table(_)
        | EntityType::Memory(_)
        | EntityType::Global(_)
        | EntityType::Tag(_) => item.resources.push(name.to_owned()),
    }
}
