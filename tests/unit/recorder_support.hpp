// What the tests of the recorder share: a recorder behind an open gate, and a collector driven by the test itself in
// the worker's place, so that it is the test that decides when memory comes back.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/redactor.hpp"
#include "record/collector.hpp"
#include "record/recorder.hpp"
#include "record/thread_state.hpp"

namespace trunkline::record_test {

using record::Entry;
using record::HandleKind;

inline constexpr uint64_t kLeastMemory = 4u << 20;

// A record as the worker would log it.
struct Collected {
  RecordHeader header;
  uint32_t dropped = 0;
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;  // in the order in which they were set
  bool whole = true;                                            // all items could be read

  std::string attribute(const std::string& key) const {
    for (const auto& [each, value] : attributes) {
      if (each == key) return value;
    }
    return "<missing>";
  }
};

class RecorderLife {
 public:
  explicit RecorderLife(uint64_t max_bytes = kLeastMemory, record::Policy policy = {}, int fd = -1) {
    EXPECT_NE(record::make_gate(), nullptr);
    policy.redactor = &redactor_;
    auto made = record::Recorder::create(fd, max_bytes, policy);
    EXPECT_TRUE(made) << made.error().message;
    recorder_ = std::move(*made);
    collector_ = std::make_unique<record::Collector>(recorder_.get());
    collector_->start(record::open_gate(recorder_.get()));
  }
  ~RecorderLife() { EXPECT_TRUE(record::close_gate()); }
  RecorderLife(const RecorderLife&) = delete;
  RecorderLife& operator=(const RecorderLife&) = delete;

  record::Recorder& recorder() { return *recorder_; }
  record::PagePool& pool() { return recorder_->pool(); }
  record::Collector& collector() { return *collector_; }

  // A pass of the worker. `keep` false: the contents are not looked at.
  std::vector<Collected> collect(bool keep = true) {
    std::vector<record::Taken> taken;
    collector_->take(&taken);
    std::vector<Collected> records;
    for (const record::Taken& each : taken) {
      if (keep) records.push_back(read(each));
      collector_->done(each);
    }
    collected_ += taken.size();
    collector_->end_pass();
    return records;
  }
  size_t collected() const { return collected_; }

  // Recorder calls through an Entry of their own, as the C API makes them.
  uint64_t trace(const std::string& name = "trace") {
    const Entry entry;
    record::StartTrace start;
    start.name = name;
    return entry.recorder().start_trace(entry.thread(), start);
  }
  uint64_t span(uint64_t trace, const std::string& name = "span", uint64_t parent = 0) {
    const Entry entry;
    return entry.recorder().start_span(entry.thread(), trace, parent, TR_KIND_STEP, name, {});
  }
  int set(uint64_t span, const std::string& key, const std::string& value, HandleKind kind = HandleKind::kSpan) {
    const Entry entry;
    return entry.recorder().put(entry.thread(), span, kind, Field::kAttribute, TR_TYPE_STR, key, value.data(),
                                value.size());
  }
  int end(uint64_t handle, HandleKind kind = HandleKind::kSpan) {
    const Entry entry;
    return entry.recorder().end(entry.thread(), handle, kind);
  }

 private:
  Collected read(const record::Taken& taken) {
    Collected record;
    record.header = collector_->header(taken);
    record.dropped = collector_->dropped_attributes(taken);
    record.whole = collector_->visit_items(taken, [&](const ItemView& item) {
      if (item.field == Field::kName) record.name = item.value;
      if (item.field == Field::kAttribute) record.attributes.emplace_back(item.key, item.value);
    });
    return record;
  }

  const Redactor redactor_;
  std::unique_ptr<record::Recorder> recorder_;
  std::unique_ptr<record::Collector> collector_;
  size_t collected_ = 0;
};

// Text whose every byte depends on its place and on `seed`.
inline std::string text_of(size_t size, uint64_t seed) {
  std::string text(size, '\0');
  uint64_t x = seed * 0x9E3779B97F4A7C15u + 1;
  for (char& c : text) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    c = static_cast<char>('a' + (x >> 32) % 26);
  }
  return text;
}

}  // namespace trunkline::record_test
