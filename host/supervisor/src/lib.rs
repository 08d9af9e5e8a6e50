//! What the host and the supervisor say to each other.
//!
//! The package has two parts. This library is the wire protocol; the host links it. The binary
//! `remit-supervisor` is the small static program that stands between the host and each tool.
//!
//! Never: code that starts, holds or ends a process; that is the binary's, and the host must not
//! be able to do it by accident.

pub mod protocol;
