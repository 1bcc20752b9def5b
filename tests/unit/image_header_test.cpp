// The size of an image from its first bytes: heads as programs write them, cut anywhere, and what is none.
#include "encode/image_header.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trunkline::encode {
namespace {

struct Sample {
  const char* format;
  std::string bytes;
};

std::string bytes_of(std::initializer_list<int> numbers) {
  std::string bytes;
  for (const int number : numbers) bytes.push_back(static_cast<char>(number));
  return bytes;
}

// Each is 300 wide and 200 high.
std::vector<Sample> samples() {
  const std::string exif = bytes_of({0xff, 0xe1, 0x01, 0x00}) + std::string(254, '\xc0');
  const std::string frame = bytes_of({0xff, 0xc2, 0, 17, 8, 0, 200, 1, 44, 3});
  const std::string riff = std::string("RIFF\x64\0\0\0WEBP", 12);
  const std::string size = std::string("\x40\0\0\0", 4);
  return {{"png", "\x89PNG\r\n\x1a\n" + bytes_of({0, 0, 0, 13}) + "IHDR" + bytes_of({0, 0, 1, 44, 0, 0, 0, 200})},
          {"gif", "GIF89a" + bytes_of({44, 1, 200, 0})},
          {"gif", "GIF87a" + bytes_of({44, 1, 200, 0})},
          {"jpeg", bytes_of({0xff, 0xd8, 0xff, 0xdb, 0, 2, 0xff}) + exif + frame},
          {"webp", riff + "VP8X" + size + bytes_of({0, 0, 0, 0, 43, 1, 0, 199, 0, 0})},
          {"webp", riff + "VP8 " + size + bytes_of({0, 0, 0, 0x9d, 1, 0x2a, 44, 1, 200, 0})},
          {"webp", riff + "VP8L" + size + bytes_of({0x2f, 43, 0xc1, 49, 0, 0, 0, 0, 0, 0})}};
}

TEST(ImageHeader, IsReadOfEachFormat) {
  for (const Sample& sample : samples()) {
    const auto found = read_image_header(sample.bytes);
    ASSERT_TRUE(found) << sample.format;
    EXPECT_EQ(found->format, sample.format);
    EXPECT_EQ(found->width, 300u) << sample.format;
    EXPECT_EQ(found->height, 200u) << sample.format;
  }
}

TEST(ImageHeader, OfWhatIsCutThereIsNone) {
  for (const Sample& sample : samples()) {
    for (size_t size = 0; size < sample.bytes.size(); ++size) {
      const std::string copy(sample.bytes, 0, size);  // of its own, so that a reader beyond it is found out
      const auto found = read_image_header(copy);
      EXPECT_TRUE(!found || found->width == 300u) << sample.format << " " << size;
      EXPECT_TRUE(!found || size >= 10) << sample.format << " " << size;
    }
  }
}

TEST(ImageHeader, OfWhatIsNoImageThereIsNone) {
  for (const std::string& bytes :
       {std::string("<html>"), std::string(100, '\0'), std::string(100, '\xff'), "\xff\xd8\xff" + std::string(90, 'x'),
        bytes_of({0xff, 0xd8, 0xff, 0xe1, 0, 0, 0xff, 0xe1}), bytes_of({0xff, 0xd8, 0xff, 0xda, 0, 4, 1, 2}),
        "GIF89a" + std::string(10, '\0'), std::string("RIFF\x64\0\0\0WEBPVP9 ", 16) + std::string(40, '\0')}) {
    EXPECT_FALSE(read_image_header(bytes));
  }
}

}  // namespace
}  // namespace trunkline::encode
