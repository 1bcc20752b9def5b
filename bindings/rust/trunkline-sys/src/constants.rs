//! The constants of trunkline.h.

use crate::types::*;
use std::ffi::c_int;

macro_rules! constants {
    ($($name:ident: $type:ty = $value:expr;)*) => {
        $(
            /// As in trunkline.h.
            pub const $name: $type = $value;
        )*

        /// Name and value of each constant, to be compared with the header.
        pub const CONSTANTS: &[(&str, i128)] = &[$((stringify!($name), $name as i128)),*];
    };
}

constants! {
    TR_VERSION_MAJOR: u32 = 0;
    TR_VERSION_MINOR: u32 = 1;
    TR_VERSION_PATCH: u32 = 0;
    TR_ABI_VERSION: u32 = 0x0000_0001;
    TR_OK: c_int = 0;
    TR_EINVAL: c_int = -1;
    TR_ESTALE: c_int = -2;
    TR_ESTATE: c_int = -3;
    TR_ENOMEM: c_int = -4;
    TR_ETIMEDOUT: c_int = -5;
    TR_EAGAIN: c_int = -6;
    TR_EREENTRANT: c_int = -7;
    TR_EPARENT: c_int = -8;
    TR_EUNSUPPORTED: c_int = -9;
    TR_EIO: c_int = -10;
    TR_ELIMIT: c_int = -11;
    TR_ECLOSED: c_int = -12;
    TR_ENOENT: c_int = -13;
    TR_EINTERNAL: c_int = -14;
    TR_NUL: usize = usize::MAX;
    TR_TYPE_NULL: tr_type = 0;
    TR_TYPE_BOOL: tr_type = 1;
    TR_TYPE_I64: tr_type = 2;
    TR_TYPE_F64: tr_type = 3;
    TR_TYPE_STR: tr_type = 4;
    TR_TYPE_BYTES: tr_type = 5;
    TR_TYPE_JSON: tr_type = 6;
    TR_TYPE_BOOL_ARRAY: tr_type = 7;
    TR_TYPE_I64_ARRAY: tr_type = 8;
    TR_TYPE_F64_ARRAY: tr_type = 9;
    TR_TYPE_STR_ARRAY: tr_type = 10;
    TR_VALUE_TRUNCATED: u32 = 1;
    TR_VALUE_REDACTED: u32 = 2;
    TR_VALUE_INVALID_JSON: u32 = 4;
    TR_VALUE_REPAIRED: u32 = 8;
    TR_KIND_CUSTOM: tr_kind = 0;
    TR_KIND_WORKFLOW: tr_kind = 1;
    TR_KIND_AGENT: tr_kind = 2;
    TR_KIND_STEP: tr_kind = 3;
    TR_KIND_GENERATION: tr_kind = 4;
    TR_KIND_REASONING: tr_kind = 5;
    TR_KIND_MESSAGE: tr_kind = 6;
    TR_KIND_TOOL: tr_kind = 7;
    TR_KIND_ACT: tr_kind = 8;
    TR_KIND_MCP: tr_kind = 9;
    TR_KIND_DECIDE: tr_kind = 10;
    TR_KIND_PARSE: tr_kind = 11;
    TR_KIND_REDUCE: tr_kind = 12;
    TR_KIND_CRITIC: tr_kind = 13;
    TR_KIND_GUARDRAIL: tr_kind = 14;
    TR_KIND_HANDOFF: tr_kind = 15;
    TR_KIND_DELEGATE: tr_kind = 16;
    TR_KIND_FANOUT: tr_kind = 17;
    TR_KIND_RETRIEVAL: tr_kind = 18;
    TR_KIND_EMBEDDING: tr_kind = 19;
    TR_KIND_RERANK: tr_kind = 20;
    TR_KIND_CHUNK: tr_kind = 21;
    TR_KIND_SPEECH_IN: tr_kind = 22;
    TR_KIND_SPEECH_OUT: tr_kind = 23;
    TR_KIND_GROUP: tr_kind = 24;
    TR_KIND_MEMORY: tr_kind = 25;
    TR_KIND_ATTACHMENT: tr_kind = 26;
    TR_DURABILITY_DEFAULT: tr_durability = 0;
    TR_DURABILITY_MEMORY: tr_durability = 1;
    TR_DURABILITY_LOG: tr_durability = 2;
    TR_DURABILITY_FSYNC: tr_durability = 3;
    TR_RECORDER_DEFAULT: tr_recorder = 0;
    TR_RECORDER_FILE: tr_recorder = 1;
    TR_RECORDER_MEMORY: tr_recorder = 2;
    TR_CONTENT_DEFAULT: tr_content = 0;
    TR_CONTENT_ON: tr_content = 1;
    TR_CONTENT_OFF: tr_content = 2;
    TR_OVERFLOW_DEFAULT: tr_overflow = 0;
    TR_OVERFLOW_DROP_NEWEST: tr_overflow = 1;
    TR_OVERFLOW_BLOCK: tr_overflow = 2;
    TR_LEVEL_OFF: tr_level = 0;
    TR_LEVEL_ERROR: tr_level = 1;
    TR_LEVEL_WARN: tr_level = 2;
    TR_LEVEL_INFO: tr_level = 3;
    TR_LEVEL_DEBUG: tr_level = 4;
    TR_CONFIG_DISABLED: u32 = 1;
    TR_CONFIG_NO_ADOPTION: u32 = 2;
    TR_CONFIG_NO_DEFAULT_REDACTION: u32 = 4;
    TR_CONFIG_NO_EXIT_HOOK: u32 = 8;
    TR_TRACEPARENT_SIZE: usize = 55;
    TR_RUN_FINISHED: tr_run_status = 0;
    TR_RUN_FAILED: tr_run_status = 1;
    TR_RUN_KILLED: tr_run_status = 2;
    TR_RECORD_TRACE_START: tr_record_type = 1;
    TR_RECORD_SPAN_START: tr_record_type = 2;
    TR_RECORD_SPAN_END: tr_record_type = 3;
    TR_RECORD_TRACE_END: tr_record_type = 4;
    TR_RECORD_EVENT: tr_record_type = 5;
    TR_RECORD_RUN_START: tr_record_type = 6;
    TR_RECORD_RUN_LOG: tr_record_type = 7;
    TR_RECORD_RUN_SUMMARY: tr_record_type = 8;
    TR_RECORD_RUN_CONFIG: tr_record_type = 9;
    TR_RECORD_RUN_TAG: tr_record_type = 10;
    TR_RECORD_RUN_FINISH: tr_record_type = 11;
    TR_RECORD_RUN_ARTIFACT: tr_record_type = 12;
    TR_RECORD_RUN_ADD_ARTIFACT: tr_record_type = 13;
    TR_RECORD_RUN_USE_ARTIFACT: tr_record_type = 14;
    TR_RECORD_RUN_MEDIA: tr_record_type = 15;
    TR_MEDIA_IMAGE: tr_media = 1;
    TR_MEDIA_HTML: tr_media = 2;
    TR_RECORD_INCOMPLETE: u32 = 1;
    TR_RECORD_FAILED: u32 = 2;
    TR_RECORD_TIME_CLAMPED: u32 = 4;
    TR_RECORD_RECOVERED: u32 = 8;
    TR_BATCH_ADOPTED: u32 = 1;
    TR_POISON_LIMIT: u32 = 16;
    TR_PROCESSOR_DURABLE: u32 = 1;
    TR_PROCESSOR_POLL: u32 = 2;
    TR_PROCESSOR_SPAN_STARTS: u32 = 4;
    TR_PROCESSOR_SHARED: u32 = 8;
    TR_PROCESSOR_AT_EXIT: u32 = 16;
    TR_MODE_OFF: tr_mode = 0;
    TR_MODE_FILE: tr_mode = 1;
    TR_MODE_LOG_ONLY: tr_mode = 2;
    TR_MODE_MEMORY: tr_mode = 3;
}
