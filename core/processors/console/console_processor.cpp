#include "processors/console/console_processor.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "encode/json_names.hpp"
#include "encode/json_options.hpp"
#include "processors/console/console_lines.hpp"
#include "processors/console/console_output.hpp"
#include "processors/console/console_tree.hpp"

namespace trunkline {
namespace {

using namespace processors;

constexpr size_t kMostOpenTraces = 64;
constexpr size_t kMostSpansOfTrace = 10'000;
constexpr size_t kMostBufferedBytes = size_t{16} << 20;
constexpr int kBatchWaitMs = 20;
constexpr uint32_t kTickMs = 100;

using TraceId = std::array<uint8_t, 16>;

TraceId trace_id(const tr_record& record) {
  TraceId id;
  std::memcpy(id.data(), record.trace_id, id.size());
  return id;
}

uint64_t span_number(const uint8_t (&bytes)[8]) {
  uint64_t number = 0;
  std::memcpy(&number, bytes, sizeof number);
  return number;
}

struct OpenTrace {
  std::vector<TreeLine> lines;
  size_t bytes = 0;
  size_t spans = 0;
  size_t printed_flat = 0;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
};

class ConsoleProcessor {
 public:
  ConsoleProcessor(int fd, bool color) : output_(fd), painter_(color) {}

  int on_batch(const tr_batch& batch) {
    if (output_.is_full() && !output_.flush(kBatchWaitMs)) return TR_EAGAIN;
    for (size_t i = 0; i < batch.count && !output_.is_closed(); ++i) take(*batch.records[i]);
    output_.flush(kBatchWaitMs);
    return TR_OK;
  }

  int flush(uint32_t timeout_ms) {
    return output_.flush(static_cast<int>(std::min<uint32_t>(timeout_ms, INT32_MAX))) ? TR_OK : TR_ETIMEDOUT;
  }

  // Traces that never ended are shown as far as they came.
  int shutdown(uint32_t timeout_ms) {
    for (auto& [id, trace] : traces_) {
      std::string text;
      painter_.paint(&text, Style::kBold, "trace");
      text += "  not ended";
      print_tree(id, &trace, text);
    }
    traces_.clear();
    buffered_bytes_ = 0;
    return flush(timeout_ms);
  }

 private:
  void take(const tr_record& record) {
    switch (record.type) {
      case TR_RECORD_TRACE_START:
        if (traces_.size() < kMostOpenTraces) traces_.try_emplace(trace_id(record));
        return;
      case TR_RECORD_SPAN_END:
      case TR_RECORD_EVENT:
        return take_line(record);
      case TR_RECORD_TRACE_END:
        return end_trace(record);
      case TR_RECORD_SPAN_START:
        return;
      default:
        print_flat(record);
    }
  }

  void render(std::string* out, const tr_record& record) const {
    if (record.type == TR_RECORD_SPAN_END) return append_span(out, painter_, record);
    if (record.type == TR_RECORD_EVENT) return append_event(out, painter_, record);
    append_run(out, painter_, record);
  }

  void take_line(const tr_record& record) {
    const auto found = traces_.find(trace_id(record));
    if (found == traces_.end()) return print_flat(record);
    OpenTrace& trace = found->second;
    const bool is_span = record.type == TR_RECORD_SPAN_END;
    trace.spans += is_span ? 1 : 0;
    trace.input_tokens += std::clamp<int64_t>(record.usage.input, 0, INT32_MAX);
    trace.output_tokens += std::clamp<int64_t>(record.usage.output, 0, INT32_MAX);
    if (trace.lines.size() >= kMostSpansOfTrace || buffered_bytes_ >= kMostBufferedBytes) {
      ++trace.printed_flat;
      return print_flat(record);
    }
    TreeLine line;
    line.id = is_span ? span_number(record.span_id) : 0;
    line.parent = span_number(record.parent_id);
    line.start_ns = record.start_ns;
    render(&line.text, record);
    const size_t bytes = sizeof line + line.text.size();
    trace.bytes += bytes;
    buffered_bytes_ += bytes;
    trace.lines.push_back(std::move(line));
  }

  void print_flat(const tr_record& record) {
    std::string text;
    append_short_id(&text, trace_id(record));
    render(&text, record);
    text.push_back('\n');
    output_.add(text);
  }

  void append_short_id(std::string* out, const TraceId& id) const {
    const encode::HexId<16> hex(id.data());
    if (hex.is_zero()) return;
    painter_.begin(out, Style::kDim);
    out->append("[").append(hex.view()).append("] ");
    painter_.end(out, Style::kDim);
  }

  void end_trace(const tr_record& record) {
    std::string title;
    append_trace(&title, painter_, record);
    const auto found = traces_.find(trace_id(record));
    if (found == traces_.end()) {
      OpenTrace none;
      return print_tree(trace_id(record), &none, title);
    }
    print_tree(found->first, &found->second, title);
    buffered_bytes_ -= found->second.bytes;
    traces_.erase(found);
  }

  void print_tree(const TraceId& id, OpenTrace* trace, const std::string& title) {
    std::string text;
    append_short_id(&text, id);
    text += title + "  ";
    append_count(&text, static_cast<int64_t>(trace->spans));
    text += trace->spans == 1 ? " span" : " spans";
    if (trace->input_tokens + trace->output_tokens > 0) {
      text += "  ";
      append_count(&text, trace->input_tokens);
      text += " -> ";
      append_count(&text, trace->output_tokens);
      text += " tokens";
    }
    if (trace->printed_flat > 0) text += "  (" + std::to_string(trace->printed_flat) + " shown above, one by one)";
    text.push_back('\n');
    append_tree(&text, std::move(trace->lines));
    output_.add(text);
  }

  ConsoleOutput output_;
  const Painter painter_;
  std::map<TraceId, OpenTrace> traces_;
  size_t buffered_bytes_ = 0;
};

ConsoleProcessor* self(void* user_data) { return static_cast<ConsoleProcessor*>(user_data); }

int on_batch(void* user_data, const tr_batch* batch) {
  return guarded([&] { return self(user_data)->on_batch(*batch); });
}

int on_tick(void* user_data, int64_t) {
  return guarded([&] {
    (void)self(user_data)->flush(0);
    return TR_OK;
  });
}

int force_flush(void* user_data, uint32_t timeout_ms) {
  return guarded([&] { return self(user_data)->flush(timeout_ms); });
}

int shutdown(void* user_data, uint32_t timeout_ms) {
  return guarded([&] { return self(user_data)->shutdown(timeout_ms); });
}

void release(void* user_data) { delete self(user_data); }

bool use_color(const std::string& option, int fd) {
  if (option != "auto") return option == "always";
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool refused = no_color != nullptr && *no_color != '\0';
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return !refused && !dumb && ::isatty(fd) == 1;
}

}  // namespace

Error make_console_processor(std::string_view options_json, const std::string&, tr_processor* out,
                             const ProcessorHost&) {
  std::string stream = "stderr";
  std::string color = "auto";
  encode::JsonOptions options(options_json, "console processor");
  options.read_choice("stream", {"stderr", "stdout"}, &stream);
  options.read_choice("color", {"auto", "always", "never"}, &color);
  if (Error error = options.finish()) return error;

  const int fd = stream == "stdout" ? STDOUT_FILENO : STDERR_FILENO;
  auto processor = std::make_unique<ConsoleProcessor>(fd, use_color(color, fd));
  tr_processor table{};
  table.flags = TR_PROCESSOR_SHARED;
  table.user_data = processor.get();
  table.name = "console";
  table.destination = fd == STDOUT_FILENO ? "stdout" : "stderr";
  table.on_batch = on_batch;
  table.on_tick = on_tick;
  table.force_flush = force_flush;
  table.shutdown = shutdown;
  table.release = release;
  table.tick_ms = kTickMs;
  Error error = processors::hand_over(table, out);
  if (!error) (void)processor.release();
  return error;
}

}  // namespace trunkline
