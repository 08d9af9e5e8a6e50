//! HTTP as a plugin may speak it: what a request may look like, where a redirect leads, and which
//! addresses are the open network.
//!
//! Never: a connection, a name that is resolved, a decision that depends on who answers.

mod address;
mod redirect;
mod request;

pub use address::{AddressRule, Closed};
pub use redirect::{Hop, RedirectError};
pub use request::{
    DEFAULT_BODY, DEFAULT_REDIRECTS, DEFAULT_TIMEOUT, HttpCall, MAX_BODY, MAX_HEADER_BYTES,
    MAX_HEADERS, MAX_REDIRECTS, MAX_URL, METHODS,
};
