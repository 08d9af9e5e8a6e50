//! Spans as messages of OTLP: `opentelemetry/proto/trace/v1/trace.proto`, and its JSON form.
//!
//! Never: a field that the span does not have, a decision about what is sent.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind as WireKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as WireSpan, Status};
use prost::Message as _;
use remit_core::span::{Span, SpanStatus, SpanValue};

use crate::settings::Protocol;

/// The attribute that holds what a span is about, as one word.
const KIND: &str = "remit.kind";
/// `sampled`, and "it is known whether the parent is elsewhere: it is not" (`SpanFlags` in
/// trace.proto).
const LOCAL: u32 = 0x101;
/// The same for a link, about whose origin nothing is known.
const SAMPLED: u32 = 0x001;
/// Nanoseconds of a millisecond.
const NANOS: u64 = 1_000_000;

/// What a collector says about a batch that it took.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Spans that it did not keep.
    pub(crate) rejected: u64,
    /// Why.
    pub(crate) why: String,
}

/// A batch as the bytes of a request.
pub(crate) fn encode(
    spans: &[Span],
    resource: &BTreeMap<String, String>,
    protocol: Protocol,
) -> Result<Vec<u8>, serde_json::Error> {
    let request = request(spans, resource);
    match protocol {
        Protocol::Protobuf => Ok(request.encode_to_vec()),
        Protocol::Json => serde_json::to_vec(&request),
    }
}

/// What a collector answered. An answer that cannot be read says nothing against the batch.
pub(crate) fn decode_answer(body: &[u8], protocol: Protocol) -> Answer {
    match protocol {
        Protocol::Protobuf => ExportTraceServiceResponse::decode(body)
            .ok()
            .and_then(|response| response.partial_success)
            .map(|partial| Answer {
                rejected: u64::try_from(partial.rejected_spans).unwrap_or(0),
                why: partial.error_message,
            })
            .unwrap_or_default(),
        Protocol::Json => {
            let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            let partial = &value["partialSuccess"];
            // The JSON form of a 64-bit number is a string; not everyone keeps to that.
            let rejected = &partial["rejectedSpans"];
            let rejected = rejected
                .as_u64()
                .or_else(|| rejected.as_str()?.parse().ok());
            Answer {
                rejected: rejected.unwrap_or(0),
                why: partial["errorMessage"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            }
        }
    }
}

fn request(spans: &[Span], resource: &BTreeMap<String, String>) -> ExportTraceServiceRequest {
    let attributes = resource
        .iter()
        .map(|(name, value)| attribute(name, Value::StringValue(value.clone())))
        .collect();
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes,
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "remit".to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans: spans.iter().map(wire).collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}

fn wire(span: &Span) -> WireSpan {
    let place = span.place();
    let kind = Value::StringValue(place.kind().word().to_owned());
    let own = span.attributes().iter().map(|(name, value)| {
        let value = match value {
            SpanValue::Text(text) => Value::StringValue(text.clone()),
            SpanValue::Int(number) => Value::IntValue(*number),
            SpanValue::Bool(yes) => Value::BoolValue(*yes),
        };
        attribute(name, value)
    });
    let links = span.links().iter().map(|link| Link {
        trace_id: link.trace.as_bytes().to_vec(),
        span_id: link.id.as_bytes().to_vec(),
        flags: SAMPLED,
        ..Link::default()
    });
    let (code, message) = match span.status() {
        SpanStatus::Unset => (StatusCode::Unset, String::new()),
        SpanStatus::Ok => (StatusCode::Ok, String::new()),
        SpanStatus::Error(why) => (StatusCode::Error, why.clone()),
    };
    WireSpan {
        trace_id: place.trace().as_bytes().to_vec(),
        span_id: place.id().as_bytes().to_vec(),
        parent_span_id: place
            .parent()
            .map_or_else(Vec::new, |id| id.as_bytes().to_vec()),
        flags: LOCAL,
        name: span.name().to_owned(),
        kind: WireKind::Internal.into(),
        start_time_unix_nano: span.start_ms().saturating_mul(NANOS),
        end_time_unix_nano: span.end_ms().saturating_mul(NANOS),
        attributes: std::iter::once(attribute(KIND, kind)).chain(own).collect(),
        dropped_attributes_count: span.dropped_attributes(),
        links: links.collect(),
        dropped_links_count: span.dropped_links(),
        status: Some(Status {
            code: code.into(),
            message,
        }),
        ..WireSpan::default()
    }
}

fn attribute(name: &str, value: Value) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    use super::*;

    #[test]
    fn a_partial_success_is_read_in_every_form() {
        let want = Answer {
            rejected: 3,
            why: "too old".to_owned(),
        };
        let response = ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans: 3,
                error_message: "too old".to_owned(),
            }),
        };
        let bytes = response.encode_to_vec();
        assert_eq!(decode_answer(&bytes, Protocol::Protobuf), want);
        for number in ["3", "\"3\""] {
            let text = format!(
                r#"{{"partialSuccess":{{"rejectedSpans":{number},"errorMessage":"too old"}}}}"#
            );
            assert_eq!(decode_answer(text.as_bytes(), Protocol::Json), want);
        }
    }

    #[test]
    fn an_answer_that_says_nothing_rejects_nothing() {
        for body in [&b""[..], b"{}", b"\xff\xff garbage", b"[1]"] {
            for protocol in [Protocol::Protobuf, Protocol::Json] {
                assert_eq!(decode_answer(body, protocol), Answer::default());
            }
        }
    }
}
