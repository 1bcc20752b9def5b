#include "os/crc32c.hpp"

#include <gtest/gtest.h>

#include <string>

namespace trunkline {
namespace {

TEST(Crc32c, KnownVectors) {
  for (auto* crc : {&crc32c, &crc32c_portable}) {
    EXPECT_EQ(crc(0, "", 0), 0u);
    EXPECT_EQ(crc(0, "123456789", 9), 0xe3069283u);
    EXPECT_EQ(crc(0, std::string(32, '\0').data(), 32), 0x8a9136aau);
    EXPECT_EQ(crc(0, std::string(32, '\xff').data(), 32), 0x62a8ab43u);
  }
}

TEST(Crc32c, HardwareAndTablesAgreeAndChainAtEverySizeAndAlignment) {
  std::string bytes;
  for (int i = 0; i < 200; ++i) bytes.push_back(static_cast<char>(i * 37 + 11));
  for (size_t begin = 0; begin < 9; ++begin) {
    for (size_t size = 0; begin + size <= bytes.size(); ++size) {
      const uint32_t whole = crc32c(7, bytes.data() + begin, size);
      ASSERT_EQ(whole, crc32c_portable(7, bytes.data() + begin, size));
      const size_t half = size / 3;
      ASSERT_EQ(whole, crc32c(crc32c(7, bytes.data() + begin, half), bytes.data() + begin + half, size - half));
    }
  }
}

TEST(Crc32c, TheSeedMatters) { EXPECT_NE(crc32c(1, "abc", 3), crc32c(2, "abc", 3)); }

}  // namespace
}  // namespace trunkline
