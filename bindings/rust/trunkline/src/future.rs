//! Futures in spans: the span is current while the future is polled, and nowhere else, whichever thread polls it.

use crate::Span;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// `future.in_span(span)`.
pub trait InSpanExt: Future + Sized {
    /// Polls the future with `span` current, and ends it when the future is ready or dropped.
    fn in_span(self, span: Span) -> InSpan<Self> {
        InSpan { future: self, span: Some(span) }
    }
}

impl<F: Future> InSpanExt for F {}

/// A future that runs in a span; see [`InSpanExt::in_span`].
#[must_use = "futures do nothing unless they are polled"]
#[derive(Debug)]
pub struct InSpan<F> {
    // Before the span: what the future drops may still record in it.
    future: F,
    span: Option<Span>,
}

/// An executor may catch a panic and drop the future later, when nothing panics any more.
struct FailedByPanic<'a> {
    span: &'a Span,
    polled_in_panic: bool,
}

impl Drop for FailedByPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.polled_in_panic {
            self.span.fail();
        }
    }
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // `future` is pinned with the whole and never moved; `span` is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let future = unsafe { Pin::new_unchecked(&mut this.future) };
        let Some(span) = &this.span else {
            return future.poll(context);
        };
        let polled = {
            let _entered = span.enter();
            let _failed = FailedByPanic { span, polled_in_panic: std::thread::panicking() };
            future.poll(context)
        };
        if polled.is_ready() {
            if let Some(span) = this.span.take() {
                span.end_as_done();
            }
        }
        polled
    }
}
