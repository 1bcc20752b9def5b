#include "model/packed_attributes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/packed.hpp"

namespace trunkline {
namespace {

using test::pack_number;
using test::pack_text;

std::string text(const tr_string& s) { return {s.data, s.size}; }

void begin(std::string* out, tr_type type, const std::string& key) {
  pack_number(out, static_cast<uint8_t>(type));
  pack_number(out, static_cast<uint16_t>(key.size()));
  *out += key;
}

TEST(PackedAttributes, ReadsTheExampleOfTheDocumentation) {
  const unsigned char bytes[] = {2, 1, 0, 'a', 1, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 'b', 1, 0, 0, 0, 'x'};
  const PackedAttributes read(bytes, sizeof bytes);
  ASSERT_EQ(read.result(), TR_OK);
  ASSERT_EQ(read.count(), 2u);
  EXPECT_EQ(text(read.data()[0].key), "a");
  EXPECT_EQ(read.data()[0].value.type, TR_TYPE_I64);
  EXPECT_EQ(read.data()[0].value.i64, 1);
  EXPECT_EQ(text(read.data()[1].key), "b");
  EXPECT_EQ(std::string(static_cast<const char*>(read.data()[1].value.data), read.data()[1].value.size), "x");
}

TEST(PackedAttributes, NothingIsNoDefect) {
  EXPECT_EQ(PackedAttributes(nullptr, 0).result(), TR_OK);
  EXPECT_EQ(PackedAttributes("", 0).result(), TR_OK);
  EXPECT_EQ(PackedAttributes(nullptr, 1).result(), TR_EINVAL);
  EXPECT_EQ(PackedAttributes("", TR_NUL).result(), TR_EINVAL);
}

TEST(PackedAttributes, MoreThanTheFewThatNeedNoMemory) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    begin(&bytes, TR_TYPE_STR_ARRAY, "key" + std::to_string(i));
    pack_number(&bytes, uint32_t{2});
    pack_text(&bytes, "one", 3);
    pack_text(&bytes, std::to_string(i).c_str(), TR_NUL);
  }
  const PackedAttributes read(bytes.data(), bytes.size());
  ASSERT_EQ(read.result(), TR_OK);
  ASSERT_EQ(read.count(), 300u);
  for (size_t i = 0; i < 300; ++i) {
    const tr_value& value = read.data()[i].value;
    ASSERT_EQ(value.size, 2u);
    EXPECT_EQ(text(static_cast<const tr_string*>(value.data)[1]), std::to_string(i));
  }
}

// An attribute that is whole, then a second one that is cut at each of its bytes: the first one stays.
TEST(PackedAttributes, WhatStandsBeforeADefectIsRead) {
  for (tr_type type = TR_TYPE_BOOL; type <= TR_TYPE_STR_ARRAY; ++type) {
    std::string bytes;
    begin(&bytes, TR_TYPE_NULL, "first");
    const size_t first = bytes.size();
    begin(&bytes, type, "second");
    if (type == TR_TYPE_BOOL) {
      bytes += '\1';
    } else if (type == TR_TYPE_I64 || type == TR_TYPE_F64) {
      pack_number(&bytes, int64_t{7});
    } else if (type <= TR_TYPE_JSON) {
      pack_text(&bytes, "[1]", 3);
    } else {
      pack_number(&bytes, uint32_t{1});
      if (type == TR_TYPE_BOOL_ARRAY) bytes += '\1';
      if (type == TR_TYPE_I64_ARRAY || type == TR_TYPE_F64_ARRAY) pack_number(&bytes, int64_t{7});
      if (type == TR_TYPE_STR_ARRAY) pack_text(&bytes, "x", 1);
    }
    const PackedAttributes whole(bytes.data(), bytes.size());
    EXPECT_EQ(whole.result(), TR_OK) << type;
    EXPECT_EQ(whole.count(), 2u) << type;
    for (size_t size = first + 1; size < bytes.size(); ++size) {
      const std::vector<char> exact(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
      const PackedAttributes cut(exact.data(), exact.size());
      EXPECT_EQ(cut.result(), TR_EINVAL) << type << " cut at " << size;
      EXPECT_EQ(cut.count(), 1u) << type << " cut at " << size;
    }
  }
}

// The same where there is more than needs no memory: by attributes, by texts, and around the limits of both.
TEST(PackedAttributes, WhatStandsBeforeADefectIsReadOfManyToo) {
  for (const uint32_t attributes : {15u, 16u, 17u, 40u}) {
    for (const uint32_t texts : {0u, 15u, 16u, 17u, 40u}) {
      std::string bytes;
      for (uint32_t i = 1; i < attributes; ++i) begin(&bytes, TR_TYPE_NULL, "key" + std::to_string(i));
      begin(&bytes, TR_TYPE_STR_ARRAY, "last");
      pack_number(&bytes, texts);
      for (uint32_t i = 0; i < texts; ++i) pack_text(&bytes, std::to_string(i).c_str(), TR_NUL);
      const PackedAttributes whole(bytes.data(), bytes.size());
      ASSERT_EQ(whole.result(), TR_OK);
      ASSERT_EQ(whole.count(), attributes);
      const tr_value& last = whole.data()[attributes - 1].value;
      ASSERT_EQ(last.size, texts);
      for (uint32_t i = 0; i < texts; ++i) {
        EXPECT_EQ(text(static_cast<const tr_string*>(last.data)[i]), std::to_string(i));
      }
      const PackedAttributes cut(bytes.data(), bytes.size() - 1);
      EXPECT_EQ(cut.result(), TR_EINVAL);
      EXPECT_EQ(cut.count(), attributes - 1);
      EXPECT_EQ(text(cut.data()[attributes - 2].key), "key" + std::to_string(attributes - 1));
      begin(&bytes, TR_TYPE_STR_ARRAY, "absurd");
      pack_number(&bytes, UINT32_MAX);
      const PackedAttributes absurd(bytes.data(), bytes.size());
      EXPECT_EQ(absurd.result(), TR_EINVAL);
      EXPECT_EQ(absurd.count(), attributes);
    }
  }
}

TEST(PackedAttributes, UnknownTypesEmptyKeysAndAbsurdSizesAreDefects) {
  std::string unknown;
  begin(&unknown, TR_TYPE_STR_ARRAY + 1, "key");
  std::string no_key;
  begin(&no_key, TR_TYPE_NULL, "");
  std::string absurd;
  begin(&absurd, TR_TYPE_STR_ARRAY, "key");
  pack_number(&absurd, UINT32_MAX);
  std::string long_text;
  begin(&long_text, TR_TYPE_F64_ARRAY, "key");
  pack_number(&long_text, UINT32_MAX);
  for (const std::string& bytes : {unknown, no_key, absurd, long_text}) {
    const PackedAttributes read(bytes.data(), bytes.size());
    EXPECT_EQ(read.result(), TR_EINVAL);
    EXPECT_EQ(read.count(), 0u);
  }
}

}  // namespace
}  // namespace trunkline
