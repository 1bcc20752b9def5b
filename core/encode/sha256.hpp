// SHA-256 (FIPS 180-4): the digest by which W&B names media, and a source of ids that follow from others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trunkline::encode {

class Sha256 {
 public:
  static constexpr size_t kSize = 32;

  void update(std::string_view bytes);
  // The raw digest of all that was given; nothing may be given after it.
  std::string finish();

 private:
  void take_block(const unsigned char* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint64_t size_ = 0;
  std::array<unsigned char, 64> rest_{};
};

}  // namespace trunkline::encode
