//! The adapter `acp`: one request, one session with any agent that speaks the Agent Client
//! Protocol, one report.
//!
//! The agent asks before it acts, and the adapter answers at once: files by the grants, commands
//! by the request. Everything is in `remit-plugin-agent`; this is its door. Never: an agent that
//! the owner has not declared.

#[cfg(target_arch = "wasm32")]
mod component {
    //! The adapter as the host sees it.
    //!
    //! Never: anything of its own.

    use remit_plugin_agent::{Request, acp};
    use remit_plugin_sdk::{Adapter, AdapterReport, Capabilities, Context, Failure, Problem};

    pub(crate) struct Acp;

    impl Adapter for Acp {
        fn describe() -> Capabilities {
            acp::guest::describe(env!("CARGO_PKG_VERSION"))
        }

        /// The tool is named by each request: nothing is needed by all of them.
        fn validate_config() -> Vec<Problem> {
            Vec::new()
        }

        fn validate_inputs(inputs: String) -> Vec<Problem> {
            Request::check(&inputs, true).err().unwrap_or_default()
        }

        fn execute(context: Context) -> Result<AdapterReport, Failure> {
            acp::guest::execute(&context)
        }
    }
}

#[cfg(target_arch = "wasm32")]
use component::Acp;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_adapter!(Acp, "remit-plugin.toml");
