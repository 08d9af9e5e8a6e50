//! The smallest value of any type of the component model.
//!
//! Never: a value that only one function would take.

use wasmtime::component::{Type, Val};

/// A text that is a name, a key, a path, and JSON as well.
const TEXT: &str = "null";

/// The smallest value of a type. The name of a parameter is for the message only.
pub(super) fn smallest(name: &str, ty: &Type) -> Val {
    match ty {
        Type::Bool => Val::Bool(false),
        Type::S8 => Val::S8(0),
        Type::U8 => Val::U8(0),
        Type::S16 => Val::S16(0),
        Type::U16 => Val::U16(0),
        Type::S32 => Val::S32(0),
        Type::U32 => Val::U32(0),
        Type::S64 => Val::S64(0),
        Type::U64 => Val::U64(0),
        Type::Float32 => Val::Float32(0.0),
        Type::Float64 => Val::Float64(0.0),
        Type::Char => Val::Char('x'),
        Type::String => Val::String(TEXT.to_owned()),
        Type::List(_) => Val::List(Vec::new()),
        Type::Map(_) => Val::Map(Vec::new()),
        Type::Record(record) => Val::Record(
            record
                .fields()
                .map(|field| (field.name.to_owned(), smallest(field.name, &field.ty)))
                .collect(),
        ),
        Type::Tuple(tuple) => Val::Tuple(tuple.types().map(|ty| smallest(name, &ty)).collect()),
        Type::Variant(variant) => {
            let case = variant.cases().next().unwrap();
            let inside = case.ty.map(|ty| Box::new(smallest(case.name, &ty)));
            Val::Variant(case.name.to_owned(), inside)
        }
        Type::Enum(choice) => Val::Enum(choice.names().next().unwrap().to_owned()),
        Type::Option(_) => Val::Option(None),
        Type::Result(result) => {
            let inside = result.ok().map(|ty| Box::new(smallest(name, &ty)));
            Val::Result(Ok(inside))
        }
        Type::Flags(_) => Val::Flags(Vec::new()),
        Type::Own(_)
        | Type::Borrow(_)
        | Type::Future(_)
        | Type::Stream(_)
        | Type::ErrorContext
        | Type::FixedLengthList(_) => panic!("`{name}` is a handle, which nobody can make"),
    }
}
