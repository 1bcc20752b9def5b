#include "model/redactor.hpp"

#include <gtest/gtest.h>

#include "model/names.hpp"

namespace trunkline {
namespace {

std::string redacted(const Redactor& redactor, std::string_view text) {
  std::string out = "untouched";
  if (!redactor.redact_string("key", text, &out)) {
    EXPECT_EQ(out, "untouched");
    return std::string(text);
  }
  return out;
}

TEST(RedactorKeys, DefaultsMatchInAnyCaseAndSpelling) {
  const Redactor redactor;
  for (const char* key : {"api_key",
                          "apikey",
                          "apiKey",
                          "API_KEY",
                          "Api-Key",
                          "x-api-key",
                          "X_API_KEY",
                          "authorization",
                          "Authorization",
                          "proxy-authorization",
                          "cookie",
                          "set-cookie",
                          "Set_Cookie",
                          "token",
                          "secret",
                          "password",
                          "PASSWD",
                          "access_token",
                          "accessToken",
                          "refresh_token",
                          "id_token",
                          "private_key",
                          "privateKey",
                          "client_secret",
                          "credentials",
                          "aws_secret_access_key",
                          "_token",
                          "__password",
                          "http.request.header.authorization",
                          "http.request.header.X-Api-Key",
                          "a.b.c.token",
                          "db_password",
                          "OPENAI_API_KEY",
                          "openaiApiKey",
                          "env.HF_TOKEN",
                          "GITHUB-TOKEN",
                          "service.my_client_secret"}) {
    EXPECT_TRUE(redactor.key_matches(key)) << key;
  }
}

TEST(RedactorKeys, OthersDoNot) {
  const Redactor redactor;
  for (const char* key : {"",
                          "eos_token",
                          "stop_token",
                          "passwordless",
                          "monkey_token_count",
                          "nosecret",
                          ".",
                          "token.",
                          "authorization.scheme",
                          "tokens",
                          "tokenizer",
                          "api_keys",
                          "my_token",
                          "secretary",
                          "passwords",
                          "author",
                          "cook",
                          "key",
                          "a",
                          "max_tokens",
                          "token_type",
                          "keyboard.layout",
                          "prompt",
                          "input",
                          "output",
                          "messages",
                          "content",
                          "password_hint"}) {
    EXPECT_FALSE(redactor.key_matches(key)) << key;
  }
  EXPECT_FALSE(redactor.key_matches(std::string("token\0x", 7)));
  EXPECT_FALSE(redactor.key_matches(std::string(100000, 't') + "n"));
}

TEST(RedactorKeys, TokenCountsNeverMatch) {
  const Redactor redactor;
  for (const std::string_view key :
       {names::kUsageInput, names::kUsageOutput, names::kUsageTotal, names::kUsageCacheRead, names::kUsageCacheWrite,
        names::kUsageReasoning, names::kRequestMaxTokens, std::string_view("prompt_tokens"),
        std::string_view("completion_tokens"), std::string_view("total_tokens"), std::string_view("promptTokenCount"),
        std::string_view("llm.token_count.prompt"), std::string_view("llm.token_count.completion")}) {
    EXPECT_FALSE(redactor.key_matches(key)) << key;
  }
}

TEST(RedactorKeys, KeysAreAddedAndDefaultsCanBeOff) {
  const Redactor more({.defaults = true, .keys = " ssn , user.iban,,  ,Kontonummer\t"});
  for (const char* key : {"ssn", "person.SSN", "user.iban", "User.Iban", "kontonummer", "token"}) {
    EXPECT_TRUE(more.key_matches(key)) << key;
  }
  EXPECT_FALSE(more.key_matches("iban"));
  EXPECT_FALSE(more.key_matches("other.user.iban"));
  const Redactor odd({.defaults = false, .keys = "x,user_y"});
  for (const char* key : {"x", "X", "a.x", "_x", "x_", "user_y", "usery", "user-Y", "b.user_y"})
    EXPECT_TRUE(odd.key_matches(key)) << key;
  for (const char* key : {"", "_", "y", "xx", "ax", "user_yy", "superuser_y", "x."})
    EXPECT_FALSE(odd.key_matches(key)) << key;
  const Redactor only({.defaults = false, .keys = "ssn"});
  EXPECT_TRUE(only.key_matches("ssn"));
  EXPECT_FALSE(only.key_matches("token"));
  EXPECT_FALSE(only.has_patterns());
  EXPECT_FALSE(only.inspects_text());
  const Redactor none({.defaults = false});
  EXPECT_FALSE(none.key_matches("token"));
}

TEST(RedactorPatterns, BuiltInOnesHideCredentials) {
  const Redactor redactor;
  EXPECT_EQ(redacted(redactor, "key sk-abcdefghijklmnop123 end"), "key __redacted__ end");
  EXPECT_EQ(redacted(redactor, "sk-ant-api03-abcdefghijklmnop"), "__redacted__");
  EXPECT_EQ(redacted(redactor, "ghp_abcdefghijklmnop1234,github_pat_abcdefghijklmnop1234"),
            "__redacted__,__redacted__");
  EXPECT_EQ(redacted(redactor, "xoxb-1234567890-abcdefgh"), "__redacted__");
  EXPECT_EQ(redacted(redactor, "id=AKIAIOSFODNN7EXAMPLE"), "id=__redacted__");
  EXPECT_EQ(redacted(redactor, "Authorization: Bearer eyJhbGciOi.JIUzI1NiJ9"), "Authorization: __redacted__");
}

TEST(RedactorPatterns, BuiltInOnesLeaveWordsAlone) {
  const Redactor redactor;
  for (const char* text :
       {"risk-averse-and-otherwise-long", "task-1234567890abcdefghij", "sk-short", "disk-0123456789abcdefghi",
        "Bearer of bad news", "AKIA", "AKIAIOSFODNN7EXAMPL", "hf_", "", "sk-", "1sk-abcdefghijklmnop123"}) {
    EXPECT_EQ(redacted(redactor, text), text);
  }
}

TEST(RedactorPatterns, OwnOnesAreFoundAnywhere) {
  const Redactor redactor({.defaults = false, .patterns = "sk-*, canary ,abc*,abcd,*,"});
  EXPECT_TRUE(redactor.has_patterns());
  EXPECT_EQ(redacted(redactor, "task-1 two"), "ta__redacted__ two");
  EXPECT_EQ(redacted(redactor, "xcanaryx"), "x__redacted__x");
  EXPECT_EQ(redacted(redactor, "sk-"), "__redacted__");
  EXPECT_EQ(redacted(redactor, "sk-a/b+c=d.e_f-g!sk-2"), "__redacted__!__redacted__");
  EXPECT_EQ(redacted(redactor, "abcdefg"), "__redacted__");  // the longest match of several
  const Redactor single({.defaults = false, .patterns = "%*,#"});
  EXPECT_EQ(redacted(single, "%ab #1#"), "__redacted__ __redacted__1__redacted__");
  EXPECT_EQ(redacted(single, "%"), "__redacted__");
  EXPECT_EQ(redacted(redactor, "Canary"), "Canary");
  EXPECT_EQ(redacted(redactor, "canar"), "canar");
}

TEST(RedactorPatterns, TheCallbackDecidesFirst) {
  std::string seen;
  const auto refuse = [](void* user, const char* key, size_t key_size, const char* value, size_t size) {
    *static_cast<std::string*>(user) += std::string(key, key_size) + "=" + std::string(value, size) + ";";
    return std::string_view(value, size).find("no") != std::string_view::npos ? 1 : 0;
  };
  const Redactor redactor({.defaults = false, .patterns = "pat", .callback = refuse, .user_data = &seen});
  EXPECT_TRUE(redactor.inspects_text());
  EXPECT_EQ(redacted(redactor, "a pat and no"), "__redacted__");
  EXPECT_EQ(redacted(redactor, "a pat"), "a __redacted__");
  EXPECT_EQ(redacted(redactor, "fine"), "fine");
  EXPECT_EQ(seen, "key=a pat and no;key=a pat;key=fine;");
}

TEST(RedactorPatterns, AMegabyteOfNearMatchesIsLinear) {
  const Redactor redactor({.defaults = true, .patterns = "aaaaaaab*"});
  std::string text;
  while (text.size() < 1u << 20) text += "aaaaaaa sk-abcdefghijklmn Bearer x ";
  EXPECT_EQ(redacted(redactor, text), text);
  std::string tail = "sk-" + std::string(1u << 20, 'x');
  EXPECT_EQ(redacted(redactor, tail), "__redacted__");
}

}  // namespace
}  // namespace trunkline
