//! Collectors that are busy, slow, full, strange or not there: every span is counted, nobody waits.

use std::io::{BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use remit_telemetry::{Exporter, MAX_QUEUE, Pace, Report};

use crate::collector::{Collector, LONG, Request};
use crate::{counts, plain, settings};

#[test]
fn a_collector_that_is_busy_is_asked_again_with_the_same_spans() {
    let collector = Collector::start(vec![
        ("503 Service Unavailable\r\nretry-after: 3600", Vec::new()),
        ("429 Too Many Requests", Vec::new()),
    ]);
    let exporter = Exporter::start(settings(&collector.endpoint, &[])).unwrap();
    exporter.export(plain(1));
    let report = exporter.shutdown(LONG);
    assert_eq!(counts(&report), (1, 0, 0));
    assert_eq!(report.troubles, Vec::<String>::new());
    let bodies = [(); 3].map(|()| collector.next().body);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

#[test]
fn a_collector_that_stays_busy_loses_the_spans_after_the_last_try() {
    let busy = ("503 Service Unavailable", Vec::new());
    let tries = Pace::default().tries as usize;
    let collector = Collector::start(vec![busy; tries]);
    let exporter = Exporter::start(settings(&collector.endpoint, &[])).unwrap();
    exporter.export(plain(1));
    let report = exporter.shutdown(LONG);
    assert_eq!(counts(&report), (0, 0, 1));
    assert_eq!(collector.requests.try_iter().count(), tries);
    assert!(report.troubles[0].contains("503"), "{report:?}");
}

#[test]
fn a_refusal_or_a_redirect_is_final_and_said_once() {
    let elsewhere = Collector::start(vec![]);
    let redirect = format!("307 Temporary Redirect\r\nlocation: {}", elsewhere.endpoint);
    let collector = Collector::start(vec![
        ("400 Bad Request", b"what?".to_vec()),
        (redirect.leak(), Vec::new()),
        ("500 Internal Server Error", Vec::new()),
    ]);
    let mut settings = settings(&collector.endpoint, &[]);
    settings.pace.batch = 1;
    let exporter = Exporter::start(settings).unwrap();
    for number in 1..=4 {
        exporter.export(plain(number));
    }
    let report = exporter.shutdown(LONG);
    assert_eq!(counts(&report), (1, 0, 3));
    assert_eq!(report.troubles.len(), 1);
    assert!(report.troubles[0].contains("400"), "{report:?}");
    assert_eq!(collector.requests.try_iter().count(), 4);
    assert_eq!(elsewhere.requests.try_iter().count(), 0);
}

#[test]
fn spans_that_a_collector_rejects_are_counted_as_failed() {
    let response = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 1,
            error_message: "too old".to_owned(),
        }),
    };
    let collector = Collector::start(vec![("200 OK", response.encode_to_vec())]);
    let exporter = Exporter::start(settings(&collector.endpoint, &[])).unwrap();
    exporter.export(plain(1));
    exporter.export(plain(2));
    let report = exporter.shutdown(LONG);
    assert_eq!(counts(&report), (1, 0, 1));
    assert!(report.troubles[0].contains("too old"), "{report:?}");
}

#[test]
fn a_collector_that_is_not_there_is_given_up_and_said_once() {
    // Bound and closed again: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let endpoint = format!("http://{}/v1/traces", address.unwrap());
    let mut settings = settings(&endpoint, &[]);
    // With these waits the test ends only if the end does not wait for them.
    settings.pace.first_wait = LONG;
    settings.pace.longest_wait = LONG;
    settings.pace.batch = 2;
    let exporter = Exporter::start(settings).unwrap();
    for number in 0..1_000 {
        exporter.export(plain(number));
    }
    let report = exporter.shutdown(LONG);
    assert_eq!(counts(&report), (0, 0, 1_000));
    assert_eq!(report.troubles.len(), 1, "{report:?}");
    assert!(report.troubles[0].contains(&endpoint), "{report:?}");
}

#[test]
fn a_connection_that_was_closed_between_batches_loses_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut bodies = Vec::new();
        while bodies.len() < 3 {
            let (stream, _) = listener.accept().unwrap();
            let mut writer = stream.try_clone().unwrap();
            bodies.extend(Request::read(&mut BufReader::new(stream)));
            // Says nothing about closing, and closes.
            writer
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .unwrap();
        }
        bodies.len()
    });
    let mut settings = settings(&endpoint, &[]);
    settings.pace.batch = 1;
    let exporter = Exporter::start(settings).unwrap();
    for number in 1..=3 {
        exporter.export(plain(number));
    }
    assert_eq!(counts(&exporter.shutdown(LONG)), (3, 0, 0));
    assert_eq!(server.join().unwrap(), 3);
}

#[test]
fn a_collector_that_never_answers_holds_up_neither_the_run_nor_its_end() {
    let (_gate, closed) = channel();
    let collector = Collector::gated(vec![], Some(closed));
    let more = [("OTEL_EXPORTER_OTLP_TIMEOUT", "600000")];
    let mut settings = settings(&collector.endpoint, &more);
    settings.pace.batch = 1;
    let exporter = Exporter::start(settings).unwrap();
    exporter.export(plain(0));
    // From here on the thread waits for an answer that never comes.
    drop(collector.next());
    let many = u32::try_from(MAX_QUEUE).unwrap() + 10;
    for number in 1..=many {
        exporter.export(plain(number));
    }
    let report = exporter.shutdown(Duration::from_millis(10));
    assert_eq!(counts(&report), (0, 10, MAX_QUEUE as u64 + 1));
    assert_eq!(report.troubles.len(), 2, "{report:?}");
    assert!(report.troubles[0].contains("8192"), "{report:?}");
}

#[test]
fn what_found_no_room_is_dropped_and_the_rest_arrives_in_order() {
    let (gate, closed) = channel();
    let collector = Collector::gated(vec![], Some(closed));
    let mut settings = settings(&collector.endpoint, &[]);
    settings.pace.batch = 4_096;
    settings.pace.gather = Duration::ZERO;
    let exporter = Exporter::start(settings).unwrap();
    exporter.export(plain(0));
    let first = collector.next().spans();
    assert_eq!(first.len(), 1);
    let queue = u32::try_from(MAX_QUEUE).unwrap();
    for number in 1..=queue + 3 {
        exporter.export(plain(number));
    }
    for _ in 0..3 {
        gate.send(()).unwrap();
    }
    let report = exporter.shutdown(LONG);
    assert_eq!(counts(&report), (u64::from(queue) + 1, 3, 0));
    assert_eq!(report.troubles.len(), 1, "{report:?}");
    let arrived: Vec<Vec<u8>> = [collector.next(), collector.next()]
        .iter()
        .flat_map(Request::spans)
        .map(|span| span.span_id)
        .collect();
    let want: Vec<Vec<u8>> = (1..=queue)
        .map(|number| plain(number).place().id().as_bytes().to_vec())
        .collect();
    assert!(arrived == want, "{} of {}", arrived.len(), want.len());
}

#[test]
fn a_slow_collector_is_left_after_the_timeout_and_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (sender, bodies) = channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        sender
            .send(Request::read(&mut reader).unwrap().body)
            .unwrap();
        // No answer, until the exporter has had enough.
        assert!(Request::read(&mut reader).is_none());
        while let Ok((stream, _)) = listener.accept() {
            let mut writer = stream.try_clone().unwrap();
            let request = Request::read(&mut BufReader::new(stream)).unwrap();
            if sender.send(request.body).is_err() {
                break;
            }
            // On a busy machine even this answer may come too late; then there is another try.
            drop(writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        }
    });
    let more = [("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "100")];
    let mut settings = settings(&endpoint, &more);
    settings.pace.tries = 1_000;
    let exporter = Exporter::start(settings).unwrap();
    exporter.export(plain(1));
    assert_eq!(counts(&exporter.shutdown(LONG)), (1, 0, 0));
    let bodies: Vec<Vec<u8>> = bodies.try_iter().collect();
    assert!(bodies.len() >= 2);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

#[test]
fn a_span_after_the_end_is_counted_as_dropped() {
    let collector = Collector::start(vec![]);
    let exporter = Exporter::start(settings(&collector.endpoint, &[])).unwrap();
    assert_eq!(exporter.shutdown(LONG), Report::default());
    exporter.export(plain(1));
    assert_eq!(counts(&exporter.shutdown(LONG)), (0, 1, 0));
    assert_eq!(collector.requests.try_iter().count(), 0);
}
