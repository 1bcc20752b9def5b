#include "encode/json_scan.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <random>

namespace trunkline::encode {
namespace {

using Json = nlohmann::json;

const Redactor& patterns_and_keys() {
  static const auto* redactor = new Redactor({.defaults = true, .patterns = "CANARY*"});
  return *redactor;
}

std::string redacted(std::string_view json, const Redactor& redactor = patterns_and_keys()) {
  std::string out = "untouched";
  if (json_redact(json, redactor, &out)) return out;
  EXPECT_EQ(out, "untouched");
  return std::string(json);
}

std::string redacted_text(std::string_view text, const Redactor& redactor = patterns_and_keys()) {
  std::string out = "untouched";
  if (redact_text("key", text, redactor, &out)) return out;
  EXPECT_EQ(out, "untouched");
  return std::string(text);
}

TEST(JsonCheck, AcceptsJson) {
  for (const char* json : {"null",
                           " true ",
                           "false",
                           "0",
                           "-0",
                           "1.5e+10",
                           "1E-2",
                           "1e999",
                           "\"\"",
                           "\"\\u00e9\\n\\/\"",
                           "[]",
                           "{}",
                           "[ ]",
                           "{ }",
                           "[1,[2,{\"a\":[]}],\"x\"]",
                           "{\"a\":{\"b\":null},\"a\":1}",
                           "\"\\ud83d\\ude00\"",
                           "\"caf\xC3\xA9\"",
                           "\t\r\n [1]\n",
                           "\"\x7f\""}) {
    EXPECT_EQ(json_check(json), JsonCheck::Valid) << json;
  }
}

TEST(JsonCheck, RefusesWhatIsNot) {
  for (const char* json : {"",
                           " ",
                           "nul",
                           "nullx",
                           "True",
                           "01",
                           "-",
                           "+1",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "0x1",
                           "NaN",
                           "Infinity",
                           "'a'",
                           "\"",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12g4\"",
                           "\"\\u12",
                           "\"\\ud83d\"",
                           "\"\\ude00\"",
                           "\"\\ud83dx\"",
                           "\"\\ud83d\\u0041\"",
                           "\"\t\"",
                           "\"a\nb\"",
                           "[",
                           "]",
                           "[1",
                           "[1,",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{",
                           "}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{1:1}",
                           "{\"a\":1]",
                           "[1}",
                           "1 2",
                           "[] []",
                           "\"a\" x",
                           "//c\n1",
                           "\xEF\xBB\xBF"
                           "1",
                           "\"\xC3\"",
                           "\"\xED\xA0\x80\"",
                           "\x80",
                           "\"\\",
                           "[\"\\"}) {
    EXPECT_EQ(json_check(json), JsonCheck::Invalid) << json;
  }
  EXPECT_EQ(json_check(std::string_view("1\0", 2)), JsonCheck::Invalid);
  EXPECT_EQ(json_check(std::string_view("\"\0\"", 3)), JsonCheck::Invalid);
}

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonCheck, LimitsDepth) {
  EXPECT_EQ(json_check(nested(128)), JsonCheck::Valid);
  EXPECT_EQ(json_check(nested(129)), JsonCheck::TooDeep);
  EXPECT_EQ(json_check(nested(4), 3), JsonCheck::TooDeep);
  EXPECT_EQ(json_check("1", 0), JsonCheck::Valid);
  EXPECT_EQ(json_check(nested(1024), 100000), JsonCheck::Valid);
  EXPECT_EQ(json_check(nested(1025), 100000), JsonCheck::TooDeep);
  EXPECT_EQ(json_check(nested(100000)), JsonCheck::TooDeep);
  EXPECT_EQ(json_check(std::string(100000, '[')), JsonCheck::TooDeep);
  // Objects and arrays mixed, so that each level's kind matters.
  std::string mixed, closing;
  for (int i = 0; i < 64; ++i) mixed += "{\"k\":[", closing += "]}";
  EXPECT_EQ(json_check(mixed + "1" + closing), JsonCheck::Valid);
  std::swap(closing[40], closing[41]);
  EXPECT_EQ(json_check(mixed + "1" + closing), JsonCheck::Invalid);
}

TEST(JsonRedact, ReplacesWholeValuesOfListedKeys) {
  EXPECT_EQ(redacted(R"({"api_key":"x","b":1})"), R"({"api_key":"__redacted__","b":1})");
  EXPECT_EQ(redacted(R"({"a":[{"Password" : {"x":[1,"}"],"y":2}, "b":true}]})"),
            R"({"a":[{"Password" : "__redacted__", "b":true}]})");
  EXPECT_EQ(redacted(R"({"token":12.5,"secret":null,"cookie":[1,[2]],"c":"token"})"),
            R"({"token":"__redacted__","secret":"__redacted__","cookie":"__redacted__","c":"token"})");
  EXPECT_EQ(redacted("{\n \"token\" \t:\n [ ] }"), "{\n \"token\" \t:\n \"__redacted__\" }");
}

TEST(JsonRedact, LeavesTheRestAsItIs) {
  for (const char* json :
       {"{}", "[]", "1", R"("token")", R"(["token","api_key"])", R"({"a":"token"})", R"({"tokens":5})",
        R"({"prompt_tokens":5,"max_tokens":6})", R"({"api_key":"__redacted__"})", R"({"a\\":"b\"","c":"\u0041"})"}) {
    EXPECT_EQ(redacted(json), json);
  }
}

TEST(JsonRedact, SeesThroughEscapes) {
  EXPECT_EQ(redacted(R"({"\u0061pi_key":"x"})"), R"({"\u0061pi_key":"__redacted__"})");
  EXPECT_EQ(redacted(R"({"a":"\u0043ANARY-1 \"q\" é"})"), R"({"a":"__redacted__ \"q\" é"})");
  EXPECT_EQ(redacted(R"({"a":"\"CANARY\""})"), R"({"a":"\"__redacted__\""})");
}

TEST(JsonRedact, LooksAtKeysToo) {
  EXPECT_EQ(redacted(R"({"CANARY-7":{"x":"CANARY"}})"), R"({"__redacted__":{"x":"__redacted__"}})");
}

// Wraps `core` as JSON text in a string of JSON, again and again.
std::string wrapped(std::string core, int times) {
  for (int i = 0; i < times; ++i) core = Json{{"arguments", core}}.dump();
  return core;
}

TEST(JsonRedact, EntersJsonInStringsEightDeep) {
  for (int times = 0; times <= 8; ++times) {
    const std::string out = redacted(wrapped(R"({"password":"hunter2","n":1})", times));
    EXPECT_EQ(out, wrapped(R"({"password":"__redacted__","n":1})", times)) << times;
  }
  EXPECT_NE(redacted(wrapped(R"({"password":"hunter2"})", 9)).find("hunter2"), std::string::npos);
  EXPECT_EQ(redacted(wrapped(R"({"x":"CANARY"})", 9)).find("CANARY"), std::string::npos);
}

TEST(JsonRedact, FindsSixLevelCanariesOfEverySort) {
  const std::string deep =
      R"({"l1":[{"l2":{"l3":[[{"l4":{"l5":{"access_token":{"l6":"hidden1"},"note":"CANARY-hidden2","list":["x","CANARY-hidden3",)"
      R"({"authorization":["hidden4"]}],"args":"{\"client_secret\":\"hidden5\",\"t\":\"CANARY-hidden6\"}"}}}]]}}]})";
  const std::string out = redacted(deep);
  EXPECT_EQ(out.find("hidden"), std::string::npos) << out;
  const Json tree = Json::parse(out);
  const Json& level = tree["l1"][0]["l2"]["l3"][0][0]["l4"]["l5"];
  EXPECT_EQ(level["access_token"], "__redacted__");
  EXPECT_EQ(level["list"][0], "x");
  EXPECT_EQ(level["args"], R"({"client_secret":"__redacted__","t":"__redacted__"})");
}

TEST(JsonRedact, TellsTheCallbackTheKey) {
  std::string seen;
  const auto callback = [](void* user, const char* key, size_t key_size, const char* value, size_t size) {
    *static_cast<std::string*>(user) += std::string(key, key_size) + "=" + std::string(value, size) + ";";
    return std::string_view(value, size) == "bad" ? 1 : 0;
  };
  const Redactor redactor({.defaults = false, .callback = callback, .user_data = &seen});
  std::string out;
  ASSERT_TRUE(json_redact(R"({"a":"x","b":["y","bad"],"c":"bad","n":3})", redactor, &out, "outer"));
  EXPECT_EQ(out, R"({"a":"x","b":["y","__redacted__"],"c":"__redacted__","n":3})");
  EXPECT_EQ(seen, "a=x;outer=y;outer=bad;c=bad;");
  seen.clear();
  ASSERT_TRUE(json_redact(R"(["bad"])", redactor, &out, "outer"));
  EXPECT_EQ(seen, "outer=bad;");
}

TEST(RedactText, PlainTextGetsPatternsOnly) {
  EXPECT_EQ(redacted_text("the password: x CANARY1"), "the password: x __redacted__");
  EXPECT_EQ(redacted_text(R"("token": "x")"), R"("token": "x")");
  EXPECT_EQ(redacted_text(""), "");
}

TEST(RedactText, EntersJson) {
  EXPECT_EQ(redacted_text(R"( {"token":"x"})"), R"( {"token":"__redacted__"})");
  EXPECT_EQ(redacted_text(R"([{"a":"{\"token\":1}"}])"), R"([{"a":"{\"token\":\"__redacted__\"}"}])");
}

TEST(RedactText, DoesWhatItCanWithCutAndWrongText) {
  EXPECT_EQ(redacted_text(R"({"a":1,"token":"secr)"), R"({"a":1,"token":"__redacted__")");
  EXPECT_EQ(redacted_text(R"({"a":1,"token":{"b":["se)"), R"({"a":1,"token":"__redacted__")");
  EXPECT_EQ(redacted_text(R"({"a":1,"token":)"), R"({"a":1,"token":)");
  EXPECT_EQ(redacted_text(R"({"a":"CANARY-cut)"), R"({"a":"__redacted__)");
  EXPECT_EQ(redacted_text("{'x': CANARY}"), "{'x': __redacted__}");
  EXPECT_EQ(redacted_text(R"({"token":]}"x")"), R"({"token":]}"x")");
  const std::string deep = std::string(100000, '[');
  EXPECT_EQ(redacted_text(deep + R"({"token":"x"})"), deep + R"({"token":"__redacted__"})");
}

// Every prefix of a document with secrets: no prefix shows one, and none is read beyond its end (copied to the heap,
// for the address sanitizer).
TEST(RedactText, NoPrefixLeaks) {
  const std::string json =
      R"({"x":["\u00e9\\",{"api_key":{"k":["hidden","\"hidden"]}}],"y":"{\"token\":\"hidden\"}","z":1})";
  for (size_t size = 0; size <= json.size(); ++size) {
    const std::vector<char> exact(json.begin(), json.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string out = redacted_text({exact.data(), exact.size()});
    // The JSON in the string of "y" counts as a text of its own once its string is whole.
    if (size <= json.find("\"y\"") || size > json.find("\",\"z\"")) {
      EXPECT_EQ(out.find("hidden"), std::string::npos) << out;
    }
    json_check({exact.data(), exact.size()});
  }
}

// --- comparison with nlohmann::json on random documents
// ---------------------------------------------------------------

class Documents {
 public:
  explicit Documents(unsigned seed) : random_(seed) {}

  unsigned below(size_t n) { return static_cast<unsigned>(random_() % n); }

  Json value(int depth) {
    switch (below(depth > 0 ? 9 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<int>(random_() % 2000) - 1000;
      case 3:
        return below(1000) / 8.0;
      case 4:
      case 5:
        return text();
      case 6:
        return below(3) == 0 ? Json(value(depth - 1).dump()) : value(depth - 1);
      case 7: {
        Json array = Json::array();
        for (unsigned n = below(4); n > 0; --n) array.push_back(value(depth - 1));
        return array;
      }
      default: {
        Json object = Json::object();
        for (unsigned n = below(4); n > 0; --n) object[key()] = value(depth - 1);
        return object;
      }
    }
  }

  std::string mutated(std::string text) {
    static constexpr std::string_view kBytes = "{}[]\",:\\ u0e.-\ntf\xC3\xA9\x80";
    for (unsigned n = 1 + below(3); n > 0 && !text.empty(); --n) {
      const size_t at = below(text.size());
      switch (below(4)) {
        case 0:
          text.erase(at, 1);
          break;
        case 1:
          text.insert(at, 1, kBytes[below(kBytes.size())]);
          break;
        case 2:
          text[at] = kBytes[below(kBytes.size())];
          break;
        default:
          text.resize(at);
          break;
      }
    }
    return text;
  }

 private:
  std::string key() {
    static const char* const kKeys[] = {"a",      "b",        "token",    "Api-Key", "x.secret",
                                        "tokens", "CANARY-k", "\xC3\xA9", "q\"\\",   "\n"};
    return kKeys[below(std::size(kKeys))];
  }
  std::string text() {
    static const char* const kParts[] = {"plain ",       "CANARY-1 ",        "\"", "\\",  "\n",
                                         "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "{",  "[1]", "token"};
    std::string out;
    for (unsigned n = below(4); n > 0; --n) out += kParts[below(std::size(kParts))];
    return out;
  }
  std::mt19937 random_;
};

// The rule applied to a tree, as slowly and plainly as can be.
Json expected_tree(const Json& value, const Redactor& redactor, int nesting);

std::string expected_string(const std::string& text, const Redactor& redactor, int nesting) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (nesting < 8 && first != std::string::npos && (text[first] == '{' || text[first] == '[')) {
    const Json tree = Json::parse(text, nullptr, false);
    if (!tree.is_discarded()) {
      const Json changed = expected_tree(tree, redactor, nesting + 1);
      return changed == tree ? text : changed.dump();
    }
  }
  std::string out;
  return redactor.replace_patterns(text, &out) ? out : text;
}

Json expected_tree(const Json& value, const Redactor& redactor, int nesting) {
  if (value.is_string()) return expected_string(value.get<std::string>(), redactor, nesting);
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value) out.push_back(expected_tree(item, redactor, nesting));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [key, item] : value.items()) {
    std::string shown = key;
    redactor.replace_patterns(key, &shown);
    out[shown] = redactor.key_matches(key) ? Json(kRedacted) : expected_tree(item, redactor, nesting);
  }
  return out;
}

TEST(JsonDifferential, TenThousandDocumentsAgreeWithNlohmann) {
  Documents documents(11);
  size_t changed = 0;
  for (int round = 0; round < 10000; ++round) {
    const Json tree = documents.value(5);
    const std::string text = tree.dump(static_cast<int>(documents.below(3)) - 1, ' ', documents.below(2) == 0);
    ASSERT_EQ(json_check(text), JsonCheck::Valid) << text;
    const std::string out = redacted(text);
    ASSERT_EQ(Json::parse(out, nullptr, false), expected_tree(tree, patterns_and_keys(), 0)) << text << "\n" << out;
    changed += out != text;
    ASSERT_EQ(redacted(out), out) << "twice is once";
  }
  EXPECT_GT(changed, 1000u);
  EXPECT_LT(changed, 9000u);
}

TEST(JsonDifferential, TenThousandMutantsAgreeWithNlohmann) {
  Documents documents(12);
  size_t valid = 0;
  for (int round = 0; round < 10000; ++round) {
    const std::string text = documents.mutated(documents.value(4).dump());
    const std::vector<char> exact(text.begin(), text.end());
    const std::string_view view(exact.data(), exact.size());
    // nlohmann refuses numbers beyond double's range, which RFC 8259 allows.
    const bool expected = Json::accept(text);
    const bool huge =
        !expected && text.find_first_of("eE") != std::string::npos && json_check(text) == JsonCheck::Valid;
    if (!huge) {
      ASSERT_EQ(json_check(view) == JsonCheck::Valid, expected) << text;
    }
    valid += expected;
    const std::string out = redacted(view);
    if (expected) {
      ASSERT_TRUE(Json::accept(out)) << text << "\n" << out;
    }
    redacted_text(view);
  }
  EXPECT_GT(valid, 500u);
  EXPECT_LT(valid, 9500u);
}

// --- cost
// --------------------------------------------------------------------------------------------------------------

// A step whose cost grows with the square of the text would need hours for a mebibyte of these; the test's time limit
// is minutes. No clock is read, so a busy machine does not matter.
TEST(JsonCost, GrowsWithTheTextAlone) {
  std::string out;
  for (const char* unit :
       {"[", "{\"a\":", "\"{\\\"a\\\":", "\\\"", "\"[\",", "{\"token\":[", "\"token\":", "\"", "\\", "\\u0041",
        "\"\\ud83d", "{\"token\":1},", "CANARY ", "sk-aaaaaaaaaaaaaaaa,", "\"[\\\"[\\\\\\\"[\\\\\\\"]\\\"]\","}) {
    std::string text = "[";
    while (text.size() < 1u << 20) text += unit;
    redact_text({}, text, patterns_and_keys(), &out);
    json_check(text);
  }
}

}  // namespace
}  // namespace trunkline::encode
