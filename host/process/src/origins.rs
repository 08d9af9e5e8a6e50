//! The origins that one tool reaches: from the supervisor's listening sockets to the relay.
//!
//! Never: a socket that is paired with another origin than the one whose port it has.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use remit_core::tool::{MAX_ORIGINS, OriginPort, OriginTraffic};
use remit_engine::seam::{Relay, Relayed};
use remit_supervisor::protocol::MAX_LISTENERS;

// What an owner may declare is what the supervisor can hand over.
const _: () = assert!(MAX_ORIGINS == MAX_LISTENERS);

/// The origins of one tool, served or about to be.
pub(crate) struct Origins {
    relay: Option<Arc<dyn Relay>>,
    entries: Vec<OriginPort>,
    served: Vec<Box<dyn Relayed>>,
}

impl Origins {
    /// For a tool that reaches none.
    pub(crate) fn none() -> Self {
        Self {
            relay: None,
            entries: Vec::new(),
            served: Vec::new(),
        }
    }

    /// Origins that `relay` will serve.
    pub(crate) fn new(relay: Arc<dyn Relay>, entries: Vec<OriginPort>) -> Self {
        Self {
            relay: Some(relay),
            entries,
            served: Vec::new(),
        }
    }

    /// Begins to serve them on what the supervisor sent with its report of a start. Gives back the
    /// descriptor of the tool's end, if one came.
    ///
    /// # Errors
    /// A socket is missing or has another port, or the operating system refuses to watch it.
    pub(crate) fn serve(&mut self, descriptors: Vec<OwnedFd>) -> io::Result<Option<OwnedFd>> {
        let mut descriptors = descriptors.into_iter();
        let Some(relay) = &self.relay else {
            return Ok(descriptors.next());
        };
        for entry in &self.entries {
            let missing = || io::Error::other(format!("no socket came for port {}", entry.port));
            let listener = TcpListener::from(descriptors.next().ok_or_else(missing)?);
            if listener.local_addr()?.port() != entry.port {
                return Err(missing());
            }
            self.served.push(relay.serve(listener, entry)?);
        }
        Ok(descriptors.next())
    }

    /// What went through each.
    pub(crate) fn traffic(&self) -> Vec<OriginTraffic> {
        self.served.iter().map(|served| served.traffic()).collect()
    }
}
