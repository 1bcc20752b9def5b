//! Processors in Rust: what receives the records, on a thread of its own.

use crate::config::milliseconds;
use crate::error::check;
use crate::{hooks, messages, Batch, Error, Record, Result};
use std::ffi::CString;
use std::ptr;
use std::time::Duration;
use trunkline_sys as sys;

/// Why a hook did not take what it was given. Any error becomes a `Failed` by `?`.
#[derive(Debug)]
pub enum Refusal {
    /// Offer it again later, with backoff.
    Again,
    /// It is dropped and counted. Sixteen in a row end the delivery to this processor.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What a hook returns: taken, or a [`Refusal`].
pub type Outcome = std::result::Result<(), Refusal>;

/// Receives records. All hooks run on one thread, one at a time, never on a thread that records; what they record is not
/// recorded. A panic is contained and counts as a failure.
pub trait Processor: Send + 'static {
    /// Several records. Unless it is written, each goes to [`Processor::on_record`].
    fn on_batch(&mut self, batch: &Batch<'_>) -> Outcome {
        batch.records().try_for_each(|record| self.on_record(&record))
    }

    /// One record.
    fn on_record(&mut self, _record: &Record<'_>) -> Outcome {
        Ok(())
    }

    /// About every [`Registration::tick`], also without records.
    fn on_tick(&mut self, _unix_ns: i64) -> Outcome {
        Ok(())
    }

    /// What was saved with the position, before the first delivery from a process that died.
    fn restore(&mut self, _run_id: &str, _state: &[u8]) -> Outcome {
        Ok(())
    }

    /// Inside a flush: pass on what you hold.
    fn force_flush(&mut self, _timeout: Duration) -> Outcome {
        Ok(())
    }

    /// Once, last.
    fn shutdown(&mut self, _timeout: Duration) -> Outcome {
        Ok(())
    }

    /// A hook has failed with this error, or panicked in these words. Unless it is written this is a warning, which goes where
    /// the library's own go, at most 16 in a minute; see [`Builder::log`](crate::Builder::log).
    fn on_error(&mut self, hook: &str, error: &(dyn std::error::Error + Send + Sync)) {
        messages::warn(&format!("{hook} of a processor failed: {error}"));
    }
}

/// Names a processor that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessorId(pub(crate) u64);

impl ProcessorId {
    /// As the C API has it.
    pub fn raw(self) -> sys::tr_processor_id {
        self.0
    }
}

/// A processor, one of Rust or a built-in one, with what is to be known about it, ready to be added.
#[must_use = "a processor that is not added receives nothing"]
#[derive(Debug)]
pub struct Registration {
    table: sys::tr_processor,
    name: Result<Option<CString>>,
    destination: Option<CString>,
}

// Its processor is `Send`, and the library's own are used by whoever has them.
unsafe impl Send for Registration {}

impl Registration {
    /// A processor under a name of 1 to 64 characters; it gets batches.
    pub fn new<P: Processor>(name: &str, processor: P) -> Self {
        Self::named(name, hooks::table(processor))
    }

    /// The same, but each record goes to [`Processor::on_record`] by itself: a failure then is that of one record.
    pub fn one_by_one<P: Processor>(name: &str, processor: P) -> Self {
        Self::named(name, hooks::one_by_one(processor))
    }

    fn named(name: &str, table: sys::tr_processor) -> Self {
        Self { table, name: text(name).map(Some), destination: None }
    }

    pub(crate) fn built_in(table: sys::tr_processor) -> Self {
        Self { table, name: Ok(None), destination: None }
    }

    /// Where it sends to, without secrets. With the name it is its identity.
    pub fn destination(mut self, destination: &str) -> Self {
        match text(destination) {
            Ok(text) => self.destination = Some(text),
            Err(error) => self.name = Err(error),
        }
        self
    }

    /// Keeps a position on disk: what a process that died had not delivered goes to the processor of the same name and
    /// destination of the next one, at least once.
    pub fn durable(mut self) -> Self {
        self.table.flags |= sys::TR_PROCESSOR_DURABLE;
        self
    }

    /// Wants the starts of spans as well.
    pub fn span_starts(mut self) -> Self {
        self.table.flags |= sys::TR_PROCESSOR_SPAN_STARTS;
        self.table.on_span_start = self.table.on_span_end;
        self
    }

    /// Its hooks may run while the program exits without a shutdown.
    pub fn at_exit(mut self) -> Self {
        self.table.flags |= sys::TR_PROCESSOR_AT_EXIT;
        self
    }

    /// Wants [`Processor::on_tick`] about this often.
    pub fn tick(mut self, every: Duration) -> Self {
        self.table.tick_ms = milliseconds(every).max(1);
        self
    }

    /// Most records of one batch; 512 otherwise.
    pub fn batch_size(mut self, records: u32) -> Self {
        self.table.batch_size = records;
        self
    }

    /// The table of the C API, if its texts are usable. It borrows from `self`.
    fn filled(&self) -> Result<sys::tr_processor> {
        let mut table = self.table;
        if let Some(name) = self.name.as_ref().map_err(Clone::clone)? {
            table.name = name.as_ptr();
        }
        if let Some(destination) = &self.destination {
            table.destination = destination.as_ptr();
        }
        Ok(table)
    }

    /// From now on the library calls `release`.
    fn given_away(&mut self) {
        self.table.release = None;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(release) = self.table.release {
            unsafe { release(self.table.user_data) };
        }
    }
}

fn text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::new(sys::TR_EINVAL, "a name of a processor holds NUL"))
}

/// Adds a processor. When it cannot be added it is dropped.
pub fn add_processor(mut registration: Registration) -> Result<ProcessorId> {
    sys::load()?;
    let table = registration.filled()?;
    let mut id = 0;
    registration.given_away();
    check(unsafe { sys::tr_add_processor(&table, &mut id) })?;
    Ok(ProcessorId(id))
}

/// Replaces all processors, the default one included: all or nothing.
pub fn set_processors(mut registrations: Vec<Registration>) -> Result<Vec<ProcessorId>> {
    sys::load()?;
    let tables = registrations.iter().map(Registration::filled).collect::<Result<Vec<_>>>()?;
    let mut ids = vec![0; tables.len()];
    registrations.iter_mut().for_each(Registration::given_away);
    check(unsafe { sys::tr_replace_processors(tables.as_ptr(), tables.len(), ids.as_mut_ptr()) })?;
    Ok(ids.into_iter().map(ProcessorId).collect())
}

/// Removes a processor. It returns at once; the processor is dropped after its last hook.
pub fn remove_processor(id: ProcessorId) -> Result<()> {
    check(unsafe { sys::tr_remove_processor(id.0) })
}

/// Finds a processor by its name, the built-in ones included; of several the first.
pub fn find_processor(name: &str) -> Option<ProcessorId> {
    let mut id = 0;
    let result = unsafe { sys::tr_find_processor(name.as_ptr().cast(), name.len(), &mut id) };
    (result == sys::TR_OK).then_some(ProcessorId(id))
}

/// Inside a hook that is given records: keeps up to 64 KiB with the position, once these records are acknowledged.
pub fn save_state(state: &[u8]) -> Result<()> {
    let data = if state.is_empty() { ptr::null() } else { state.as_ptr().cast() };
    check(unsafe { sys::tr_processor_save(data, state.len()) })
}
