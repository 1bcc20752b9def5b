//! Futures in spans: what is current while they are polled and dropped, and how their spans end.
#![allow(missing_docs)]

mod common;

use common::World;
use std::future::Future;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::{pin, Pin};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use trunkline::{InSpanExt, Kind, RecordType, Trace};

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut TaskContext::from_waker(&Waker::from(Arc::new(Nobody))))
}

/// Ready when it is polled for the second time; each poll starts a span of what is current.
#[derive(Default)]
struct Twice(bool);

impl Future for Twice {
    type Output = i32;

    fn poll(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<i32> {
        drop(trunkline::span("inside", Kind::STEP));
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(7)
        } else {
            Poll::Pending
        }
    }
}

#[test]
fn a_future_is_in_its_span_while_it_is_polled() {
    let world = World::new();
    let trace = trunkline::trace("t");
    let _in_trace = trace.enter();
    let mut first = Box::pin(Twice::default().in_span(trunkline::span("first", Kind::AGENT)));
    let mut second = pin!(Twice::default().in_span(trunkline::span("second", Kind::AGENT)));
    assert!(poll_once(first.as_mut()).is_pending());
    assert_eq!(trunkline::current_span(), None);
    assert!(poll_once(second.as_mut()).is_pending());
    // On another thread, where nothing is current.
    let moved = std::thread::spawn(move || {
        assert_eq!(poll_once(first.as_mut()), Poll::Ready(7));
        trunkline::current_span()
    });
    assert_eq!(moved.join().unwrap(), None);
    assert_eq!(poll_once(second.as_mut()), Poll::Ready(7));
    for name in ["first", "second"] {
        let outer = world.span(name);
        let inside = world.spans().into_iter().filter(|span| span.parent_id == Some(outer.span_id));
        assert_eq!(inside.count(), 2, "{name}");
    }
}

#[test]
fn a_future_that_is_dropped_or_panics_ends_its_span() {
    let world = World::new();
    drop(Box::pin(Twice::default().in_span(trunkline::span("dropped", Kind::AGENT))));
    let mut broken = Box::pin(async { panic!("on purpose") }.in_span(trunkline::span("broken", Kind::AGENT)));
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _never: Poll<()> = poll_once(broken.as_mut());
    }));
    assert!(caught.is_err());
    drop(broken); // later, as executors do
    assert!(!world.span("dropped").failed);
    assert!(world.span("broken").failed);
}

/// Cleans up when it is dropped, with two futures: one whose span is there already.
struct Cleanup(Option<trunkline::Span>);

impl Drop for Cleanup {
    fn drop(&mut self) {
        for span in [self.0.take().unwrap(), trunkline::span("new", Kind::STEP)] {
            let mut work = pin!(async { trunkline::current_span().is_some() }.in_span(span));
            assert_eq!(poll_once(work.as_mut()), Poll::Ready(true));
        }
    }
}

#[test]
fn a_future_that_is_done_while_a_panic_goes_on_has_not_failed() {
    let world = World::new();
    let result = catch_unwind(|| {
        let _cleanup = Cleanup(Some(trunkline::span("there already", Kind::STEP)));
        panic!("on purpose");
    });
    assert!(result.is_err());
    for name in ["there already", "new"] {
        assert!(!world.span(name).failed, "{name}");
    }
    assert!(world.of_type(RecordType::TRACE_END).iter().all(|end| !end.failed));
}

/// Records when it is dropped.
struct Records(&'static str);

impl Drop for Records {
    fn drop(&mut self) {
        drop(trunkline::span(self.0, Kind::STEP));
    }
}

#[test]
fn what_a_cancelled_future_drops_records_in_its_span() {
    let world = World::new();
    for polled in [false, true] {
        let held = Records(if polled { "polled" } else { "not polled" });
        let work = async move {
            let _held = held;
            std::future::pending::<()>().await;
        };
        let mut work = Box::pin(work.in_span(trunkline::span("cancelled", Kind::AGENT)));
        assert!(!polled || poll_once(work.as_mut()).is_pending());
        drop(work);
        assert_eq!(trunkline::current_span(), None);
    }
    let cancelled: Vec<_> =
        world.spans().iter().filter(|each| each.name == "cancelled").map(|each| each.span_id).collect();
    let parents = ["not polled", "polled"].map(|name| world.span(name).parent_id.unwrap());
    assert_eq!(parents.as_slice(), cancelled);
}

#[test]
fn a_future_in_a_trace_ends_it() {
    let world = World::new();
    let mut work = Box::pin(Twice::default().in_span(Trace::builder("request").group("g").start()));
    assert!(poll_once(work.as_mut()).is_pending());
    assert_eq!(trunkline::current_trace(), None);
    assert_eq!(poll_once(work.as_mut()), Poll::Ready(7));
    assert_eq!(world.of_type(RecordType::TRACE_END).len(), 1);
    let trace_id = world.of_type(RecordType::TRACE_END)[0].trace_id;
    assert!(world.spans().iter().all(|span| span.trace_id == trace_id));

    let mut broken = Box::pin(async { panic!("on purpose") }.in_span(trunkline::trace("broken")));
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _never: Poll<()> = poll_once(broken.as_mut());
    }));
    assert!(caught.is_err());
    drop(broken);
    let ends = world.of_type(RecordType::TRACE_END);
    assert_eq!(ends.iter().map(|end| end.failed).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_task_takes_along_what_is_current_where_it_is_spawned() {
    let world = World::new();
    let trace = trunkline::trace("t");
    let agent = trace.span("agent", Kind::AGENT);
    let spawn = |work: trunkline::InSpan<Twice>| {
        let work = std::thread::spawn(move || {
            let mut work = pin!(work);
            assert!(poll_once(work.as_mut()).is_pending());
            assert_eq!(poll_once(work.as_mut()), Poll::Ready(7));
        });
        work.join().unwrap();
    };
    agent.in_scope(|| spawn(Twice::default().in_current_span()));
    spawn(Twice::default().in_span(agent.as_ref()));
    assert!(agent.try_set("goes", "on").is_ok());
    trace.in_scope(|| spawn(Twice::default().in_current_span()));
    spawn(Twice::default().in_span(trace.as_ref()));
    spawn(Twice::default().in_current_span()); // nothing
    drop((agent, trace));
    let agent = world.span("agent");
    let spans = world.spans();
    let of_trace: Vec<_> =
        spans.iter().filter(|span| span.name == "inside" && span.trace_id == agent.trace_id).collect();
    let of_agent = of_trace.iter().filter(|span| span.parent_id == Some(agent.span_id));
    assert_eq!((spans.len(), of_trace.len(), of_agent.count()), (11, 8, 4));
}
