// Many threads, threads that end, handles that wander between threads, signals in the middle of a call.
#include <signal.h>
#include <sys/time.h>

#include <csetjmp>
#include <map>
#include <vector>

#include "faults/fault_fixture.hpp"

namespace faults {
namespace {

class Threads : public FaultTest {
 protected:
  // Memory may be short for a moment: then the start is refused and counted.
  static tr_span start_span(tr_trace trace, const char* name) {
    for (;;) {
      if (const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, name, TR_NUL)) return span;
      std::this_thread::yield();
    }
  }
};

TEST_F(Threads, sixty_four_threads_are_all_accounted_for) {
  start();
  constexpr uint64_t kThreads = 64;
  const uint64_t spans = scaled(10'000, 100'000);
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  std::vector<std::thread> all;
  for (uint64_t t = 0; t < kThreads; ++t) {
    all.emplace_back([trace, spans] {
      for (uint64_t i = 0; i < spans; ++i) {
        const tr_span span = start_span(trace, "span");
        EXPECT_EQ(tr_span_set_i64(span, "i", 1, static_cast<int64_t>(i)), TR_OK);
        EXPECT_EQ(tr_span_end(span), TR_OK);
      }
    });
  }
  for (std::thread& thread : all) thread.join();
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_flush(static_cast<uint32_t>(scaled(30'000, 900'000))), TR_OK);
  EXPECT_EQ(counting_.spans(), kThreads * spans);
}

TEST_F(Threads, one_span_written_by_sixteen_threads_is_whole) {
  constexpr int kThreads = 16;
  constexpr int kEach = 60;  // 960 together: below max_attributes
  std::set<std::string> keys;
  bool values_good = true;
  counting_.on_record = [&](const tr_record& record) {
    if (record.type != TR_RECORD_SPAN_END) return;
    for (size_t i = 0; i < record.attribute_count; ++i) {
      const std::string key(view(record.attributes[i].key));
      keys.insert(key);
      values_good = values_good && view(record.attributes[i].value) == "value of " + key;
    }
  };
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  const tr_span span = start_span(trace, "shared");
  std::vector<std::thread> all;
  for (int t = 0; t < kThreads; ++t) {
    all.emplace_back([span, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string key = std::to_string(t) + "." + std::to_string(i);
        const std::string value = "value of " + key;
        EXPECT_EQ(tr_span_set_str(span, key.data(), key.size(), value.data(), value.size()), TR_OK);
      }
    });
  }
  for (std::thread& thread : all) thread.join();
  EXPECT_EQ(tr_span_end(span), TR_OK);
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(keys.size(), static_cast<size_t>(kThreads * kEach));
  EXPECT_TRUE(values_good);
}

TEST_F(Threads, a_span_that_is_ended_while_others_write_is_whole) {
  std::atomic<uint64_t> set{0};
  uint64_t delivered = 0;
  counting_.on_record = [&](const tr_record& record) {
    if (record.type == TR_RECORD_SPAN_END) delivered += record.attribute_count;
  };
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  for (int round = 0; round < 200; ++round) {
    const tr_span span = start_span(trace, "contested");
    std::vector<std::thread> writers;
    for (int t = 0; t < 3; ++t) {
      writers.emplace_back([&set, span, t] {
        for (int i = 0; i < 100; ++i) {
          const std::string key = std::to_string(t) + "." + std::to_string(i);
          const int result = tr_span_set_str(span, key.data(), key.size(), "0123456789abcdef", 16);
          if (result == TR_OK) ++set;
          if (result == TR_ESTALE) return;
          EXPECT_EQ(result, TR_OK);
        }
      });
    }
    EXPECT_EQ(tr_span_end(span), TR_OK);
    for (std::thread& writer : writers) writer.join();
  }
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(delivered, set.load()) << "what a setter accepted is in the record, what it refused is not";
}

TEST_F(Threads, a_span_outlives_the_thread_that_started_it) {
  std::map<std::string, std::string> parents;
  counting_.on_record = [&](const tr_record& record) {
    if (record.type != TR_RECORD_SPAN_END) return;
    parents[std::string(view(record.name))] = std::string(reinterpret_cast<const char*>(record.parent_id), 8);
  };
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  const tr_span parent = start_span(trace, "parent");
  uint8_t parent_id[8];
  ASSERT_EQ(tr_span_get_ids(parent, nullptr, parent_id), TR_OK);
  tr_span child = 0;
  std::thread([&] { child = tr_span_start(trace, parent, TR_KIND_TOOL, "child", TR_NUL); }).join();
  std::thread([&] { EXPECT_EQ(tr_span_set_i64(child, "k", 1, 1), TR_OK); }).join();
  std::thread([&] { EXPECT_EQ(tr_span_end(child), TR_OK); }).join();
  EXPECT_EQ(tr_span_end(parent), TR_OK);
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(counting_.spans(), 2u);
  EXPECT_EQ(parents["child"], std::string(reinterpret_cast<const char*>(parent_id), 8));
}

TEST_F(Threads, spans_started_here_and_ended_there_do_not_use_up_the_memory) {
  tr_config with = config();
  with.max_memory = 4u << 20;
  start(with);
  constexpr int kSpans = 100'000;
  std::atomic<tr_span> handed{0};
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  std::thread ender([&] {
    for (int i = 0; i < kSpans; ++i) {
      tr_span span = 0;
      while ((span = handed.exchange(0)) == 0) std::this_thread::yield();
      EXPECT_EQ(tr_span_end(span), TR_OK);
    }
  });
  for (int i = 0; i < kSpans; ++i) {
    const tr_span span = start_span(trace, "span");
    tr_span empty = 0;
    while (!handed.compare_exchange_weak(empty, span)) {
      empty = 0;
      std::this_thread::yield();
    }
  }
  ender.join();
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(counting_.spans(), static_cast<uint64_t>(kSpans));
}

TEST_F(Threads, ten_thousand_short_threads_leave_nothing_behind) {
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  uint64_t used_early = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::thread([trace] { EXPECT_EQ(tr_span_end(start_span(trace, "span")), TR_OK); }).join();
    if (i == 1000) {
      ASSERT_EQ(tr_flush(60'000), TR_OK);
      used_early = stats().memory_used;
    }
  }
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_LE(stats().memory_used, used_early + (1u << 20));
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(counting_.spans(), 10'000u);
}

// The handler's doings, counted; a handler can reach only globals.
struct Storm {
  std::atomic<tr_trace> trace{0};
  std::atomic<uint64_t> handled{0}, refused{0}, ended{0}, odd{0};
};
Storm storm;

void handle_signal(int) {
  ++storm.handled;
  const tr_span span = tr_span_start(storm.trace, 0, TR_KIND_CUSTOM, "in a handler", 12);
  if (span == 0) {
    ++storm.refused;
    return;
  }
  if (tr_span_set_i64(span, "k", 1, 1) != TR_OK) ++storm.odd;
  if (tr_span_end(span) == TR_OK) {
    ++storm.ended;
  } else {
    ++storm.odd;
  }
}

TEST_F(Threads, a_signal_handler_may_call_the_library) {
  start();
  storm.trace = tr_trace_start("trace", TR_NUL, nullptr);
  struct sigaction action {};
  action.sa_handler = handle_signal;
  action.sa_flags = SA_RESTART;
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGPROF, &action, &before), 0);
  const itimerval fast{{0, 200}, {0, 200}};
  ASSERT_EQ(setitimer(ITIMER_PROF, &fast, nullptr), 0);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> ended{0};
  std::vector<std::thread> all;
  for (int t = 0; t < 3; ++t) {
    all.emplace_back([&] {
      const std::string big(5000, 'x');
      while (!stop) {
        const tr_span span = start_span(storm.trace, "span");
        EXPECT_EQ(tr_span_set_str(span, "big", 3, big.data(), big.size()), TR_OK);
        EXPECT_EQ(tr_span_end(span), TR_OK);
        ++ended;
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  stop = true;
  for (std::thread& thread : all) thread.join();
  const itimerval never{};
  setitimer(ITIMER_PROF, &never, nullptr);
  sigaction(SIGPROF, &before, nullptr);
  EXPECT_EQ(storm.odd, 0u);
  EXPECT_GT(storm.handled, 50u);
  EXPECT_EQ(storm.handled, storm.refused + storm.ended);
  EXPECT_EQ(tr_trace_end(storm.trace), TR_OK);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(counting_.spans(), ended + storm.ended);
  EXPECT_LE(stats().reentrant, storm.refused) << "refused for want of memory, or because a call was interrupted";
}

TEST_F(Threads, a_long_jump_between_calls_leaks_no_more_than_its_span) {
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  for (int i = 0; i < 1000; ++i) {
    jmp_buf place;
    if (setjmp(place) == 0) {
      static_cast<void>(start_span(trace, "abandoned"));
      longjmp(place, 1);
    }
  }
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK) << "a flush ends what is open of ended traces";
  EXPECT_EQ(counting_.incomplete_spans(), 1000u);
}

TEST_F(Threads, a_cancelled_thread_does_not_hold_the_others_up) {
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  std::atomic<tr_trace> shared{trace};
  for (int i = 0; i < 50; ++i) {
    pthread_t thread;
    ASSERT_EQ(pthread_create(
                  &thread, nullptr,
                  [](void* of) -> void* {
                    const tr_trace in = *static_cast<std::atomic<tr_trace>*>(of);
                    for (;;) {
                      tr_span_end(tr_span_start(in, 0, TR_KIND_TOOL, "span", TR_NUL));
                      pthread_testcancel();
                    }
                  },
                  &shared),
              0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_EQ(pthread_cancel(thread), 0);
    pthread_join(thread, nullptr);
  }
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
}

}  // namespace
}  // namespace faults
