//! What arrives is what was exported: fields, parents, statuses, batches.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Status;
use prost::Message as _;
use remit_core::span::{Span, SpanPath};
use remit_telemetry::{Exporter, Pace, Protocol};
use serde_json::json;

use crate::collector::{Collector, LONG};
use crate::{counts, plain, settings};

/// A run as it really nests, and its links.
fn story() -> Vec<Span> {
    let run = SpanPath::run("01JRUN");
    let task = run.task("build");
    let attempt = task.attempt(2);
    let effect = attempt.effect(7);
    let before = SpanPath::run("01JRUN").task("build").attempt(1);
    vec![
        Span::new(effect.tool(1), "git:status", 1_003, 1_004)
            .failed("exit 128")
            .with("remit.exit", 128_u32),
        Span::new(effect, "process.run", 1_003, 1_005).with("remit.unknown", false),
        Span::new(attempt, "attempt 2", 1_002, 1_006)
            .failed("the tool failed")
            .linked(before.traceparent().parse().unwrap()),
        Span::new(task, "build", 1_001, 1_007).with("remit.task", "build"),
        Span::new(run, "plan", 1_000, 1_008).succeeded(),
    ]
}

#[test]
fn a_collector_gets_every_span_with_its_parent_and_its_status() {
    let collector = Collector::start(vec![]);
    let more = [
        ("OTEL_SERVICE_NAME", "builds"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b"),
    ];
    let exporter = Exporter::start(settings(&collector.endpoint, &more)).unwrap();
    for span in story() {
        exporter.export(span);
    }
    assert_eq!(counts(&exporter.shutdown(LONG)), (5, 0, 0));

    let request = collector.next();
    assert_eq!(request.line, "POST /v1/traces HTTP/1.1");
    assert_eq!(request.headers["content-type"], "application/x-protobuf");
    assert_eq!(request.headers["x-key"], "a b");
    assert!(request.headers["user-agent"].starts_with("remit/"));
    let message = ExportTraceServiceRequest::decode(&request.body[..]).unwrap();
    let resource = message.resource_spans[0].resource.clone().unwrap();
    assert_eq!(text(&resource.attributes, "service.name"), "builds");

    let spans = request.spans();
    let trace = SpanPath::run("01JRUN").trace().as_bytes().to_vec();
    assert!(spans.iter().all(|span| span.trace_id == trace));
    let kinds: Vec<String> = spans
        .iter()
        .map(|s| text(&s.attributes, "remit.kind"))
        .collect();
    assert_eq!(kinds, ["tool", "effect", "attempt", "task", "run"]);
    for pair in spans.windows(2) {
        assert_eq!(pair[0].parent_span_id, pair[1].span_id);
    }
    assert_eq!(spans[4].parent_span_id, b"");
    let status = |code, message: &str| {
        Some(Status {
            code,
            message: message.to_owned(),
        })
    };
    // STATUS_CODE_UNSET, _OK and _ERROR are 0, 1 and 2 in trace.proto.
    assert_eq!(spans[0].status, status(2, "exit 128"));
    assert_eq!(spans[1].status, status(0, ""));
    assert_eq!(spans[4].status, status(1, ""));
    assert_eq!(spans[0].start_time_unix_nano, 1_003_000_000);
    assert_eq!(spans[0].end_time_unix_nano, 1_004_000_000);
    let before = SpanPath::run("01JRUN").task("build").attempt(1);
    assert_eq!(spans[2].links[0].span_id, before.id().as_bytes());
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    let value = found.and_then(|attribute| attribute.value.clone()?.value);
    let Some(Value::StringValue(text)) = value else {
        panic!("{key}: {value:?}");
    };
    text
}

#[test]
fn the_json_form_is_the_one_of_the_specification() {
    let collector = Collector::start(vec![("200 OK", b"{}".to_vec())]);
    let more = [("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")];
    let settings = settings(&collector.endpoint, &more);
    assert_eq!(settings.protocol, Protocol::Json);
    let exporter = Exporter::start(settings).unwrap();
    exporter.export(story().swap_remove(0));
    assert_eq!(counts(&exporter.shutdown(LONG)), (1, 0, 0));

    let request = collector.next();
    assert_eq!(request.headers["content-type"], "application/json");
    let document: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let span = &document["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    let effect = SpanPath::run("01JRUN").task("build").attempt(2).effect(7);
    // Numbers of traces and spans are hexadecimal, 64-bit numbers are texts, enumerations numbers.
    for (field, want) in [
        ("traceId", json!(effect.trace().to_string())),
        ("spanId", json!(effect.tool(1).id().to_string())),
        ("parentSpanId", json!(effect.id().to_string())),
        ("name", json!("git:status")),
        ("kind", json!(1)),
        ("startTimeUnixNano", json!("1003000000")),
        ("endTimeUnixNano", json!("1004000000")),
        ("status", json!({"code": 2, "message": "exit 128"})),
        (
            "attributes",
            json!([
                {"key": "remit.kind", "value": {"stringValue": "tool"}},
                {"key": "remit.exit", "value": {"intValue": "128"}},
            ]),
        ),
    ] {
        assert_eq!(span[field], want, "{field}");
    }
}

#[test]
fn a_full_batch_is_sent_while_the_run_goes_on() {
    let collector = Collector::start(vec![]);
    let exporter = Exporter::start(settings(&collector.endpoint, &[])).unwrap();
    let batch = Pace::default().batch;
    for number in 0..u32::try_from(batch).unwrap() + 1 {
        exporter.export(plain(number));
    }
    assert_eq!(collector.next().spans().len(), batch);
    assert_eq!(counts(&exporter.shutdown(LONG)), (batch as u64 + 1, 0, 0));
    assert_eq!(collector.next().spans().len(), 1);
}
