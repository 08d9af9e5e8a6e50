//! A model server that says what a script says: for tests of real agents, and for people who want to
//! try one without a provider.
//!
//! It speaks as much of four APIs as agents use: OpenAI chat completions and responses, Anthropic
//! messages, Gemini `generateContent`, each at once or as a stream of events. Which step of the
//! script a request gets is told by the request itself, by the number of tool results in it, so a
//! request that is sent again gets the same answer and nothing has to be remembered.
//!
//! - `script`: what is said, in which form people write it
//! - `asked`: what of a request decides about the answer
//! - `chat`, `responses`, `messages`, `gemini`: an answer in the words of one API
//! - `seen`: what is noted of each request, without keys
//! - `server`: connections
//!
//! Never: a call to anything but the client that asked; a key in a log.

mod answer;
mod asked;
mod chat;
mod gemini;
mod messages;
mod responses;
mod script;
mod seen;
mod server;

pub use script::{Call, Script, ScriptError, Step, Usage};
pub use seen::Seen;
pub use server::{Server, Settings, StartError};
