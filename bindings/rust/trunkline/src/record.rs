//! What processors receive: views of the library's own records, without copies.

use crate::error::{check, text_at};
use crate::value::{borrowed, elements};
use crate::{Kind, Outcome, ProcessorId, Result, Usage, Value};
use std::ffi::c_int;
use std::marker::PhantomData;
use std::{fmt, ptr, slice};
use trunkline_sys as sys;

/// What a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordType(pub u32);

macro_rules! record_types {
    ($($(#[$documentation:meta])* $name:ident $constant:ident;)*) => {
        impl RecordType {
            $(
                $(#[$documentation])*
                pub const $name: RecordType = RecordType(sys::$constant);
            )*
        }
    };
}

record_types! {
    /// A trace has begun; the attributes are the metadata it began with.
    TRACE_START TR_RECORD_TRACE_START;
    /// A span has begun: only for a processor whose registration asks for it.
    SPAN_START TR_RECORD_SPAN_START;
    /// A span has ended, or was ended for it; this record has everything that was set on it.
    SPAN_END TR_RECORD_SPAN_END;
    /// A trace has ended; the attributes are all its metadata.
    TRACE_END TR_RECORD_TRACE_END;
    /// An event of a trace; those of spans come with their span.
    EVENT TR_RECORD_EVENT;
    /// A run has begun; the attributes are its configuration.
    RUN_START TR_RECORD_RUN_START;
    /// Metrics of a run, as attributes, at a step.
    RUN_LOG TR_RECORD_RUN_LOG;
    /// Values of the summary of a run.
    RUN_SUMMARY TR_RECORD_RUN_SUMMARY;
    /// Values that were added to the configuration of a run.
    RUN_CONFIG TR_RECORD_RUN_CONFIG;
    /// Tags of a run.
    RUN_TAG TR_RECORD_RUN_TAG;
    /// A run has ended, with its status and exit code.
    RUN_FINISH TR_RECORD_RUN_FINISH;
    /// A file of a run; the name is its path there.
    RUN_ARTIFACT TR_RECORD_RUN_ARTIFACT;
    /// A version of an artifact, which a run has made.
    RUN_ADD_ARTIFACT TR_RECORD_RUN_ADD_ARTIFACT;
    /// A run has used an artifact, which the name tells.
    RUN_USE_ARTIFACT TR_RECORD_RUN_USE_ARTIFACT;
    /// An image or a page of a run, at a step.
    RUN_MEDIA TR_RECORD_RUN_MEDIA;
}

/// A key and a value of a record.
#[derive(Clone, Copy)]
pub struct Attribute<'a>(&'a sys::tr_attribute);

impl<'a> Attribute<'a> {
    /// Its key.
    pub fn key(&self) -> &'a str {
        unsafe { borrowed(self.0.key) }
    }

    /// Its value.
    pub fn value(&self) -> Value<'a> {
        unsafe { Value::from_raw(&self.0.value) }
    }

    /// What became of the value: `trunkline::sys::TR_VALUE_...`.
    pub fn flags(&self) -> u32 {
        self.0.value.flags
    }
}

impl fmt::Debug for Attribute<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {:?}", self.key(), self.value())
    }
}

/// Something that happened inside a span.
#[derive(Clone, Copy)]
pub struct Event<'a>(&'a sys::tr_event);

impl<'a> Event<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        unsafe { borrowed(self.0.name) }
    }

    /// When, in Unix nanoseconds.
    pub fn time_ns(&self) -> i64 {
        self.0.time_ns
    }

    /// Its attributes.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = Attribute<'a>> + use<'a> {
        unsafe { elements(self.0.attributes, self.0.attribute_count) }.iter().map(Attribute)
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} {:?}", self.name(), self.attributes().collect::<Vec<_>>())
    }
}

/// One record, borrowed from its batch.
#[derive(Clone, Copy)]
pub struct Record<'a>(&'a sys::tr_record);

macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident)*) => {
        impl<'a> Record<'a> {
            $(
                $(#[$meta])*
                pub fn $name(&self) -> &'a str {
                    unsafe { borrowed(self.0.$name) }
                }
            )*
        }
    };
}

texts! {
    /// Of the trace, span, event, run, tag or artifact.
    name
    /// The conversation of a trace or run.
    group_id
    /// The project of a run.
    project
    /// The id another system gave it.
    foreign_id
    /// The model that was asked for.
    model
    /// The name of what scored.
    score_name
    /// The short type of the error.
    error_type
    /// The message of the error.
    error_message
}

macro_rules! flags {
    ($($(#[$meta:meta])* $name:ident $constant:ident)*) => {
        impl Record<'_> {
            $(
                $(#[$meta])*
                pub fn $name(&self) -> bool {
                    self.0.flags & sys::$constant != 0
                }
            )*
        }
    };
}

flags! {
    /// It was never ended.
    is_incomplete TR_RECORD_INCOMPLETE
    /// An error was set.
    is_failed TR_RECORD_FAILED
    /// An end before its start was moved to the start.
    is_time_clamped TR_RECORD_TIME_CLAMPED
    /// It is of a process that died.
    is_recovered TR_RECORD_RECOVERED
}

impl<'a> Record<'a> {
    /// # Safety
    /// The record must live as long as `'a`.
    pub(crate) unsafe fn at(record: *const sys::tr_record) -> Self {
        Self(unsafe { &*record })
    }

    /// The record in the layout of the C API.
    pub fn raw(&self) -> &'a sys::tr_record {
        self.0
    }

    /// What it tells.
    pub fn record_type(&self) -> RecordType {
        RecordType(self.0.r#type)
    }

    /// The kind of the span.
    pub fn kind(&self) -> Kind {
        Kind(self.0.kind)
    }

    /// Its position in the log of its process; with the batch's run id it names the record for ever.
    pub fn sequence(&self) -> u64 {
        self.0.sequence
    }

    /// The id of its trace.
    pub fn trace_id(&self) -> [u8; 16] {
        self.0.trace_id
    }

    /// The id of the span or run.
    pub fn span_id(&self) -> [u8; 8] {
        self.0.span_id
    }

    /// The id of its parent, if it has one.
    pub fn parent_id(&self) -> Option<[u8; 8]> {
        (self.0.parent_id != [0; 8]).then_some(self.0.parent_id)
    }

    /// When it began, in Unix nanoseconds.
    pub fn start_ns(&self) -> i64 {
        self.0.start_ns
    }

    /// When it ended; 0 in records of starts.
    pub fn end_ns(&self) -> i64 {
        self.0.end_ns
    }

    /// What went in; [`Value::Null`]: nothing.
    pub fn input(&self) -> Value<'a> {
        unsafe { Value::from_raw(&self.0.input) }
    }

    /// What came out; [`Value::Null`]: nothing.
    pub fn output(&self) -> Value<'a> {
        unsafe { Value::from_raw(&self.0.output) }
    }

    /// Tokens.
    pub fn usage(&self) -> Usage {
        Usage::from_raw(&self.0.usage)
    }

    /// The score, if there is one.
    pub fn score(&self) -> Option<f64> {
        (!self.0.score.is_nan() || self.0.score_name.size != 0).then_some(self.0.score)
    }

    /// The number of the step.
    pub fn step(&self) -> Option<i64> {
        (self.0.step >= 0).then_some(self.0.step)
    }

    /// How the run finished: status and exit code, as the C API has them.
    pub fn run_result(&self) -> (u32, i32) {
        (self.0.run_status, self.0.exit_code)
    }

    /// Attributes beyond the limit, which are not there.
    pub fn dropped_attributes(&self) -> u32 {
        self.0.dropped_attributes
    }

    /// Attributes, or the metadata of a trace; each key once.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = Attribute<'a>> + use<'a> {
        unsafe { elements(self.0.attributes, self.0.attribute_count) }.iter().map(Attribute)
    }

    /// The value of this key.
    pub fn attribute(&self, key: &str) -> Option<Value<'a>> {
        self.attributes().find(|each| each.key() == key).map(|each| each.value())
    }

    /// What happened inside the span.
    pub fn events(&self) -> impl ExactSizeIterator<Item = Event<'a>> + use<'a> {
        unsafe { elements(self.0.events, self.0.event_count) }.iter().map(Event)
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attributes: Vec<_> = self.attributes().collect();
        write!(out, "record {} {:?} {:?} {attributes:?}", self.sequence(), self.record_type(), self.name())
    }
}

/// Several records, in order.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a>(*const sys::tr_batch, PhantomData<&'a sys::tr_batch>);

impl<'a> Batch<'a> {
    /// # Safety
    /// The batch must live as long as `'a`.
    pub(crate) unsafe fn at(batch: *const sys::tr_batch) -> Self {
        Self(batch, PhantomData)
    }

    fn raw(&self) -> &'a sys::tr_batch {
        unsafe { &*self.0 }
    }

    /// The records.
    pub fn records(&self) -> Records<'a> {
        let raw = self.raw();
        let records: &[*const sys::tr_record] = unsafe { elements(raw.records, raw.count) };
        Records(records.iter())
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.raw().count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Of the run directory the records come from.
    pub fn run_id(&self) -> String {
        text_at(self.raw().run_id)
    }

    /// Whether it is of a process that died, not of this one.
    pub fn is_adopted(&self) -> bool {
        self.raw().flags & sys::TR_BATCH_ADOPTED != 0
    }

    /// Whom it is for.
    pub fn processor(&self) -> ProcessorId {
        ProcessorId(self.raw().processor)
    }

    /// The saved state that this delivery resumes from; only in its first batch.
    pub fn state(&self) -> Option<&'a [u8]> {
        let raw = self.raw();
        (!raw.state.is_null()).then(|| unsafe { elements(raw.state.cast::<u8>(), raw.state_size) })
    }

    /// Keeps the batch, not acknowledged, beyond the hook. `None`: this is not the batch of the hook that is running.
    pub fn retain(&self) -> Option<Retained> {
        let kept = unsafe { sys::tr_batch_retain(self.0) };
        ptr::NonNull::new(kept).map(|batch| Retained { batch, process: std::process::id() })
    }
}

/// The records of a batch.
#[derive(Clone, Debug)]
pub struct Records<'a>(slice::Iter<'a, *const sys::tr_record>);

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        self.0.next().map(|record| unsafe { Record::at(*record) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Records<'_> {}

/// A batch that was kept. It may go to another thread; one that is dropped without [`Retained::ack`] is offered again.
#[derive(Debug)]
pub struct Retained {
    batch: ptr::NonNull<sys::tr_batch>,
    process: u32,
}

// A retained batch is immutable until it is acknowledged, from whatever thread.
unsafe impl Send for Retained {}
unsafe impl Sync for Retained {}

impl Retained {
    /// The records, as long as it is kept.
    pub fn batch(&self) -> Batch<'_> {
        unsafe { Batch::at(self.batch.as_ptr()) }
    }

    /// Taken, or why not: as a hook's result, later. In a child after a fork it is not the child's to answer.
    pub fn ack(self, outcome: Outcome) -> Result<()> {
        let result = self.answer(crate::hooks::code_of(&outcome));
        std::mem::forget(self);
        check(result)
    }

    fn answer(&self, code: c_int) -> c_int {
        if std::process::id() != self.process {
            return sys::TR_ESTATE;
        }
        unsafe { sys::tr_batch_ack(self.batch.as_ptr(), code) }
    }
}

impl Drop for Retained {
    fn drop(&mut self) {
        self.answer(sys::TR_EAGAIN);
    }
}
