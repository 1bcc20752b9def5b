// Remembers keys that were looked at and found clean: programs use few keys, each for every span, and looking for
// credentials in one costs more than comparing it. One thread's. A key that another displaced is looked at once more.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace trunkline::pipeline {

class KnownKeys {
 public:
  bool contains(std::string_view key) const { return remembers(key) && keys_[place(key)] == key; }
  void add(std::string_view key) {
    if (remembers(key)) keys_[place(key)] = key;
  }

 private:
  static constexpr size_t kPlaces = 256;
  static constexpr size_t kMaxBytes = 64;

  static bool remembers(std::string_view key) { return !key.empty() && key.size() <= kMaxBytes; }

  // By the size and both ends of the key: names of one family begin alike, and differ in how they end.
  static size_t place(std::string_view key) {
    const size_t taken = key.size() < 8 ? key.size() : 8;
    uint64_t begin = 0;
    uint64_t end = 0;
    std::memcpy(&begin, key.data(), taken);
    std::memcpy(&end, key.data() + key.size() - taken, taken);
    const uint64_t mixed = (begin ^ end << 7 ^ key.size()) * 0x9E3779B97F4A7C15u;
    return mixed >> 56;
  }

  std::array<std::string, kPlaces> keys_;
};

}  // namespace trunkline::pipeline
