// A table of names that is sorted while the library is compiled. A lookup compares only names of the key's own length,
// so it costs a few nanoseconds and allocates nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trunkline {

// A table sorted by length and then by text, with the range of each length: most keys that are not in it are known not
// to be by their length alone.
template <class Entry, size_t N>
class KeyTable {
 public:
  explicit constexpr KeyTable(const Entry (&entries)[N]) : entries_(std::to_array(entries)) {
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
      return a.key.size() != b.key.size() ? a.key.size() < b.key.size() : a.key < b.key;
    });
    size_t entry = 0;
    for (size_t length = 0; length <= kMaxLength + 1; ++length) {
      while (entry < N && entries_[entry].key.size() < length) ++entry;
      begin_[length] = static_cast<uint8_t>(entry);
    }
  }

  constexpr const Entry* find(std::string_view key) const {
    if (key.size() > kMaxLength) return nullptr;
    for (size_t i = begin_[key.size()]; i < begin_[key.size() + 1]; ++i) {
      if (entries_[i].key == key) return &entries_[i];
    }
    return nullptr;
  }

  constexpr bool well_formed() const {
    for (size_t i = 0; i < N; ++i) {
      if (entries_[i].key.size() > kMaxLength || (i > 0 && entries_[i].key == entries_[i - 1].key)) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kMaxLength = 48;
  static_assert(N < 256);
  std::array<Entry, N> entries_;
  std::array<uint8_t, kMaxLength + 2> begin_{};
};

}  // namespace trunkline
