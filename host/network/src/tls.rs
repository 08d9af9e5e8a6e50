//! TLS as a client: whom to trust, and how to begin.
//!
//! Never: a certificate that is not checked, a name that is not compared, a version before 1.2.

use std::sync::Arc;

use remit_core::net::NetOrigin;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::dial::DialError;

/// TLS for every connection of a host. The roots are read when they are first needed.
#[derive(Clone, Default)]
pub(crate) struct Tls(Arc<OnceCell<Arc<ClientConfig>>>);

impl Tls {
    /// Begins TLS with an origin on a connection to it.
    ///
    /// # Errors
    /// The peer is not who the origin names, as far as the machine's roots know, or speaks no TLS.
    pub(crate) async fn connect(
        &self,
        origin: &NetOrigin,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, DialError> {
        let tls = |reason: String| DialError::Tls(reason);
        let host = origin.host().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|error| tls(error.to_string()))?;
        let config = self.0.get_or_try_init(configure).await?;
        TlsConnector::from(Arc::clone(config))
            .connect(name, stream)
            .await
            .map_err(|error| tls(error.to_string()))
    }
}

async fn configure() -> Result<Arc<ClientConfig>, DialError> {
    // Some hundred small files.
    let roots = tokio::task::spawn_blocking(roots)
        .await
        .map_err(|error| DialError::Tls(error.to_string()))?;
    client_config(roots)
}

fn client_config(roots: RootCertStore) -> Result<Arc<ClientConfig>, DialError> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| DialError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The roots that this machine trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others); those of
/// Mozilla only where the machine has none at all.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "a root certificate cannot be read");
    }
    let (read, left_out) = roots.add_parsable_certificates(found.certs);
    if read == 0 {
        tracing::debug!(left_out, "this machine has no roots; taking Mozilla's");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

#[cfg(test)]
impl Tls {
    /// TLS that trusts these roots alone.
    pub(crate) fn trusting(roots: RootCertStore) -> Self {
        let config = client_config(roots).unwrap();
        Self(Arc::new(OnceCell::new_with(Some(config))))
    }
}
