// What must not be recorded: values under the names of credentials, and texts that look like credentials. The setters
// ask key_matches for every attribute, so it answers most keys from their three last characters; the rest is for the
// worker. Immutable once made, and used by all threads at once.
//
// A key is on the list when the whole of it, its last segment after a dot, or the last words of that (db_password,
// OPENAI_API_KEY) equal a listed name; case, '-' and '_' do not count. A pattern is literal text; a '*' at its end
// takes the token characters [A-Za-z0-9_.+/=-] that follow. Patterns of the host are found anywhere. The built-in ones,
// on together with the built-in keys, begin where no letter or digit precedes and need 16 token characters, so that
// "risk-free" is no key.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trunkline.h"

namespace trunkline {

inline constexpr std::string_view kRedacted = "__redacted__";

class Redactor {
 public:
  struct Options {
    bool defaults = true;            // the built-in keys and patterns
    std::string_view keys = {};      // added; comma-separated
    std::string_view patterns = {};  // added; comma-separated; a lone "*" is ignored
    tr_redact_callback callback = nullptr;
    void* user_data = nullptr;
  };

  Redactor() : Redactor(Options()) {}
  explicit Redactor(const Options& options);

  bool key_matches(std::string_view key) const {
    const size_t size = key.size();
    if (size == 0 || (size > 1 && (endings_[bit(key[size - 2])] >> bit(key[size - 1]) & 1) == 0)) return false;
    if (size > 2 && (thirds_[bit(key[size - 1])] >> bit(key[size - 3]) & 1) == 0) return false;
    return key_listed(key);
  }

  bool has_patterns() const { return !patterns_.empty(); }

  // Whether any text at all has to be shown to redact_string.
  bool inspects_text() const { return has_patterns() || callback_ != nullptr; }

  // Asks the callback, then applies the patterns. True: `out` holds the text to keep. False: `out` is as it was.
  // The key is for the callback; whether it is listed is not asked here.
  bool redact_string(std::string_view key, std::string_view value, std::string* out) const;

  // The two halves of redact_string.
  bool callback_refuses(std::string_view key, std::string_view value) const;
  bool replace_patterns(std::string_view text, std::string* out) const;

 private:
  struct Pattern {
    std::string literal;
    bool takes_tail;
    bool built_in;
  };

  static unsigned bit(char c) { return static_cast<unsigned char>(c) & 31u; }
  void add_key(std::string_view key);
  void add_pattern(Pattern pattern);
  void index_keys();
  void index_patterns();
  bool key_listed(std::string_view key) const;
  bool name_listed(std::string_view name) const;
  size_t candidate(std::string_view text, size_t at) const;
  size_t match_at(std::string_view text, size_t at) const;
  struct Replacement;
  void replace_within(std::string_view text, size_t begin, size_t end, Replacement* replacement) const;

  std::array<uint32_t, 32> endings_{};      // the two last characters of listed keys: for the last but one, the last
  std::array<uint32_t, 32> thirds_{};       // the third from the end: for the last, the third
  std::vector<std::string> keys_;           // folded: lower case, without '-' and '_'; by first character
  std::array<uint16_t, 33> key_of_{};       // first key for each first character
  bool all_built_in_ = true;                // no pattern of the host's: only long runs of token characters matter
  std::vector<Pattern> patterns_;           // by first character
  std::array<uint16_t, 257> pattern_of_{};  // first pattern for each first character
  std::array<uint8_t, 256> first_{};        // characters that begin a pattern, in eight groups of patterns,
  std::array<uint8_t, 256> second_{};       // and those that go on with it
  tr_redact_callback callback_;
  void* user_data_;
};

}  // namespace trunkline
