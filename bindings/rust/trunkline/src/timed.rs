//! Spans that were timed elsewhere: a finished span with its times.

use crate::error::check;
use crate::value::{lent, lent_attributes};
use crate::{Kind, Result, SpanRef, Value};
use trunkline_sys as sys;

/// A finished span with explicit times, in Unix nanoseconds, for [`TraceRef::record`](crate::TraceRef::record).
#[derive(Clone, Debug)]
pub struct TimedSpan<'a> {
    name: &'a str,
    kind: Kind,
    start_ns: i64,
    end_ns: i64,
    parent: sys::tr_span,
    foreign_id: &'a str,
    error: (&'a str, &'a str),
    attributes: Vec<(&'a str, Value<'a>)>,
    span_id: [u8; 8],
}

impl<'a> TimedSpan<'a> {
    /// An end before the start is taken as the start, and flagged.
    pub fn new(name: &'a str, kind: Kind, start_ns: i64, end_ns: i64) -> Self {
        Self {
            name,
            kind,
            start_ns,
            end_ns,
            parent: 0,
            foreign_id: "",
            error: ("", ""),
            attributes: Vec::new(),
            span_id: [0; 8],
        }
    }

    /// Below this span instead of the trace.
    pub fn parent(mut self, span: SpanRef) -> Self {
        self.parent = span.handle();
        self
    }

    /// The id another system gave it.
    pub fn foreign_id(mut self, id: &'a str) -> Self {
        self.foreign_id = id;
        self
    }

    /// It failed.
    pub fn error(mut self, error_type: &'a str, message: &'a str) -> Self {
        self.error = (error_type, message);
        self
    }

    /// One attribute.
    pub fn attribute(mut self, key: &'a str, value: impl Into<Value<'a>>) -> Self {
        self.attributes.push((key, value.into()));
        self
    }

    /// The id it has; otherwise it gets a new one.
    pub fn span_id(mut self, id: [u8; 8]) -> Self {
        self.span_id = id;
        self
    }

    pub(crate) fn record_in(&self, trace: sys::tr_trace) -> Result<()> {
        let attributes = lent_attributes(&self.attributes);
        let data = sys::tr_span_data {
            struct_size: size_of::<sys::tr_span_data>() as u32,
            kind: self.kind.0,
            trace,
            parent: self.parent,
            name: lent(self.name),
            foreign_id: lent(self.foreign_id),
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            error_type: lent(self.error.0),
            error_message: lent(self.error.1),
            attributes: attributes.as_ptr(),
            attribute_count: attributes.len(),
            span_id: self.span_id,
        };
        check(unsafe { sys::tr_span_record(&data) })
    }
}
