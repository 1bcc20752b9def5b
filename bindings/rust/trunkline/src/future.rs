//! Futures in spans: the span is current while the future is polled or dropped, and nowhere else, whichever thread that is.

use crate::current::{self, Entered, Place};
use crate::{Span, SpanRef, Trace, TraceRef};
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

/// `future.in_span(span)`.
pub trait InSpanExt: Future + Sized {
    /// Polls the future with a span or trace current. A [`Span`] or [`Trace`] ends when the future is ready or dropped; what
    /// a [`SpanRef`] or [`TraceRef`] names goes on.
    fn in_span(self, span: impl Into<Scope>) -> InSpan<Self> {
        InSpan { future: ManuallyDrop::new(self), scope: span.into() }
    }

    /// Polls the future with current what is current here and now, for a task that is spawned:
    /// `tokio::spawn(work().in_current_span())`.
    fn in_current_span(self) -> InSpan<Self> {
        self.in_span(Scope(current::place().map_or(Held::Nothing, Held::Lent)))
    }
}

impl<F: Future> InSpanExt for F {}

/// What is current for a future; see [`InSpanExt::in_span`].
#[derive(Debug)]
pub struct Scope(Held);

#[derive(Debug)]
enum Held {
    Nothing,
    Span(Span),
    Trace(Trace),
    Lent(Place),
}

impl From<Span> for Scope {
    fn from(span: Span) -> Self {
        Self(Held::Span(span))
    }
}

impl From<Trace> for Scope {
    fn from(trace: Trace) -> Self {
        Self(Held::Trace(trace))
    }
}

impl From<SpanRef> for Scope {
    fn from(span: SpanRef) -> Self {
        Self(Held::Lent(span.place()))
    }
}

impl From<TraceRef> for Scope {
    fn from(trace: TraceRef) -> Self {
        Self(Held::Lent(trace.place()))
    }
}

impl Scope {
    fn enter(&self) -> Option<Entered<'_>> {
        let place = match &self.0 {
            Held::Nothing => return None,
            Held::Span(span) => span.place(),
            Held::Trace(trace) => trace.place(),
            Held::Lent(place) => *place,
        };
        Some(Entered::new(place))
    }

    fn fail(&self) {
        match &self.0 {
            Held::Span(span) => span.fail(),
            Held::Trace(trace) => trace.fail(),
            Held::Nothing | Held::Lent(_) => {}
        }
    }

    fn end_as_done(&mut self) {
        match std::mem::replace(&mut self.0, Held::Nothing) {
            Held::Span(span) => span.end_as_done(),
            Held::Trace(trace) => trace.end_as_done(),
            Held::Nothing | Held::Lent(_) => {}
        }
    }
}

/// A future that runs in a span; see [`InSpanExt::in_span`].
#[must_use = "futures do nothing unless they are polled"]
#[derive(Debug)]
pub struct InSpan<F> {
    future: ManuallyDrop<F>,
    scope: Scope,
}

/// An executor may catch a panic and drop the future later, when nothing panics any more.
struct FailedByPanic<'a> {
    scope: &'a Scope,
    polled_in_panic: bool,
}

impl Drop for FailedByPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.polled_in_panic {
            self.scope.fail();
        }
    }
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // `future` is pinned with the whole and never moved; `scope` is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let future = unsafe { Pin::new_unchecked(&mut *this.future) };
        let polled = {
            let _entered = this.scope.enter();
            let _failed = FailedByPanic { scope: &this.scope, polled_in_panic: std::thread::panicking() };
            future.poll(context)
        };
        if polled.is_ready() {
            this.scope.end_as_done();
        }
        polled
    }
}

impl<F> Drop for InSpan<F> {
    /// What a future that is given up drops may still record in its span.
    fn drop(&mut self) {
        let _entered = self.scope.enter();
        // Where it is, as it is pinned, and not again: nothing comes after this.
        unsafe { ManuallyDrop::drop(&mut self.future) };
    }
}
