#include "model/traceparent.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace trunkline {
namespace {

nlohmann::json vectors() {
  const char* source = std::getenv("TRUNKLINE_TEST_SOURCE");
  std::ifstream file(std::string(source == nullptr ? "." : source) + "/tests/unit/data/traceparent.json");
  return nlohmann::json::parse(file, nullptr, false);
}

TEST(Traceparent, EveryVector) {
  const nlohmann::json rows = vectors();
  ASSERT_TRUE(rows.is_array());
  ASSERT_EQ(rows.size(), 53u);
  size_t valid = 0;
  for (const auto& row : rows) {
    const std::string text = row["traceparent"];
    const auto parent = parse_traceparent(text);
    ASSERT_EQ(parent.has_value(), row["valid"].get<bool>()) << row["id"];
    if (!parent) continue;
    ++valid;
    char sent[TR_TRACEPARENT_SIZE + 1];
    format_traceparent(*parent, sent);
    const size_t begin = text.find_first_not_of(" \t");
    EXPECT_EQ(sent, "00" + text.substr(begin + 2, 51) + row["out_flags"].get<std::string>()) << row["id"];
  }
  EXPECT_EQ(valid, 15u);
}

TEST(Traceparent, EverySingleWrongCharacterIsSeen) {
  const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  ASSERT_TRUE(parse_traceparent(good));
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char wrong : {'g', 'A', ' ', '\0', '_', '\x80'}) {
      std::string text = good;
      text[i] = wrong;
      // A blank at either end only shortens the text, which is wrong as well.
      EXPECT_FALSE(parse_traceparent(text)) << i << ' ' << static_cast<int>(wrong);
    }
  }
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(parse_traceparent(good.substr(0, size)));
}

TEST(Traceparent, FormatsWithoutUnknownFlags) {
  TraceParent parent{};
  for (size_t i = 0; i < 16; ++i) parent.trace_id[i] = static_cast<uint8_t>(i * 17);
  parent.span_id[7] = 0xAB;
  parent.flags = 0xFD;
  char out[TR_TRACEPARENT_SIZE + 1];
  format_traceparent(parent, out);
  EXPECT_STREQ(out, "00-00112233445566778899aabbccddeeff-00000000000000ab-01");
}

}  // namespace
}  // namespace trunkline
