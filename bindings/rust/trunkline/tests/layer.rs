//! What `tracing` is told becomes spans.
#![cfg(feature = "tracing")]
#![allow(missing_docs)]

mod common;

use common::World;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::{error, info, info_span, instrument, warn};
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

fn parse_error() -> std::num::ParseIntError {
    "x".parse::<i64>().unwrap_err()
}

#[test]
fn no_field_of_an_event_is_lost() {
    let world = World::new();
    let error = parse_error();
    traced(|| {
        info_span!("calm").in_scope(|| {
            info!(otel.name = "named", otel.kind = "tool", input = "in", output = 7, "words");
            warn!(cause = &error as &dyn Error, otel.status_code = "ERROR", otel.status_message = "why", "retried");
        });
        info_span!("broken").in_scope(|| error!(error = &error as &dyn Error, otel.name = "named", "words"));
        info_span!("in words").in_scope(|| error!(otel.name = "named", "words"));
    });
    let calm = world.span("calm");
    let attributes = |event: &(String, std::collections::BTreeMap<String, String>)| {
        let own = event.1.iter().filter(|(key, _)| !["level", "target"].contains(&key.as_str()));
        (event.0.clone(), own.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" "))
    };
    let both: Vec<_> = calm.events.iter().map(attributes).collect();
    let all = r#"input=Str("in") message=Str("words") otel.kind=Str("tool") output=I64(7)"#;
    assert_eq!(both[0], ("named".into(), all.into()));
    let message = "invalid digit found in string";
    let all = format!(
        "cause=Str({message:?}) cause.type=Str(\"ParseIntError\") otel.status_code=Str(\"ERROR\") \
         otel.status_message=Str(\"why\")"
    );
    assert_eq!(both[1], ("retried".into(), all));
    assert!(!calm.failed, "only an event of level ERROR does that");
    let broken = world.span("broken");
    assert_eq!((broken.text("error_type"), broken.text("error_message")), ("ParseIntError", message));
    assert_eq!(broken.events[0].1["error"], format!("Str({message:?})"));
    assert_eq!(broken.events[0].1["error.type"], "Str(\"ParseIntError\")");
    assert_eq!(world.span("in words").text("error_message"), "words");
}

#[test]
fn what_has_no_meaning_of_a_span_is_an_attribute() {
    let world = World::new();
    let error = parse_error();
    traced(|| {
        let span = info_span!(
            "span",
            otel.name = tracing::field::Empty,
            otel.kind = tracing::field::Empty,
            otel.status_code = "OK"
        );
        span.record("otel.name", "late");
        span.record("otel.kind", "tool");
        let (first, last) = (&std::fmt::Error as &dyn Error, &error as &dyn Error);
        info_span!("two errors", first = first, last = last, otel.status_message = "words");
    });
    let span = world.span("span");
    assert_eq!((span.kind, span.failed), (Kind::CUSTOM, false));
    for (key, value) in [("otel.name", "late"), ("otel.kind", "tool"), ("otel.status_code", "OK")] {
        assert_eq!(span.attributes[key], format!("Str({value:?})"), "{key}");
    }
    let two = world.span("two errors");
    assert_eq!((two.text("error_type"), two.attributes.len()), ("ParseIntError", 2));
    assert_eq!(two.attributes["first"], format!("Str({:?})", std::fmt::Error.to_string()));
    assert_eq!(two.attributes["otel.status_message"], "Str(\"words\")");
}

#[test]
fn two_layers_record_a_span_once() {
    let world = World::new();
    let subscriber = tracing_subscriber::registry().with(trunkline::Layer::new()).with(trunkline::Layer::new());
    tracing::subscriber::with_default(subscriber, || {
        info_span!("outer").in_scope(|| drop(info_span!("inner", late = 1)));
    });
    assert_eq!(world.spans().len(), 2);
    assert_eq!(world.span("inner").parent_id, Some(world.span("outer").span_id));
    assert_eq!(trunkline::current_span(), None);
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
fn spans_of_both_kinds_nest_in_each_other() {
    let world = World::new();
    traced(|| {
        let _outer = info_span!("outer").entered();
        let by_hand = trunkline::span("by hand", Kind::TOOL);
        by_hand.in_scope(|| {
            info!("in it");
            info!(parent: None, "nowhere");
            info_span!("inner").in_scope(|| drop(trunkline::span("innermost", Kind::TOOL)));
            drop(info_span!(parent: None, "apart"));
        });
    });
    let (outer, by_hand, inner) = (world.span("outer"), world.span("by hand"), world.span("inner"));
    let parents = [by_hand.parent_id, inner.parent_id, world.span("innermost").parent_id];
    assert_eq!(parents, [Some(outer.span_id), Some(by_hand.span_id), Some(inner.span_id)]);
    assert_ne!(world.span("apart").trace_id, outer.trace_id);
    let events: Vec<_> = by_hand.events.iter().map(|event| event.0.as_str()).collect();
    assert_eq!((events, outer.events.len()), (vec!["in it"], 0));
}

#[instrument(err)]
fn parse(text: &str) -> Result<i64, std::num::ParseIntError> {
    text.parse()
}

#[test]
fn an_error_in_words_is_what_the_span_failed_with() {
    let world = World::new();
    traced(|| {
        parse("x").unwrap_err();
        info_span!("request").in_scope(|| error!(error = %parse_error(), "it failed"));
    });
    for name in ["parse", "request"] {
        let span = world.span(name);
        assert_eq!((span.failed, span.text("error_message")), (true, "invalid digit found in string"), "{name}");
    }
}

#[test]
fn records_of_the_crate_log_keep_their_target() {
    let world = World::new();
    traced(|| {
        info_span!("s").in_scope(|| error!(target: "log", { log.target = "hyper", log.line = 7 }, "refused"));
    });
    let span = world.span("s");
    assert_eq!((span.text("error_type"), span.text("error_message")), ("hyper", "refused"));
    let attributes: Vec<_> = span.events[0].1.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(attributes, ["level=Str(\"error\")", "log.line=I64(7)", "target=Str(\"hyper\")"]);
}

#[test]
fn what_happens_in_no_span_happens_in_the_trace() {
    let world = World::new();
    traced(|| {
        info!("nowhere");
        let _span = info_span!("outer").entered();
        trunkline::trace("t").in_scope(|| error!("in the trace"));
    });
    let events = world.of_type(RecordType::EVENT);
    assert_eq!(events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["in the trace"]);
    let ends = world.of_type(RecordType::TRACE_END);
    assert_eq!(ends[0].text("error_message"), "in the trace");
    assert_eq!((ends[0].trace_id, world.span("outer").events.len()), (events[0].trace_id, 0));
}

#[test]
fn a_panic_that_is_caught_outside_of_a_span_marks_it_as_failed() {
    let world = World::new();
    traced(|| {
        let (task, calm) = (info_span!("task"), info_span!("calm"));
        let poll = || task.in_scope(|| panic!("on purpose"));
        calm.in_scope(|| std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).unwrap_err());
    });
    assert_eq!((world.span("task").text("error_type"), world.span("calm").failed), ("panic", false));
}

#[test]
fn what_the_library_calls_may_use_tracing() {
    static REFUSED: AtomicBool = AtomicBool::new(false);
    fn said(level: trunkline::Level, text: &str) {
        let _span = info_span!("said").entered();
        warn!("{level:?} {text}");
        REFUSED.fetch_or(text.contains("no such file"), Ordering::SeqCst);
    }
    let subscriber = tracing_subscriber::registry().with(trunkline::Layer::new());
    // For the threads of the library, too; no other test of this program looks at what has no subscriber of its own.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let _before = info_span!("before").entered();
    let world = World::with(|builder| {
        let redact = |key: &str, value: &str| {
            said(trunkline::Level::Info, key);
            value == "hidden"
        };
        builder.log_level(trunkline::Level::Debug).log(said).redact(redact)
    });
    info_span!("s", key = "hidden").in_scope(|| info!("event"));
    // Why a file is refused is said on this thread, which records.
    let run = trunkline::Run::builder("run").start();
    assert!(run.log_artifact("file", "/nowhere/no such file").is_err());
    assert!(REFUSED.load(Ordering::SeqCst));
    let spans = world.spans();
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["s"]);
    assert_eq!(spans[0].attributes["key"], "Str(\"__redacted__\")");
    assert_eq!(trunkline::stats().spans_started, 1);
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
