//! Requests of a plugin over an origin that a test plays: grants at every hop, what is on record,
//! and how a request ends with the run.
//!
//! Never: a connection.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use remit_core::event::Event;
use remit_core::http::{Hop, HttpCall};
use remit_core::outcome::CancelReason;
use remit_engine::cancel::Cancel;
use remit_engine::fake::{FakeState, FakeTools, FakeTree, Seen, grants};
use remit_engine::host::{HttpError, Identity, PluginHost, World};
use remit_engine::journal::{Clock, Journal};
use remit_engine::seam::{Exchange, ExchangeError, Http};

/// Answers from a list; without one it never answers.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Exchange>>,
    hops: Mutex<Vec<String>>,
}

#[async_trait]
impl Http for Script {
    async fn exchange(&self, hop: &Hop, _keep: usize) -> Result<Exchange, ExchangeError> {
        self.hops.lock().unwrap().push(hop.url().to_owned());
        let next = self.answers.lock().unwrap().pop_front();
        match next {
            Some(answer) => Ok(answer),
            None => std::future::pending().await,
        }
    }
}

fn answer(status: u16, location: Option<&str>) -> Exchange {
    Exchange {
        status,
        headers: location
            .map(|to| ("location".to_owned(), to.to_owned()))
            .into_iter()
            .collect(),
        body: b"body".to_vec(),
        truncated: false,
    }
}

/// An attempt of a plugin that may reach a.example and wants b.example, too.
fn attempt(http: Option<Arc<Script>>, time: Duration) -> (Arc<PluginHost>, Seen, Cancel) {
    let manifest = "[[net]]\norigin = \"https://a.example\"\nreason = \"r\"\n\
        [[net]]\norigin = \"https://b.example\"\noptional = true\nreason = \"r\"\n";
    let policy = "[plugins.fake]\nnet = [\"https://a.example\"]\n";
    let (seen, cancel) = (Seen::default(), Cancel::new());
    let clock: Clock = Arc::new(|| "2026-01-01T00:00:00.000Z".into());
    let journal = Journal::start("run".into(), clock, vec![Box::new(seen.clone())]).unwrap();
    let world = World {
        tools: Arc::new(FakeTools::default()),
        state: Arc::new(FakeState::default()),
        tree: Arc::new(FakeTree::default()),
        http: http.map(|http| http as Arc<dyn Http>),
        person: None,
        scratch: None,
        durable: None,
    };
    let identity = Identity {
        plugin: "fake".into(),
        task: "task".into(),
        workspace: PathBuf::from("/fake"),
        time,
    };
    let host = PluginHost::new(
        grants(manifest, policy),
        world,
        identity,
        journal,
        cancel.clone(),
        true,
    );
    (host, seen, cancel)
}

fn get(url: &str) -> HttpCall {
    HttpCall {
        method: "GET".into(),
        url: url.into(),
        ..HttpCall::default()
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn each_hop_is_on_record_before_it_is_made_and_the_end_after() {
    let http = Arc::new(Script::default());
    *http.answers.lock().unwrap() = [answer(302, Some("/two?q=1")), answer(404, None)].into();
    let (host, seen, _) = attempt(Some(Arc::clone(&http)), MINUTE);
    let done = host.http(get("https://a.example/one?q=0")).await.unwrap();
    assert_eq!((done.exchange.status, done.hops), (404, 1));
    assert_eq!(done.url, "https://a.example/two?q=1");
    host.journal().flush().await;
    assert_eq!(
        seen.types(),
        ["http-requested", "http-requested", "http-finished"]
    );
    let events = serde_json::to_string(&seen.events()).unwrap();
    assert!(!events.contains("q="), "{events}");
    let Event::HttpFinished {
        status,
        hops,
        received,
        ..
    } = seen.events()[2].clone()
    else {
        panic!("{events}");
    };
    assert_eq!((status, hops, received), (Some(404), 1, 8));
}

#[tokio::test]
async fn a_redirect_to_an_origin_that_is_not_granted_is_denied_and_not_made() {
    let http = Arc::new(Script::default());
    *http.answers.lock().unwrap() = [answer(307, Some("https://b.example/"))].into();
    let (host, seen, _) = attempt(Some(Arc::clone(&http)), MINUTE);
    let error = host.http(get("https://a.example/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Denied(_)), "{error:?}");
    assert_eq!(*http.hops.lock().unwrap(), ["https://a.example/"]);
    assert_eq!(host.denials().len(), 1);
    host.journal().flush().await;
    assert_eq!(seen.types(), ["http-requested", "denied", "http-finished"]);
}

#[tokio::test]
async fn with_the_run_a_request_ends() {
    let http = Arc::new(Script::default());
    let (host, _, cancel) = attempt(Some(http), MINUTE);
    let (ended, ()) = tokio::join!(host.http(get("https://a.example/")), async {
        tokio::task::yield_now().await;
        cancel.cancel(CancelReason::Requested);
    });
    assert!(matches!(ended, Err(HttpError::TimedOut)), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn no_request_takes_longer_than_the_attempt_or_than_it_may() {
    for (own, attempts) in [(None, 1), (Some(1), 60)] {
        let (host, seen, _) = attempt(
            Some(Arc::new(Script::default())),
            Duration::from_secs(attempts),
        );
        let call = HttpCall {
            timeout: own.map(Duration::from_secs),
            ..get("https://a.example/")
        };
        let began = tokio::time::Instant::now();
        let ended = host.http(call).await;
        assert!(matches!(ended, Err(HttpError::TimedOut)), "{ended:?}");
        // The clock of the test stands still but for what is waited for.
        assert!(began.elapsed() <= Duration::from_secs(2));
        host.journal().flush().await;
        assert_eq!(seen.types(), ["http-requested", "http-finished"]);
    }
}

#[tokio::test]
async fn a_run_without_a_network_says_so_after_the_grants_have_spoken() {
    let (host, seen, _) = attempt(None, MINUTE);
    let error = host.http(get("https://a.example/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Unavailable), "{error:?}");
    let error = host.http(get("https://b.example/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Denied(_)), "{error:?}");
    host.journal().flush().await;
    assert_eq!(seen.types(), ["denied"]);
}
