#include "processors/mlflow/file_store_yaml.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "model/utf8.hpp"

namespace trunkline::mlflow {
namespace {

// One code point of text that is UTF-8.
char32_t next_code_point(std::string_view text, size_t* at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const unsigned char first = byte(*at);
  const size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t code = first < 0x80 ? first : first & (0x7Fu >> size);
  for (size_t i = 1; i < size; ++i) code = code << 6 | (byte(*at + i) & 0x3F);
  *at += size;
  return code;
}

// What YAML 1.1 refuses in a document, or takes for the end of a line.
bool needs_escape(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 || code == 0xFEFF ||
         code == 0xFFFE || code == 0xFFFF;
}

// The lines of a member of the map: [begin, end) of the document, and where its value begins.
struct Member {
  size_t begin = std::string_view::npos;
  size_t value = 0;
  size_t end = 0;
};

Member find_member(std::string_view document, std::string_view key) {
  Member found;
  for (size_t at = 0; at < document.size();) {
    const size_t line_end = std::min(document.find('\n', at), document.size() - 1) + 1;
    const std::string_view line = document.substr(at, line_end - at);
    const bool continues = !line.empty() && (line[0] == ' ' || line[0] == '\n' || line[0] == '\t');
    if (found.begin != std::string_view::npos && !continues) break;
    if (line.size() > key.size() && line.substr(0, key.size()) == key && line[key.size()] == ':') {
      found.begin = at;
      found.value = at + key.size() + 1;
    }
    if (found.begin != std::string_view::npos) found.end = line_end;
    at = line_end;
  }
  return found;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// A line break in a scalar is a blank; each empty line after it is a break.
std::string unfold(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '\n') {
      out.push_back(text[at++]);
      continue;
    }
    while (!out.empty() && (out.back() == ' ' || out.back() == '\t')) out.pop_back();
    size_t breaks = 0;
    for (; at < text.size() && (text[at] == '\n' || text[at] == ' ' || text[at] == '\t'); ++at) {
      breaks += text[at] == '\n' ? 1 : 0;
    }
    breaks == 1 ? out.push_back(' ') : (void)out.append(breaks - 1, '\n');
  }
  return out;
}

std::optional<std::string> read_single_quoted(std::string_view text) {
  std::string inner;
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] != '\'') {
      inner.push_back(text[at]);
    } else if (at + 1 < text.size() && text[at + 1] == '\'') {
      inner.push_back('\'');
      ++at;
    } else {
      return unfold(inner);
    }
  }
  return std::nullopt;
}

std::optional<char32_t> read_hex(std::string_view text, size_t at, size_t count) {
  char32_t code = 0;
  if (at + count > text.size()) return std::nullopt;
  for (size_t i = at; i < at + count; ++i) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return std::nullopt;
    code = code << 4 | static_cast<char32_t>(digit);
  }
  return code;
}

// The escape whose letter is at `at`; moves behind it.
bool read_escape(std::string_view text, size_t* at, std::string* out) {
  static constexpr std::string_view kLetters = "0abtnvfre \"/\\N_LP";
  static constexpr char32_t kMeant[] = {0,   7,   8,   9,    10,   11,   12,     13,    27,
                                        ' ', '"', '/', '\\', 0x85, 0xA0, 0x2028, 0x2029};
  const char letter = text[(*at)++];
  const size_t hex = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
  if (hex != 0) {
    const std::optional<char32_t> code = read_hex(text, *at, hex);
    if (!code) return false;
    *at += hex;
    utf8_append(out, *code);
    return true;
  }
  const size_t index = kLetters.find(letter);
  if (index == std::string_view::npos) return false;
  utf8_append(out, kMeant[index]);
  return true;
}

std::optional<std::string> read_double_quoted(std::string_view text) {
  std::string out;
  for (size_t at = 1; at < text.size();) {
    const char c = text[at];
    if (c == '"') return out;
    if (c == '\\' && at + 1 < text.size() && text[at + 1] == '\n') {  // a fold that is nothing
      at += 2;
      while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
    } else if (c == '\\' && at + 1 < text.size()) {
      if (!read_escape(text, &++at, &out)) return std::nullopt;
    } else if (c == '\n') {
      size_t end = at;
      while (end < text.size() && (text[end] == '\n' || text[end] == ' ' || text[end] == '\t')) ++end;
      while (!out.empty() && out.back() == ' ') out.pop_back();
      out += unfold(text.substr(at, end - at));
      at = end;
    } else {
      out.push_back(c);
      ++at;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string yaml_text(std::string_view given) {
  const std::string text = utf8_repair(given);
  bool plain = true;
  for (size_t at = 0; at < text.size() && plain;) plain = !needs_escape(next_code_point(text, &at));
  std::string out(1, plain ? '\'' : '"');
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t code = next_code_point(text, &at);
    if (needs_escape(code)) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(code));
      out += escape;
      continue;
    }
    if (!plain && (code == '"' || code == '\\')) out.push_back('\\');
    if (plain && code == '\'') out.push_back('\'');
    out.append(text, begin, at - begin);
  }
  out.push_back(plain ? '\'' : '"');
  return out;
}

std::optional<std::string> yaml_value(std::string_view document, std::string_view key) {
  const Member member = find_member(document, key);
  if (member.begin == std::string_view::npos) return std::nullopt;
  const std::string_view text = trim(document.substr(member.value, member.end - member.value));
  if (text.empty()) return std::string();
  if (text[0] == '\'') return read_single_quoted(text);
  if (text[0] == '"') return read_double_quoted(text);
  if (text[0] == '[' || text[0] == '{' || text[0] == '|' || text[0] == '>') return std::nullopt;
  return unfold(text);
}

std::string yaml_with(std::string_view document, std::string_view key, std::string_view value) {
  const Member member = find_member(document, key);
  std::string line(key);
  line.append(": ").append(value).append("\n");
  std::string out(document);
  if (member.begin != std::string_view::npos) return out.replace(member.begin, member.end - member.begin, line);
  if (!out.empty() && out.back() != '\n') out.push_back('\n');
  return out + line;
}

}  // namespace trunkline::mlflow
