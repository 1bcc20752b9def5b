#include "model/utf8.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace trunkline {
namespace {

const std::string kBad = "\xEF\xBF\xBD";

// A decoder written from the definition instead of by table rows, to compare with.
bool valid_by_definition(const std::string& text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (size == 0 || i + size > text.size()) return false;
    uint32_t code = size == 1 ? lead : lead & (0xFFu >> (size + 1));
    for (size_t k = 1; k < size; ++k) {
      const auto next = static_cast<uint8_t>(text[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      code = code << 6 | (next & 0x3Fu);
    }
    const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[size] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    i += size;
  }
  return true;
}

TEST(Utf8, AcceptsWhatIsWellFormed) {
  for (const char* text : {"", "plain", "caf\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF",
                           "\xEE\x80\x80", "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBF"}) {
    EXPECT_TRUE(utf8_valid(text)) << text;
    EXPECT_EQ(utf8_repair(text), text);
  }
  EXPECT_TRUE(utf8_valid(std::string(3, '\0')));
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndWhatIsTooLarge) {
  for (const char* text :
       {"\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFE", "\xFF", "\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98"}) {
    EXPECT_FALSE(utf8_valid(text));
    EXPECT_TRUE(utf8_valid(utf8_repair(text)));
  }
}

TEST(Utf8, EveryTwoAndThreeByteTextAgreesWithTheDefinition) {
  std::string text(3, '\0');
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      for (const int c : {0, 0x41, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC2, 0xFF}) {
        text[0] = static_cast<char>(a), text[1] = static_cast<char>(b), text[2] = static_cast<char>(c);
        ASSERT_EQ(utf8_valid(text), valid_by_definition(text)) << a << ' ' << b << ' ' << c;
        ASSERT_EQ(utf8_valid(text.substr(0, 2)), valid_by_definition(text.substr(0, 2))) << a << ' ' << b;
      }
    }
  }
}

TEST(Utf8, RandomBytesAtEveryOffsetAgreeWithTheDefinition) {
  std::mt19937 random(7);
  const std::string parts[] = {"a",    "0123456789abcdef", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                               "\x80", "\xED\xA0\x80",     "\xE2\x82"};
  size_t valid = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto n = random() % 8; n > 0; --n) text += parts[random() % std::size(parts)];
    const bool expected = valid_by_definition(text);
    valid += expected;
    ASSERT_EQ(utf8_valid(text), expected);
    const std::string repaired = utf8_repair(text);
    ASSERT_TRUE(valid_by_definition(repaired));
    ASSERT_EQ(repaired == text, expected);
  }
  EXPECT_GT(valid, 1000u);  // both outcomes were met
  EXPECT_LT(valid, 19000u);
}

TEST(Utf8, RepairsEachMaximalPartOnce) {
  // Table 3-11 of the Unicode standard, and truncated sequences.
  EXPECT_EQ(utf8_repair("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a" + kBad + kBad + kBad + "b" + kBad + "c" + kBad + kBad + "d");
  EXPECT_EQ(utf8_repair("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            kBad + kBad + kBad + kBad + kBad + kBad + kBad + kBad + "A");
  EXPECT_EQ(utf8_repair("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            kBad + kBad + kBad + kBad + kBad + kBad + kBad + kBad + "A");
  EXPECT_EQ(utf8_repair("abc\xE2\x82"), "abc" + kBad);
}

TEST(Utf8, CutsAtBoundaries) {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";  // boundaries 0 1 3 6 10 11
  const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (size_t max = 0; max < std::size(expected); ++max) EXPECT_EQ(utf8_cut(text, max), expected[max]) << max;
  EXPECT_EQ(utf8_cut(std::string(9, '\x80'), 5), 5u);  // no character is divided where there is none
  EXPECT_EQ(utf8_cut("\xC3\xA9\x80\x80\x80", 4), 4u);
}

TEST(Utf8, AppendsCodePoints) {
  std::string out;
  for (const char32_t code : {U'a', U'\u00e9', U'\u20ac', U'\U0001F600'}) utf8_append(&out, code);
  EXPECT_EQ(out, "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  out.clear();
  utf8_append(&out, 0xD800);
  utf8_append(&out, 0x110000);
  EXPECT_EQ(out, kBad + kBad);
}

}  // namespace
}  // namespace trunkline
