//! What the patterns of remit share, for patterns of others as well.
//!
//! - [`template`]: fills files out of templates whose marks are checked;
//! - [`path`] and [`files`]: paths that stay below a directory, walks with limits;
//! - [`transaction`]: every change of a pattern, which is either kept whole or undone whole;
//! - [`validation`]: reads inputs and finds every problem at once;
//! - [`import`]: takes instances and schemas of other systems, and explains what it made of them;
//! - [`report`]: the result record and the events of a pattern's life;
//! - [`session`]: the one module that talks to the host.
//!
//! Everything but [`session`] works without a host, so that plain tests can run it.
//!
//! Never: a decision about the content of one pattern, or a file changed outside a transaction.

pub mod files;
pub mod import;
pub mod path;
pub mod report;
pub mod session;
pub mod template;
pub mod transaction;
pub mod validation;

#[cfg(test)]
mod tests;
