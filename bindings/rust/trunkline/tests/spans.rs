//! Traces and spans: what is set on them arrives, they end when they are dropped, and misuse does nothing.
#![allow(missing_docs)]

mod common;

use common::{World, LIMIT};
use std::sync::{Arc, Barrier};
use trunkline::{sys, Context, Kind, RecordType, TimedSpan, Trace, Usage, Value};

#[test]
fn what_is_set_arrives() {
    let world = World::new();
    let trace = Trace::builder("run").group("conversation").foreign_id("other").metadata("n", 1).start();
    trace.set("stop_reason", "success").event("began", &[("at", 3.into())]);
    let call = trace.span("chat", Kind::GENERATION);
    call.set_model("gpt-4o")
        .set_input("question")
        .set_output(Value::Json("[1]"))
        .set_usage(Usage { reasoning: Some(1), ..Usage::new(14, 2) })
        .set_score("judge", 0.5)
        .set_step(3)
        .set_foreign_id("resp-1")
        .event("retry", &[("attempt", 2.into()), ("why", "busy".into())]);
    call.end().unwrap();
    trace.end().unwrap();

    let span = world.span("chat");
    assert_eq!(span.kind, Kind::GENERATION);
    for (name, text) in [
        ("model", "gpt-4o"),
        ("input", "question"),
        ("output", "[1]"),
        ("score_name", "judge"),
        ("foreign_id", "resp-1"),
    ] {
        assert_eq!(span.text(name), text, "{name}");
    }
    assert_eq!(span.usage, Usage { reasoning: Some(1), total: Some(16), ..Usage::new(14, 2) });
    assert_eq!((span.score, span.step), (Some(0.5), Some(3)));
    assert_eq!(span.events.len(), 1);
    assert_eq!((span.events[0].0.as_str(), span.events[0].1["why"].as_str()), ("retry", "Str(\"busy\")"));
    assert!(span.end_ns >= span.start_ns && span.start_ns > 0 && !span.failed && span.parent_id.is_none());

    let end = &world.of_type(RecordType::TRACE_END)[0];
    assert_eq!((end.text("group_id"), end.text("foreign_id")), ("conversation", "other"));
    assert_eq!(end.attributes["n"], "I64(1)");
    assert_eq!(end.attributes["stop_reason"], "Str(\"success\")");
    assert_eq!(world.of_type(RecordType::EVENT)[0].name, "began");
}

#[test]
fn input_and_output_that_are_no_text_are_json() {
    let world = World::new();
    let trace = trunkline::trace("t");
    let strings = ["x".to_string()];
    for (name, value, text) in [
        ("texts", Value::from(&["a\"\n", "ü"]), "[\"a\\\"\\u000a\",\"ü\"]"),
        ("strings", strings.as_slice().into(), "[\"x\"]"),
        ("doubles", (&[0.5, f64::NAN, f64::INFINITY, -2.0]).into(), "[0.5,null,null,-2]"),
        ("ints", (&[1i64, -2]).into(), "[1, -2]"),
        ("bools", (&[true, false]).into(), "[true, false]"),
        ("bytes", (b"caf\xc3\xa9 \xff".as_slice()).into(), "café \u{fffd}"),
    ] {
        trace.span(name, Kind::STEP).set_input(value.clone()).set_output(value);
        let span = world.span(name);
        assert_eq!((span.text("input"), span.text("output")), (text, text), "{name}");
    }
}

#[test]
fn values_of_every_type() {
    let world = World::new();
    let trace = trunkline::trace("t");
    let span = trace.span("s", Kind::CUSTOM);
    let owned = vec!["x".to_string()];
    span.set("null", Value::Null)
        .set("bool", true)
        .set("i64", i64::MIN)
        .set("small", 7u8)
        .set("large", u64::MAX)
        .set("f64", 0.1)
        .set("f32", 0.5f32)
        .set("str", "grüße\0")
        .set("string", &String::from("owned"))
        .set("bytes", &[0u8, 255])
        .set_json("json", "{\"a\":1}")
        .set("bools", &[true, false])
        .set("ints", &[1i64, -2])
        .set("doubles", &[0.5, -0.0])
        .set("texts", &["a", ""])
        .set("strings", owned.as_slice())
        .set_all(&[("many", 1.into()), ("bool", false.into())]);
    drop(span);
    drop(trace);
    let span = world.span("s");
    for (key, value) in [
        ("null", "Null"),
        ("bool", "Bool(false)"),
        ("i64", "I64(-9223372036854775808)"),
        ("small", "I64(7)"),
        ("large", "F64(1.8446744073709552e19)"),
        ("f64", "F64(0.1)"),
        ("f32", "F64(0.5)"),
        ("str", "Str(\"grüße\\0\")"),
        ("string", "Str(\"owned\")"),
        ("bytes", "Bytes([0, 255])"),
        ("json", "Json(\"{\\\"a\\\":1}\")"),
        ("bools", "BoolArray([true, false])"),
        ("ints", "I64Array([1, -2])"),
        ("doubles", "F64Array([0.5, -0.0])"),
        ("texts", "StrArray([\"a\", \"\"])"),
        ("strings", "StrArray([\"x\"])"),
        ("many", "I64(1)"),
    ] {
        assert_eq!(span.attributes[key], value, "{key}");
    }
    assert_eq!(span.attributes.len(), 17);
}

#[test]
fn what_holds_values_of_these_types() {
    let world = World::new();
    let (numbers, texts) = (vec![1i64, 2], vec!["a".to_string()]);
    let span = trunkline::span("s", Kind::CUSTOM);
    span.set("numbers", &numbers).set("texts", &texts).set("bytes", &vec![7u8]).set("strings", &["x".to_string()]);
    span.set("some", Some(&texts[0])).set("none", None::<i64>).set("cow", &String::from_utf8_lossy(b"c"));
    ["each"].iter().for_each(|text| drop(span.try_set("each", text)));
    drop(span);
    let span = world.span("s");
    for (key, value) in [
        ("numbers", "I64Array([1, 2])"),
        ("texts", "StrArray([\"a\"])"),
        ("bytes", "Bytes([7])"),
        ("strings", "StrArray([\"x\"])"),
        ("some", "Str(\"a\")"),
        ("none", "Null"),
        ("cow", "Str(\"c\")"),
        ("each", "Str(\"each\")"),
    ] {
        assert_eq!(span.attributes[key], value, "{key}");
    }
}

#[test]
fn attributes_in_the_same_call() {
    let world = World::new();
    let trace = trunkline::trace("t");
    trace.set("texts", &["a", "b"]).set("strings", ["c".to_string()].as_slice());
    let outer = trace.span_with("outer", Kind::STEP, &[("a", 1.into())]);
    let inner = outer.child_with("inner", Kind::STEP, &[("b", 2.into())]);
    inner.end_with(&[("c", (&["x", "y"]).into())]).unwrap();
    drop(outer);
    drop(trace);
    assert_eq!(world.span("outer").attributes["a"], "I64(1)");
    let inner = world.span("inner");
    assert_eq!(inner.attributes["b"], "I64(2)");
    assert_eq!(inner.attributes["c"], "StrArray([\"x\", \"y\"])");
    let end = &world.of_type(RecordType::TRACE_END)[0];
    assert_eq!(end.attributes["texts"], "StrArray([\"a\", \"b\"])");
    assert_eq!(end.attributes["strings"], "StrArray([\"c\"])");
}

#[test]
fn what_is_entered_is_the_parent() {
    let world = World::new();
    let trace = trunkline::trace("t");
    {
        let _in_trace = trace.enter();
        let outer = trunkline::span("outer", Kind::AGENT);
        outer.in_scope(|| {
            drop(trunkline::span("inner", Kind::TOOL));
            assert_eq!(trunkline::current_span(), Some(outer.as_ref()));
        });
        drop(trunkline::span("sibling", Kind::TOOL));
        assert_eq!(trunkline::current_span(), None);
        assert_eq!(trunkline::current_trace(), Some(trace.as_ref()));
    }
    assert_eq!(trunkline::current_trace(), None);
    drop(trace);
    let outer = world.span("outer");
    assert_eq!(world.span("inner").parent_id, Some(outer.span_id));
    assert_eq!(world.span("sibling").parent_id, None);
    assert_eq!(world.span("sibling").trace_id, outer.trace_id);
}

#[test]
fn guards_may_be_dropped_in_any_order() {
    let world = World::new();
    let trace = trunkline::trace("t");
    let (a, b) = (trace.span("a", Kind::STEP), trace.span("b", Kind::STEP));
    let (in_a, in_b) = (a.enter(), b.enter());
    drop(in_a);
    assert_eq!(trunkline::current_span(), Some(b.as_ref()));
    drop(in_b);
    assert_eq!(trunkline::current_span(), None);
    drop((a, b, trace));
    assert_eq!(world.spans().len(), 2);
}

#[test]
fn a_span_outside_of_every_trace_brings_its_own() {
    let world = World::new();
    drop(trunkline::span("alone", Kind::TOOL));
    let late = {
        let ended = trunkline::trace("ended");
        let reference = ended.as_ref();
        drop(ended);
        let _entered = reference.enter();
        trunkline::span("late", Kind::TOOL)
    };
    drop(late);
    let starts = world.of_type(RecordType::TRACE_END);
    assert_eq!(starts.iter().map(|each| each.name.as_str()).collect::<Vec<_>>(), ["alone", "ended", "late"]);
    assert_eq!(world.span("late").trace_id, starts[2].trace_id);
}

#[test]
fn below_what_is_not_recorded_nothing_is() {
    let world = World::with(|builder| builder.sample_ratio(0.0));
    let trace = trunkline::trace("t");
    assert!(!trace.is_recording());
    let entered = trace.enter();
    let span = trunkline::span("s", Kind::STEP);
    assert!(!span.is_recording() && span.ids().is_none() && span.traceparent().is_none());
    drop((entered, span));
    drop(trace);
    assert!(world.records().is_empty());
}

#[test]
fn what_is_older_than_the_session_does_not_hide_what_is_below() {
    let (before, came) = {
        let _alone = common::alone();
        let context = Context::extract("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00").unwrap();
        (trunkline::span("before", Kind::AGENT), Trace::builder("came").parent(context).start())
    };
    for round in 0..2 {
        let world = World::new();
        before
            .in_scope(|| trunkline::span("outer", Kind::AGENT).in_scope(|| drop(trunkline::span("inner", Kind::STEP))));
        came.in_scope(|| assert!(!trunkline::span("not sampled", Kind::STEP).is_recording()));
        assert_eq!(world.spans().len(), 2, "{round}");
        assert_eq!(world.span("inner").parent_id, Some(world.span("outer").span_id));
    }
}

#[test]
fn a_trace_is_recorded_whole_or_not_at_all() {
    const TRACES: usize = 64;
    let world = World::with(|builder| builder.sample_ratio(0.5));
    for _ in 0..TRACES {
        let root = trunkline::span("root", Kind::AGENT);
        root.in_scope(|| drop(trunkline::span("child", Kind::STEP)));
        drop(root.child("child", Kind::STEP));
    }
    let ends = world.of_type(RecordType::TRACE_END);
    assert!(!ends.is_empty() && ends.len() < TRACES, "{}", ends.len());
    assert!(ends.iter().all(|end| end.name == "root"));
    assert_eq!(world.spans().len(), 3 * ends.len());
}

#[test]
fn what_is_not_sampled_elsewhere_is_not_sampled_further_on() {
    let world = World::new();
    let came = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let trace = Trace::builder("t").parent(Context::extract(came).unwrap()).start();
    assert!(!trace.is_recording());
    assert_eq!(trace.traceparent().as_deref(), Some(came));
    let span = trace.span("s", Kind::STEP);
    assert_eq!(span.child("child", Kind::STEP).traceparent().as_deref(), Some(came));
    trace.in_scope(|| {
        assert_eq!(trunkline::current_traceparent().as_deref(), Some(came));
        trunkline::span("inside", Kind::STEP).in_scope(|| {
            assert_eq!(trunkline::current_traceparent().as_deref(), Some(came));
        });
        assert!(trunkline::current_trace().is_none() && trunkline::current_span().is_none());
    });
    assert_eq!(trunkline::current_traceparent(), None);
    drop((span, trace));
    assert!(world.records().is_empty());
    let trace = Trace::builder("t").parent(Context::extract(&came.replace("-00", "-01")).unwrap()).start();
    let span = trace.span("s", Kind::STEP);
    let (in_trace, in_span) =
        (trace.in_scope(trunkline::current_traceparent), span.in_scope(trunkline::current_traceparent));
    assert!(in_trace == trace.traceparent() && in_span == span.traceparent() && in_span.is_some());
    assert!(in_trace != in_span && !in_span.unwrap().contains("b7ad6b7169203331"));
}

#[test]
fn a_panic_marks_what_it_leaves_as_failed() {
    let world = World::new();
    let result = std::panic::catch_unwind(|| {
        let trace = trunkline::trace("t");
        let _in_trace = trace.enter();
        let span = trunkline::span("left", Kind::STEP);
        let _entered = span.enter();
        drop(trunkline::span("finished before", Kind::STEP));
        panic!("on purpose");
    });
    assert!(result.is_err());
    assert_eq!(trunkline::current_trace(), None);
    let span = world.span("left");
    assert!(span.failed);
    assert_eq!(span.text("error_type"), "panic");
    assert!(!world.span("finished before").failed);
    assert!(world.of_type(RecordType::TRACE_END)[0].failed);
    let result = std::panic::catch_unwind(|| {
        let _with_a_trace_of_its_own = trunkline::span("root", Kind::STEP);
        panic!("on purpose");
    });
    assert!(result.is_err() && world.span("root").failed);
    let end = &world.of_type(RecordType::TRACE_END)[1];
    assert_eq!((end.name.as_str(), end.failed), ("root", true));
}

#[test]
fn an_error_brings_what_caused_it() {
    let world = World::new();
    let span = trunkline::span("s", Kind::TOOL);
    let error = std::io::Error::other("x".parse::<i32>().unwrap_err());
    span.record_error(&error);
    drop(span);
    let boxed: Box<dyn std::error::Error> = "just words".into();
    trunkline::span("boxed", Kind::TOOL).record_error(&*boxed);
    let span = world.span("s");
    assert_eq!(span.text("error_type"), "std::io::error::Error");
    assert_eq!(span.text("error_message"), "invalid digit found in string");
    assert_eq!(world.span("boxed").text("error_message"), "just words");
}

#[test]
fn use_after_the_end_does_nothing_and_is_counted() {
    let world = World::new();
    let trace = trunkline::trace("t");
    let span = trace.span("s", Kind::STEP);
    let (kept, kept_trace) = (span.as_ref(), trace.as_ref());
    span.end().unwrap();
    kept.set("late", 1).set_model("m").event("e", &[]).set_error("e", "m");
    assert_eq!(kept.try_set("late", 1).unwrap_err().code(), sys::TR_ESTALE);
    assert!(kept.ids().is_none() && kept.traceparent().is_none());
    let child = kept.child("child of an ended one", Kind::STEP);
    drop(child);
    trace.end().unwrap();
    assert_eq!(kept_trace.try_set("late", 1).unwrap_err().code(), sys::TR_ESTALE);
    assert!(!kept_trace.span("after", Kind::STEP).is_recording());
    assert!(world.span("s").attributes.is_empty());
    assert!(trunkline::stats().stale_handles >= 7);
}

#[test]
fn spans_may_outlive_the_session() {
    let mut world = World::new();
    let trace = trunkline::trace("t");
    let span = trace.span("s", Kind::STEP);
    let entered = span.enter();
    world.session().shutdown(LIMIT).unwrap();
    span.set("late", 1).set_all(&[("k", 1.into())]);
    assert_eq!(span.try_set("late", 1).unwrap_err().code(), sys::TR_ESTALE);
    assert!(!trunkline::span("after the end", Kind::STEP).is_recording());
    assert!(!trunkline::trace("after the end").is_recording());
    assert_eq!(trunkline::flush(LIMIT).unwrap_err().code(), sys::TR_ESTATE);
    trunkline::shutdown(LIMIT).unwrap();
    drop(entered);
    assert!(span.end().is_err() && trace.end().is_err());
    let seen = world.kept.lock().unwrap().clone();
    assert!(seen.iter().any(|record| record.name == "s" && record.incomplete), "{seen:?}");
}

#[test]
fn a_second_start_is_refused_and_a_next_one_is_not() {
    let mut world = World::new();
    let error = trunkline::Builder::new().init().unwrap_err();
    assert_eq!(error.code(), sys::TR_ESTATE);
    world.session().shutdown(LIMIT).unwrap();
    let next = trunkline::Builder::new().directory(&world.folder).processors("none").init().unwrap();
    drop(trunkline::span("again", Kind::STEP));
    assert_eq!(trunkline::stats().spans_ended, 1);
    next.shutdown(LIMIT).unwrap();
}

#[test]
fn a_configuration_that_cannot_be_is_refused_in_words() {
    let _alone = common::alone();
    let error = trunkline::Builder::new().sample_ratio(-3.0).processors("none").init().unwrap_err();
    assert_eq!(error.code(), sys::TR_EINVAL);
    assert!(error.to_string().contains("sample_ratio"), "{error}");
    assert!(trunkline::Builder::new().service_name("a\0b").init().is_err());
}

#[test]
fn one_span_on_many_threads() {
    let world = World::new();
    let trace = trunkline::trace("t");
    let span = trace.span("shared", Kind::STEP);
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (span, barrier) = (&span, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for i in 0..50 {
                    span.set(&format!("{thread}.{i}"), i);
                }
                span.in_scope(|| drop(trunkline::span("child", Kind::STEP)));
            });
        }
    });
    assert_eq!(trunkline::current_span(), None);
    drop(span);
    drop(trace);
    let shared = world.span("shared");
    assert_eq!(shared.attributes.len(), 200);
    let children = world.spans().into_iter().filter(|span| span.parent_id == Some(shared.span_id));
    assert_eq!(children.count(), 4);
}

#[test]
fn a_trace_goes_on_in_another_process() {
    let world = World::new();
    let trace = trunkline::trace("t");
    let span = trace.span("s", Kind::STEP);
    let text = span.traceparent().unwrap();
    let context = Context::extract(&text).unwrap();
    let (trace_id, span_id) = span.ids().unwrap();
    assert_eq!((context.trace_id(), context.span_id(), context.is_sampled()), (trace_id, span_id, true));
    assert_eq!(trace.id(), Some(trace_id));
    let remote = Trace::builder("remote").parent(context).start();
    drop(remote.span("below", Kind::STEP));
    drop(remote);
    drop(span);
    drop(trace);
    assert_eq!(world.span("below").trace_id, trace_id);
    assert_eq!(world.span("below").parent_id, Some(span_id));
    assert_eq!(Context::extract("00-nothing").unwrap_err().code(), sys::TR_EINVAL);
}

#[test]
fn spans_that_were_timed_elsewhere() {
    let world = World::new();
    let trace = trunkline::trace("t");
    let parent = trace.span("parent", Kind::STEP);
    let timed = TimedSpan::new("timed", Kind::TOOL, 1_000, 3_000)
        .parent(parent.as_ref())
        .foreign_id("f")
        .error("timeout", "too late")
        .attribute("n", 1)
        .span_id([9; 8]);
    trace.record(&timed).unwrap();
    drop(parent);
    let gone = trace.as_ref();
    trace.end().unwrap();
    assert_eq!(gone.record(&timed).unwrap_err().code(), sys::TR_ESTALE);
    let span = world.span("timed");
    assert_eq!((span.start_ns, span.end_ns, span.span_id), (1_000, 3_000, [9; 8]));
    assert_eq!((span.text("error_type"), span.attributes["n"].as_str()), ("timeout", "I64(1)"));
    assert_eq!(span.parent_id, Some(world.span("parent").span_id));
}

#[test]
fn content_redaction_and_messages() {
    let said = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = said.clone();
    let world = World::with(move |builder| {
        builder
            .redact(|key, value| key == "whole" || value.contains("hide me"))
            .redact_keys("my_secret")
            .log_level(trunkline::Level::Debug)
            .log(move |level, message| kept.lock().unwrap().push((level, message.to_string())))
    });
    let trace = trunkline::trace("t");
    let span = trace.span("s", Kind::STEP);
    span.set("whole", "x").set("part", "please hide me").set("my_secret", "s3cret").set("seen", "x");
    drop((span, trace));
    let span = world.span("s");
    for key in ["whole", "part", "my_secret"] {
        assert_eq!(span.attributes[key], "Str(\"__redacted__\")", "{key}");
    }
    assert_eq!(span.attributes["seen"], "Str(\"x\")");
    drop(world);
    assert!(said.lock().unwrap().iter().all(|(_, message)| !message.contains("s3cret")));
}
