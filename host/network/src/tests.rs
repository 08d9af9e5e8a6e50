//! Real connections on this machine's loopback interface: TLS that is trusted and TLS that is not,
//! names that stand for closed addresses, answers that are none.
//!
//! Never: a connection beyond this machine.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use remit_core::http::{Hop, HttpCall};
use remit_core::net::NetOrigin;
use remit_core::tool::OriginPort;
use remit_engine::seam::{Exchange, ExchangeError, Http as _, Relay as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::client::HttpClient;
use crate::dial::{dial, resolve};
use crate::relay::OriginRelay;
use crate::tls::Tls;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A server that speaks TLS with a certificate for this name; its port, and what trusts it.
async fn secure(name: &str) -> (u16, Tls) {
    let root = CertifiedIssuer::self_signed(
        {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params
        },
        KeyPair::generate().unwrap(),
    )
    .unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &root).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut head = [0; 4096];
                let _read = stream.read(&mut head).await;
                let _written = stream.write_all(ANSWER).await;
                let _closed = stream.shutdown().await;
            });
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    (port, Tls::trusting(roots))
}

/// A server that answers every connection with these bytes; its port.
fn plain(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let _read = stream.read(&mut head);
            // Whoever has enough closes.
            let _written = stream.write_all(&answer);
        }
    });
    port
}

async fn get(client: &HttpClient, url: &str, keep: usize) -> Result<Exchange, ExchangeError> {
    let call = HttpCall {
        method: "GET".to_owned(),
        url: url.to_owned(),
        ..HttpCall::default()
    };
    client.exchange(&Hop::first(call).unwrap(), keep).await
}

#[tokio::test]
async fn a_server_whose_root_is_trusted_answers() {
    let (port, tls) = secure("localhost").await;
    let url = format!("https://localhost:{port}/");
    let answer = get(&HttpClient::over(tls), &url, 100).await.unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, &b"hello"[..])
    );
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (port, _) = secure("localhost").await;
    let url = format!("https://localhost:{port}/");
    // With the roots of this machine, or Mozilla's.
    let error = get(&HttpClient::new(), &url, 100).await.unwrap_err();
    let ExchangeError::Unreachable(why) = &error else {
        panic!("{error:?}");
    };
    assert!(why.contains("certificate"), "{why}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (port, tls) = secure("other.example").await;
    let url = format!("https://localhost:{port}/");
    let error = get(&HttpClient::over(tls), &url, 100).await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn a_tool_speaks_plainly_and_the_host_speaks_tls() {
    let (port, tls) = secure("localhost").await;
    let entry = OriginPort {
        port: 8001,
        origin: format!("https://localhost:{port}").parse().unwrap(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = OriginRelay::over(tls).serve(listener, &entry).unwrap();
    let ask = async || {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = ask().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with("hello"), "{answer}");
    assert_eq!((served.traffic().requests, served.traffic().failed), (1, 0));
    drop(served);
    // The socket is closed when the task has ended, which is soon.
    while ask().await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_relay_that_does_not_trust_its_origin_says_why() {
    let (port, _) = secure("localhost").await;
    let entry = OriginPort {
        port: 8001,
        origin: format!("https://localhost:{port}").parse().unwrap(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = OriginRelay::new().serve(listener, &entry).unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let error = served.traffic().error.unwrap();
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_name_that_stands_for_this_machine_is_not_connected_to() {
    let port = plain(ANSWER.to_vec());
    // A name for whoever compares texts, an address for whoever resolves it.
    let origin: NetOrigin = format!("http://2130706433:{port}").parse().unwrap();
    let addresses = resolve(&origin).await.unwrap();
    assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    let error = crate::client::checked(&origin, addresses.clone()).unwrap_err();
    assert!(matches!(error, ExchangeError::ForbiddenAddress(_)));
    // It is the check that keeps it away, not the network.
    type Nothing = http_body_util::Empty<bytes::Bytes>;
    let dialed = dial::<Nothing>(&Tls::default(), &origin, &addresses).await;
    assert!(dialed.is_ok());
    // The server takes one connection at a time.
    drop(dialed);
    let url = format!("http://127.0.0.1:{port}/");
    let named = get(&HttpClient::new(), &url, 9).await;
    assert_eq!(named.unwrap().status, 200);
}

#[tokio::test]
async fn no_more_of_a_body_is_kept_than_was_asked_for() {
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(4 << 20, b'x');
    let url = format!("http://127.0.0.1:{}/", plain(endless));
    let answer = get(&HttpClient::new(), &url, 1000).await.unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (1000, true));
    let url = format!("http://127.0.0.1:{}/", plain(ANSWER.to_vec()));
    let answer = get(&HttpClient::new(), &url, 5).await.unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (5, false));
}

#[tokio::test]
async fn what_is_no_answer_is_broken_and_not_an_empty_one() {
    let huge_head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    for answer in [
        "",
        "this is no HTTP\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        huge_head.as_str(),
    ] {
        let port = plain(answer.as_bytes().to_vec());
        let url = format!("http://127.0.0.1:{port}/");
        let error = get(&HttpClient::new(), &url, 1000).await.unwrap_err();
        let shown: String = answer.chars().take(40).collect();
        assert!(
            matches!(error, ExchangeError::Broken(_)),
            "{shown}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_port_without_a_server_is_unreachable() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let error = get(&HttpClient::new(), &format!("http://127.0.0.1:{port}/"), 9).await;
    assert!(
        matches!(error, Err(ExchangeError::Unreachable(_))),
        "{error:?}"
    );
}
