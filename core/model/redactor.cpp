#include "model/redactor.hpp"

#include <algorithm>
#include <cstring>

namespace trunkline {
namespace {

constexpr std::string_view kDefaultKeys =
    "api_key,x-api-key,authorization,proxy-authorization,cookie,set-cookie,token,secret,password,passwd,passphrase,"
    "access_token,refresh_token,id_token,auth_token,x-auth-token,session_token,bearer_token,private_key,secret_key,"
    "client_secret,credentials,aws_secret_access_key,aws_session_token";

constexpr std::string_view kDefaultPatterns[] = {
    "sk-", "ghp_", "gho_", "ghs_",    "github_pat_", "xoxb-",      "xoxp-",      "glpat-",
    "hf_", "AIza", "AKIA", "Bearer ", "bearer ",     "eyJhbGciOi", "eyJ0eXAiOi", "eyJraWQiOi"};
constexpr size_t kLeastTail = 16;       // of a built-in pattern
constexpr size_t kLongestLiteral = 12;  // of a built-in pattern

enum CharacterClass : uint8_t { kOther = 0, kTail = 1, kAlphanumeric = 2 };

constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (unsigned c = 0; c < 128; ++c) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool sign = c == '_' || c == '-' || c == '.' || c == '+' || c == '/' || c == '=';
    if (alphanumeric) classes[c] = kTail | kAlphanumeric;
    if (sign) classes[c] = kTail;
  }
  return classes;
}();

bool is(CharacterClass wanted, char c) { return (kClasses[static_cast<uint8_t>(c)] & wanted) != 0; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_separator(char c) { return c == '-' || c == '_'; }

std::string fold(std::string_view key) {
  std::string folded;
  for (const char c : key) {
    if (!is_separator(c)) folded.push_back(lower(c));
  }
  return folded;
}

bool folds_to(std::string_view key, std::string_view folded) {
  size_t at = 0;
  for (const char c : key) {
    if (is_separator(c)) continue;
    if (at == folded.size() || folded[at] != lower(c)) return false;
    ++at;
  }
  return at == folded.size();
}

template <class Use>
void for_each_item(std::string_view list, const Use& use) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (!item.empty()) use(item);
  }
}

}  // namespace

Redactor::Redactor(const Options& options) : callback_(options.callback), user_data_(options.user_data) {
  if (options.defaults) {
    for_each_item(kDefaultKeys, [this](std::string_view key) { add_key(key); });
    for (const std::string_view literal : kDefaultPatterns) add_pattern({std::string(literal), true, true});
  }
  for_each_item(options.keys, [this](std::string_view key) { add_key(key); });
  for_each_item(options.patterns, [this](std::string_view pattern) {
    const bool takes_tail = pattern.back() == '*';
    if (takes_tail) pattern.remove_suffix(1);
    if (!pattern.empty()) add_pattern({std::string(pattern), takes_tail, false});
  });
  index_keys();
  index_patterns();
}

void Redactor::index_keys() {
  std::sort(keys_.begin(), keys_.end(),
            [](const std::string& a, const std::string& b) { return bit(a.front()) < bit(b.front()); });
  size_t index = 0;
  for (size_t c = 0; c < key_of_.size(); ++c) {
    while (index < keys_.size() && bit(keys_[index].front()) < c) ++index;
    key_of_[c] = static_cast<uint16_t>(index);
  }
}

void Redactor::index_patterns() {
  const auto first = [](const Pattern& pattern) { return static_cast<uint8_t>(pattern.literal.front()); };
  std::stable_sort(patterns_.begin(), patterns_.end(),
                   [first](const Pattern& a, const Pattern& b) { return first(a) < first(b); });
  size_t index = 0;
  for (size_t c = 0; c < pattern_of_.size(); ++c) {
    while (index < patterns_.size() && first(patterns_[index]) < c) ++index;
    pattern_of_[c] = static_cast<uint16_t>(index);
  }
  for (size_t i = 0; i < patterns_.size(); ++i) {
    const std::string& literal = patterns_[i].literal;
    const auto group = static_cast<uint8_t>(1u << i % 8);
    first_[first(patterns_[i])] |= group;
    for (size_t c = 0; c < second_.size(); ++c) {
      if (literal.size() == 1 || static_cast<uint8_t>(literal[1]) == c) second_[c] |= group;
    }
  }
}

void Redactor::add_key(std::string_view key) {
  std::string folded = fold(key);
  if (folded.empty() || keys_.size() == UINT16_MAX || std::find(keys_.begin(), keys_.end(), folded) != keys_.end())
    return;
  // The key as it may be written: with separators before, between and after its last two characters.
  const uint32_t last = 1u << bit(folded.back());
  const uint32_t separators = 1u << bit('-') | 1u << bit('_');
  endings_[bit(folded.back())] |= separators;
  for (const char separator : {'-', '_'}) endings_[bit(separator)] |= last | separators;
  if (folded.size() == 1) {
    for (uint32_t& ending : endings_) ending |= last;
  } else {
    endings_[bit(folded[folded.size() - 2])] |= last;
  }
  // The third may be a separator, the last but one if there is one, and what precedes a short name.
  for (const char separator : {'-', '_'}) thirds_[bit(separator)] = ~0u;
  uint32_t& third = thirds_[bit(folded.back())];
  if (folded.size() < 3) {
    third = ~0u;
  } else {
    third |= separators | 1u << bit(folded[folded.size() - 2]) | 1u << bit(folded[folded.size() - 3]);
  }
  keys_.push_back(std::move(folded));
}

void Redactor::add_pattern(Pattern pattern) {
  all_built_in_ = all_built_in_ && pattern.built_in;
  if (patterns_.size() < UINT16_MAX) patterns_.push_back(std::move(pattern));
}

// "db_password", "OPENAI_API_KEY", "openaiApiKey": what a listed name ends, where a word begins. A "token" is a secret
// only in capitals, as environment variables are: "eos_token" and "max_token" are everyday words of language models.
bool Redactor::key_listed(std::string_view key) const {
  const size_t dot = key.rfind('.');
  if (name_listed(key)) return true;
  const std::string_view name = dot == std::string_view::npos ? key : key.substr(dot + 1);
  if (dot != std::string_view::npos && name_listed(name)) return true;
  for (size_t i = 1; i < name.size(); ++i) {
    const bool word = is_separator(name[i - 1]) || (is_lower(name[i - 1]) && is_upper(name[i]));
    if (!word || is_separator(name[i])) continue;
    const std::string_view ending = name.substr(i);
    if (name_listed(ending) && (is_upper(name.front()) || !folds_to(ending, "token"))) return true;
  }
  return false;
}

bool Redactor::name_listed(std::string_view name) const {
  while (!name.empty() && is_separator(name.front())) name.remove_prefix(1);
  if (name.empty()) return false;
  const unsigned first = bit(name.front());
  for (size_t i = key_of_[first]; i < key_of_[first + 1]; ++i) {
    if (folds_to(name, keys_[i])) return true;
  }
  return false;
}

// The first position from `at` on where a pattern may begin; the size of the text if there is none.
size_t Redactor::candidate(std::string_view text, size_t at) const {
  while (at + 1 < text.size()) {
    if ((first_[static_cast<uint8_t>(text[at])] & second_[static_cast<uint8_t>(text[at + 1])]) != 0) return at;
    ++at;
  }
  return at;
}

// The end of the longest match that begins at `at`, or `at`.
size_t Redactor::match_at(std::string_view text, size_t at) const {
  const auto first = static_cast<uint8_t>(text[at]);
  size_t end = at;
  for (size_t i = pattern_of_[first]; i < pattern_of_[first + 1u]; ++i) {
    const Pattern& pattern = patterns_[i];
    if (text.compare(at, pattern.literal.size(), pattern.literal) != 0) continue;
    if (pattern.built_in && at > 0 && is(kAlphanumeric, text[at - 1])) continue;
    size_t tail = at + pattern.literal.size();
    const size_t begin = tail;
    if (pattern.takes_tail) {
      while (tail < text.size() && is(kTail, text[tail])) ++tail;
    }
    if (pattern.built_in && tail - begin < kLeastTail) continue;
    end = std::max(end, tail);
  }
  return end;
}

struct Redactor::Replacement {
  std::string text;
  size_t copied = 0;
};

void Redactor::replace_within(std::string_view text, size_t begin, size_t end, Replacement* replacement) const {
  for (size_t at = begin; (at = candidate(text, at)) < end;) {
    const size_t match_end = match_at(text, at);
    if (match_end == at) {
      ++at;
      continue;
    }
    replacement->text.append(text, replacement->copied, at - replacement->copied).append(kRedacted);
    replacement->copied = at = match_end;
  }
}

bool Redactor::replace_patterns(std::string_view text, std::string* out) const {
  if (patterns_.empty()) return false;
  Replacement replacement;
  if (!all_built_in_) {
    replace_within(text, 0, text.size(), &replacement);
  } else {
    // A built-in pattern needs a tail of kLeastTail token characters, which prose hardly has: look for such runs alone,
    // at every kLeastTail-th character, and for the pattern in and shortly before them.
    for (size_t at = 0; at + kLeastTail <= text.size();) {
      size_t back = kLeastTail;
      while (back > 0 && is(kTail, text[at + back - 1])) --back;
      if (back > 0) {
        at += back;
        continue;
      }
      size_t end = at + kLeastTail;
      while (end < text.size() && is(kTail, text[end])) ++end;
      const size_t begin = at > kLongestLiteral ? at - kLongestLiteral : 0;
      replace_within(text, std::max(begin, replacement.copied), end, &replacement);
      at = std::max(end, replacement.copied);
    }
  }
  if (replacement.copied == 0) return false;
  replacement.text.append(text, replacement.copied);
  *out = std::move(replacement.text);
  return true;
}

bool Redactor::callback_refuses(std::string_view key, std::string_view value) const {
  return callback_ != nullptr && callback_(user_data_, key.data(), key.size(), value.data(), value.size()) != 0;
}

bool Redactor::redact_string(std::string_view key, std::string_view value, std::string* out) const {
  if (callback_refuses(key, value)) {
    *out = kRedacted;
    return true;
  }
  return replace_patterns(value, out);
}

}  // namespace trunkline
