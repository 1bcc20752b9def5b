// The ground every fault test stands on: a directory and a time limit of its own, a processor that counts on its own
// account, and an end that no test can leave out: after each of them the law of conservation must hold, the shutdown
// must succeed, and no descriptor or thread may be left over.
#pragma once

#include <dirent.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "support/counts.hpp"
#include "trunkline.h"

namespace faults {

// The sanitizers keep freed memory for themselves, and forbid some things that work.
#if defined(__has_feature)
#define TRUNKLINE_TEST_HAS(feature) __has_feature(feature)
#else
#define TRUNKLINE_TEST_HAS(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || TRUNKLINE_TEST_HAS(thread_sanitizer)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif
#if defined(__SANITIZE_ADDRESS__) || TRUNKLINE_TEST_HAS(address_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = kThreadSanitizer;
#endif

inline std::string_view view(const tr_string& text) { return {text.data, text.size}; }
inline std::string_view view(const tr_value& value) { return {static_cast<const char*>(value.data), value.size}; }

inline const tr_value* find(const tr_record& record, std::string_view key) {
  for (size_t i = 0; i < record.attribute_count; ++i) {
    if (view(record.attributes[i].key) == key) return &record.attributes[i].value;
  }
  return nullptr;
}

inline size_t entries_of(const std::string& path) {
  size_t count = 0;
  DIR* folder = opendir(path.c_str());
  if (folder == nullptr) return 0;
  while (const dirent* entry = readdir(folder)) count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

inline size_t open_descriptors() { return entries_of("/proc/self/fd"); }
inline size_t threads() { return entries_of("/proc/self/task"); }

// Waits until `done`, or until the time has passed.
template <class Done>
bool comes_true(Done&& done, std::chrono::seconds limit = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Whether tests run in their whole size, as `make soak` lets them, and not in the scaled one.
inline bool whole_size() { return std::getenv("TRUNKLINE_TEST_WHOLE") != nullptr; }
inline uint64_t scaled(uint64_t usual, uint64_t whole) { return whole_size() ? whole : usual; }

// Counts what it is given, and nothing else: it asks the library for none of its numbers.
class CountingProcessor {
 public:
  tr_processor table(const char* name = "counting") {
    tr_processor made{};
    made.struct_size = sizeof made;
    made.user_data = this;
    made.name = name;
    made.on_batch = [](void* self, const tr_batch* batch) {
      return static_cast<CountingProcessor*>(self)->take(*batch);
    };
    made.release = [](void* self) { ++static_cast<CountingProcessor*>(self)->released_; };
    return made;
  }

  // Called with every record, on the delivery thread. To be set before the processor is added.
  std::function<void(const tr_record&)> on_record;
  // The lies by which the tests show that they would be found out.
  std::atomic<uint64_t> spans_to_forget{0};

  uint64_t spans() const { return spans_; }
  uint64_t incomplete_spans() const { return incomplete_spans_; }
  uint64_t records() const { return records_; }
  uint64_t duplicates() const { return duplicates_; }
  int released() const { return released_; }

 private:
  int take(const tr_batch& batch) {
    for (size_t i = 0; i < batch.count; ++i) {
      const tr_record& record = *batch.records[i];
      if (on_record) on_record(record);
      ++records_;
      // In order within a run, so that a repeated record is one that is not above the last.
      if (run_ == batch.run_id && record.sequence <= last_sequence_) ++duplicates_;
      run_ = batch.run_id;
      last_sequence_ = record.sequence;
      if (record.type != TR_RECORD_SPAN_END) continue;
      if (spans_to_forget > 0) {
        --spans_to_forget;
        continue;
      }
      ++spans_;
      if ((record.flags & TR_RECORD_INCOMPLETE) != 0) ++incomplete_spans_;
    }
    return TR_OK;
  }

  std::atomic<uint64_t> spans_{0}, incomplete_spans_{0}, records_{0}, duplicates_{0};
  std::string run_;
  uint64_t last_sequence_ = 0;
  std::atomic<int> released_{0};
};

using trunkline::test::stats;
using trunkline::test::stats_of;

inline uint64_t dropped(const tr_processor_stats& s) {
  return s.rejected.spans + s.poisoned.spans + s.removed.spans + s.overflowed.spans + s.unreadable.spans +
         s.left_behind.spans;
}

class FaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (whole_size()) limit_seconds_ = 3000;
    alarm(limit_seconds_);  // its signal ends the test as failed
    directory_ = (std::filesystem::temp_directory_path() / "trunkline-fault-XXXXXX").string();
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    std::thread([] {}).join();  // a sanitizer's own threads begin with the first of ours
    descriptors_before_ = open_descriptors();
    threads_before_ = threads();
  }

  void TearDown() override {
    if (running_) expect_conserved();
    EXPECT_EQ(counting_.duplicates(), 0u);
    expect_nothing_left();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
    alarm(0);
  }

  tr_config config() {
    tr_config made;
    EXPECT_EQ(tr_config_init(&made, sizeof made), TR_OK);
    made.directory = directory_.c_str();
    made.processors = "none";
    made.log_level = TR_LEVEL_ERROR;
    return made;
  }

  void start() { start(config()); }
  void start(const tr_config& with) {
    tr_error error{sizeof error, 0, {}};
    ASSERT_EQ(tr_init(&with, &error), TR_OK) << error.message;
    running_ = true;
    released_at_ = counting_.released();
    const tr_processor table = counting_.table();
    ASSERT_EQ(tr_add_processor(&table, &counting_id_), TR_OK);
    spans_before_ = counting_.spans();
    incomplete_before_ = counting_.incomplete_spans();
  }

  void expect_conserved() { EXPECT_EQ(broken_laws(), ""); }

  // The law, once with everything flushed and once more after the shutdown, which ends what is open.
  std::string broken_laws() {
    std::string broken;
    const auto law = [&broken](const char* what, uint64_t left, uint64_t right) {
      if (left != right)
        broken += std::string(what) + ": " + std::to_string(left) + " != " + std::to_string(right) + "\n";
    };
    running_ = false;
    law("flush", static_cast<uint64_t>(tr_flush(60'000)), 0);
    const tr_stats total = stats();
    const tr_processor_stats mine = stats_of(counting_id_);
    const uint64_t seen = counting_.spans() - spans_before_;
    law("offered = delivered + dropped + pending", mine.offered.spans,
        mine.delivered.spans + dropped(mine) + mine.pending.spans);
    law("nothing pending after a flush", mine.pending.records, 0);
    law("delivered = counted", mine.delivered.spans, seen);
    law("offered = ended + incomplete", mine.offered.spans, total.spans_ended + total.spans_incomplete);
    law("ended + incomplete = counted + dropped", total.spans_ended + total.spans_incomplete, seen + dropped(mine));
    law("incomplete = counted as incomplete", total.spans_incomplete,
        counting_.incomplete_spans() - incomplete_before_);
    const uint64_t open = total.spans_started - total.spans_ended - total.spans_incomplete;
    law("shutdown", static_cast<uint64_t>(tr_shutdown(60'000)), 0);
    law("open at the shutdown = counted after it", counting_.spans() - spans_before_ - seen, open);
    law("and as incomplete", counting_.incomplete_spans() - incomplete_before_, total.spans_incomplete + open);
    law("release was called once", static_cast<uint64_t>(counting_.released() - released_at_), 1);
    law("run directories left", entries_of(directory_ + "/run"), 0);
    return broken;
  }

  // Delivery threads may take a moment to be gone after the shutdown.
  void expect_nothing_left(std::chrono::seconds limit = std::chrono::seconds(20)) {
    EXPECT_TRUE(comes_true([&] { return threads() <= threads_before_; }, limit))
        << threads() << " threads, " << threads_before_;
    EXPECT_TRUE(comes_true([&] { return open_descriptors() <= descriptors_before_; }, limit))
        << open_descriptors() << " descriptors, " << descriptors_before_ << " before";
  }

  // For tests that take longer than a minute on a busy machine.
  void allow(unsigned seconds) {
    limit_seconds_ = std::max(limit_seconds_, seconds);
    alarm(limit_seconds_);
  }

  unsigned limit_seconds_ = 60;
  std::string directory_;
  CountingProcessor counting_;
  tr_processor_id counting_id_ = 0;
  bool running_ = false;
  size_t threads_before_ = 0;

 private:
  size_t descriptors_before_ = 0;
  uint64_t spans_before_ = 0;
  uint64_t incomplete_before_ = 0;
  int released_at_ = 0;
};

}  // namespace faults
