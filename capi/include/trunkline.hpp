// SPDX-License-Identifier: Apache-2.0
//
// trunkline.hpp - the C API with owners, for C++17 and later. Nothing happens here that trunkline.h does not do:
// sessions, traces and spans end in their destructors, texts are string views, and a processor is a class with virtual
// functions. Thread-safety, blocking and errors are those of the C functions, whose comments say what each does.
//
//   int main() {
//     trunkline::Session session;
//     trunkline::Trace trace("answer a question");
//     trunkline::Span call = trace.span(TR_KIND_GENERATION, "chat");
//     call.set_model("some-model");
//     call.set_usage({120, 30, -1, -1, -1, -1});
//   }
#ifndef TRUNKLINE_HPP
#define TRUNKLINE_HPP

#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "trunkline.h"

namespace trunkline {
inline namespace v0 {

// --- Texts and values
// ----------------------------------------------------------------------------------------------------

inline std::string_view view(const tr_string& text) {
  return text.data == nullptr ? std::string_view{} : std::string_view(text.data, text.size);
}

// The text of a delivered value; empty if it is not text.
inline std::string_view view(const tr_value& value) {
  const bool text = value.type == TR_TYPE_STR || value.type == TR_TYPE_JSON || value.type == TR_TYPE_BYTES;
  return text && value.data != nullptr ? std::string_view(static_cast<const char*>(value.data), value.size)
                                       : std::string_view{};
}

inline tr_string borrow(std::string_view text) { return {text.data(), text.size()}; }

// A value of a bool, a number or a text; texts are borrowed. A null pointer is the null value, and an unsigned number
// that no int64_t holds the nearest double.
template <class T>
tr_value make_value(const T& value) {
  tr_value out{};
  if constexpr (std::is_same_v<T, bool>) {
    out.type = TR_TYPE_BOOL;
    out.i64 = value ? 1 : 0;
  } else if constexpr (std::is_integral_v<T>) {
    const bool fits = std::is_signed_v<T> || static_cast<uint64_t>(value) <= static_cast<uint64_t>(INT64_MAX);
    out.type = fits ? TR_TYPE_I64 : TR_TYPE_F64;
    out.i64 = fits ? static_cast<int64_t>(value) : 0;
    out.f64 = fits ? 0 : static_cast<double>(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    out.type = TR_TYPE_F64;
    out.f64 = static_cast<double>(value);
  } else {
    if constexpr (std::is_pointer_v<T>) {
      if (value == nullptr) return out;
    }
    const std::string_view text(value);
    out.type = TR_TYPE_STR;
    out.data = text.data();
    out.size = text.size();
  }
  return out;
}

inline tr_value make_json(std::string_view json) {
  tr_value out = make_value(json);
  out.type = TR_TYPE_JSON;
  return out;
}

template <class T>
tr_attribute make_attribute(std::string_view key, const T& value) {
  if constexpr (std::is_same_v<T, tr_value>) {
    return {borrow(key), value};
  } else {
    return {borrow(key), make_value(value)};
  }
}

// --- Session
// -------------------------------------------------------------------------------------------------------------

// The configuration with the defaults and the environment in it.
struct Config : tr_config {
  Config() : tr_config{} { tr_config_init(this, sizeof(tr_config)); }
};

// tr_init, and tr_shutdown in the destructor. A session whose tr_init failed shuts nothing down.
class Session {
 public:
  explicit Session(const tr_config* config = nullptr, uint32_t shutdown_timeout_ms = 5000)
      : timeout_ms_(shutdown_timeout_ms) {
    error_.struct_size = sizeof error_;
    result_ = tr_init(config, &error_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { shutdown(); }

  explicit operator bool() const { return result_ == TR_OK; }
  int result() const { return result_; }
  const char* message() const { return result_ == TR_OK ? "" : error_.message; }

  int flush(uint32_t timeout_ms) { return tr_flush(timeout_ms); }

  // The result of tr_shutdown; TR_ESTATE if there is nothing to shut down.
  int shutdown() {
    if (result_ != TR_OK) return TR_ESTATE;
    result_ = TR_ESTATE;
    return tr_shutdown(timeout_ms_);
  }

 private:
  tr_error error_{};
  int result_;
  uint32_t timeout_ms_;
};

// --- Spans
// ---------------------------------------------------------------------------------------------------------------

// A span; ends in its destructor, as failed when an exception is what ends it. An empty one, and one that is not
// recorded, accepts every call.
class Span {
 public:
  Span() = default;
  Span(tr_trace trace, tr_span parent, tr_kind kind, std::string_view name)
      : trace_(trace), span_(tr_span_start(trace, parent, kind, name.data(), name.size())) {}
  Span(Span&& other) noexcept : trace_(other.trace_), span_(std::exchange(other.span_, 0)) {}
  Span& operator=(Span&& other) noexcept {
    if (this != &other) {
      end();
      trace_ = other.trace_;
      span_ = std::exchange(other.span_, 0);
    }
    return *this;
  }
  ~Span() {
    if (span_ != 0 && std::uncaught_exceptions() > exceptions_) set_error("exception", "left by an exception");
    end();
  }

  tr_span handle() const { return span_; }
  Span child(tr_kind kind, std::string_view name) const { return Span(trace_, span_, kind, name); }

  // A bool, a number, a text, or a tr_value.
  template <class T>
  int set(std::string_view key, const T& value) {
    const tr_attribute attribute = make_attribute(key, value);
    return tr_span_set_value(span_, key.data(), key.size(), &attribute.value);
  }
  int set_json(std::string_view key, std::string_view json) { return set(key, make_json(json)); }
  int set_bytes(std::string_view key, const void* data, size_t size) {
    return tr_span_set_bytes(span_, key.data(), key.size(), data, size);
  }
  int set_usage(const tr_usage& usage) { return tr_span_set_usage(span_, &usage); }
  int set_model(std::string_view model) { return tr_span_set_model(span_, model.data(), model.size()); }
  int set_score(std::string_view name, double score) {
    return tr_span_set_score(span_, name.data(), name.size(), score);
  }
  int set_step(int64_t step) { return tr_span_set_step(span_, step); }
  int set_input(std::string_view text) { return tr_span_set_input(span_, TR_TYPE_STR, text.data(), text.size()); }
  int set_input_json(std::string_view json) { return tr_span_set_input(span_, TR_TYPE_JSON, json.data(), json.size()); }
  int set_output(std::string_view text) { return tr_span_set_output(span_, TR_TYPE_STR, text.data(), text.size()); }
  int set_output_json(std::string_view json) {
    return tr_span_set_output(span_, TR_TYPE_JSON, json.data(), json.size());
  }
  int set_error(std::string_view type, std::string_view message) {
    return tr_span_set_error(span_, type.data(), type.size(), message.data(), message.size());
  }
  int set_foreign_id(std::string_view id) { return tr_span_set_foreign_id(span_, id.data(), id.size()); }
  int event(std::string_view name, const tr_attribute* attributes = nullptr, size_t count = 0) {
    return tr_span_event(span_, name.data(), name.size(), attributes, count);
  }

  // The `traceparent` to hand to a process that is called; empty if the span is not recorded.
  std::string traceparent() const {
    char text[TR_TRACEPARENT_SIZE + 1];
    return tr_context_inject(span_, text, sizeof text) == TR_OK ? std::string(text) : std::string();
  }

  int end() { return tr_span_end(std::exchange(span_, 0)); }

 private:
  tr_trace trace_ = 0;
  tr_span span_ = 0;
  int exceptions_ = std::uncaught_exceptions();
};

// --- Traces
// --------------------------------------------------------------------------------------------------------------

// A trace; ends in its destructor, as failed when an exception is what ends it. Spans must not outlive it by more than
// end_grace_ms.
class Trace {
 public:
  Trace() = default;
  explicit Trace(std::string_view name, const tr_trace_options* options = nullptr)
      : trace_(tr_trace_start(name.data(), name.size(), options)) {}
  Trace(Trace&& other) noexcept : trace_(std::exchange(other.trace_, 0)) {}
  Trace& operator=(Trace&& other) noexcept {
    if (this != &other) {
      end();
      trace_ = std::exchange(other.trace_, 0);
    }
    return *this;
  }
  ~Trace() {
    if (trace_ != 0 && std::uncaught_exceptions() > exceptions_) set_error("exception", "left by an exception");
    end();
  }

  tr_trace handle() const { return trace_; }
  Span span(tr_kind kind, std::string_view name) const { return Span(trace_, 0, kind, name); }

  template <class T>
  int set(std::string_view key, const T& value) {
    const tr_attribute attribute = make_attribute(key, value);
    return tr_trace_set_value(trace_, key.data(), key.size(), &attribute.value);
  }
  int set_json(std::string_view key, std::string_view json) { return set(key, make_json(json)); }
  int set_error(std::string_view type, std::string_view message) {
    return tr_trace_set_error(trace_, type.data(), type.size(), message.data(), message.size());
  }
  int event(std::string_view name, const tr_attribute* attributes = nullptr, size_t count = 0) {
    return tr_trace_event(trace_, name.data(), name.size(), attributes, count);
  }
  std::array<uint8_t, 16> id() const {
    std::array<uint8_t, 16> out{};
    tr_trace_get_id(trace_, out.data());
    return out;
  }
  std::string traceparent() const {
    char text[TR_TRACEPARENT_SIZE + 1];
    return tr_context_inject(trace_, text, sizeof text) == TR_OK ? std::string(text) : std::string();
  }

  int end() { return tr_trace_end(std::exchange(trace_, 0)); }

 private:
  tr_trace trace_ = 0;
  int exceptions_ = std::uncaught_exceptions();
};

// Records a span that was timed elsewhere; set what there is of `span`. Its struct_size and trace are set here.
inline int record_span(const Trace& trace, tr_span_data span) {
  span.struct_size = sizeof span;
  span.trace = trace.handle();
  return tr_span_record(&span);
}

// The W3C context of a `traceparent`, to be the parent of a trace in tr_trace_options. Nothing: it is not a valid one.
inline std::optional<tr_context> extract(std::string_view traceparent) {
  tr_context out{};
  out.struct_size = sizeof out;
  if (tr_context_extract(traceparent.data(), traceparent.size(), &out) != TR_OK) return std::nullopt;
  return out;
}

// --- Runs
// ----------------------------------------------------------------------------------------------------------------

// A run; finishes in its destructor, as failed and with exit code 1 when an exception is what ends it.
class Run {
 public:
  Run() = default;
  explicit Run(const tr_run_options& options) : run_(tr_run_start(&options)) {}
  explicit Run(std::string_view name, tr_trace trace = 0) : run_(start(name, trace)) {}
  Run(Run&& other) noexcept : run_(std::exchange(other.run_, 0)) {}
  Run& operator=(Run&& other) noexcept {
    if (this != &other) {
      finish();
      run_ = std::exchange(other.run_, 0);
    }
    return *this;
  }
  ~Run() {
    const bool failed = std::uncaught_exceptions() > exceptions_;
    finish(failed ? TR_RUN_FAILED : TR_RUN_FINISHED, failed ? 1 : 0);
  }

  tr_run handle() const { return run_; }

  // One metric of the step; a step below zero: the sink counts.
  template <class T>
  int log(int64_t step, std::string_view key, const T& value) {
    const tr_attribute metric = make_attribute(key, value);
    return tr_run_log(run_, step, &metric, 1);
  }
  int log(int64_t step, const tr_attribute* metrics, size_t count) { return tr_run_log(run_, step, metrics, count); }
  template <class T>
  int set_summary(std::string_view key, const T& value) {
    const tr_attribute item = make_attribute(key, value);
    return tr_run_set_summary(run_, &item, 1);
  }
  template <class T>
  int set_config(std::string_view key, const T& value) {
    const tr_attribute item = make_attribute(key, value);
    return tr_run_set_config(run_, &item, 1);
  }
  int set_tag(std::string_view key, std::string_view value = {}) {
    return tr_run_set_tag(run_, key.data(), key.size(), value.data(), value.size());
  }
  // A file of this machine, under a path among the run's artifacts.
  int log_artifact(std::string_view path, std::string_view file) {
    return tr_run_log_artifact(run_, path.data(), path.size(), file.data(), file.size());
  }
  // An image or a page in the history.
  int log_media(int64_t step, std::string_view key, tr_media kind, std::string_view file) {
    return tr_run_log_media(run_, step, key.data(), key.size(), kind, file.data(), file.size());
  }
  // A named set of files that the run has made, and one that it uses.
  int add_artifact(const tr_artifact& artifact) { return tr_run_add_artifact(run_, &artifact); }
  int add_artifact(std::string_view name, std::string_view type, const std::vector<tr_artifact_file>& files,
                   const std::vector<tr_string>& aliases = {}) {
    tr_artifact artifact{};
    artifact.struct_size = sizeof artifact;
    artifact.name = borrow(name);
    artifact.type = borrow(type);
    artifact.files = files.data();
    artifact.file_count = files.size();
    artifact.aliases = aliases.data();
    artifact.alias_count = aliases.size();
    return tr_run_add_artifact(run_, &artifact);
  }
  int use_artifact(std::string_view name) { return tr_run_use_artifact(run_, name.data(), name.size()); }
  int finish(tr_run_status status = TR_RUN_FINISHED, int32_t exit_code = 0) {
    return tr_run_finish(std::exchange(run_, 0), status, exit_code);
  }

 private:
  static tr_run start(std::string_view name, tr_trace trace) {
    tr_run_options options{};
    options.struct_size = sizeof options;
    options.name = borrow(name);
    options.trace = trace;
    return tr_run_start(&options);
  }

  tr_run run_ = 0;
  int exceptions_ = std::uncaught_exceptions();
};

// --- Processors
// ----------------------------------------------------------------------------------------------------------

// A processor of your own: derive, override the hooks you want, hand it to Processor::add. The library owns it from
// then on and deletes it after its last hook has returned. An exception that leaves a hook becomes TR_EINTERNAL.
class Processor {
 public:
  struct Options {
    std::string name;         // required
    std::string destination;  // part of the identity; no secrets
    uint32_t flags = 0;       // TR_PROCESSOR_...; on_span_start is called with TR_PROCESSOR_SPAN_STARTS only
    uint32_t tick_ms = 0;     // 0: on_tick is not called
    uint32_t batch_size = 0;
    bool batches = false;  // on_batch gets everything, the hooks for single records nothing
  };

  explicit Processor(Options options) : options_(std::move(options)) {}
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;
  virtual ~Processor() = default;

  // Each returns 0 (taken), TR_EAGAIN (offer again) or another error (not offered again).
  virtual int on_trace_start(const tr_record&) { return TR_OK; }
  virtual int on_span_start(const tr_record&) { return TR_OK; }
  virtual int on_span_end(const tr_record&) { return TR_OK; }
  virtual int on_trace_end(const tr_record&) { return TR_OK; }
  virtual int on_run(const tr_record&) { return TR_OK; }
  virtual int on_batch(const tr_batch&) { return TR_OK; }
  virtual int on_tick(int64_t /*unix_ns*/) { return TR_OK; }
  virtual int restore(const char* /*run_id*/, std::string_view /*state*/) { return TR_OK; }
  virtual int force_flush(uint32_t /*timeout_ms*/) { return TR_OK; }
  virtual int shutdown(uint32_t /*timeout_ms*/) { return TR_OK; }

  // tr_add_processor. Whatever the result, the processor is no longer the caller's.
  static int add(std::unique_ptr<Processor> processor, tr_processor_id* id = nullptr) {
    if (processor == nullptr) return TR_EINVAL;
    const tr_processor filled = table(std::move(processor));
    return tr_add_processor(&filled, id);
  }

  // The table for tr_set_processors, which owns the processor: its `release` must be called once, by the library or, if
  // it is never registered, by the caller. The processor must not be null.
  static tr_processor table(std::unique_ptr<Processor> processor) {
    const Options& options = processor->options_;
    tr_processor out{};
    out.struct_size = sizeof out;
    out.flags = options.flags;
    out.name = options.name.c_str();
    out.destination = options.destination.empty() ? nullptr : options.destination.c_str();
    if (options.batches) {
      out.on_batch = call<tr_batch, &Processor::on_batch>;
    } else {
      out.on_trace_start = call<tr_record, &Processor::on_trace_start>;
      out.on_span_end = call<tr_record, &Processor::on_span_end>;
      out.on_trace_end = call<tr_record, &Processor::on_trace_end>;
      out.on_run = call<tr_record, &Processor::on_run>;
      if ((options.flags & TR_PROCESSOR_SPAN_STARTS) != 0) {
        out.on_span_start = call<tr_record, &Processor::on_span_start>;
      }
    }
    if (options.tick_ms != 0) {
      out.on_tick = [](void* self, int64_t unix_ns) { return guard(self, &Processor::on_tick, unix_ns); };
    }
    out.restore = [](void* self, const char* run_id, const void* state, size_t size) {
      return guard(self, &Processor::restore, run_id, std::string_view(static_cast<const char*>(state), size));
    };
    out.force_flush = [](void* self, uint32_t timeout_ms) { return guard(self, &Processor::force_flush, timeout_ms); };
    out.shutdown = [](void* self, uint32_t timeout_ms) { return guard(self, &Processor::shutdown, timeout_ms); };
    out.release = [](void* self) { delete static_cast<Processor*>(self); };
    out.tick_ms = options.tick_ms;
    out.batch_size = options.batch_size;
    out.user_data = processor.release();
    return out;
  }

 private:
  template <class Hook, class... Arguments>
  static int guard(void* self, Hook hook, const Arguments&... arguments) noexcept {
    try {
      return (static_cast<Processor*>(self)->*hook)(arguments...);
    } catch (...) {
      return TR_EINTERNAL;
    }
  }

  template <class Delivered, int (Processor::*Hook)(const Delivered&)>
  static int call(void* self, const Delivered* delivered) {
    return guard(self, Hook, *delivered);
  }

  Options options_;
};

}  // namespace v0
}  // namespace trunkline

#endif  // TRUNKLINE_HPP
