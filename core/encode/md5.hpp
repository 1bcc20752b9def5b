// MD5 (RFC 1321): the digest by which W&B and object stores know a file. It says which content something is and
// protects against nothing: where that matters SHA-256 is used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trunkline::encode {

class Md5 {
 public:
  static constexpr size_t kSize = 16;

  void update(std::string_view bytes);
  // The raw digest of all that was given; nothing may be given after it.
  std::string finish();

 private:
  void take_block(const unsigned char* block);

  std::array<uint32_t, 4> state_ = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  uint64_t size_ = 0;
  std::array<unsigned char, 64> rest_{};
};

}  // namespace trunkline::encode
