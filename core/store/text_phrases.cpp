#include "store/text_phrases.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "encode/json_text.hpp"

namespace trunkline::store {
namespace {

// FTS5 hands its interface out through a pointer bound to a statement.
fts5_api* interface_of(const Database& database) {
  fts5_api* api = nullptr;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database.handle(), "SELECT fts5(?1)", -1, &statement, nullptr) == SQLITE_OK) {
    sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", nullptr);
    sqlite3_step(statement);
  }
  sqlite3_finalize(statement);
  return api;
}

}  // namespace

struct TextPhrases::Tokenizer {
  fts5_tokenizer methods{};
  Fts5Tokenizer* handle = nullptr;
  ~Tokenizer() {
    if (handle != nullptr) methods.xDelete(handle);
  }
};

TextPhrases::TextPhrases(TextPhrases&& other) noexcept
    : tokenizer_(std::exchange(other.tokenizer_, nullptr)), phrases_(std::move(other.phrases_)) {}

TextPhrases::~TextPhrases() { delete tokenizer_; }

Error TextPhrases::open(const Database& database) {
  Error unsupported{TR_EUNSUPPORTED, "this SQLite has no full-text search (FTS5)"};
  fts5_api* api = interface_of(database);
  if (api == nullptr) return unsupported;
  tokenizer_ = new Tokenizer;
  void* context = nullptr;
  const char* options[] = {"remove_diacritics", "2"};
  if (api->xFindTokenizer(api, "unicode61", &context, &tokenizer_->methods) != SQLITE_OK ||
      tokenizer_->methods.xCreate(context, options, 2, &tokenizer_->handle) != SQLITE_OK) {
    return unsupported;
  }
  return Error::none();
}

Expected<TextPhrases> TextPhrases::parse(const Database& database, const std::vector<std::string>& texts) {
  TextPhrases phrases;
  if (Error error = phrases.open(database)) return error;
  for (const std::string& text : texts) {
    Phrase phrase;
    for (Word& word : phrases.words_of(text, FTS5_TOKENIZE_QUERY)) phrase.words.push_back(std::move(word.text));
    if (phrase.words.empty()) return Error{TR_EINVAL, "there is no word in '" + text + "'"};
    phrase.prefix = text.back() == '*';
    phrases.phrases_.push_back(std::move(phrase));
  }
  return phrases;
}

std::vector<TextPhrases::Word> TextPhrases::words_of(std::string_view text, int reason) const {
  std::vector<Word> words;
  const auto add = [](void* context, int, const char* token, int size, int begin, int end) {
    static_cast<std::vector<Word>*>(context)->push_back(
        {{token, static_cast<size_t>(size)}, {static_cast<size_t>(begin), static_cast<size_t>(end)}});
    return SQLITE_OK;
  };
  tokenizer_->methods.xTokenize(tokenizer_->handle, &words, reason, text.data(), static_cast<int>(text.size()), add);
  return words;
}

// The tokenizer has left letters and digits only, so nothing needs an escape.
std::string TextPhrases::expression(std::string_view columns) const {
  std::string all;
  for (const Phrase& phrase : phrases_) {
    if (!all.empty()) all += " AND ";
    all.append("({").append(columns).append("} : \"");
    for (const std::string& word : phrase.words) all += word + " ";
    all.back() = '"';
    all += phrase.prefix ? " *)" : ")";
  }
  return all;
}

bool TextPhrases::is_at(const Phrase& phrase, const std::vector<Word>& words, size_t at) const {
  if (words.size() - at < phrase.words.size()) return false;
  for (size_t i = 0; i < phrase.words.size(); ++i) {
    const std::string& word = words[at + i].text;
    const bool open = phrase.prefix && i + 1 == phrase.words.size();
    if (open ? word.compare(0, phrase.words[i].size(), phrase.words[i]) != 0 : word != phrase.words[i]) return false;
  }
  return true;
}

std::vector<TextRange> TextPhrases::find(std::string_view text, std::vector<bool>* found) const {
  const std::vector<Word> words = words_of(text, FTS5_TOKENIZE_DOCUMENT);
  std::vector<TextRange> ranges;
  for (size_t at = 0; at < words.size(); ++at) {
    for (size_t i = 0; i < phrases_.size(); ++i) {
      if (!is_at(phrases_[i], words, at)) continue;
      (*found)[i] = true;
      const size_t end = words[at + phrases_[i].words.size() - 1].range.end;
      if (ranges.empty() || words[at].range.begin >= ranges.back().end) {
        ranges.push_back({words[at].range.begin, end});
      } else {
        ranges.back().end = std::max(ranges.back().end, end);
      }
    }
  }
  return ranges;
}

std::string search_text(std::string_view content, std::string_view type) {
  if (type.empty() || type == "bytes") return {};
  if (type == "str" || content.find('\\') == std::string_view::npos) return std::string(content);
  std::string out;
  out.reserve(content.size());
  std::string plain;
  for (size_t at = 0; at < content.size();) {
    const size_t begin = std::min(content.find('"', at), content.size() - 1) + 1;
    out.append(content, at, begin - at);
    const size_t end = encode::json_string_end(content, begin);
    if (end == std::string_view::npos) return out.append(content.substr(begin));
    const std::string_view raw = content.substr(begin, end - begin - 1);
    plain.clear();
    out.append(encode::unescape_json(raw, &plain) ? plain : raw).push_back('"');
    at = end;
  }
  return out;
}

}  // namespace trunkline::store
