//! Numbers that last, and spans that stay within their limits.

use std::collections::BTreeSet;

use super::*;

fn tool() -> SpanPath {
    SpanPath::run("01JRUN")
        .task("build")
        .attempt(2)
        .effect(7)
        .tool(1)
}

#[test]
fn numbers_stay_what_they_were_in_the_first_version() {
    // From another implementation: hashlib over the layout that `hash` documents. A change of
    // these breaks every trace that a restarted host goes on with.
    let run = SpanPath::run("01JRUN");
    assert_eq!(run.trace().to_string(), "58254b535b8f54bc8811de14b6318e1c");
    assert_eq!(run.id().to_string(), "0c6cca7136c56333");
    assert_eq!(run.task("build").id().to_string(), "53c4febc572ae4d3");
    assert_eq!(tool().id().to_string(), "1812c583fe90a2ca");
}

#[test]
fn a_tool_hangs_below_its_run_by_way_of_every_step() {
    let run = SpanPath::run("01JRUN");
    let steps = [
        run,
        run.task("build"),
        run.task("build").attempt(2),
        run.task("build").attempt(2).effect(7),
        tool(),
    ];
    for (place, kind) in steps.iter().zip(SpanKind::ALL) {
        assert_eq!(place.kind(), kind);
        assert_eq!(place.trace(), run.trace());
    }
    assert_eq!(run.parent(), None);
    for pair in steps.windows(2) {
        assert_eq!(pair[1].parent(), Some(pair[0].id()));
    }
}

#[test]
fn different_places_have_different_numbers() {
    let mut seen = BTreeSet::new();
    for run in ["r", "r1", ""] {
        let run = SpanPath::run(run);
        assert!(seen.insert(run.id()));
        for task in ["1", "11", "attempt", ""] {
            let task = run.task(task);
            assert!(seen.insert(task.id()));
            for number in [1, 2, 11] {
                let attempt = task.attempt(number);
                assert!(seen.insert(attempt.id()));
                assert!(seen.insert(attempt.effect(number).id()));
                assert!(seen.insert(attempt.tool(number).id()));
                assert!(seen.insert(attempt.effect(number).tool(number).id()));
            }
        }
    }
    assert_eq!(seen.len(), 3 * (1 + 4 * (1 + 3 * 4)));
}

#[test]
fn a_traceparent_is_read_back_as_the_same_span() {
    let text = tool().traceparent();
    assert_eq!(text.len(), 55);
    let link: SpanLink = text.parse().unwrap();
    assert_eq!((link.trace, link.id), (tool().trace(), tool().id()));
    let later = format!("cc{}-what-ever", &text[2..]);
    assert_eq!(later.parse::<SpanLink>().unwrap(), link);
}

#[test]
fn what_is_no_traceparent_is_refused() {
    let good = tool().traceparent();
    for text in [
        String::new(),
        "00".to_owned(),
        good.to_uppercase(),
        format!("{good}-"),
        format!("{good}0"),
        format!("ff{}", &good[2..]),
        good[..54].to_owned(),
        good.replace('-', "_"),
        format!("00-{}-{}-01", "0".repeat(32), "1".repeat(16)),
        format!("00-{}-{}-01", "1".repeat(32), "0".repeat(16)),
        "ü".repeat(200),
    ] {
        assert!(text.parse::<SpanLink>().is_err(), "{text}");
    }
}

#[test]
fn a_span_keeps_its_limits_and_counts_what_it_dropped() {
    let long = "ß".repeat(MAX_SPAN_TEXT);
    let mut span = Span::new(tool(), &long, 5, 3).failed(&long);
    assert_eq!((span.start_ms(), span.end_ms()), (5, 5));
    assert_eq!(span.name().len(), MAX_SPAN_TEXT);
    assert_eq!(
        *span.status(),
        SpanStatus::Error("ß".repeat(MAX_SPAN_TEXT / 2))
    );
    let link: SpanLink = tool().traceparent().parse().unwrap();
    for number in 0..MAX_SPAN_ATTRIBUTES as u64 + 3 {
        span = span.with(&format!("a{number}"), number).linked(link);
    }
    assert_eq!(span.attributes().len(), MAX_SPAN_ATTRIBUTES);
    assert_eq!(span.dropped_attributes(), 3);
    assert_eq!(span.links().len(), MAX_SPAN_LINKS);
    let links = u32::try_from(MAX_SPAN_ATTRIBUTES + 3 - MAX_SPAN_LINKS).unwrap();
    assert_eq!(span.dropped_links(), links);
    let span = span.with("a0", SpanValue::Text(long));
    assert_eq!(
        span.attributes()[0].1,
        SpanValue::Text("ß".repeat(MAX_SPAN_TEXT / 2))
    );
    assert_eq!(span.dropped_attributes(), 3);
}

#[test]
fn numbers_of_every_size_have_a_value() {
    assert_eq!(SpanValue::from(u64::MAX), SpanValue::Int(i64::MAX));
    assert_eq!(SpanValue::from(7_u32), SpanValue::Int(7));
    assert_eq!(SpanValue::from(true), SpanValue::Bool(true));
}
