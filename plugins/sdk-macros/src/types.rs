//! The derives of inputs and outputs, with the SDK's own copies of serde and schemars, so that a
//! plugin needs one dependency.
//!
//! Never: a field added, renamed or made optional.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error};

use crate::manifest;

/// Which way values go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
}

pub(crate) fn expand(
    direction: Direction,
    arguments: TokenStream,
    item: TokenStream,
) -> Result<TokenStream, Error> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(
            arguments,
            "nothing can be said here; use serde's and schemars' attributes on the type",
        ));
    }
    let parsed: DeriveInput = syn::parse2(item.clone())?;
    let strict = match &parsed.data {
        Data::Struct(_) => Some(quote!(, deny_unknown_fields)),
        Data::Enum(_) => None,
        Data::Union(_) => {
            return Err(Error::new_spanned(parsed.ident, "a union has no JSON form"));
        }
    };
    let sdk = manifest::sdk();
    let serde = format!("{sdk}::serde");
    let schemars = format!("{sdk}::schemars");
    Ok(match direction {
        Direction::In => quote! {
            #[derive(#sdk::serde::Deserialize, #sdk::schemars::JsonSchema)]
            #[serde(crate = #serde #strict)]
            #[schemars(crate = #schemars)]
            #item
        },
        Direction::Out => quote! {
            #[derive(#sdk::serde::Serialize, #sdk::schemars::JsonSchema)]
            #[serde(crate = #serde)]
            #[schemars(crate = #schemars)]
            #item
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_refuse_unknown_fields_and_outputs_do_not_mind() {
        let item = || {
            quote!(
                struct A {
                    b: u8,
                }
            )
        };
        let inputs = expand(Direction::In, TokenStream::new(), item()).unwrap();
        assert!(inputs.to_string().contains("deny_unknown_fields"));
        let outputs = expand(Direction::Out, TokenStream::new(), item()).unwrap();
        assert!(!outputs.to_string().contains("deny_unknown_fields"));
    }

    #[test]
    fn a_union_is_refused() {
        let error = expand(Direction::In, TokenStream::new(), quote!(union A { b: u8 }));
        assert!(error.unwrap_err().to_string().contains("no JSON form"));
    }
}
