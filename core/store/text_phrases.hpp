// What is looked for in texts: phrases, each a sequence of words as the search index cuts them (letters of either case,
// without accents). The same tokenizer finds them in a text that is at hand, so index, scan and highlighting agree.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "store/sqlite.hpp"

struct Fts5Tokenizer;

namespace trunkline::store {

inline constexpr std::string_view kSearchTokenizer = "unicode61 remove_diacritics 2";

// A part of a text, in bytes.
struct TextRange {
  size_t begin = 0;
  size_t end = 0;
};

class TextPhrases {
 public:
  // Each text is a phrase; with a '*' at its end its last word is only a beginning. TR_EINVAL: a text has no word in
  // it; TR_EUNSUPPORTED: this SQLite has no FTS5. `database` must outlive the object.
  static Expected<TextPhrases> parse(const Database& database, const std::vector<std::string>& texts);

  TextPhrases(TextPhrases&& other) noexcept;
  TextPhrases(const TextPhrases&) = delete;
  TextPhrases& operator=(const TextPhrases&) = delete;
  ~TextPhrases();

  // As FTS5 takes it: all phrases, each in one of the columns. Must be put after "{columns} : ".
  std::string expression(std::string_view columns) const;

  // Where any of the phrases is, in order. `found[i]` becomes true for each phrase i that is there.
  std::vector<TextRange> find(std::string_view text, std::vector<bool>* found) const;

  size_t size() const { return phrases_.size(); }

 private:
  struct Phrase {
    std::vector<std::string> words;
    bool prefix = false;
  };
  struct Word {
    std::string text;
    TextRange range;
  };

  TextPhrases() = default;
  Error open(const Database& database);
  std::vector<Word> words_of(std::string_view text, int reason) const;
  bool is_at(const Phrase& phrase, const std::vector<Word>& words, size_t at) const;

  struct Tokenizer;
  Tokenizer* tokenizer_ = nullptr;
  std::vector<Phrase> phrases_;
};

// The text that is indexed and looked into: of JSON that without the escapes of its strings, so that words after a
// line break are words. `type` is that of the content ("str", "json", ...); bytes have no text.
std::string search_text(std::string_view content, std::string_view type);

}  // namespace trunkline::store
