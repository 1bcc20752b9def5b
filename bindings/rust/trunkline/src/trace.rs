//! Traces: one run of an agent, a tree of spans with metadata.

use crate::current::{Entered, Place};
use crate::error::{check, words_of};
use crate::propagation::{inject, Context, PassedOn};
use crate::span::{PANIC, PANICKED};
use crate::value::{lent, lent_attributes};
use crate::{Kind, Result, Span, TimedSpan, Value};
use std::ops::Deref;
use std::ptr;
use trunkline_sys as sys;

/// Starts a trace of this name. [`Trace::builder`] takes more.
pub fn trace(name: &str) -> Trace {
    Trace::builder(name).start()
}

/// A trace by its handle. It may outlive the trace; then calls do nothing and are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceRef {
    pub(crate) trace: sys::tr_trace,
    /// Of a trace that is not recorded: who is called from here is told of the context as it came.
    pub(crate) passed_on: PassedOn,
}

impl TraceRef {
    /// The library's handle; 0 when nothing is recorded.
    pub fn handle(&self) -> sys::tr_trace {
        self.trace
    }

    /// Whether the trace was accepted: it may be sampled out, or nothing is started.
    pub fn is_recording(&self) -> bool {
        self.trace != 0
    }

    /// Starts a span directly below the trace.
    #[inline]
    pub fn span(&self, name: &str, kind: Kind) -> Span {
        Span::start(*self, 0, name, kind)
    }

    /// As [`TraceRef::span`], with attributes from the start: processors that want starts see them.
    pub fn span_with(&self, name: &str, kind: Kind, attributes: &[(&str, Value<'_>)]) -> Span {
        Span::start_with(*self, 0, name, kind, attributes)
    }

    /// Makes the trace current on this thread as long as the result lives.
    pub fn enter(&self) -> Entered<'_> {
        Entered::new(self.place())
    }

    /// Runs `work` with the trace current.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        work()
    }

    /// Sets one item of metadata; the last value of a key wins.
    pub fn set<'v>(&self, key: &str, value: impl Into<Value<'v>>) -> &Self {
        let _counted = self.try_set(key, value);
        self
    }

    /// As [`TraceRef::set`], and says what was wrong.
    pub fn try_set<'v>(&self, key: &str, value: impl Into<Value<'v>>) -> Result<()> {
        let (trace, key, size) = (self.trace, key.as_ptr().cast(), key.len());
        let value = value.into(); // what is passed on borrows from it
        check(unsafe {
            match &value {
                Value::Str(text) => sys::tr_trace_set_str(trace, key, size, text.as_ptr().cast(), text.len()),
                Value::I64(number) => sys::tr_trace_set_i64(trace, key, size, *number),
                Value::F64(number) => sys::tr_trace_set_f64(trace, key, size, *number),
                Value::Bool(truth) => sys::tr_trace_set_bool(trace, key, size, i32::from(*truth)),
                Value::Json(text) => sys::tr_trace_set_json(trace, key, size, text.as_ptr().cast(), text.len()),
                other => sys::tr_trace_set_value(trace, key, size, &other.to_raw()),
            }
        })
    }

    /// Marks the trace as failed: a short type of few values, and a message.
    pub fn set_error(&self, error_type: &str, message: &str) -> &Self {
        let (kind, text) = (lent(error_type), lent(message));
        unsafe { sys::tr_trace_set_error(self.trace, kind.data, kind.size, text.data, text.size) };
        self
    }

    /// Marks the trace as failed with an error and what caused it.
    pub fn record_error<E: std::error::Error + ?Sized>(&self, error: &E) -> &Self {
        let (name, message) = words_of(error);
        self.set_error(&name, &message)
    }

    /// Something that happened now; delivered at once.
    pub fn event(&self, name: &str, attributes: &[(&str, Value<'_>)]) -> &Self {
        let items = lent_attributes(attributes);
        unsafe { sys::tr_trace_event(self.trace, name.as_ptr().cast(), name.len(), items.as_ptr(), items.len()) };
        self
    }

    /// Records a span that was timed elsewhere.
    pub fn record(&self, span: &TimedSpan<'_>) -> Result<()> {
        span.record_in(self.trace)
    }

    /// Its id; `None` when it is not recorded or has ended.
    pub fn id(&self) -> Option<[u8; 16]> {
        let mut id = [0; 16];
        let result = unsafe { sys::tr_trace_get_id(self.trace, id.as_mut_ptr()) };
        (self.trace != 0 && result == sys::TR_OK).then_some(id)
    }

    /// The `traceparent` that makes another process go on in this trace; of one that is not recorded, the one it was to
    /// continue from.
    pub fn traceparent(&self) -> Option<String> {
        inject(self.trace).or_else(|| self.passed_on.to_text())
    }

    pub(crate) fn place(&self) -> Place {
        Place { trace: *self, span: 0 }
    }
}

/// What a trace is started with besides its name.
#[must_use = "the trace begins with start()"]
#[derive(Clone, Debug)]
pub struct TraceBuilder<'a> {
    name: &'a str,
    group_id: &'a str,
    foreign_id: &'a str,
    parent: Option<Context>,
    metadata: Vec<(&'a str, Value<'a>)>,
}

impl<'a> TraceBuilder<'a> {
    /// The conversation or session it belongs to.
    pub fn group(mut self, id: &'a str) -> Self {
        self.group_id = id;
        self
    }

    /// The id another system gave it.
    pub fn foreign_id(mut self, id: &'a str) -> Self {
        self.foreign_id = id;
        self
    }

    /// Continues a trace of another process, if there is one: the same id, below its span. Recorded only if it is sampled
    /// there; if not, its `traceparent` and that of all below it is the one that came, so that nobody who is called records
    /// a part of it.
    pub fn parent(mut self, context: impl Into<Option<Context>>) -> Self {
        self.parent = context.into();
        self
    }

    /// One item of metadata.
    pub fn metadata(mut self, key: &'a str, value: impl Into<Value<'a>>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// Starts it.
    pub fn start(self) -> Trace {
        let metadata = lent_attributes(&self.metadata);
        let options = sys::tr_trace_options {
            struct_size: size_of::<sys::tr_trace_options>() as u32,
            flags: 0,
            group_id: lent(self.group_id),
            foreign_id: lent(self.foreign_id),
            parent: self.parent.as_ref().map_or(ptr::null(), Context::raw),
            metadata: metadata.as_ptr(),
            metadata_count: metadata.len(),
        };
        let trace = unsafe { sys::tr_trace_start(self.name.as_ptr().cast(), self.name.len(), &options) };
        let passed_on = if trace == 0 { PassedOn::unrecorded(self.parent) } else { PassedOn::default() };
        Trace { at: TraceRef { trace, passed_on }, started_in_panic: std::thread::panicking() }
    }
}

/// One run of an agent. It ends when it is dropped, as failed when a panic is what drops it.
#[must_use = "a trace ends when it is dropped"]
#[derive(Debug)]
pub struct Trace {
    at: TraceRef,
    started_in_panic: bool,
}

impl Trace {
    /// A trace that is not started yet.
    pub fn builder(name: &str) -> TraceBuilder<'_> {
        TraceBuilder { name, group_id: "", foreign_id: "", parent: None, metadata: Vec::new() }
    }

    /// A reference that may be kept, copied and sent anywhere.
    pub fn as_ref(&self) -> TraceRef {
        self.at
    }

    /// Ends it, as dropping does, and says whether that succeeded.
    pub fn end(self) -> Result<()> {
        let result = self.finish();
        std::mem::forget(self);
        check(result)
    }

    /// Ends it as it is: a panic that goes on meanwhile is not its own.
    pub(crate) fn end_as_done(mut self) {
        self.started_in_panic = true;
    }

    #[cold]
    pub(crate) fn fail(&self) {
        self.at.set_error(PANIC, PANICKED);
    }

    fn finish(&self) -> i32 {
        if std::thread::panicking() && !self.started_in_panic {
            self.fail();
        }
        unsafe { sys::tr_trace_end(self.at.trace) }
    }
}

impl Deref for Trace {
    type Target = TraceRef;

    fn deref(&self) -> &TraceRef {
        &self.at
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.finish();
    }
}
