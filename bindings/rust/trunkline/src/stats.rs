//! Counts: every loss has one.

use crate::error::check;
use crate::{ProcessorId, Result};
use trunkline_sys as sys;

/// Where records lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Not started, or disabled.
    #[default]
    Off,
    /// Recorder and log on disk.
    File,
    /// Recorder in memory, log on disk.
    LogOnly,
    /// Everything in memory.
    Memory,
}

macro_rules! counts {
    ($raw:ident; $($(#[$meta:meta])* $field:ident)*) => {
        /// The counts of the library.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Stats {
            /// Where records lie.
            pub mode: Mode,
            $($(#[$meta])* pub $field: u64,)*
        }

        impl Stats {
            fn from_raw(raw: &sys::$raw) -> Self {
                Self { mode: mode_of(raw.mode), $($field: raw.$field,)* }
            }
        }
    };
}

counts! {
    tr_stats;
    /// Traces started.
    traces_started
    /// Traces ended.
    traces_ended
    /// Traces sampled out.
    traces_sampled_out
    /// No memory.
    traces_refused
    /// Spans started.
    spans_started
    /// Calls that returned success, tr_span_record included.
    spans_ended
    /// Ended by the library.
    spans_incomplete
    /// No memory at their start.
    spans_refused
    /// Stale handles.
    stale_handles
    /// Other wrong arguments that no result code could report.
    misuse
    /// Reentrant.
    reentrant
    /// Values truncated.
    values_truncated
    /// No memory for a value of an open span.
    values_dropped
    /// Over max_attributes.
    attributes_dropped
    /// Values redacted.
    values_redacted
    /// Records logged.
    records_logged
    /// Log bytes.
    log_bytes
    /// Writes that failed: full disk, I/O errors.
    log_errors
    /// Bytes of the recorder's pool in use.
    memory_used
    /// Bytes of the recorder's pool ever used.
    memory_mapped
    /// Runs adopted.
    runs_adopted
    /// Found in the recorders of dead runs.
    records_recovered
    /// Refused by their checksum, in dead runs.
    records_corrupt
    /// Dead runs removed though some processor never came for them.
    runs_expired
}

fn mode_of(raw: sys::tr_mode) -> Mode {
    match raw {
        sys::TR_MODE_FILE => Mode::File,
        sys::TR_MODE_LOG_ONLY => Mode::LogOnly,
        sys::TR_MODE_MEMORY => Mode::Memory,
        _ => Mode::Off,
    }
}

/// Spans among the records, and all records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Spans that have ended.
    pub spans: u64,
    /// Records of every type.
    pub records: u64,
}

macro_rules! tallies {
    ($raw:ident; $($(#[$meta:meta])* $field:ident)*) => {
        /// The counts of one processor.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct ProcessorStats {
            /// It failed too often and gets nothing more.
            pub is_poisoned: bool,
            /// Offered again.
            pub retries: u64,
            $($(#[$meta])* pub $field: Tally,)*
        }

        impl ProcessorStats {
            fn from_raw(raw: &sys::$raw) -> Self {
                Self {
                    is_poisoned: raw.poisoned_now != 0,
                    retries: raw.retries,
                    $($field: Tally { spans: raw.$field.spans, records: raw.$field.records },)*
                }
            }
        }
    };
}

tallies! {
    tr_processor_stats;
    /// Given or to be given to it.
    offered
    /// Taken and acknowledged.
    delivered
    /// A hook returned an error.
    rejected
    /// Not offered: it had failed too often.
    poisoned
    /// Not taken before its removal.
    removed
    /// Lost beyond max_disk, or max_memory without a log on disk.
    overflowed
    /// Refused by their checksum when read back from the log.
    unreadable
    /// Not taken at shutdown and not kept: not durable, or no log on disk.
    left_behind
    /// In the log or in its hands.
    pending
    /// Of dead runs; not part of offered and delivered.
    adopted
}

/// The counts of the library; those of the end stay readable after a shutdown.
pub fn stats() -> Stats {
    let mut raw = sys::tr_stats::zeroed();
    raw.struct_size = size_of::<sys::tr_stats>() as u32;
    unsafe { sys::tr_stats_get(&mut raw) };
    Stats::from_raw(&raw)
}

/// The counts of one processor, also after its removal.
pub fn processor_stats(id: ProcessorId) -> Result<ProcessorStats> {
    let mut raw = sys::tr_processor_stats::zeroed();
    raw.struct_size = size_of::<sys::tr_processor_stats>() as u32;
    check(unsafe { sys::tr_processor_stats_get(id.0, &mut raw) })?;
    Ok(ProcessorStats::from_raw(&raw))
}
