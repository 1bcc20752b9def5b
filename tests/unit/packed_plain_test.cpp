#include "model/packed_plain.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/packed_attributes.hpp"
#include "support/packed.hpp"

namespace trunkline {
namespace {

std::string packed_scalars() {
  tr_attribute all[6] = {};
  const tr_type types[] = {TR_TYPE_STR, TR_TYPE_I64, TR_TYPE_BOOL, TR_TYPE_F64, TR_TYPE_BYTES, TR_TYPE_JSON};
  for (size_t i = 0; i < 6; ++i) {
    all[i].key = {"key", 3};
    all[i].value.type = types[i];
    if (types[i] == TR_TYPE_I64 || types[i] == TR_TYPE_F64) {
      all[i].value.i64 = 0x3ff0000000000000;
    } else if (types[i] == TR_TYPE_BOOL) {
      all[i].value.i64 = 1;
    } else {
      all[i].value.data = "text";
      all[i].value.size = 4;
    }
  }
  return test::packed(all, 6);
}

// As many as are whole, each as PackedAttributes reads it. What is left is nothing, or what stands from there on.
TEST(PackedPlain, ReadsWhatIsWholeAsPackedAttributesDoes) {
  const std::string bytes = packed_scalars();
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const std::vector<char> exact(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    const PackedAttributes read(exact.data(), exact.size());
    PackedPlain plain(exact.data(), exact.size());
    size_t count = 0;
    for (PlainAttribute each; plain.next(&each); ++count) {
      ASSERT_LT(count, read.count());
      const tr_value& value = read.data()[count].value;
      EXPECT_EQ(each.type, value.type);
      EXPECT_EQ(each.key, "key");
      if (each.is_text) {
        EXPECT_EQ(each.text, "text");
      } else {
        EXPECT_EQ(static_cast<int64_t>(each.bits), value.i64);
      }
    }
    EXPECT_EQ(count, read.count()) << size;
    EXPECT_EQ(plain.left() == 0, read.result() == TR_OK) << size;
  }
}

TEST(PackedPlain, StopsBeforeAListANullAndADefect) {
  const tr_type others[] = {TR_TYPE_STR_ARRAY, TR_TYPE_I64_ARRAY, TR_TYPE_NULL, TR_TYPE_STR_ARRAY + 1};
  for (const tr_type type : others) {
    std::string bytes = packed_scalars();
    const size_t before = bytes.size();
    bytes += std::string{static_cast<char>(type), 1, 0, 'k', 0, 0, 0, 0};
    PackedPlain plain(bytes.data(), bytes.size());
    size_t count = 0;
    for (PlainAttribute each; plain.next(&each);) ++count;
    EXPECT_EQ(count, 6u);
    EXPECT_EQ(plain.rest(), bytes.data() + before);
    EXPECT_EQ(plain.left(), 8u);
  }
}

TEST(PackedPlain, NothingAndAbsurdSizesAreNone) {
  PlainAttribute one;
  EXPECT_FALSE(PackedPlain(nullptr, 0).next(&one));
  EXPECT_FALSE(PackedPlain(nullptr, 9).next(&one));
  EXPECT_FALSE(PackedPlain("", TR_NUL).next(&one));
}

}  // namespace
}  // namespace trunkline
