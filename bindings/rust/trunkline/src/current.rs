//! What is current on a thread: the span or trace that was entered last and not left yet. A new span is its child.

use crate::propagation::PassedOn;
use crate::{Kind, Span, SpanRef, TraceRef};
use std::cell::RefCell;
use std::marker::PhantomData;
use trunkline_sys as sys;

/// A span of a trace; span 0 is the trace itself, trace 0 a trace that is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) trace: TraceRef,
    pub(crate) span: sys::tr_span,
}

thread_local! {
    static ENTERED: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
}

// While a thread ends its storage may be gone: then nothing is current.
#[inline]
fn with_entered<T>(use_it: impl FnOnce(&mut Vec<Place>) -> T) -> Option<T> {
    ENTERED.try_with(|entered| entered.try_borrow_mut().ok().map(|mut places| use_it(&mut places))).ok().flatten()
}

#[inline]
pub(crate) fn place() -> Option<Place> {
    with_entered(|places| places.last().copied()).flatten()
}

pub(crate) fn push(place: Place) {
    with_entered(|places| places.push(place));
}

/// Guards may be dropped in any order: only this one's place goes.
pub(crate) fn pop(place: Place) {
    with_entered(|places| {
        if let Some(at) = places.iter().rposition(|each| *each == place) {
            places.remove(at);
        }
    });
}

/// Makes a span or trace current on this thread until it is dropped. It belongs to its thread.
#[must_use = "what was entered is current only as long as this guard lives"]
#[derive(Debug)]
pub struct Entered<'a> {
    place: Place,
    of_this_thread: PhantomData<(*const (), &'a ())>,
}

impl Entered<'_> {
    pub(crate) fn new(place: Place) -> Self {
        push(place);
        Self { place, of_this_thread: PhantomData }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        pop(self.place);
    }
}

/// Runs what the library calls and must not be called from: what it starts, by `tracing` too, is not recorded.
pub(crate) fn unrecorded<T>(work: impl FnOnce() -> T) -> T {
    let trace = TraceRef { trace: 0, passed_on: PassedOn::unrecorded(None) };
    let _entered = Entered::new(trace.place());
    work()
}

/// Starts a span: a child of what is current on this thread, else in a trace of its own, which ends with it.
#[inline]
pub fn span(name: &str, kind: Kind) -> Span {
    match place() {
        None => Span::with_own_trace(name, kind),
        Some(place) => {
            let span = Span::start(place.trace, place.span, name, kind);
            if span.is_recording() || is_still_meant(place.trace) {
                span
            } else {
                Span::with_own_trace(name, kind)
            }
        }
    }
}

/// What is current may have outlived its trace, belong to the parent of this process, or be older than the session.
fn is_still_meant(trace: TraceRef) -> bool {
    if !trace.is_recording() {
        return trace.passed_on.is_for_all_below();
    }
    let mut id = [0u8; 16];
    unsafe { sys::tr_trace_get_id(trace.handle(), id.as_mut_ptr()) != sys::TR_ESTALE }
}

/// The span that is current on this thread.
pub fn current_span() -> Option<SpanRef> {
    place().filter(|place| place.span != 0).map(|place| SpanRef { trace: place.trace, span: place.span })
}

/// The trace that is current on this thread.
pub fn current_trace() -> Option<TraceRef> {
    place().map(|place| place.trace).filter(TraceRef::is_recording)
}

/// The `traceparent` of what is current on this thread: of its span, else of its trace, as [`SpanRef::traceparent`] says.
pub fn current_traceparent() -> Option<String> {
    let place = place()?;
    if place.span == 0 {
        place.trace.traceparent()
    } else {
        SpanRef { trace: place.trace, span: place.span }.traceparent()
    }
}
