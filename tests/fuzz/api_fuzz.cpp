// Calls of the public API in any order, with any handles and values. One instance in memory serves many inputs; now and
// then one ends it and begins another. What was ended must be what was offered.
#include <fuzzer/FuzzedDataProvider.h>

#include <vector>

#include "fuzz_support.hpp"

namespace {

using trunkline::fuzz::require;
using trunkline::fuzz::use;

void start() {
  tr_config config;
  require(tr_config_init(&config, sizeof config) == TR_OK, "a configuration");
  config.processors = "none";
  config.durability = TR_DURABILITY_MEMORY;
  config.max_memory = 8u << 20;
  config.end_grace_ms = 1;
  config.log_level = TR_LEVEL_OFF;
  config.flags = TR_CONFIG_NO_EXIT_HOOK;
  require(tr_init(&config, nullptr) == TR_OK, "the library starts");
  tr_processor reader{};
  reader.struct_size = sizeof reader;
  reader.name = "reader";
  reader.on_batch = [](void*, const tr_batch* batch) {
    for (size_t i = 0; i < batch->count; ++i) use(*batch->records[i]);
    return TR_OK;
  };
  require(tr_add_processor(&reader, nullptr) == TR_OK, "a processor is added");
}

void stop() {
  require(tr_shutdown(30'000) == TR_OK, "nothing is left");
  tr_stats stats{};
  stats.struct_size = sizeof stats;
  require(tr_stats_get(&stats) == TR_OK, "there are counts");
  require(stats.spans_started + 1'000'000 > stats.spans_incomplete, "counts are sane");
}

class Calls {
 public:
  explicit Calls(FuzzedDataProvider* input) : input_(*input) {}

  void one() {
    const tr_string text = some_text();
    const tr_attribute* const attributes = some_attributes();
    const size_t count = attributes_.size();
    switch (input_.ConsumeIntegralInRange<int>(0, 22)) {
      case 0:
      case 1:
        return keep(
            tr_trace_start(text.data, text.size, input_.ConsumeBool() ? trace_options(attributes, count) : nullptr));
      case 2:
      case 3:
        return keep(tr_span_start(handle(), handle(), number(), text.data, text.size));
      case 4:
        return ignore(tr_span_set_value(handle(), text.data, text.size, value()));
      case 5:
        return ignore(tr_trace_set_value(handle(), text.data, text.size, value()));
      case 6:
        return ignore(tr_span_set_json(handle(), "json", TR_NUL, text.data, text.size));
      case 7:
        return ignore(tr_span_set_input(handle(), number() % 8, text.data, text.size));
      case 8:
        return ignore(tr_span_set_error(handle(), "type", TR_NUL, text.data, text.size));
      case 9:
        return ignore(tr_span_event(handle(), text.data, text.size, attributes, count));
      case 10:
        return ignore(tr_span_end_with(handle(), attributes, count));
      case 11:
      case 12:
        return ignore(tr_span_end(handle()));
      case 13:
        return ignore(tr_trace_end(handle()));
      case 14:
        return ignore(tr_trace_event(handle(), text.data, text.size, attributes, count));
      case 15:
        return record(text_);
      case 16:
        return run(text, attributes, count);
      case 17:
        return propagate();
      case 18:
        return keep(tr_span_start_with(handle(), handle(), number(), "with", 4, attributes, count));
      case 19:
        return keep(tr_span_start_packed(handle(), handle(), number(), "packed", 6, text_.data(), text_.size()));
      case 20:
        return ignore(tr_span_set_packed(handle(), text_.data(), text_.size()));
      case 21:
        return ignore(tr_span_end_packed(handle(), text_.data(), text_.size()));
      default:
        return ignore(tr_trace_set_str(handle(), text.data, text.size, "value", TR_NUL));
    }
  }

  void end_all() {
    for (const uint64_t each : handles_) {
      ignore(tr_span_end(each));
      ignore(tr_trace_end(each));
      ignore(tr_run_finish(each, TR_RUN_FINISHED, 0));
    }
  }

 private:
  static void ignore(int) {}
  void keep(uint64_t handle) { handles_.push_back(handle); }

  // Mostly one that was given out.
  uint64_t handle() {
    if (handles_.empty() || input_.ConsumeIntegral<uint8_t>() == 0) return input_.ConsumeIntegral<uint64_t>();
    return handles_[input_.ConsumeIntegralInRange<size_t>(0, handles_.size() - 1)];
  }
  uint32_t number() { return input_.ConsumeIntegral<uint8_t>(); }
  // All of a text, or up to its first NUL.
  tr_string some_text() {
    text_ = input_.ConsumeRandomLengthString(300);
    return {text_.c_str(), input_.ConsumeBool() ? TR_NUL : text_.size()};
  }

  const tr_value* value() {
    value_ = {};
    value_.type = number() % 12;
    value_.i64 = input_.ConsumeIntegral<int64_t>();
    value_.f64 = input_.ConsumeFloatingPoint<double>();
    if (value_.type >= TR_TYPE_STR && value_.type <= TR_TYPE_JSON) {
      value_text_ = input_.ConsumeRandomLengthString(3000);
      value_.data = value_text_.data();
      value_.size = value_text_.size();
    } else if (value_.type >= TR_TYPE_BOOL_ARRAY && value_.type <= TR_TYPE_F64_ARRAY) {
      value_.data = numbers_;
      value_.size = number() % 8;
    }
    return &value_;
  }

  const tr_attribute* some_attributes() {
    attributes_.resize(number() % 4);
    keys_.resize(attributes_.size());
    for (size_t i = 0; i < attributes_.size(); ++i) {
      keys_[i] = input_.ConsumeRandomLengthString(40);
      attributes_[i] = {{keys_[i].data(), keys_[i].size()}, {}};
      attributes_[i].value.type = number() % 4;
      attributes_[i].value.i64 = number();
    }
    return attributes_.data();
  }

  const tr_trace_options* trace_options(const tr_attribute* metadata, size_t count) {
    options_ = {};
    tr_trace_options& options = options_.known;
    options.struct_size = input_.ConsumeBool() ? sizeof options : number();
    options.metadata = metadata;
    options.metadata_count = count;
    return &options;
  }

  void record(const std::string& name) {
    tr_span_data span{};
    span.struct_size = sizeof span;
    span.trace = handle();
    span.parent = handle();
    span.start_ns = input_.ConsumeIntegral<int64_t>();
    span.end_ns = input_.ConsumeIntegral<int64_t>();
    span.name = {name.data(), name.size()};
    ignore(tr_span_record(&span));
  }

  void run(const tr_string& text, const tr_attribute* attributes, size_t count) {
    const tr_run run = tr_run_start(nullptr);
    ignore(tr_run_log(run, input_.ConsumeIntegral<int64_t>(), attributes, count));
    ignore(tr_run_set_tag(input_.ConsumeBool() ? run : handle(), text.data, text.size, "x", 1));
    ignore(tr_run_log_artifact(run, text.data, text.size, input_.ConsumeBool() ? "/proc/self/exe" : text.data, TR_NUL));
    ignore(tr_run_finish(run, number(), 0));
  }

  void propagate() {
    char header[TR_TRACEPARENT_SIZE + 1];
    if (tr_context_inject(handle(), header, sizeof header) != TR_OK) return;
    tr_context context{};
    context.struct_size = sizeof context;
    require(tr_context_extract(header, TR_NUL, &context) == TR_OK, "what is injected can be extracted");
  }

  FuzzedDataProvider& input_;
  std::vector<uint64_t> handles_;
  std::string text_;
  std::string value_text_;
  tr_value value_{};
  int64_t numbers_[8] = {1, -1, 0, 5, INT64_MAX, INT64_MIN, 7, 8};
  std::vector<tr_attribute> attributes_;
  std::vector<std::string> keys_;
  // A newer program's struct is larger.
  struct {
    tr_trace_options known;
    unsigned char tail[256];
  } options_{};
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  start();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static unsigned inputs = 0;
  FuzzedDataProvider input(data, size);
  Calls calls(&input);
  for (int i = 0; i < 100 && input.remaining_bytes() > 0; ++i) calls.one();
  calls.end_all();
  if (++inputs % 20'000 == 0) {
    stop();
    start();
  }
  return 0;
}
