//! A component with one export for each function that a world imports, which calls it.
//!
//! A host cannot call its own functions through the linker by itself; a component can. Its core
//! module passes arguments and results through as they are. Never: an import that gets no export,
//! but for those that take a handle.

use std::collections::BTreeMap;

use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, ImportSection, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmSignature, WasmType};
use wit_parser::{
    Docs, Handle, IndexMap, Interface, InterfaceId, Resolve, Span, Stability, Type, TypeDefKind,
    TypeId, TypeOwner, WorldId, WorldItem, WorldKey,
};

/// The exported instance with one function for each that is imported.
pub(super) const CALLS: &str = "calls";

/// Where results are put that do not fit into registers.
const RESULTS: i32 = 1024;
/// Where memory begins that arguments are put into.
const HEAP: i32 = 64 * 1024;
/// Pages of memory; arguments are small.
const PAGES: u64 = 32;

/// A function that a world imports.
pub(super) struct Callable {
    /// The interface, in full.
    pub(super) interface: String,
    /// Its name there.
    pub(super) function: String,
    /// The name of the export that calls it.
    pub(super) export: String,
    /// Its documentation.
    pub(super) docs: String,
    /// Whether it cannot be called without a handle.
    pub(super) takes_handle: bool,
    /// Whether it gives one.
    pub(super) makes_handle: bool,
    item: wit_parser::Function,
}

/// A component, and what it calls.
pub(super) struct Caller {
    pub(super) bytes: Vec<u8>,
    pub(super) functions: Vec<Callable>,
}

/// The functions that a world imports.
pub(super) fn functions(resolve: &Resolve, world: WorldId) -> Vec<Callable> {
    let mut all = Vec::new();
    for (key, item) in &resolve.worlds[world].imports {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        let interface = resolve.name_world_key(key);
        for (name, function) in &resolve.interfaces[*id].functions {
            let needed = function
                .params
                .iter()
                .any(|one| has_handle(resolve, &one.ty, false));
            let made = function
                .result
                .is_some_and(|ty| has_handle(resolve, &ty, true));
            all.push(Callable {
                interface: interface.clone(),
                function: name.clone(),
                export: format!("call{}-{}", all.len(), name.replace(['[', ']', '.'], "-"))
                    .replace("--", "-"),
                docs: function.docs.contents.clone().unwrap_or_default(),
                takes_handle: needed,
                makes_handle: made,
                item: function.clone(),
            });
        }
    }
    all
}

/// Whether a value of this type holds a handle. An empty list does not, and no option has to.
fn has_handle(resolve: &Resolve, ty: &Type, even_in_lists: bool) -> bool {
    let Type::Id(id) = ty else { return false };
    let inside = |ty: &Type| has_handle(resolve, ty, even_in_lists);
    match &resolve.types[*id].kind {
        TypeDefKind::Handle(Handle::Own(_) | Handle::Borrow(_)) | TypeDefKind::Resource => true,
        TypeDefKind::Record(record) => record.fields.iter().any(|field| inside(&field.ty)),
        TypeDefKind::Tuple(tuple) => tuple.types.iter().any(inside),
        TypeDefKind::Variant(variant) => variant
            .cases
            .iter()
            .any(|case| case.ty.as_ref().is_some_and(inside)),
        TypeDefKind::Result(result) => [result.ok, result.err].iter().flatten().any(inside),
        TypeDefKind::List(ty) | TypeDefKind::Option(ty) => even_in_lists && inside(ty),
        TypeDefKind::Type(ty) | TypeDefKind::FixedLengthList(ty, _) => inside(ty),
        TypeDefKind::Future(_) | TypeDefKind::Stream(_) => true,
        TypeDefKind::Map(_, value) => even_in_lists && inside(value),
        TypeDefKind::Flags(_) | TypeDefKind::Enum(_) | TypeDefKind::Unknown => false,
    }
}

impl Caller {
    /// Builds the component for what a world imports.
    pub(super) fn of(mut resolve: Resolve, world: WorldId) -> Self {
        let functions = functions(&resolve, world);
        let interface = resolve.interfaces.alloc(Interface {
            name: None,
            types: IndexMap::default(),
            functions: IndexMap::default(),
            docs: Docs::default(),
            stability: Stability::default(),
            package: resolve.worlds[world].package,
            span: Span::default(),
            clone_of: None,
        });
        let mut names = Names {
            interface,
            known: BTreeMap::new(),
        };
        for callable in functions.iter().filter(|callable| !callable.takes_handle) {
            let mut item = callable.item.clone();
            for parameter in &mut item.params {
                parameter.ty = names.in_interface(&mut resolve, parameter.ty);
            }
            item.result = item.result.map(|ty| names.in_interface(&mut resolve, ty));
            item.name.clone_from(&callable.export);
            item.kind = wit_parser::FunctionKind::Freestanding;
            let functions = &mut resolve.interfaces[interface].functions;
            functions.insert(callable.export.clone(), item);
        }
        let export = WorldItem::Interface {
            id: interface,
            stability: Stability::default(),
            external_id: None,
            docs: Docs::default(),
            span: Span::default(),
        };
        let exports = &mut resolve.worlds[world].exports;
        exports.insert(WorldKey::Name(CALLS.to_owned()), export);
        let mut module = module(&resolve, &functions);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        let bytes = ComponentEncoder::default()
            .validate(true)
            .module(&module)
            .unwrap()
            .encode()
            .unwrap();
        Self { bytes, functions }
    }
}

/// Types of the imported interfaces under names of the exported one, as a `use` in it would give
/// them.
struct Names {
    interface: InterfaceId,
    known: BTreeMap<usize, TypeId>,
}

impl Names {
    /// The same type, as a function of the exported interface may mention it.
    fn in_interface(&mut self, resolve: &mut Resolve, ty: Type) -> Type {
        let Type::Id(id) = ty else { return ty };
        Type::Id(self.id_in_interface(resolve, id))
    }

    fn id_in_interface(&mut self, resolve: &mut Resolve, id: TypeId) -> TypeId {
        if let Some(known) = self.known.get(&id.index()) {
            return *known;
        }
        let mut definition = resolve.types[id].clone();
        let found = if let Some(name) = &definition.name {
            let name = format!("t{}-{name}", self.known.len());
            definition.name = Some(name.clone());
            definition.kind = TypeDefKind::Type(Type::Id(id));
            definition.owner = TypeOwner::Interface(self.interface);
            let alias = resolve.types.alloc(definition);
            resolve.interfaces[self.interface].types.insert(name, alias);
            alias
        } else {
            self.mend(resolve, &mut definition.kind);
            resolve.types.alloc(definition)
        };
        self.known.insert(id.index(), found);
        found
    }

    /// Inside of a type that has no name.
    fn mend(&mut self, resolve: &mut Resolve, kind: &mut TypeDefKind) {
        match kind {
            TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)) => {
                *id = self.id_in_interface(resolve, *id);
            }
            TypeDefKind::Tuple(tuple) => {
                for ty in &mut tuple.types {
                    *ty = self.in_interface(resolve, *ty);
                }
            }
            TypeDefKind::Result(result) => {
                for ty in [&mut result.ok, &mut result.err] {
                    *ty = ty.map(|ty| self.in_interface(resolve, ty));
                }
            }
            TypeDefKind::Option(ty)
            | TypeDefKind::List(ty)
            | TypeDefKind::FixedLengthList(ty, _)
            | TypeDefKind::Type(ty) => *ty = self.in_interface(resolve, *ty),
            TypeDefKind::Map(key, value) => {
                *key = self.in_interface(resolve, *key);
                *value = self.in_interface(resolve, *value);
            }
            TypeDefKind::Future(ty) | TypeDefKind::Stream(ty) => {
                *ty = ty.map(|ty| self.in_interface(resolve, ty));
            }
            // These have names.
            TypeDefKind::Record(_)
            | TypeDefKind::Resource
            | TypeDefKind::Flags(_)
            | TypeDefKind::Variant(_)
            | TypeDefKind::Enum(_)
            | TypeDefKind::Unknown => {}
        }
    }
}

fn value_type(ty: &WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}

/// The core module: an import and an export for each function, memory, and its allocator.
fn module(resolve: &Resolve, functions: &[Callable]) -> Vec<u8> {
    let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
    let (mut defined, mut exports, mut code) = (
        FunctionSection::new(),
        ExportSection::new(),
        CodeSection::new(),
    );
    let called: Vec<&Callable> = functions.iter().filter(|one| !one.takes_handle).collect();
    let mut of = |signature: &WasmSignature| {
        let index = types.len();
        types.ty().function(
            signature.params.iter().map(value_type),
            signature.results.iter().map(value_type),
        );
        index
    };
    let count = u32::try_from(called.len()).unwrap();
    for (index, callable) in (0..).zip(&called) {
        let import = resolve.wasm_signature(AbiVariant::GuestImport, &callable.item);
        let export = resolve.wasm_signature(AbiVariant::GuestExport, &callable.item);
        let ty = of(&import);
        imports.import(
            &callable.interface,
            &callable.function,
            wasm_encoder::EntityType::Function(ty),
        );
        defined.function(of(&export));
        let name = format!("{CALLS}#{}", callable.export);
        exports.export(&name, ExportKind::Func, count + index);
        code.function(&passed_through(index, &import, &export));
    }
    let allocator = types.len();
    types.ty().function([ValType::I32; 4], [ValType::I32]);
    defined.function(allocator);
    exports.export("cabi_realloc", ExportKind::Func, count * 2);
    code.function(&allocate());
    exports.export("memory", ExportKind::Memory, 0);
    let mut memory = MemorySection::new();
    memory.memory(MemoryType {
        minimum: PAGES,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut globals = GlobalSection::new();
    let counter = GlobalType {
        val_type: ValType::I32,
        mutable: true,
        shared: false,
    };
    globals.global(counter, &ConstExpr::i32_const(HEAP));
    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&defined)
        .section(&memory);
    module.section(&globals).section(&exports).section(&code);
    module.finish()
}

/// Calls the import with what the export was called with.
fn passed_through(import: u32, takes: &WasmSignature, given: &WasmSignature) -> Function {
    let mut body = Function::new([]);
    let mut code = body.instructions();
    for parameter in 0..u32::try_from(given.params.len()).unwrap() {
        code.local_get(parameter);
    }
    if takes.retptr {
        // The caller says where results go; the exporter, where they are.
        code.i32_const(RESULTS).call(import).i32_const(RESULTS);
    } else {
        code.call(import);
    }
    code.end();
    body
}

/// Hands out memory and takes none back.
fn allocate() -> Function {
    let (alignment, size, place) = (2, 3, 4);
    let mut body = Function::new([(1, ValType::I32)]);
    body.instructions()
        // The next address that the alignment divides.
        .global_get(0)
        .local_get(alignment)
        .i32_add()
        .i32_const(1)
        .i32_sub()
        .i32_const(0)
        .local_get(alignment)
        .i32_sub()
        .i32_and()
        .local_tee(place)
        .local_get(size)
        .i32_add()
        .global_set(0)
        .local_get(place)
        .end();
    body
}
