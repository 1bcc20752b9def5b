#include "encode/json_walk.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace trunkline::encode {
namespace {

std::vector<std::string> members(std::string_view json) {
  std::vector<std::string> found;
  JsonWalk walk(json);
  while (walk.next()) found.push_back(std::string(walk.raw_key()) + "=" + std::string(walk.value()));
  return found;
}

TEST(JsonWalk, gives_each_member_as_the_text_it_is) {
  using List = std::vector<std::string>;
  EXPECT_EQ(members(R"({"a":1,"b" : {"c":[1,"}"]} ,"d\"":"x,]"})"),
            (List{"a=1", R"(b={"c":[1,"}"]})", R"(d\"="x,]")"}));
  EXPECT_EQ(members(" [ 1 , \"a\\\"b\" , [ ] , {} , null , -1.5e3 ] "),
            (List{"=1", R"(="a\"b")", "=[ ]", "={}", "=null", "=-1.5e3"}));
  EXPECT_EQ(members("{}"), List{});
  EXPECT_EQ(members("3"), List{});
  EXPECT_EQ(members(""), List{});
}

TEST(JsonWalk, ends_with_texts_that_are_not_whole) {
  for (const std::string_view whole : {R"({"a":{"b":[1,2,{"c":"d\"e"}]},"f":true})", R"([[[1,"x"],{}],[null]])"}) {
    for (size_t size = 0; size < whole.size(); ++size) members(whole.substr(0, size));
  }
  for (const std::string_view odd : {"[,]", "{:}", "[1 2]", "[}", "{\"a\"}", "[:", "{\"a\":}", "[\"", "[]]", "[a{b]"}) {
    members(odd);
  }
}

TEST(JsonWalk, finds_one_member_and_the_types_of_values) {
  EXPECT_EQ(json_member(R"({"a":1,"b":[2]})", "b"), "[2]");
  EXPECT_EQ(json_member(R"({"a":1})", "b"), "");
  EXPECT_EQ(json_member("[1]", ""), "");
  EXPECT_EQ(json_type(" -1"), '0');
  EXPECT_EQ(json_type("\t{"), '{');
  EXPECT_EQ(json_type(" "), '\0');
  std::string text;
  EXPECT_TRUE(json_string_value(R"( "a\u00e9" )", &text));
  EXPECT_EQ(text, "a\xc3\xa9");
  EXPECT_FALSE(json_string_value("1", &text));
  EXPECT_FALSE(json_string_value("\"a", &text));
}

}  // namespace
}  // namespace trunkline::encode
