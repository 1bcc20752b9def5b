#include "model/artifact_name.hpp"

#include <gtest/gtest.h>

namespace trunkline {
namespace {

TEST(ArtifactName, IsTakenApart) {
  const auto parts = [](std::string_view text) {
    const auto name = parse_artifact_name(text);
    return name ? name->entity + "|" + name->project + "|" + name->name + "|" + name->alias : name.error().message;
  };
  EXPECT_EQ(parts("index"), "||index|");
  EXPECT_EQ(parts("index:v1"), "||index|v1");
  EXPECT_EQ(parts("proj/index:v1"), "|proj|index|v1");
  EXPECT_EQ(parts("me/proj/index:v1"), "me|proj|index|v1");
  EXPECT_EQ(parts("me/proj/two words"), "me|proj|two words|");
  EXPECT_EQ(parts(std::string(128, 'a')), "||" + std::string(128, 'a') + "|");
}

TEST(ArtifactName, WhatIsNoneIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("index:"), std::string(":v1"), std::string("a:b:c"), std::string("/index"),
        std::string("//index"), std::string("me//index"), std::string("proj/"), std::string("a/b/c/d"),
        std::string("a:b/c"), std::string("line\nend"), std::string("\xff"), std::string(129, 'a')}) {
    const auto name = parse_artifact_name(text);
    ASSERT_FALSE(name) << text;
    EXPECT_EQ(name.error().code, TR_EINVAL);
  }
}

TEST(ArtifactName, OursAreWords) {
  for (const char* word : {"a", "index-2.0_b", "..."}) EXPECT_TRUE(is_artifact_word(word)) << word;
  for (const char* word : {"", ".", "..", "two words", "a/b", "a:b", "\xc3\xa4"}) {
    EXPECT_FALSE(is_artifact_word(word)) << word;
  }
}

}  // namespace
}  // namespace trunkline
