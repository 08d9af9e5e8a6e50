//! The Agent Client Protocol (protocol version 1): what any agent that speaks it tells, and the
//! side that asks it.
//!
//! Source: agentclientprotocol.com, and what opencode 1.18, gemini-cli 0.61 and qwen-code 0.15
//! really send. Never: a permission that the policy does not give.

mod told;

pub(crate) use told::{Told, objection};
