// What MD5 and SHA-256 have in common: blocks of 64 bytes, of which each changes a state of 32-bit words, and at the
// end a mark and the number of bits. They differ in the order of the bytes of a number and in `take_block`, which a
// Hash has.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace trunkline::encode {

enum class ByteOrder { kLowestFirst, kHighestFirst };

template <class Hash, size_t kWords, ByteOrder kOrder>
class BlockHash {
 public:
  static constexpr size_t kSize = kWords * sizeof(uint32_t);

  void update(std::string_view bytes) {
    const size_t held = size_ % kBlock;
    size_ += bytes.size();
    if (held != 0) {
      const size_t taken = std::min(bytes.size(), kBlock - held);
      std::memcpy(rest_.data() + held, bytes.data(), taken);
      bytes.remove_prefix(taken);
      if (held + taken < kBlock) return;
      hash().take_block(rest_.data());
    }
    for (; bytes.size() >= kBlock; bytes.remove_prefix(kBlock)) {
      hash().take_block(reinterpret_cast<const unsigned char*>(bytes.data()));
    }
    if (!bytes.empty()) std::memcpy(rest_.data(), bytes.data(), bytes.size());
  }

  // The raw digest of all that was given; nothing may be given after it.
  std::string finish() {
    const uint64_t bits = size_ * 8;
    const size_t held = size_ % kBlock;
    std::string tail(held < kLengthAt ? kLengthAt - held : kBlock + kLengthAt - held, '\0');
    tail[0] = '\x80';
    append(bits, &tail);
    update(tail);
    std::string digest;
    for (const uint32_t word : state_) append(word, &digest);
    return digest;
  }

 protected:
  explicit BlockHash(const std::array<uint32_t, kWords>& start) : state_(start) {}

  // Written out so that it becomes one load.
  static uint32_t word_at(const unsigned char* bytes) {
    return static_cast<uint32_t>(bytes[0]) << shift_of<uint32_t>(0) |
           static_cast<uint32_t>(bytes[1]) << shift_of<uint32_t>(1) |
           static_cast<uint32_t>(bytes[2]) << shift_of<uint32_t>(2) |
           static_cast<uint32_t>(bytes[3]) << shift_of<uint32_t>(3);
  }

  std::array<uint32_t, kWords> state_;

 private:
  static constexpr size_t kBlock = 64;
  static constexpr size_t kLengthAt = 56;  // in the last block

  // By how much the byte at `i` of a number is shifted in it.
  template <class Number>
  static constexpr size_t shift_of(size_t i) {
    return 8 * (kOrder == ByteOrder::kLowestFirst ? i : sizeof(Number) - 1 - i);
  }

  template <class Number>
  static void append(Number number, std::string* bytes) {
    for (size_t i = 0; i < sizeof number; ++i) {
      bytes->push_back(static_cast<char>(number >> shift_of<Number>(i) & 0xff));
    }
  }

  Hash& hash() { return static_cast<Hash&>(*this); }

  uint64_t size_ = 0;
  std::array<unsigned char, kBlock> rest_{};
};

}  // namespace trunkline::encode
