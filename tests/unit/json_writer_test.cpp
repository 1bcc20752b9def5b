#include "encode/json_writer.hpp"

#include "encode/json_names.hpp"
#include "encode/json_options.hpp"
#include "store_support.hpp"

namespace trunkline::encode {
namespace {

using namespace store_test;

std::string written(const tr_value& value) {
  std::string out;
  append_json_value(&out, value);
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out;
  append_json_string(&out, text);
  return out;
}

std::string object_of(const std::vector<tr_attribute>& attributes) {
  std::string out;
  append_json_attributes(&out, attributes.data(), attributes.size());
  return out;
}

TEST(JsonWriter, EveryByteSurvivesInAString) {
  std::string all;
  for (int c = 0; c < 128; ++c) all.push_back(static_cast<char>(c));
  all += "\u00e9\u20ac\U0001F600\u2028";
  EXPECT_EQ(json::parse(in_quotes(all)).get<std::string>(), all);
  EXPECT_EQ(in_quotes("a\"b\\c\n\x01"), R"("a\"b\\c\n\u0001")");
}

TEST(JsonWriter, BadBytesBecomeReplacementCharacters) {
  for (std::string_view bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\xe2\x82", "\x80"}) {
    const std::string text = in_quotes(bad);
    ASSERT_TRUE(json::accept(text)) << text;
    EXPECT_NE(json::parse(text).get<std::string>().find("\uFFFD"), std::string::npos);
    EXPECT_FALSE(json::accept("\"" + std::string(bad) + "\""));  // control: raw, it is refused
  }
}

TEST(JsonWriter, NumbersReadBackExactly) {
  for (const int64_t number : {int64_t{0}, int64_t{-1}, INT64_MAX, INT64_MIN, int64_t{9007199254740993}}) {
    EXPECT_EQ(json::parse(written(i64(number))).get<int64_t>(), number);
  }
  for (const double number : {0.1, -0.0, 1.0, 1e300, 5e-324, 1.7976931348623157e308, 123456789.0, 1e21}) {
    const std::string text = written(f64(number));
    const json parsed = json::parse(text);
    EXPECT_TRUE(parsed.is_number_float()) << text;
    EXPECT_EQ(parsed.get<double>(), number) << text;
    EXPECT_EQ(std::signbit(parsed.get<double>()), std::signbit(number)) << text;
  }
  EXPECT_EQ(written(f64(0.1)), "0.1");
}

TEST(JsonWriter, EveryValueType) {
  const std::vector<uint8_t> bools{1, 0};
  const std::vector<int64_t> numbers{1, INT64_MIN};
  const std::vector<double> doubles{1.5, 2.0};
  const std::vector<tr_string> texts{str("a"), str(""), str("\"")};
  EXPECT_EQ(written(null_value()), "null");
  EXPECT_EQ(written(boolean(true)), "true");
  EXPECT_EQ(written(boolean(false)), "false");
  EXPECT_EQ(written(text("x")), "\"x\"");
  EXPECT_EQ(written(text(TR_TYPE_JSON, "{\"a\":\n\t[1]}")), "{\"a\":  [1]}");
  EXPECT_EQ(written(text(TR_TYPE_JSON, "")), "null");
  EXPECT_EQ(written(text(TR_TYPE_BYTES, std::string_view("\0\xff", 2))), R"({"$bytes":"AP8="})");
  EXPECT_EQ(written(array(TR_TYPE_BOOL_ARRAY, bools)), "[true,false]");
  EXPECT_EQ(written(array(TR_TYPE_I64_ARRAY, numbers)), "[1,-9223372036854775808]");
  EXPECT_EQ(written(array(TR_TYPE_F64_ARRAY, doubles)), "[1.5,2.0]");
  EXPECT_EQ(written(array(TR_TYPE_STR_ARRAY, texts)), R"(["a","","\""])");
  EXPECT_EQ(written(array(TR_TYPE_STR_ARRAY, std::vector<tr_string>{})), "[]");
  tr_value unknown = i64(1);
  unknown.type = 77;
  EXPECT_EQ(written(unknown), "null");
}

TEST(JsonWriter, Base64) {
  const std::pair<std::string_view, std::string_view> pairs[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, expected] : pairs) {
    std::string out;
    append_base64(&out, bytes);
    EXPECT_EQ(out, expected);
  }
}

TEST(JsonWriter, WhatJsonCannotSayIsFlagged) {
  const std::vector<double> doubles{1.0, kNan, -kInfinity};
  const json object =
      json::parse(object_of({{str("a"), f64(kNan)},
                             {str("b"), f64(kInfinity)},
                             {str("c"), array(TR_TYPE_F64_ARRAY, doubles)},
                             {str("d"), f64(1.0)},
                             {str("e"), text(TR_TYPE_BYTES, "x")},
                             {str("f"), text(TR_TYPE_STR, "cut", TR_VALUE_TRUNCATED | TR_VALUE_REPAIRED)}}));
  EXPECT_TRUE(object["a"].is_null());
  EXPECT_EQ(object["$flags"], json::parse(R"({"a":["nan"],"b":["inf"],"c":["nan:1","-inf:2"],"e":["bytes"],
                                              "f":["truncated","repaired"]})"));
  EXPECT_EQ(object_of({{str("d"), f64(1.0)}}), R"({"d":1.0})");  // control: no flags, no member
}

TEST(JsonWriter, UserKeysCannotPassAsOurs) {
  const json object =
      json::parse(object_of({{str("$flags"), text("mine")}, {str("$x"), f64(kNan)}, {str(""), i64(1)}}));
  EXPECT_EQ(object["$$flags"], "mine");
  EXPECT_EQ(object["$flags"], json::parse(R"({"$$x":["nan"]})"));
  EXPECT_EQ(object[""], 1);
}

TEST(JsonNames, CoverEveryConstant) {
  EXPECT_EQ(record_type_name(TR_RECORD_TRACE_START), "trace_start");
  EXPECT_EQ(record_type_name(TR_RECORD_RUN_ARTIFACT), "run_artifact");
  EXPECT_EQ(record_type_name(TR_RECORD_RUN_MEDIA), "run_media");
  EXPECT_EQ(record_type_name(99), "unknown");
  EXPECT_EQ(value_type_name(TR_TYPE_STR_ARRAY), "str[]");
  EXPECT_EQ(status_name(TR_RECORD_FAILED | TR_RECORD_INCOMPLETE), "error");
  EXPECT_EQ(status_name(TR_RECORD_INCOMPLETE), "incomplete");
  EXPECT_EQ(status_name(TR_RECORD_RECOVERED), "ok");
  const uint8_t id[2] = {0x0f, 0xa0};
  EXPECT_EQ(HexId<2>(id).view(), "0fa0");
}

TEST(JsonOptions, NameWhatIsWrong) {
  const auto message = [](std::string_view text) {
    JsonOptions options(text, "the test");
    std::string path;
    std::string color = "auto";
    uint64_t bytes = 0;
    options.read_string("path", &path);
    options.read_choice("color", {"auto", "never"}, &color);
    options.read_u64("max_bytes", 10, &bytes);
    const Error error = options.finish();
    EXPECT_EQ(error.code, error ? TR_EINVAL : TR_OK);
    return error.message;
  };
  EXPECT_EQ(message(""), "");
  EXPECT_EQ(message(R"({"path":"x","color":"never","max_bytes":10})"), "");
  EXPECT_NE(message("{").find("not valid JSON"), std::string::npos);
  EXPECT_NE(message("[]").find("not a JSON object"), std::string::npos);
  EXPECT_NE(message(R"({"path":1})").find("\"path\" must be a string"), std::string::npos);
  EXPECT_NE(message(R"({"color":"blue"})").find("\"color\" must be one of"), std::string::npos);
  EXPECT_NE(message(R"({"max_bytes":9})").find("at least 10"), std::string::npos);
  EXPECT_NE(message(R"({"max_bytes":-1})").find("whole number"), std::string::npos);
  EXPECT_NE(message(R"({"max_bytes":1.5})").find("whole number"), std::string::npos);
  EXPECT_NE(message(R"({"pathh":"x"})").find("unknown option \"pathh\""), std::string::npos);
}

}  // namespace
}  // namespace trunkline::encode
