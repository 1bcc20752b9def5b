//! The functions of trunkline.h, declared once: `functions!` hands the list to the macro that links or loads them.

macro_rules! functions {
    ($with:ident) => {
        $with! {
            fn tr_strerror(code: c_int) -> *const c_char;
            fn tr_version() -> *const c_char;
            fn tr_abi_version() -> u32;
            fn tr_config_init(config: *mut tr_config, struct_size: usize) -> c_int;
            fn tr_init(config: *const tr_config, error: *mut tr_error) -> c_int;
            fn tr_flush(timeout_ms: u32) -> c_int;
            fn tr_shutdown(timeout_ms: u32) -> c_int;
            fn tr_trace_start(name: *const c_char, name_size: usize, options: *const tr_trace_options) -> tr_trace;
            fn tr_trace_set_value(trace: tr_trace, key: *const c_char, key_size: usize, value: *const tr_value) -> c_int;
            fn tr_trace_set_str(
                trace: tr_trace,
                key: *const c_char,
                key_size: usize,
                value: *const c_char,
                size: usize
            ) -> c_int;
            fn tr_trace_set_i64(trace: tr_trace, key: *const c_char, key_size: usize, value: i64) -> c_int;
            fn tr_trace_set_f64(trace: tr_trace, key: *const c_char, key_size: usize, value: f64) -> c_int;
            fn tr_trace_set_bool(trace: tr_trace, key: *const c_char, key_size: usize, value: c_int) -> c_int;
            fn tr_trace_set_json(
                trace: tr_trace,
                key: *const c_char,
                key_size: usize,
                json: *const c_char,
                size: usize
            ) -> c_int;
            fn tr_trace_set_error(
                trace: tr_trace,
                error_type: *const c_char,
                error_type_size: usize,
                message: *const c_char,
                message_size: usize
            ) -> c_int;
            fn tr_trace_event(
                trace: tr_trace,
                name: *const c_char,
                name_size: usize,
                attributes: *const tr_attribute,
                count: usize
            ) -> c_int;
            fn tr_trace_get_id(trace: tr_trace, trace_id: *mut u8) -> c_int;
            fn tr_trace_end(trace: tr_trace) -> c_int;
            fn tr_span_start(
                trace: tr_trace,
                parent: tr_span,
                kind: tr_kind,
                name: *const c_char,
                name_size: usize
            ) -> tr_span;
            fn tr_span_start_with(
                trace: tr_trace,
                parent: tr_span,
                kind: tr_kind,
                name: *const c_char,
                name_size: usize,
                attributes: *const tr_attribute,
                count: usize
            ) -> tr_span;
            fn tr_span_start_packed(
                trace: tr_trace,
                parent: tr_span,
                kind: tr_kind,
                name: *const c_char,
                name_size: usize,
                packed: *const c_void,
                packed_size: usize
            ) -> tr_span;
            fn tr_span_set_packed(span: tr_span, packed: *const c_void, packed_size: usize) -> c_int;
            fn tr_span_end_packed(span: tr_span, packed: *const c_void, packed_size: usize) -> c_int;
            fn tr_span_set_value(span: tr_span, key: *const c_char, key_size: usize, value: *const tr_value) -> c_int;
            fn tr_span_set_values(span: tr_span, attributes: *const tr_attribute, count: usize) -> c_int;
            fn tr_span_set_str(
                span: tr_span,
                key: *const c_char,
                key_size: usize,
                value: *const c_char,
                size: usize
            ) -> c_int;
            fn tr_span_set_i64(span: tr_span, key: *const c_char, key_size: usize, value: i64) -> c_int;
            fn tr_span_set_f64(span: tr_span, key: *const c_char, key_size: usize, value: f64) -> c_int;
            fn tr_span_set_bool(span: tr_span, key: *const c_char, key_size: usize, value: c_int) -> c_int;
            fn tr_span_set_bytes(
                span: tr_span,
                key: *const c_char,
                key_size: usize,
                value: *const c_void,
                size: usize
            ) -> c_int;
            fn tr_span_set_json(
                span: tr_span,
                key: *const c_char,
                key_size: usize,
                json: *const c_char,
                size: usize
            ) -> c_int;
            fn tr_span_set_usage(span: tr_span, usage: *const tr_usage) -> c_int;
            fn tr_span_set_model(span: tr_span, model: *const c_char, size: usize) -> c_int;
            fn tr_span_set_score(span: tr_span, name: *const c_char, name_size: usize, score: f64) -> c_int;
            fn tr_span_set_step(span: tr_span, step: i64) -> c_int;
            fn tr_span_set_input(span: tr_span, value_type: tr_type, data: *const c_char, size: usize) -> c_int;
            fn tr_span_set_output(span: tr_span, value_type: tr_type, data: *const c_char, size: usize) -> c_int;
            fn tr_span_set_error(
                span: tr_span,
                error_type: *const c_char,
                error_type_size: usize,
                message: *const c_char,
                message_size: usize
            ) -> c_int;
            fn tr_span_set_foreign_id(span: tr_span, id: *const c_char, size: usize) -> c_int;
            fn tr_span_event(
                span: tr_span,
                name: *const c_char,
                name_size: usize,
                attributes: *const tr_attribute,
                count: usize
            ) -> c_int;
            fn tr_span_get_ids(span: tr_span, trace_id: *mut u8, span_id: *mut u8) -> c_int;
            fn tr_span_end(span: tr_span) -> c_int;
            fn tr_span_end_with(span: tr_span, attributes: *const tr_attribute, count: usize) -> c_int;
            fn tr_span_record(span: *const tr_span_data) -> c_int;
            fn tr_context_inject(span_or_trace: u64, buffer: *mut c_char, capacity: usize) -> c_int;
            fn tr_context_extract(traceparent: *const c_char, size: usize, context: *mut tr_context) -> c_int;
            fn tr_run_start(options: *const tr_run_options) -> tr_run;
            fn tr_run_log(run: tr_run, step: i64, metrics: *const tr_attribute, count: usize) -> c_int;
            fn tr_run_set_summary(run: tr_run, items: *const tr_attribute, count: usize) -> c_int;
            fn tr_run_set_config(run: tr_run, items: *const tr_attribute, count: usize) -> c_int;
            fn tr_run_set_tag(
                run: tr_run,
                key: *const c_char,
                key_size: usize,
                value: *const c_char,
                size: usize
            ) -> c_int;
            fn tr_run_log_artifact(
                run: tr_run,
                path: *const c_char,
                path_size: usize,
                file: *const c_char,
                file_size: usize
            ) -> c_int;
            fn tr_run_log_media(
                run: tr_run,
                step: i64,
                key: *const c_char,
                key_size: usize,
                kind: tr_media,
                file: *const c_char,
                file_size: usize
            ) -> c_int;
            fn tr_run_add_artifact(run: tr_run, artifact: *const tr_artifact) -> c_int;
            fn tr_run_use_artifact(run: tr_run, name: *const c_char, size: usize) -> c_int;
            fn tr_run_finish(run: tr_run, status: tr_run_status, exit_code: i32) -> c_int;
            fn tr_add_processor(processor: *const tr_processor, id: *mut tr_processor_id) -> c_int;
            fn tr_find_processor(name: *const c_char, size: usize, id: *mut tr_processor_id) -> c_int;
            fn tr_remove_processor(id: tr_processor_id) -> c_int;
            fn tr_set_processors(processors: *const tr_processor, count: usize) -> c_int;
            fn tr_replace_processors(processors: *const tr_processor, count: usize, ids: *mut tr_processor_id) -> c_int;
            fn tr_processor_save(state: *const c_void, size: usize) -> c_int;
            fn tr_batch_retain(batch: *const tr_batch) -> *mut tr_batch;
            fn tr_batch_ack(batch: *mut tr_batch, result: c_int) -> c_int;
            fn tr_poll(id: tr_processor_id, max_records: u32, timeout_ms: u32, batch: *mut *mut tr_batch) -> c_int;
            fn tr_poll_fd(id: tr_processor_id) -> c_int;
            fn tr_poll_ack(batch: *mut tr_batch, result: c_int, state: *const c_void, state_size: usize) -> c_int;
            fn tr_poll_ack_part(
                batch: *mut tr_batch,
                taken: usize,
                result: c_int,
                state: *const c_void,
                state_size: usize
            ) -> c_int;
            fn tr_local_processor(
                options_json: *const c_char,
                size: usize,
                out: *mut tr_processor,
                error: *mut tr_error
            ) -> c_int;
            fn tr_jsonl_processor(
                options_json: *const c_char,
                size: usize,
                out: *mut tr_processor,
                error: *mut tr_error
            ) -> c_int;
            fn tr_console_processor(
                options_json: *const c_char,
                size: usize,
                out: *mut tr_processor,
                error: *mut tr_error
            ) -> c_int;
            fn tr_mlflow_processor(
                options_json: *const c_char,
                size: usize,
                out: *mut tr_processor,
                error: *mut tr_error
            ) -> c_int;
            fn tr_wandb_processor(
                options_json: *const c_char,
                size: usize,
                out: *mut tr_processor,
                error: *mut tr_error
            ) -> c_int;
            fn tr_wandb_download_artifact(
                options_json: *const c_char,
                options_size: usize,
                name: *const c_char,
                name_size: usize,
                folder: *const c_char,
                folder_size: usize,
                error: *mut tr_error
            ) -> c_int;
            fn tr_family_preset(model: *const c_char, size: usize) -> *const c_char;
            fn tr_stats_get(stats: *mut tr_stats) -> c_int;
            fn tr_processor_stats_get(id: tr_processor_id, stats: *mut tr_processor_stats) -> c_int;
        }
    };
}

macro_rules! function_names {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        &[$((stringify!($name), stringify!(($($type),*) -> $result))),*]
    };
}
