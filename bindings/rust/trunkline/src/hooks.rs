//! The hooks as C sees them: no panic leaves one, and what a processor answers becomes a code.

use crate::error::text_at;
use crate::panics::{contained, or_words};
use crate::value::elements;
use crate::{Batch, Outcome, Processor, Record, Refusal};
use std::ffi::{c_char, c_int, c_void};
use std::time::Duration;
use trunkline_sys as sys;

/// A table that owns the processor until its `release`.
pub(crate) fn table<P: Processor>(processor: P) -> sys::tr_processor {
    sys::tr_processor {
        struct_size: size_of::<sys::tr_processor>() as u32,
        user_data: Box::into_raw(Box::new(processor)).cast(),
        on_batch: Some(on_batch::<P>),
        on_tick: Some(on_tick::<P>),
        restore: Some(restore::<P>),
        force_flush: Some(force_flush::<P>),
        shutdown: Some(shutdown::<P>),
        release: Some(release::<P>),
        ..sys::tr_processor::zeroed()
    }
}

pub(crate) fn one_by_one<P: Processor>(processor: P) -> sys::tr_processor {
    sys::tr_processor {
        on_batch: None,
        on_trace_start: Some(on_record::<P>),
        on_span_end: Some(on_record::<P>),
        on_trace_end: Some(on_record::<P>),
        on_run: Some(on_record::<P>),
        ..table(processor)
    }
}

pub(crate) fn code_of(outcome: &Outcome) -> c_int {
    match outcome {
        Ok(()) => sys::TR_OK,
        Err(Refusal::Again) => sys::TR_EAGAIN,
        Err(Refusal::Failed(_)) => sys::TR_EINTERNAL,
    }
}

// The library calls the hooks of a processor one at a time, so that nobody else has it.
fn call<P: Processor>(user_data: *mut c_void, hook: &str, work: impl FnOnce(&mut P) -> Outcome) -> c_int {
    let processor = unsafe { &mut *user_data.cast::<P>() };
    let outcome = or_words(|| work(processor)).unwrap_or_else(|words| Err(words.into()));
    let code = code_of(&outcome);
    if let Err(Refusal::Failed(error)) = outcome {
        // It is dropped in there as well: it is the host's.
        contained(move || processor.on_error(hook, &*error));
    }
    code
}

unsafe extern "C" fn on_batch<P: Processor>(user_data: *mut c_void, batch: *const sys::tr_batch) -> c_int {
    call::<P>(user_data, "on_batch", |processor| processor.on_batch(&unsafe { Batch::at(batch) }))
}

unsafe extern "C" fn on_record<P: Processor>(user_data: *mut c_void, record: *const sys::tr_record) -> c_int {
    call::<P>(user_data, "on_record", |processor| processor.on_record(&unsafe { Record::at(record) }))
}

unsafe extern "C" fn on_tick<P: Processor>(user_data: *mut c_void, unix_ns: i64) -> c_int {
    call::<P>(user_data, "on_tick", |processor| processor.on_tick(unix_ns))
}

unsafe extern "C" fn restore<P: Processor>(
    user_data: *mut c_void,
    run_id: *const c_char,
    state: *const c_void,
    size: usize,
) -> c_int {
    let bytes = unsafe { elements(state.cast(), size) };
    call::<P>(user_data, "restore", |processor| processor.restore(&text_at(run_id), bytes))
}

unsafe extern "C" fn force_flush<P: Processor>(user_data: *mut c_void, timeout_ms: u32) -> c_int {
    let timeout = Duration::from_millis(timeout_ms.into());
    call::<P>(user_data, "force_flush", |processor| processor.force_flush(timeout))
}

unsafe extern "C" fn shutdown<P: Processor>(user_data: *mut c_void, timeout_ms: u32) -> c_int {
    let timeout = Duration::from_millis(timeout_ms.into());
    call::<P>(user_data, "shutdown", |processor| processor.shutdown(timeout))
}

unsafe extern "C" fn release<P: Processor>(user_data: *mut c_void) {
    let processor = unsafe { Box::from_raw(user_data.cast::<P>()) };
    contained(|| drop(processor));
}
