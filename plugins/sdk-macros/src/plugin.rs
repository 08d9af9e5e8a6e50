//! From a function to a type that implements `Pattern` or `Adapter`, and its export.
//!
//! The export itself is for wasm only, so that `cargo test` of a plugin runs on any machine.
//!
//! Never: code that hides what the author wrote. The function stays as it is.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, FnArg, ItemFn, MetaNameValue, ReturnType, Token, Type};

use crate::manifest;

/// What the crate becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Pattern,
    Adapter,
}

/// What stands in the parentheses of the attribute.
#[derive(Default)]
struct Arguments {
    validate: Option<Expr>,
    validate_config: Option<Expr>,
    about: Option<Expr>,
}

pub(crate) fn expand(
    role: Role,
    arguments: TokenStream,
    function: TokenStream,
) -> Result<TokenStream, Error> {
    let arguments = read(role, arguments)?;
    let function: ItemFn = syn::parse2(function)?;
    let signature = &function.sig;
    if signature.asyncness.is_some() || !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            signature,
            "the work of a plugin is a plain function, not async and not generic",
        ));
    }
    let (inputs, with_context) = parameters(&function)?;
    let ReturnType::Type(_, answer) = &signature.output else {
        let form = match role {
            Role::Pattern => "`Result<Done<Outputs>, Failure>`",
            Role::Adapter => "`Result<AdapterReport, Failure>`",
        };
        return Err(Error::new_spanned(
            signature,
            format!("the function returns {form}"),
        ));
    };
    let sdk = manifest::sdk();
    let name = &signature.ident;
    let context = with_context.then(|| quote!(, &context));
    let work = quote! {
        let inputs: #inputs = #sdk::json::inputs(&context.inputs)?;
        let answer: #answer = #name(inputs #context);
    };
    let glue = match role {
        Role::Pattern => pattern(&sdk, inputs, answer, &arguments, &work),
        Role::Adapter => adapter(&sdk, inputs, &arguments, &work),
    }
    .map_err(|message| Error::new_spanned(signature, message))?;
    Ok(quote!(#function #glue))
}

fn read(role: Role, tokens: TokenStream) -> Result<Arguments, Error> {
    let mut arguments = Arguments::default();
    let known = match role {
        Role::Pattern => "`validate = function`",
        Role::Adapter => "`about = ABOUT`, `validate = function` and `validate_config = function`",
    };
    for pair in Punctuated::<MetaNameValue, Token![,]>::parse_terminated.parse2(tokens)? {
        let slot = if pair.path.is_ident("validate") {
            &mut arguments.validate
        } else if role == Role::Adapter && pair.path.is_ident("validate_config") {
            &mut arguments.validate_config
        } else if role == Role::Adapter && pair.path.is_ident("about") {
            &mut arguments.about
        } else {
            let message = format!("not known here; there is {known}");
            return Err(Error::new_spanned(pair.path, message));
        };
        if slot.replace(pair.value).is_some() {
            return Err(Error::new_spanned(pair.path, "said twice"));
        }
    }
    Ok(arguments)
}

/// The type of the inputs, and whether the function wants the context.
fn parameters(function: &ItemFn) -> Result<(&Type, bool), Error> {
    let types: Vec<&Type> = function
        .sig
        .inputs
        .iter()
        .filter_map(|argument| match argument {
            FnArg::Typed(typed) => Some(&*typed.ty),
            FnArg::Receiver(_) => None,
        })
        .collect();
    match types.as_slice() {
        [inputs] => Ok((inputs, false)),
        [inputs, Type::Reference(_)] => Ok((inputs, true)),
        _ => Err(Error::new_spanned(
            &function.sig,
            "the function takes its inputs and, if it wants, `&Context`",
        )),
    }
}

fn pattern(
    sdk: &syn::Ident,
    inputs: &Type,
    answer: &Type,
    arguments: &Arguments,
    work: &TokenStream,
) -> Result<TokenStream, String> {
    let manifest::Named { id, version, title } = manifest::named()?;
    let validate = validation(sdk, inputs, arguments);
    let file = manifest::FILE;
    Ok(quote! {
        #[doc(hidden)]
        #[derive(Debug)]
        pub(crate) struct RemitPlugin;

        impl #sdk::Pattern for RemitPlugin {
            fn describe() -> #sdk::Descriptor {
                #sdk::typed::describe::<#inputs, #answer>(#id, #version, #title)
            }

            #validate

            fn execute(context: #sdk::Context) -> ::core::result::Result<#sdk::Outcome, #sdk::Failure> {
                #work
                #sdk::typed::Answer::into_outcome(answer)
            }
        }

        #[cfg(target_arch = "wasm32")]
        #sdk::export_pattern!(RemitPlugin, #file);
    })
}

fn adapter(
    sdk: &syn::Ident,
    inputs: &Type,
    arguments: &Arguments,
    work: &TokenStream,
) -> Result<TokenStream, String> {
    let manifest::Named { id, version, title } = manifest::named()?;
    let validate = validation(sdk, inputs, arguments);
    let Some(about) = &arguments.about else {
        return Err("an adapter says what it can do: `#[adapter(about = ABOUT)]`".into());
    };
    let config = match &arguments.validate_config {
        Some(function) => quote!(#function()),
        None => quote!(::std::vec::Vec::new()),
    };
    let file = manifest::FILE;
    Ok(quote! {
        #[doc(hidden)]
        #[derive(Debug)]
        pub(crate) struct RemitPlugin;

        impl #sdk::Adapter for RemitPlugin {
            fn describe() -> #sdk::Capabilities {
                #sdk::typed::capabilities::<#inputs>(#id, #version, #title, &#about)
            }

            fn validate_config() -> ::std::vec::Vec<#sdk::Problem> {
                #config
            }

            #validate

            fn execute(
                context: #sdk::Context,
            ) -> ::core::result::Result<#sdk::AdapterReport, #sdk::Failure> {
                #work
                answer.map_err(::core::convert::Into::into)
            }
        }

        #[cfg(target_arch = "wasm32")]
        #sdk::export_adapter!(RemitPlugin, #file);
    })
}

fn validation(sdk: &syn::Ident, inputs: &Type, arguments: &Arguments) -> TokenStream {
    let check = match &arguments.validate {
        Some(function) => quote!(#function),
        None => quote!(|_| ::std::vec::Vec::new()),
    };
    quote! {
        fn validate_inputs(inputs: ::std::string::String) -> ::std::vec::Vec<#sdk::Problem> {
            #sdk::typed::validate::<#inputs>(&inputs, #check)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(role: Role, arguments: TokenStream, function: TokenStream) -> String {
        expand(role, arguments, function)
            .expect_err("refused")
            .to_string()
    }

    #[test]
    fn what_is_no_work_of_a_plugin_is_refused_with_what_would_be() {
        let none = TokenStream::new;
        let message = refused(
            Role::Pattern,
            none(),
            quote!(
                fn work(a: A) {}
            ),
        );
        assert!(
            message.contains("Result<Done<Outputs>, Failure>"),
            "{message}"
        );
        let message = refused(
            Role::Adapter,
            none(),
            quote!(
                fn work(a: A) {}
            ),
        );
        assert!(message.contains("AdapterReport"), "{message}");
        let message = refused(
            Role::Pattern,
            none(),
            quote!(
                fn work() -> R {
                    r()
                }
            ),
        );
        assert!(message.contains("takes its inputs"), "{message}");
        let message = refused(
            Role::Pattern,
            none(),
            quote!(
                async fn work(a: A) -> R {
                    r()
                }
            ),
        );
        assert!(message.contains("not async"), "{message}");
    }

    #[test]
    fn unknown_and_repeated_arguments_are_refused() {
        let work = || {
            quote!(
                fn work(a: A) -> R {
                    r()
                }
            )
        };
        let message = refused(Role::Pattern, quote!(about = X), work());
        assert!(message.contains("validate = function"), "{message}");
        let message = refused(Role::Pattern, quote!(validate = a, validate = b), work());
        assert!(message.contains("twice"), "{message}");
    }
}
