#include "encode/json_walk.hpp"

#include <algorithm>

#include "encode/json_text.hpp"

namespace trunkline::encode {
namespace {

bool ends_scalar(char c) { return c == ',' || c == '}' || c == ']' || is_json_blank(c); }

size_t skip_string(std::string_view json, size_t after_quote) {
  return std::min(json_string_end(json, after_quote), json.size());
}

}  // namespace

char json_type(std::string_view json) {
  const size_t at = skip_json_blanks(json, 0);
  const char first = at < json.size() ? json[at] : '\0';
  return first == '-' || (first >= '0' && first <= '9') ? '0' : first;
}

size_t skip_json_value(std::string_view json, size_t at) {
  at = skip_json_blanks(json, at);
  size_t open = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = skip_string(json, at + 1);
    } else if (c == '{' || c == '[') {
      ++open;
      ++at;
      continue;
    } else if (c == '}' || c == ']') {
      if (open == 0) return at;
      --open;
      ++at;
    } else if (open > 0 && (c == ',' || c == ':' || is_json_blank(c))) {
      ++at;
      continue;
    } else if (ends_scalar(c)) {
      return at;
    } else {
      while (at < json.size() && !ends_scalar(json[at]) && json[at] != ':' && json[at] != '"') ++at;
      if (open == 0) return at;
      continue;
    }
    if (open == 0) return at;
  }
  return at;
}

bool json_string_value(std::string_view json, std::string* out) {
  const size_t at = skip_json_blanks(json, 0);
  if (at == json.size() || json[at] != '"') return false;
  const size_t end = json_string_end(json, at + 1);
  return end != std::string_view::npos && unescape_json(json.substr(at + 1, end - at - 2), out);
}

JsonWalk::JsonWalk(std::string_view container) : text_(container) {
  const char type = json_type(container);
  object_ = type == '{';
  at_ = object_ || type == '[' ? skip_json_blanks(text_, 0) + 1 : text_.size();
}

bool JsonWalk::next() {
  at_ = skip_json_blanks(text_, at_);
  if (at_ < text_.size() && text_[at_] == ',') at_ = skip_json_blanks(text_, at_ + 1);
  if (at_ >= text_.size() || text_[at_] == '}' || text_[at_] == ']') return false;
  if (object_) {
    if (text_[at_] != '"') return false;
    const size_t end = json_string_end(text_, at_ + 1);
    if (end == std::string_view::npos) return false;
    raw_key_ = text_.substr(at_ + 1, end - at_ - 2);
    at_ = skip_json_blanks(text_, end);
    if (at_ >= text_.size() || text_[at_] != ':') return false;
    at_ = skip_json_blanks(text_, at_ + 1);
  }
  const size_t end = skip_json_value(text_, at_);
  value_ = text_.substr(at_, end - at_);
  at_ = end;
  return !value_.empty();
}

std::string_view json_member(std::string_view object, std::string_view key) {
  if (json_type(object) != '{') return {};
  JsonWalk walk(object);
  while (walk.next()) {
    if (walk.raw_key() == key) return walk.value();
  }
  return {};
}

}  // namespace trunkline::encode
