// Slots that their threads own, and write into without a locked instruction, when other threads come to write there,
// too.
#include <atomic>
#include <set>
#include <thread>

#include "record/recorder_inline.hpp"
#include "recorder_support.hpp"

namespace trunkline::record_test {
namespace {

// As the setters of the C API do it.
int set_number(uint64_t span, const std::string& key, uint64_t value) {
  const Entry entry;
  record::ThreadState& thread = entry.thread();
  const int done = entry.recorder().put_fast(thread, span, HandleKind::kSpan, Field::kAttribute, TR_TYPE_I64, key,
                                             record::Word{value});
  if (done <= 0) return done;
  return entry.recorder().put(thread, span, HandleKind::kSpan, Field::kAttribute, TR_TYPE_I64, key, &value,
                              sizeof value);
}

record::Slot& slot_of(RecorderLife& life, uint64_t handle) { return life.pool().slot(record::slot_of(handle)); }

// Whatever the thread went through, what it opens from here on is its own.
void own_what_is_opened() {
  const Entry entry;
  entry.thread().taken_over.store(0);
  entry.thread().owns_as.store(entry.thread().ordinal);
}

uint32_t this_ordinal() {
  const Entry entry;
  return entry.thread().ordinal;
}

uint32_t taken_over() {
  const Entry entry;
  return entry.thread().taken_over.load();
}

class RecorderOwner : public ::testing::Test {
 protected:
  RecorderOwner() : life_(kLeastMemory, policy()) {
    trace_ = life_.trace();
    EXPECT_EQ(life_.end(life_.span(trace_)), TR_OK);  // the first chunk
    life_.collect();
  }

  static record::Policy policy() {
    record::Policy many;
    many.max_attributes = 300;
    return many;
  }

  bool owners_work() { return life_.collector().barrier_works(); }

  // Every value that was accepted is in the record, once and whole.
  void expect_accepted(const Collected& record, uint64_t of_owner, uint64_t of_other) {
    EXPECT_TRUE(record.whole);
    EXPECT_EQ(record.attributes.size(), of_owner + of_other);
    std::set<std::string> keys;
    uint64_t owners = 0;
    for (const auto& [key, value] : record.attributes) {
      keys.insert(key);
      owners += key[0] == 'o' ? 1 : 0;
      uint64_t number = 0;
      ASSERT_EQ(value.size(), sizeof number);
      std::memcpy(&number, value.data(), sizeof number);
      EXPECT_EQ(key.substr(1), std::to_string(number));
    }
    EXPECT_EQ(keys.size(), record.attributes.size());
    EXPECT_EQ(owners, of_owner);
  }

  RecorderLife life_;
  uint64_t trace_ = 0;
};

TEST_F(RecorderOwner, IsWhoeverOpenedTheSlotUntilAnotherWrites) {
  if (!owners_work()) GTEST_SKIP() << "the kernel has no membarrier";
  const uint64_t span = life_.span(trace_);
  const uint32_t mine = this_ordinal();
  EXPECT_EQ(slot_of(life_, span).owner.load(), mine);
  EXPECT_EQ(set_number(span, "o1", 1), TR_OK);
  EXPECT_EQ(slot_of(life_, span).owner.load(), mine);
  std::thread([&] { EXPECT_EQ(set_number(span, "x1", 1), TR_OK); }).join();
  EXPECT_EQ(slot_of(life_, span).owner.load(), 0u);
  EXPECT_EQ(set_number(span, "o2", 2), TR_OK);
  EXPECT_EQ(life_.end(span), TR_OK);
  const auto records = life_.collect();
  ASSERT_EQ(records.size(), 1u);
  expect_accepted(records[0], 2, 1);
}

TEST_F(RecorderOwner, AndAnotherWriteAtOnce) {
  constexpr int kSpans = 1500;
  std::atomic<uint64_t> offered{0};
  std::atomic<uint64_t> answered{0};
  std::atomic<bool> over{false};
  std::thread other([&] {
    for (uint64_t last = 0; !over.load();) {
      const uint64_t span = offered.load();
      if (span == last) {
        std::this_thread::yield();
        continue;
      }
      last = span;
      uint64_t accepted = 0;
      for (uint64_t i = 0; i < 4; ++i) accepted += set_number(span, "x" + std::to_string(i), i) == TR_OK ? 1 : 0;
      if (last % 2 == 0) static_cast<void>(life_.end(span));
      answered.store(accepted + 1);
    }
  });
  for (int round = 0; round < kSpans; ++round) {
    own_what_is_opened();
    const uint64_t span = life_.span(trace_);
    ASSERT_NE(span, 0u);
    answered.store(0);
    uint64_t accepted = 0;
    const auto write = [&](uint64_t i) { accepted += set_number(span, "o" + std::to_string(i), i) == TR_OK ? 1 : 0; };
    for (uint64_t i = 0; i < 20; ++i) {
      if (i == static_cast<uint64_t>(round) % 10) offered.store(span);
      write(i);
    }
    static_cast<void>(life_.end(span));
    while (answered.load() == 0) std::this_thread::yield();
    const auto records = life_.collect();
    ASSERT_EQ(records.size(), 1u);
    expect_accepted(records[0], accepted, answered.load() - 1);
    if (HasFailure()) break;
  }
  over.store(true);
  other.join();
}

TEST_F(RecorderOwner, WritesWhileTheWorkerEndsWhatIsOpen) {
  for (int round = 0; round < 300 && !HasFailure(); ++round) {
    std::atomic<uint64_t> opened{0};
    uint64_t accepted = 0;
    std::thread owner([&] {
      own_what_is_opened();
      const uint64_t span = life_.span(trace_);
      opened.store(span);
      for (uint64_t i = 0;; ++i) {
        const int result = set_number(span, "o" + std::to_string(i), i);
        if (result == TR_ESTALE) break;
        accepted += result == TR_OK ? 1 : 0;
      }
    });
    while (opened.load() == 0) std::this_thread::yield();
    for (int i = 0; i < round % 50; ++i) os::spin_pause();
    const std::vector<uint64_t> traces{slot_of(life_, trace_).span_id.load()};
    EXPECT_EQ(life_.collector().end_open(&traces), 1u);
    owner.join();
    const auto records = life_.collect();
    ASSERT_EQ(records.size(), 1u);
    EXPECT_NE(records[0].header.flags & TR_RECORD_INCOMPLETE, 0u);
    expect_accepted(records[0], accepted, 0);
  }
}

// A large value is long on its way into the slot.
TEST_F(RecorderOwner, IsWaitedForInTheMiddleOfAWrite) {
  const std::string text = text_of(256 * 1024, 1);
  for (int round = 0; round < 200 && !HasFailure(); ++round) {
    const bool worker = round % 2 == 0;
    std::atomic<uint64_t> opened{0};
    int first = TR_OK;
    int second = TR_OK;
    std::thread owner([&] {
      own_what_is_opened();
      const uint64_t span = life_.span(trace_);
      opened.store(span);
      first = life_.set(span, "o1", text);
      second = life_.set(span, "o2", text);
    });
    while (opened.load() == 0) os::spin_pause();
    for (int i = 0; i < round * 20; ++i) os::spin_pause();
    uint64_t of_other = 0;
    std::vector<Collected> records;
    if (worker) {
      const std::vector<uint64_t> traces{slot_of(life_, trace_).span_id.load()};
      EXPECT_EQ(life_.collector().end_open(&traces), 1u);
      records = life_.collect();  // it is whole now, whatever its owner still does
    } else {
      of_other = set_number(opened.load(), "x1", 1) == TR_OK ? 1 : 0;
    }
    owner.join();
    EXPECT_EQ(life_.end(opened.load()), worker ? TR_ESTALE : TR_OK);
    if (!worker) records = life_.collect();
    ASSERT_EQ(records.size(), 1u);
    EXPECT_TRUE(records[0].whole);
    EXPECT_EQ(records[0].attribute("o1") == text, first == TR_OK);
    EXPECT_EQ(records[0].attribute("o2") == text, second == TR_OK);
    EXPECT_EQ(records[0].attributes.size(), of_other + (first == TR_OK ? 1 : 0) + (second == TR_OK ? 1 : 0));
  }
}

TEST_F(RecorderOwner, IsNobodyWhereSpansMoveBetweenThreads) {
  if (!owners_work()) GTEST_SKIP() << "the kernel has no membarrier";
  for (int round = 0; round < 200; ++round) {
    const uint64_t span = life_.span(trace_);
    std::thread([&] { EXPECT_EQ(life_.end(span), TR_OK); }).join();
    life_.collect(false);
  }
  EXPECT_EQ(taken_over(), 8u);
  EXPECT_EQ(slot_of(life_, life_.span(trace_)).owner.load(), 0u);
  // After many records of its own it owns again what it opens.
  for (int i = 0; i < 3000; ++i) {
    const uint64_t span = life_.span(trace_);
    EXPECT_EQ(life_.set(span, "text", std::string(1000, 'x')), TR_OK);
    EXPECT_EQ(life_.end(span), TR_OK);
    if (i % 100 == 0) life_.collect(false);
  }
  EXPECT_EQ(slot_of(life_, life_.span(trace_)).owner.load(), this_ordinal());
}

}  // namespace
}  // namespace trunkline::record_test
