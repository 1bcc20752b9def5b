// The processes that the kill -9 test starts. `record`: four threads record spans until the process is killed, and a
// durable processor takes what it can. `collect`: takes what dead runs left.
#include <dirent.h>
#include <unistd.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "kill9_shared.hpp"
#include "trunkline.h"

namespace {

using kill9::Content;
using kill9::Shared;

enum class Pace { kFast, kSlow, kStuck };

struct Collector {
  Shared* shared;
  Pace pace;
};

std::string_view view(const tr_string& text) { return {text.data, text.size}; }
std::string_view view(const tr_value& value) { return {static_cast<const char*>(value.data), value.size}; }

const tr_value* find(const tr_record& record, std::string_view key) {
  for (size_t i = 0; i < record.attribute_count; ++i) {
    if (view(record.attributes[i].key) == key) return &record.attributes[i].value;
  }
  return nullptr;
}

// Whether what the record has is what its id implies; of a span that was cut short something may be missing.
bool is_right(const tr_record& record, uint64_t id, bool cut_short) {
  const Content content = Content::of(id);
  if (view(record.name) != kill9::name_of(id)) return false;
  for (uint64_t n = 0; n < content.integers; ++n) {
    // In order, behind "id": so that a hundred of them are not searched for a hundred times.
    const size_t at = n + 1;
    if (at >= record.attribute_count) return cut_short;
    const tr_attribute& attribute = record.attributes[at];
    if (view(attribute.key) != "n" + std::to_string(n) || attribute.value.type != TR_TYPE_I64) return false;
    if (attribute.value.i64 != kill9::integer_of(id, n)) return false;
  }
  const tr_value* value = find(record, "text");
  if (value == nullptr ? !cut_short
                       : value->type != TR_TYPE_STR || value->flags != 0 || view(*value) != content.value) {
    return false;
  }
  if (record.attribute_count > content.integers + 2 || record.dropped_attributes != 0) return false;
  if (content.input.empty() || record.input.type == TR_TYPE_NULL) {
    if (record.input.type != TR_TYPE_NULL || (!content.input.empty() && !cut_short)) return false;
  } else if (record.input.flags != 0 || view(record.input) != content.input) {
    return false;
  }
  const bool fails = (record.flags & TR_RECORD_FAILED) != 0;
  if (fails ? !content.fails : content.fails && !cut_short) return false;
  if (fails && !cut_short && view(record.error_message) != content.value.substr(0, 8)) return false;
  const bool has_event = record.event_count == 1 && view(record.events[0].name) == "event" &&
                         record.events[0].attribute_count == 1 &&
                         record.events[0].attributes[0].value.i64 == kill9::integer_of(id, 99);
  return record.event_count == 0 ? !content.has_event || cut_short : content.has_event && has_event;
}

uint64_t judge(const tr_record& record) {
  const bool cut_short = (record.flags & TR_RECORD_INCOMPLETE) != 0;
  uint64_t marks = cut_short ? kill9::kIncomplete : 0;
  const tr_value* id = find(record, "id");
  if (id == nullptr || id->type != TR_TYPE_I64) return marks | kill9::kNoId | (cut_short ? 0 : kill9::kTorn);
  const auto number = static_cast<uint64_t>(id->i64);
  const bool is_trace = record.type == TR_RECORD_TRACE_END;
  const bool right = is_trace ? view(record.name) == kill9::name_of(number) && (number & kill9::kTraceBit) != 0
                              : (number & kill9::kTraceBit) == 0 && is_right(record, number, cut_short);
  return marks | (right ? 0 : kill9::kTorn) | (number & kill9::kIdMask);
}

int take(void* user_data, const tr_batch* batch) {
  auto* collector = static_cast<Collector*>(user_data);
  if (collector->pace == Pace::kStuck) return TR_EAGAIN;
  for (size_t i = 0; i < batch->count; ++i) {
    const tr_record& record = *batch->records[i];
    if (record.type != TR_RECORD_SPAN_END && record.type != TR_RECORD_TRACE_END) continue;
    if (collector->shared->delivered.full()) collector->shared->overrun = 1;
    collector->shared->delivered.append(judge(record));
  }
  if (collector->pace == Pace::kSlow) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return TR_OK;
}

bool start_library(const char* directory, Collector* collector, uint64_t max_memory, tr_durability durability) {
  tr_config config;
  if (tr_config_init(&config, sizeof config) != TR_OK) return false;
  config.directory = directory;
  config.processors = "none";
  config.max_memory = max_memory;
  config.max_disk = 64ull << 30;  // losses to a limit are another test's
  config.durability = durability;
  tr_error error{sizeof error, 0, {}};
  if (tr_init(&config, &error) != TR_OK) {
    std::fprintf(stderr, "tr_init: %s\n", error.message);
    return false;
  }
  tr_processor processor{};
  processor.struct_size = sizeof processor;
  processor.flags = TR_PROCESSOR_DURABLE;
  processor.name = "collector";
  processor.user_data = collector;
  processor.on_batch = take;
  return tr_add_processor(&processor, nullptr) == TR_OK;
}

class Recorder {
 public:
  Recorder(Shared* shared, uint32_t thread) : shared_(shared), thread_(thread) {}

  // One trace, one of its spans open nearly as long as itself.
  void trace() {
    const uint64_t trace_id = next(1) | kill9::kTraceBit;
    const std::string name = kill9::name_of(trace_id);
    const tr_trace trace = tr_trace_start(name.data(), name.size(), nullptr);
    if (trace == 0) return std::this_thread::yield();
    tr_trace_set_i64(trace, "id", 2, static_cast<int64_t>(trace_id));
    uint64_t outer_id = 0;
    const tr_span outer = begin(trace, 0, &outer_id);
    for (int i = 0; i < 40; ++i) {
      uint64_t id = 0;
      const tr_span span = begin(trace, outer, &id);
      end(span, id, i % 4 == 0);
    }
    // One in eight traces ends before its last span, which ends later or never: the trace's end then waits in memory.
    if (kill9::mix(trace_id) % 8 != 0) end(outer, outer_id, false);
    if (tr_trace_end(trace) == TR_OK) shared_->acknowledged[thread_].append(trace_id);
    if (kill9::mix(trace_id) % 16 == 0) end(outer, outer_id, false);
  }

 private:
  uint64_t next(int kind) {
    const uint64_t number = ++numbers_[kind];
    shared_->started[thread_][kind].store(number, std::memory_order_release);
    return uint64_t{thread_} << kill9::kThreadShift | number;
  }

  tr_span begin(tr_trace trace, tr_span parent, uint64_t* id) {
    *id = next(0);
    const std::string name = kill9::name_of(*id);
    const tr_span span = tr_span_start(trace, parent, TR_KIND_TOOL, name.data(), name.size());
    if (span == 0) {
      std::this_thread::yield();  // out of memory: counted, not acknowledged
      return 0;
    }
    tr_span_set_i64(span, "id", 2, static_cast<int64_t>(*id));
    return span;
  }

  // A value that found no memory may be missing; such a span is not acknowledged, since its content is not whole.
  void end(tr_span span, uint64_t id, bool with) {
    if (span == 0) return;
    const Content content = Content::of(id);
    bool whole = true;
    for (uint64_t n = 0; n < content.integers; ++n) {
      const std::string key = "n" + std::to_string(n);
      whole &= tr_span_set_i64(span, key.data(), key.size(), kill9::integer_of(id, n)) == TR_OK;
    }
    if (!content.input.empty()) {
      whole &= tr_span_set_input(span, TR_TYPE_STR, content.input.data(), content.input.size()) == TR_OK;
    }
    if (content.fails) {
      whole &= tr_span_set_error(span, "type", TR_NUL, content.value.data(), 8) == TR_OK;
    }
    if (content.has_event) {
      tr_attribute attribute{{"n", 1}, {TR_TYPE_I64, 0, kill9::integer_of(id, 99), 0, nullptr, 0}};
      whole &= tr_span_event(span, "event", TR_NUL, &attribute, 1) == TR_OK;
    }
    const tr_attribute text{{"text", 4}, {TR_TYPE_STR, 0, 0, 0, content.value.data(), content.value.size()}};
    int result;
    if (with) {
      result = tr_span_end_with(span, &text, 1);
    } else {
      whole &= tr_span_set_value(span, "text", 4, &text.value) == TR_OK;
      result = tr_span_end(span);
    }
    if (whole && result == TR_OK) shared_->acknowledged[thread_].append(id);
  }

  Shared* shared_;
  uint32_t thread_;
  uint64_t numbers_[2] = {0, 0};
};

int record(Shared* shared, const char* directory, const char* pace, uint64_t max_memory, bool on_disk) {
  Collector collector{shared, std::strcmp(pace, "fast") == 0   ? Pace::kFast
                              : std::strcmp(pace, "slow") == 0 ? Pace::kSlow
                                                               : Pace::kStuck};
  if (!start_library(directory, &collector, max_memory, on_disk ? TR_DURABILITY_LOG : TR_DURABILITY_MEMORY)) return 2;
  tr_stats stats{};
  stats.struct_size = sizeof stats;
  if (tr_stats_get(&stats) != TR_OK || stats.mode != (on_disk ? TR_MODE_FILE : TR_MODE_MEMORY)) {
    std::fprintf(stderr, "mode %u\n", stats.mode);
    return 2;
  }
  static_cast<void>(kill9::text());
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kill9::kThreads; ++i) {
    threads.emplace_back([shared, i] {
      Recorder recorder(shared, i);
      while (!shared->acknowledged[i].full()) recorder.trace();
    });
  }
  shared->recording.store(1, std::memory_order_release);
  for (std::thread& thread : threads) thread.join();
  for (;;) pause();
}

int runs_in(const std::string& directory) {
  DIR* folder = opendir((directory + "/run").c_str());
  if (folder == nullptr) return -1;
  int runs = 0;
  while (const dirent* entry = readdir(folder)) runs += entry->d_name[0] != '.';
  closedir(folder);
  return runs;
}

// Ends when the only run left is our own.
int collect(Shared* shared, const char* directory) {
  Collector collector{shared, Pace::kFast};
  if (!start_library(directory, &collector, 4u << 20, TR_DURABILITY_LOG)) return 2;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (tr_flush(1000) != TR_OK || runs_in(directory) > 1) {
    if (std::chrono::steady_clock::now() > deadline) {
      std::fprintf(stderr, "the dead run is still there after 60 s\n");
      return 3;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  tr_stats stats{};
  stats.struct_size = sizeof stats;
  tr_stats_get(&stats);
  if (stats.records_corrupt != 0) std::fprintf(stderr, "corrupt %" PRIu64 "\n", stats.records_corrupt);
  if (tr_shutdown(60'000) != TR_OK || runs_in(directory) != 0) {
    std::fprintf(stderr, "shutdown left something behind\n");
    return 4;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Shared* shared = kill9::map_shared(kill9::kSharedFd);
  if (argc < 3 || shared == nullptr) {
    std::fprintf(stderr, "started by kill9 only\n");
    return 2;
  }
  if (std::strcmp(argv[1], "collect") == 0) return collect(shared, argv[2]);
  if (argc != 6) return 2;
  return record(shared, argv[2], argv[3], std::strtoull(argv[4], nullptr, 10), std::strcmp(argv[5], "log") == 0);
}
