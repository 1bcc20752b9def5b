//! Spans: an owner that ends its span when it is dropped, and a reference, which may go anywhere.

use crate::current::{Entered, Place};
use crate::error::{check, words_of};
use crate::propagation::{inject, PassedOn};
use crate::value::lent_attributes;
use crate::{json, Kind, Result, TraceRef, Usage, Value};
use std::ffi::{c_char, c_int};
use std::ops::Deref;
use trunkline_sys as sys;

fn start(text: &str) -> *const c_char {
    text.as_ptr().cast()
}

/// A span by its handle. It may outlive the span; then calls do nothing and are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanRef {
    pub(crate) trace: TraceRef,
    pub(crate) span: sys::tr_span,
}

impl SpanRef {
    /// The library's handle; 0 when nothing is recorded.
    pub fn handle(&self) -> sys::tr_span {
        self.span
    }

    /// Whether the span was accepted.
    pub fn is_recording(&self) -> bool {
        self.span != 0
    }

    /// Starts a child, wherever this is called.
    #[inline]
    pub fn child(&self, name: &str, kind: Kind) -> Span {
        Span::start(self.trace, self.span, name, kind)
    }

    /// As [`SpanRef::child`], with attributes from the start: processors that want starts see them.
    pub fn child_with(&self, name: &str, kind: Kind, attributes: &[(&str, Value<'_>)]) -> Span {
        Span::start_with(self.trace, self.span, name, kind, attributes)
    }

    /// Makes the span current on this thread as long as the result lives.
    pub fn enter(&self) -> Entered<'_> {
        Entered::new(self.place())
    }

    /// Runs `work` with the span current.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        work()
    }

    /// Sets an attribute; the last value of a key wins.
    #[inline(always)]
    pub fn set<'v>(&self, key: &str, value: impl Into<Value<'v>>) -> &Self {
        // Tracing that is off costs no call.
        if self.span != 0 {
            self.set_raw(key, &value.into());
        }
        self
    }

    /// As [`SpanRef::set`], and says what was wrong: an empty key, a limit, a span that has ended.
    pub fn try_set<'v>(&self, key: &str, value: impl Into<Value<'v>>) -> Result<()> {
        check(self.set_raw(key, &value.into()))
    }

    #[inline(always)]
    fn set_raw(&self, key: &str, value: &Value<'_>) -> c_int {
        let (span, name, size) = (self.span, start(key), key.len());
        if span == 0 {
            return sys::TR_OK; // as the library answers
        }
        unsafe {
            match value {
                Value::Str(text) => sys::tr_span_set_str(span, name, size, start(text), text.len()),
                Value::I64(number) => sys::tr_span_set_i64(span, name, size, *number),
                Value::F64(number) => sys::tr_span_set_f64(span, name, size, *number),
                Value::Bool(truth) => sys::tr_span_set_bool(span, name, size, c_int::from(*truth)),
                Value::Bytes(bytes) => sys::tr_span_set_bytes(span, name, size, bytes.as_ptr().cast(), bytes.len()),
                Value::Json(text) => sys::tr_span_set_json(span, name, size, start(text), text.len()),
                other => sys::tr_span_set_value(span, name, size, &other.to_raw()),
            }
        }
    }

    /// Sets several attributes in one call.
    pub fn set_all(&self, attributes: &[(&str, Value<'_>)]) -> &Self {
        let items = lent_attributes(attributes);
        unsafe { sys::tr_span_set_values(self.span, items.as_ptr(), items.len()) };
        self
    }

    /// Sets an attribute to JSON text.
    pub fn set_json(&self, key: &str, json: &str) -> &Self {
        self.set(key, Value::Json(json))
    }

    /// Sets what went in: a text, or [`Value::Json`]; anything else as its JSON, bytes as text.
    pub fn set_input<'v>(&self, value: impl Into<Value<'v>>) -> &Self {
        let (kind, text) = content(&value.into());
        unsafe { sys::tr_span_set_input(self.span, kind, start(&text), text.len()) };
        self
    }

    /// Sets what came out, as [`SpanRef::set_input`].
    pub fn set_output<'v>(&self, value: impl Into<Value<'v>>) -> &Self {
        let (kind, text) = content(&value.into());
        unsafe { sys::tr_span_set_output(self.span, kind, start(&text), text.len()) };
        self
    }

    /// Sets the model that is asked for.
    pub fn set_model(&self, model: &str) -> &Self {
        unsafe { sys::tr_span_set_model(self.span, start(model), model.len()) };
        self
    }

    /// Sets the tokens of a generation.
    pub fn set_usage(&self, usage: Usage) -> &Self {
        unsafe { sys::tr_span_set_usage(self.span, &usage.to_raw()) };
        self
    }

    /// Sets a score and the name of what scored.
    pub fn set_score(&self, name: &str, score: f64) -> &Self {
        unsafe { sys::tr_span_set_score(self.span, start(name), name.len(), score) };
        self
    }

    /// Sets the number of a step.
    pub fn set_step(&self, step: i64) -> &Self {
        unsafe { sys::tr_span_set_step(self.span, step) };
        self
    }

    /// Sets the id another system gave the span.
    pub fn set_foreign_id(&self, id: &str) -> &Self {
        unsafe { sys::tr_span_set_foreign_id(self.span, start(id), id.len()) };
        self
    }

    /// Marks the span as failed: a short type of few values, and a message.
    pub fn set_error(&self, error_type: &str, message: &str) -> &Self {
        let (kind, size) = (start(error_type), error_type.len());
        unsafe { sys::tr_span_set_error(self.span, kind, size, start(message), message.len()) };
        self
    }

    /// Marks the span as failed with an error and what caused it.
    pub fn record_error<E: std::error::Error + ?Sized>(&self, error: &E) -> &Self {
        let (name, message) = words_of(error);
        self.set_error(&name, &message)
    }

    /// Something that happened now.
    pub fn event(&self, name: &str, attributes: &[(&str, Value<'_>)]) -> &Self {
        let items = lent_attributes(attributes);
        unsafe { sys::tr_span_event(self.span, start(name), name.len(), items.as_ptr(), items.len()) };
        self
    }

    /// The `traceparent` that makes another process go on from this span; below a trace that is not recorded, the one that
    /// trace was to continue from.
    pub fn traceparent(&self) -> Option<String> {
        inject(self.span).or_else(|| self.trace.passed_on.to_text())
    }

    /// The ids of the trace and the span; `None` when it is not recorded or has ended.
    pub fn ids(&self) -> Option<([u8; 16], [u8; 8])> {
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        let result = unsafe { sys::tr_span_get_ids(self.span, trace.as_mut_ptr(), span.as_mut_ptr()) };
        (self.span != 0 && result == sys::TR_OK).then_some((trace, span))
    }

    pub(crate) fn place(&self) -> Place {
        Place { trace: self.trace, span: self.span }
    }
}

/// What the library takes as input and output: text and JSON as they are, bytes as text, anything else as its JSON.
fn content<'a>(value: &Value<'a>) -> (sys::tr_type, std::borrow::Cow<'a, str>) {
    match value {
        Value::Str(text) => (sys::TR_TYPE_STR, (*text).into()),
        Value::Json(text) => (sys::TR_TYPE_JSON, (*text).into()),
        Value::Null => (sys::TR_TYPE_JSON, "null".into()),
        Value::Bool(value) => (sys::TR_TYPE_JSON, value.to_string().into()),
        Value::I64(value) => (sys::TR_TYPE_JSON, value.to_string().into()),
        Value::F64(value) if value.is_finite() => (sys::TR_TYPE_JSON, value.to_string().into()),
        Value::F64(value) => (sys::TR_TYPE_STR, value.to_string().into()),
        Value::BoolArray(items) => (sys::TR_TYPE_JSON, format!("{items:?}").into()),
        Value::I64Array(items) => (sys::TR_TYPE_JSON, format!("{items:?}").into()),
        Value::F64Array(items) => (sys::TR_TYPE_JSON, json::numbers(items).into()),
        Value::StrArray(items) => (sys::TR_TYPE_JSON, json::texts(items).into()),
        Value::Bytes(bytes) => (sys::TR_TYPE_STR, String::from_utf8_lossy(bytes)),
    }
}

/// A timed step. It ends when it is dropped, as failed when a panic is what drops it. It may be used on any thread.
#[must_use = "a span ends when it is dropped"]
#[derive(Debug)]
pub struct Span {
    at: SpanRef,
    owns_trace: bool,
    started_in_panic: bool,
}

impl Span {
    /// A child of `parent`, a handle of the C API; 0 is the trace itself.
    #[inline]
    pub(crate) fn start(trace: TraceRef, parent: sys::tr_span, name: &str, kind: Kind) -> Self {
        if !trace.is_recording() {
            return Self { at: SpanRef { trace, span: 0 }, owns_trace: false, started_in_panic: false };
        }
        Self::of(trace, unsafe { sys::tr_span_start(trace.trace, parent, kind.0, start(name), name.len()) })
    }

    pub(crate) fn start_with(
        trace: TraceRef,
        parent: sys::tr_span,
        name: &str,
        kind: Kind,
        attributes: &[(&str, Value<'_>)],
    ) -> Self {
        let (text, size, items) = (start(name), name.len(), lent_attributes(attributes));
        let (first, count) = (items.as_ptr(), items.len());
        Self::of(trace, unsafe { sys::tr_span_start_with(trace.trace, parent, kind.0, text, size, first, count) })
    }

    #[inline]
    fn of(trace: TraceRef, span: sys::tr_span) -> Self {
        Self { at: SpanRef { trace, span }, owns_trace: false, started_in_panic: std::thread::panicking() }
    }

    pub(crate) fn with_own_trace(name: &str, kind: Kind) -> Self {
        let trace = unsafe { sys::tr_trace_start(start(name), name.len(), std::ptr::null()) };
        let passed_on = if trace == 0 { PassedOn::unrecorded(None) } else { PassedOn::default() };
        let mut span = Self::start(TraceRef { trace, passed_on }, 0, name, kind);
        span.owns_trace = true;
        span
    }

    /// A reference that may be kept, copied and sent anywhere.
    pub fn as_ref(&self) -> SpanRef {
        self.at
    }

    /// Ends it, as dropping does, and says whether that succeeded.
    pub fn end(self) -> Result<()> {
        self.end_with(&[])
    }

    /// Sets attributes and ends it, in one call. It ends whatever becomes of the attributes.
    pub fn end_with(self, attributes: &[(&str, Value<'_>)]) -> Result<()> {
        let result = self.finish(&lent_attributes(attributes));
        std::mem::forget(self);
        check(result)
    }

    /// Ends it as it is: a panic that goes on meanwhile is not its own.
    pub(crate) fn end_as_done(mut self) {
        self.started_in_panic = true;
    }

    #[inline]
    fn finish(&self, attributes: &[sys::tr_attribute]) -> c_int {
        if self.at.span == 0 && !self.owns_trace {
            return sys::TR_OK;
        }
        self.fail_in_panic();
        let result = match attributes {
            [] => unsafe { sys::tr_span_end(self.at.span) },
            some => unsafe { sys::tr_span_end_with(self.at.span, some.as_ptr(), some.len()) },
        };
        if self.owns_trace {
            unsafe { sys::tr_trace_end(self.at.trace.trace) };
        }
        result
    }

    /// Marks it as failed if a panic goes on that began after it.
    #[inline]
    pub(crate) fn fail_in_panic(&self) {
        if std::thread::panicking() && !self.started_in_panic {
            self.fail();
        }
    }

    // The message of the panic is its hook's; a destructor does not see it.
    #[cold]
    pub(crate) fn fail(&self) {
        self.at.set_error(PANIC, PANICKED);
        if self.owns_trace {
            self.at.trace.set_error(PANIC, PANICKED);
        }
    }
}

pub(crate) const PANIC: &str = "panic";
pub(crate) const PANICKED: &str = "left by a panic";

impl Deref for Span {
    type Target = SpanRef;

    #[inline]
    fn deref(&self) -> &SpanRef {
        &self.at
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        self.finish(&[]);
    }
}
