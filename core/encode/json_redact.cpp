#include "encode/json_scan.hpp"
#include "encode/json_text.hpp"
#include "encode/json_writer.hpp"

namespace trunkline::encode {
namespace {

constexpr unsigned kMaxNesting = 8;  // of JSON in the strings of JSON
constexpr std::string_view kQuotedMarker = "\"__redacted__\"";

bool redact_nested(std::string_view key, std::string_view text, const Redactor& redactor, unsigned nesting,
                   std::string* out);

// Walks the strings of a text. A string before a colon is a key; no more of the grammar is needed, so a text that is
// cut or wrong is handled as far as it goes.
class Walker {
 public:
  Walker(std::string_view text, std::string_view outer_key, const Redactor& redactor, unsigned nesting)
      : text_(text), outer_key_(outer_key), redactor_(redactor), nesting_(nesting) {}

  bool run(std::string* out) {
    size_t at = 0;
    while ((at = text_.find('"', at)) != std::string_view::npos) {
      const size_t end = json_string_end(text_, at + 1);
      if (end == std::string_view::npos) break;
      const size_t colon = skip_json_blanks(text_, end);
      const bool is_key = colon < text_.size() && text_[colon] == ':';
      at = is_key ? member(at, end, colon) : string(at, end);
    }
    if (copied_ == 0) return false;
    result_.append(text_, copied_);
    *out = std::move(result_);
    return true;
  }

 private:
  // Both return where to go on.
  size_t member(size_t begin, size_t end, size_t colon) {
    const std::string_view key = decode(begin, end, &key_buffer_);
    if (redactor_.replace_patterns(key, &changed_)) replace(begin, end, changed_, true);
    const size_t value = skip_json_blanks(text_, colon + 1);
    if (redactor_.key_matches(key)) {
      const size_t value_end = skip_value(value);
      if (value_end > value && text_.substr(value, value_end - value) != kQuotedMarker) {
        replace(value, value_end, kQuotedMarker, false);
      }
      return value_end;
    }
    member_key_ = key;
    member_value_ = value;
    return value;
  }

  size_t string(size_t begin, size_t end) {
    const std::string_view text = decode(begin, end, &value_buffer_);
    const std::string_view key = begin == member_value_ ? member_key_ : outer_key_;
    if (redact_nested(key, text, redactor_, nesting_, &changed_)) replace(begin, end, changed_, true);
    return end;
  }

  std::string_view decode(size_t begin, size_t end, std::string* buffer) const {
    const std::string_view raw = text_.substr(begin + 1, end - begin - 2);
    if (raw.find('\\') == std::string_view::npos || !unescape_json(raw, buffer)) return raw;
    return *buffer;
  }

  // The end of the value at `at`, or of the text.
  size_t skip_value(size_t at) const {
    size_t depth = 0;
    while (at < text_.size()) {
      const char c = text_[at];
      if (c == '"') {
        const size_t end = json_string_end(text_, at + 1);
        at = end == std::string_view::npos ? text_.size() : end;
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at;
        continue;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return at;
        --depth;
        ++at;
      } else if (depth > 0) {
        ++at;
        continue;
      } else {
        while (at < text_.size() && !is_json_blank(text_[at]) && text_[at] != ',' && text_[at] != '}' &&
               text_[at] != ']') {
          ++at;
        }
        return at;
      }
      if (depth == 0) return at;
    }
    return at;
  }

  void replace(size_t begin, size_t end, std::string_view by, bool quote) {
    result_.append(text_, copied_, begin - copied_);
    if (quote) {
      append_json_string(&result_, by);
    } else {
      result_.append(by);
    }
    copied_ = end;
  }

  std::string_view text_;
  std::string_view outer_key_;
  const Redactor& redactor_;
  unsigned nesting_;
  std::string result_;
  size_t copied_ = 0;
  std::string_view member_key_;  // of the member whose value begins at member_value_
  size_t member_value_ = std::string_view::npos;
  std::string key_buffer_;
  std::string value_buffer_;
  std::string changed_;
};

bool begins_container(std::string_view text) {
  const size_t at = skip_json_blanks(text, 0);
  return at < text.size() && (text[at] == '{' || text[at] == '[');
}

bool redact_nested(std::string_view key, std::string_view text, const Redactor& redactor, unsigned nesting,
                   std::string* out) {
  if (redactor.callback_refuses(key, text)) {
    *out = kRedacted;
    return true;
  }
  if (nesting == kMaxNesting || !begins_container(text)) return redactor.replace_patterns(text, out);
  const bool inside = Walker(text, key, redactor, nesting + 1).run(out);
  if (json_check(text) == JsonCheck::Valid) return inside;
  // There may be more than strings to look at, and no form to keep.
  std::string whole;
  if (!redactor.replace_patterns(inside ? std::string_view(*out) : text, &whole)) return inside;
  *out = std::move(whole);
  return true;
}

}  // namespace

bool json_redact(std::string_view json, const Redactor& redactor, std::string* out, std::string_view key) {
  return Walker(json, key, redactor, 0).run(out);
}

bool redact_text(std::string_view key, std::string_view text, const Redactor& redactor, std::string* out) {
  return redact_nested(key, text, redactor, 0, out);
}

}  // namespace trunkline::encode
