// Makes a large store to measure with: make_store FILE SPANS [noindex]. Traces of about ten spans as agents leave them
// (generations whose input is a growing chat, tools, some failures), one of 30,000, the same in every run. Prints what
// writing and indexing took.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "model/kinds.hpp"
#include "os/time.hpp"
#include "store/store_reader.hpp"
#include "store/store_writer.hpp"

namespace {

using trunkline::store::SpanRow;
using trunkline::store::StoreWriter;
using trunkline::store::TraceRow;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kNewest = 1'790'000'000 * kSecond;
constexpr uint64_t kLongTrace = 30'000;
constexpr uint64_t kBatch = 512;

class Random {
 public:
  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t limit) { return next() % limit; }

 private:
  uint64_t state_ = 1;
};

// Words as frequent as in texts: few of them often, many seldom; one in a hundred thousand is a needle.
std::string words(Random* random, size_t count) {
  static constexpr const char* kSyllables[] = {"ta", "re", "mo", "li",  "sun", "ker",
                                               "pa", "do", "vi", "nor", "es",  "qu"};
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    if (random->below(100'000) == 0) text += "needle ";
    uint64_t word = random->below(10'000);
    word = word * word / 10'000;
    do {
      text += kSyllables[word % 12];
      word /= 12;
    } while (word > 0);
    text += i % 12 == 11 ? ".\n" : " ";
  }
  return text;
}

std::string hex(uint64_t value, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%0*llx", digits, static_cast<unsigned long long>(value));
  return text;
}

std::string json_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) c == '\n' ? out.append("\\n") : out.append(1, c);
  return out + "\"";
}

class Maker {
 public:
  explicit Maker(StoreWriter* writer) : writer_(writer) {}

  void make(uint64_t spans) {
    uint64_t left = spans;
    const uint64_t traces = spans / 10;
    for (uint64_t i = 0; left > 0; ++i) {
      const uint64_t size = i == traces / 2 && left > kLongTrace ? kLongTrace : std::min(left, 2 + random_.below(16));
      make_trace(i, kNewest - static_cast<int64_t>(traces > i ? traces - i : 0) * 20 * kSecond, size);
      left -= size;
    }
    commit();
  }

 private:
  void make_trace(uint64_t number, int64_t start, uint64_t spans) {
    static constexpr const char* kNames[] = {"answer a question", "mend a program", "plan a trip", "review a change"};
    const std::string id = "01a0" + hex(static_cast<uint64_t>(start / 1'000'000), 12) + hex(random_.next(), 16);
    const std::string name = std::string(kNames[random_.below(4)]) + " " + std::to_string(number);
    const std::string group = "talk-" + std::to_string(number / 4);
    TraceRow trace;
    trace.id = id;
    trace.run_id = "made";
    trace.name = name;
    trace.group_id = group;
    trace.start_ns = start;
    trace.end_ns = start + static_cast<int64_t>(spans) * kSecond / 2;
    trace.ended = true;
    trace.metadata = R"({"stop_reason":"final_answer","version":"1.4.2"})";
    trace.stop_reason = "final_answer";
    trace.flags = random_.below(20) == 0 ? TR_RECORD_FAILED : 0;
    begin();
    check(writer_->put_trace(trace));
    std::string chat = R"([{"role":"system","content":"You are a helpful agent."})";
    std::string root;
    for (uint64_t i = 0; i < spans; ++i) make_span(id, start, i, &root, &chat);
  }

  void make_span(const std::string& trace_id, int64_t start, uint64_t i, std::string* root, std::string* chat) {
    const std::string span_id = hex(random_.next(), 16);
    const bool is_root = i == 0;
    const bool is_generation = i % 2 == 1;
    const uint32_t kind = is_root ? TR_KIND_AGENT : is_generation ? TR_KIND_GENERATION : TR_KIND_TOOL;
    const std::string kind_name = trunkline::kind_name(kind);
    const std::string output = is_root ? "" : words(&random_, 10 + random_.below(40));
    if (chat->size() > 4'000) chat->resize(chat->find("},{") + 1);
    if (is_generation) *chat += R"(,{"role":"user","content":)" + json_text(words(&random_, 20)) + "}";
    const std::string input = is_generation ? *chat + "]" : R"({"path":)" + json_text(words(&random_, 2)) + "}";
    SpanRow span;
    span.trace_id = trace_id;
    span.span_id = span_id;
    span.parent_id = *root;
    span.kind = kind;
    span.kind_name = kind_name;
    span.name = is_root ? "agent" : is_generation ? "think" : i % 4 == 0 ? "read_file" : "run_tests";
    span.start_ns = start + static_cast<int64_t>(i) * kSecond / 2;
    span.end_ns = span.start_ns + static_cast<int64_t>(random_.below(kSecond / 2));
    span.flags = random_.below(50) == 0 ? TR_RECORD_FAILED : 0;
    span.status = span.flags != 0 ? "error" : "ok";
    if (span.flags != 0) {
      span.error_type = "IOError";
      span.error_message = "no such file or directory";
    }
    if (is_generation) {
      const auto tokens = static_cast<int64_t>(input.size() / 4);
      span.model = "gpt-4o";
      span.usage = {tokens, 40, tokens + 40, -1, -1, -1};
    }
    span.input = {input, "json", false};
    if (!is_root) span.output = {output, "str", false};
    span.attributes = R"({"gen_ai.operation.name":"chat","server.address":"api.example.com"})";
    begin();
    check(writer_->put_span(span));
    if (is_root) *root = span_id;
  }

  void begin() {
    if (rows_ == 0) check(writer_->begin());
    if (++rows_ < kBatch) return;
    commit();
    check(writer_->begin());
    rows_ = 1;
  }
  void commit() {
    if (rows_ > 0) check(writer_->commit("made", ++sequence_));
    rows_ = 0;
  }
  void check(int code) {
    if (code == 0) return;
    std::fprintf(stderr, "make_store: %s\n", writer_->fail(code).message.c_str());
    std::exit(1);
  }

  StoreWriter* writer_;
  Random random_;
  uint64_t rows_ = 0;
  uint64_t sequence_ = 0;
};

double seconds_since(int64_t begin) { return static_cast<double>(trunkline::os::monotonic_now() - begin) / 1e9; }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: make_store FILE SPANS [noindex]\n");
    return 2;
  }
  const auto spans = std::strtoull(argv[2], nullptr, 10);
  int64_t begin = trunkline::os::monotonic_now();
  {
    StoreWriter writer({argv[1], false}, uint64_t{1} << 40, [](std::string_view) {});
    if (const auto error = writer.ensure_open()) {
      std::fprintf(stderr, "make_store: %s\n", error.message.c_str());
      return 1;
    }
    Maker(&writer).make(spans);
  }
  const double written = seconds_since(begin);
  std::printf("written   %.1f s, %.0f spans a second\n", written, static_cast<double>(spans) / written);
  if (argc > 3 && std::strcmp(argv[3], "noindex") == 0) return 0;
  begin = trunkline::os::monotonic_now();
  auto store = trunkline::store::Store::open(argv[1], trunkline::store::Access::kWrite);
  if (!store || !store->update_search_index(INT64_MAX)) return 1;
  const double indexed = seconds_since(begin);
  std::printf("indexed   %.1f s, %.0f spans a second\n", indexed, static_cast<double>(spans) / indexed);
  return 0;
}
