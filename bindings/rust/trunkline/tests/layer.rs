//! What `tracing` is told becomes spans.
#![cfg(feature = "tracing")]
#![allow(missing_docs)]

mod common;

use common::World;
use tracing::{error, info, info_span, instrument};
use tracing_subscriber::layer::SubscriberExt;
use trunkline::{Kind, RecordType};

fn traced<T>(work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing_subscriber::registry().with(trunkline::Layer::new()), work)
}

#[instrument(fields(otel.kind = "tool", input = %text))]
fn tool(text: &str, number: i64) -> Result<(), std::num::ParseIntError> {
    info!(number, "called");
    drop(trunkline::span("by hand", Kind::STEP));
    text.parse::<i64>().map(|_| ()).inspect_err(|error| error!(error = error as &dyn std::error::Error, "it failed"))
}

#[test]
fn functions_fields_events_and_errors() {
    let world = World::new();
    traced(|| {
        let outer = info_span!(
            "outer",
            otel.name = "answer",
            otel.kind = "agent",
            late = tracing::field::Empty,
            ratio = 0.5,
            ok = true
        );
        let _in_outer = outer.enter();
        outer.record("late", 7u64);
        tool("12", 3).unwrap();
        tool("x", 4).unwrap_err();
        let follower = info_span!("follower", otel.status_code = "ERROR", otel.status_message = "because");
        follower.follows_from(&outer);
    });
    let outer = world.span("answer");
    assert_eq!((outer.kind, outer.parent_id), (Kind::AGENT, None));
    assert_eq!((outer.attributes["late"].as_str(), outer.attributes["ratio"].as_str()), ("I64(7)", "F64(0.5)"));
    assert_eq!(outer.attributes["ok"], "Bool(true)");
    let spans = world.spans();
    let tools: Vec<_> = spans.iter().filter(|span| span.name == "tool").collect();
    assert_eq!(tools.len(), 2);
    for span in &tools {
        assert_eq!((span.kind, span.parent_id), (Kind::TOOL, Some(outer.span_id)));
        assert_eq!(span.events[0].0, "called");
        assert_eq!(span.events[0].1["level"], "Str(\"info\")");
    }
    assert_eq!(
        (tools[0].text("input"), tools[0].attributes["number"].as_str(), tools[0].failed),
        ("12", "I64(3)", false)
    );
    assert_eq!(tools[0].events[0].1["number"], "I64(3)");
    assert!(tools[1].failed);
    assert_eq!(
        (tools[1].text("error_type"), tools[1].text("error_message")),
        ("ParseIntError", "invalid digit found in string")
    );
    let by_hand: Vec<_> = spans.iter().filter(|span| span.name == "by hand").map(|span| span.parent_id).collect();
    assert_eq!(by_hand, [Some(tools[0].span_id), Some(tools[1].span_id)]);
    let follower = world.span("follower");
    assert_eq!((follower.text("error_message"), follower.events[0].0.as_str()), ("because", "follows_from"));
    assert_eq!(follower.events[0].1["span_id"], format!("Str(\"{}\")", hex(&outer.span_id)));
    assert_eq!(world.of_type(RecordType::TRACE_END).len(), 1, "one trace around all of it");
    assert!(spans.iter().all(|span| !span.incomplete));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn below_a_span_made_by_hand_and_across_threads() {
    let world = World::new();
    let trace = trunkline::trace("t");
    trace.in_scope(|| {
        traced(|| {
            let outer = info_span!("outer");
            let subscriber = tracing::dispatcher::get_default(Clone::clone);
            std::thread::scope(|scope| {
                let outer = &outer;
                scope.spawn(move || {
                    tracing::dispatcher::with_default(&subscriber, || {
                        outer.in_scope(|| drop(info_span!("on a thread")));
                    });
                });
            });
            info!("outside of every span");
        });
    });
    drop(trace);
    let outer = world.span("outer");
    assert_eq!(outer.trace_id, world.of_type(RecordType::TRACE_END)[0].trace_id);
    assert_eq!(world.span("on a thread").parent_id, Some(outer.span_id));
    assert_eq!(trunkline::current_span(), None);
}

#[test]
fn without_a_session_nothing_happens() {
    let _alone = common::alone();
    traced(|| {
        let span = info_span!("s", field = 1);
        span.in_scope(|| info!("event"));
    });
    assert!(trunkline::current_trace().is_none());
}
