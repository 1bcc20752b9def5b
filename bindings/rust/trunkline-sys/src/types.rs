//! The types of trunkline.h.

use std::ffi::{c_char, c_int, c_void};

macro_rules! types {
    ($($name:ident = $type:ty,)*) => {
        $(
            /// As in trunkline.h.
            pub type $name = $type;
        )*

        /// Each type that is a name for another, and that one, to be compared with the header.
        pub const TYPES: &[(&str, &str)] = &[$((stringify!($name), stringify!($type))),*];
    };
}

types! {
    tr_type = u32,
    tr_kind = u32,
    tr_durability = u32,
    tr_recorder = u32,
    tr_content = u32,
    tr_overflow = u32,
    tr_level = u32,
    tr_trace = u64,
    tr_span = u64,
    tr_run = u64,
    tr_run_status = u32,
    tr_media = u32,
    tr_record_type = u32,
    tr_processor_id = u64,
    tr_mode = u32,
    tr_log_callback =
        Option<unsafe extern "C" fn(user_data: *mut c_void, level: tr_level, message: *const c_char, size: usize)>,
    tr_redact_callback = Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            key: *const c_char,
            key_size: usize,
            value: *const c_char,
            value_size: usize,
        ) -> c_int,
    >,
}

/// Size of a struct, and name, offset, size and type of each of its fields.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Under which the header knows it.
    pub name: &'static str,
    /// In bytes.
    pub size: usize,
    /// In their order.
    pub fields: &'static [(&'static str, usize, usize, &'static str)],
}

const fn size_of_field<S, F>(_: fn(&S) -> &F) -> usize {
    std::mem::size_of::<F>()
}

macro_rules! structs {
    ($(struct $name:ident { $($field:ident: $type:ty,)* })*) => {
        $(
            /// As in trunkline.h.
            #[repr(C)]
            #[derive(Clone, Copy, Debug)]
            #[allow(missing_docs)]
            pub struct $name {
                $(pub $field: $type,)*
            }

            impl $name {
                /// All members zero or null.
                pub const fn zeroed() -> Self {
                    unsafe { std::mem::zeroed() }
                }
            }
        )*

        /// The layout of each struct, to be compared with the header.
        pub const STRUCTS: &[Layout] = &[$(Layout {
            name: stringify!($name),
            size: std::mem::size_of::<$name>(),
            fields: &[$((
                stringify!($field),
                std::mem::offset_of!($name, $field),
                size_of_field::<$name, $type>(|each| &each.$field),
                stringify!($type),
            )),*],
        }),*];
    };
}

structs! {
    struct tr_string {
        data: *const c_char,
        size: usize,
    }

    struct tr_error {
        struct_size: u32,
        code: i32,
        message: [c_char; 256],
    }

    struct tr_value {
        r#type: tr_type,
        flags: u32,
        i64: i64,
        f64: f64,
        data: *const c_void,
        size: usize,
    }

    struct tr_attribute {
        key: tr_string,
        value: tr_value,
    }

    struct tr_usage {
        input: i64,
        output: i64,
        total: i64,
        cache_read: i64,
        cache_write: i64,
        reasoning: i64,
    }

    struct tr_config {
        struct_size: u32,
        flags: u32,
        directory: *const c_char,
        recorder_directory: *const c_char,
        service_name: *const c_char,
        processors: *const c_char,
        max_memory: u64,
        max_disk: u64,
        max_value_bytes: u64,
        max_attributes: u32,
        durability: tr_durability,
        recorder: tr_recorder,
        content: tr_content,
        overflow: tr_overflow,
        block_timeout_ms: u32,
        sample_ratio: f64,
        redact_keys: *const c_char,
        redact_patterns: *const c_char,
        redact: tr_redact_callback,
        redact_user_data: *mut c_void,
        log: tr_log_callback,
        log_user_data: *mut c_void,
        log_level: tr_level,
        end_grace_ms: u32,
        exit_timeout_ms: u32,
    }

    struct tr_context {
        struct_size: u32,
        flags: u32,
        trace_id: [u8; 16],
        span_id: [u8; 8],
    }

    struct tr_trace_options {
        struct_size: u32,
        flags: u32,
        group_id: tr_string,
        foreign_id: tr_string,
        parent: *const tr_context,
        metadata: *const tr_attribute,
        metadata_count: usize,
    }

    struct tr_span_data {
        struct_size: u32,
        kind: tr_kind,
        trace: tr_trace,
        parent: tr_span,
        name: tr_string,
        foreign_id: tr_string,
        start_ns: i64,
        end_ns: i64,
        error_type: tr_string,
        error_message: tr_string,
        attributes: *const tr_attribute,
        attribute_count: usize,
        span_id: [u8; 8],
    }

    struct tr_run_options {
        struct_size: u32,
        flags: u32,
        trace: tr_trace,
        name: tr_string,
        project: tr_string,
        group_id: tr_string,
        config: *const tr_attribute,
        config_count: usize,
    }

    struct tr_artifact_file {
        path: tr_string,
        file: tr_string,
    }

    struct tr_artifact {
        struct_size: u32,
        flags: u32,
        name: tr_string,
        r#type: tr_string,
        description: tr_string,
        aliases: *const tr_string,
        alias_count: usize,
        metadata: *const tr_attribute,
        metadata_count: usize,
        files: *const tr_artifact_file,
        file_count: usize,
    }

    struct tr_event {
        name: tr_string,
        time_ns: i64,
        attributes: *const tr_attribute,
        attribute_count: usize,
    }

    struct tr_record {
        struct_size: u32,
        r#type: tr_record_type,
        flags: u32,
        kind: tr_kind,
        sequence: u64,
        trace_id: [u8; 16],
        span_id: [u8; 8],
        parent_id: [u8; 8],
        start_ns: i64,
        end_ns: i64,
        name: tr_string,
        group_id: tr_string,
        project: tr_string,
        foreign_id: tr_string,
        model: tr_string,
        score_name: tr_string,
        error_type: tr_string,
        error_message: tr_string,
        input: tr_value,
        output: tr_value,
        usage: tr_usage,
        score: f64,
        step: i64,
        run_status: tr_run_status,
        exit_code: i32,
        dropped_attributes: u32,
        reserved: u32,
        attributes: *const tr_attribute,
        attribute_count: usize,
        events: *const tr_event,
        event_count: usize,
    }

    struct tr_batch {
        struct_size: u32,
        flags: u32,
        processor: tr_processor_id,
        run_id: *const c_char,
        records: *const *const tr_record,
        count: usize,
        state: *const c_void,
        state_size: usize,
    }

    struct tr_processor {
        struct_size: u32,
        flags: u32,
        user_data: *mut c_void,
        name: *const c_char,
        destination: *const c_char,
        on_trace_start: Option<unsafe extern "C" fn(*mut c_void, *const tr_record) -> c_int>,
        on_span_start: Option<unsafe extern "C" fn(*mut c_void, *const tr_record) -> c_int>,
        on_span_end: Option<unsafe extern "C" fn(*mut c_void, *const tr_record) -> c_int>,
        on_trace_end: Option<unsafe extern "C" fn(*mut c_void, *const tr_record) -> c_int>,
        on_run: Option<unsafe extern "C" fn(*mut c_void, *const tr_record) -> c_int>,
        on_batch: Option<unsafe extern "C" fn(*mut c_void, *const tr_batch) -> c_int>,
        on_tick: Option<unsafe extern "C" fn(*mut c_void, i64) -> c_int>,
        restore: Option<unsafe extern "C" fn(*mut c_void, *const c_char, *const c_void, usize) -> c_int>,
        force_flush: Option<unsafe extern "C" fn(*mut c_void, u32) -> c_int>,
        shutdown: Option<unsafe extern "C" fn(*mut c_void, u32) -> c_int>,
        release: Option<unsafe extern "C" fn(*mut c_void)>,
        tick_ms: u32,
        batch_size: u32,
    }

    struct tr_stats {
        struct_size: u32,
        mode: tr_mode,
        traces_started: u64,
        traces_ended: u64,
        traces_sampled_out: u64,
        traces_refused: u64,
        spans_started: u64,
        spans_ended: u64,
        spans_incomplete: u64,
        spans_refused: u64,
        stale_handles: u64,
        misuse: u64,
        reentrant: u64,
        values_truncated: u64,
        values_dropped: u64,
        attributes_dropped: u64,
        values_redacted: u64,
        records_logged: u64,
        log_bytes: u64,
        log_errors: u64,
        memory_used: u64,
        memory_mapped: u64,
        runs_adopted: u64,
        records_recovered: u64,
        records_corrupt: u64,
        runs_expired: u64,
    }

    struct tr_tally {
        spans: u64,
        records: u64,
    }

    struct tr_processor_stats {
        struct_size: u32,
        poisoned_now: u32,
        offered: tr_tally,
        delivered: tr_tally,
        rejected: tr_tally,
        poisoned: tr_tally,
        removed: tr_tally,
        overflowed: tr_tally,
        unreadable: tr_tally,
        left_behind: tr_tally,
        pending: tr_tally,
        adopted: tr_tally,
        retries: u64,
    }
}
