// What the three processes of the kill -9 test share: memory that outlives the kill, in which the victim notes what it
// started and what had ended, and the rule that derives a span's content from its id. A delivered span is right when
// its content is the one its id implies, byte by byte; nothing about it has to be remembered anywhere.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace kill9 {

inline constexpr int kSharedFd = 3;  // in the victim and the successor
inline constexpr uint32_t kThreads = 4;
inline constexpr uint64_t kMostAcknowledged = 2u << 20;  // by one thread
inline constexpr uint64_t kMostDelivered = 32u << 20;

// Ids: [thread][kind of record][number].
inline constexpr int kThreadShift = 40;
inline constexpr uint64_t kTraceBit = 1ull << 39;
inline constexpr uint64_t kNumberMask = kTraceBit - 1;
// Marks on a delivered id.
inline constexpr uint64_t kTorn = 1ull << 63;
inline constexpr uint64_t kIncomplete = 1ull << 62;
inline constexpr uint64_t kNoId = 1ull << 61;  // cut before its first attribute
inline constexpr uint64_t kIdMask = kNoId - 1;

// A list that only grows; an entry counts once `count` covers it.
template <uint64_t kMost>
struct List {
  std::atomic<uint64_t> count;
  uint64_t entries[kMost];

  bool full() const { return count.load(std::memory_order_relaxed) >= kMost; }
  void append(uint64_t entry) {  // one writer
    const uint64_t at = count.load(std::memory_order_relaxed);
    if (at >= kMost) return;
    entries[at] = entry;
    count.store(at + 1, std::memory_order_release);
  }
};

struct Shared {
  std::atomic<uint32_t> recording;                 // the victim's threads run
  std::atomic<uint32_t> overrun;                   // a list is full: the counts would not be exact
  std::atomic<uint64_t> started[kThreads][2];      // spans, traces: the highest number that may exist
  List<kMostAcknowledged> acknowledged[kThreads];  // ids, each after its end call had returned
  List<kMostDelivered> delivered;                  // ids with marks, each before the hook returned
};

inline Shared* map_shared(int fd) {
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<Shared*>(memory);
}

inline uint64_t mix(uint64_t x) {  // splitmix64
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

// Text that values are cut from: no two places of it look alike.
inline const std::string& text() {
  static const std::string made = [] {
    std::string out(512u << 10, ' ');
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>('a' + mix(i) % 16);
    return out;
  }();
  return made;
}

// The content of a span. Attributes: "id", then "n0" .. as integers, then "text".
struct Content {
  uint64_t integers;
  std::string_view value;
  std::string_view input;  // empty: not set
  bool fails;
  bool has_event;

  static Content of(uint64_t id) {
    const uint64_t h = mix(id);
    const uint64_t kind = h % 512;
    const auto cut = [&](uint64_t size) {
      return std::string_view(text()).substr(mix(h) % (text().size() - size), size);
    };
    if (kind == 0) return {2, cut(20'000 + h / 512 % 280'000), {}, false, false};
    if (kind == 1) return {1, cut(16), cut(2'000 + h / 512 % 100'000), false, false};
    if (kind < 6) return {100, cut(8), {}, false, false};
    if (kind < 40) return {1, cut(1024), {}, false, false};
    if (kind < 60) return {1, cut(24), {}, true, true};
    return {2, cut(1 + h / 512 % 40), {}, false, false};
  }
};

inline int64_t integer_of(uint64_t id, uint64_t n) { return static_cast<int64_t>(mix(id ^ n << 48)); }
inline std::string name_of(uint64_t id) { return "span-" + std::to_string(mix(id) % 1000); }

}  // namespace kill9
