//! Makes components for tests: real ones, from WIT, with bodies that do nothing.
//! Never: a binary that was checked in.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file uses some of it, so an expectation would fail in one of them"
)]

use wasm_encoder::{
    CodeSection, ComponentSection, CustomSection, Encode, EntityType, ExportKind, ExportSection,
    Function, FunctionSection, ImportSection, Instruction, MemorySection, MemoryType, Module,
    TypeSection, ValType,
};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// The contract's folder.
const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");

/// A component for a world of the contract.
pub(crate) fn plugin(world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(WIT).unwrap();
    encode(
        &resolve,
        resolve.select_world(&[package], Some(world)).unwrap(),
        None,
    )
}

/// As [`plugin`], with a custom section in its core module, as a linker leaves it.
pub(crate) fn plugin_with_linked(world: &str, name: &str, data: &[u8]) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(WIT).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    encode(&resolve, world, Some((name, data)))
}

/// A component for a world that may name the contract.
pub(crate) fn component(wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(WIT).unwrap();
    let package = resolve.push_source("test.wit", wit).unwrap();
    encode(
        &resolve,
        resolve.select_world(&[package], Some(world)).unwrap(),
        None,
    )
}

/// A component for a world that brings everything along.
pub(crate) fn standalone(wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("test.wit", wit).unwrap();
    encode(
        &resolve,
        resolve.select_world(&[package], Some(world)).unwrap(),
        None,
    )
}

fn encode(resolve: &Resolve, world: wit_parser::WorldId, linked: Option<(&str, &[u8])>) -> Vec<u8> {
    let mut module = dummy_module(resolve, world, ManglingAndAbi::Standard32);
    if let Some((name, data)) = linked {
        module = with_section(&module, name, data);
    }
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .module(&module)
        .unwrap()
        .validate(true)
        .encode()
        .unwrap()
}

/// A file with one more custom section at its end.
pub(crate) fn with_section(bytes: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let section = CustomSection {
        name: name.into(),
        data: data.into(),
    };
    section.append_to_component(&mut bytes);
    bytes
}

/// A component that holds only this component.
pub(crate) fn nested(component: &[u8]) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0\x04".to_vec();
    component.encode(&mut bytes);
    bytes
}

/// A core module as old toolchains make them.
pub(crate) fn core_module() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; 4], [ValType::I32]);
    types.ty().function([ValType::I32], []);
    types.ty().function([], []);
    let mut imports = ImportSection::new();
    imports.import(
        "wasi_snapshot_preview1",
        "fd_write",
        EntityType::Function(0),
    );
    imports.import(
        "wasi_snapshot_preview1",
        "proc_exit",
        EntityType::Function(1),
    );
    let mut functions = FunctionSection::new();
    functions.function(2);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("_start", ExportKind::Func, 2);
    let mut code = CodeSection::new();
    let mut body = Function::new([]);
    body.instruction(&Instruction::End);
    code.function(&body);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&memories)
        .section(&exports)
        .section(&code);
    module.finish()
}
