#include "trace/excerpt.hpp"

#include <algorithm>
#include <string_view>

namespace trunkline::cli {
namespace {

using store::TextRange;

// Not inside of a character.
size_t at_character(std::string_view text, size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

// The part of the text around the first range: its line, and of a long line what is near.
TextRange part_around(std::string_view text, const TextRange& range, size_t width) {
  const size_t line_begin = range.begin == 0 ? 0 : text.find_last_of("\r\n", range.begin - 1) + 1;
  const size_t line_end = std::min(text.find_first_of("\r\n", range.begin), text.size());
  TextRange part{line_begin, std::max(line_end, range.end)};
  if (part.end - part.begin <= width) return part;
  const size_t before = width / 3;
  if (range.begin - part.begin > before) part.begin = at_character(text, range.begin - before);
  part.end = at_character(text, std::min(part.end, std::max(part.begin + width, range.end)));
  return part;
}

Excerpt excerpt_of(std::string_view field, std::string_view text, const std::vector<TextRange>& ranges, size_t width) {
  const TextRange part = part_around(text, ranges[0], width);
  Excerpt excerpt;
  excerpt.field = field;
  size_t at = part.begin;
  const auto add = [&](size_t end, bool found) {
    if (end > at) excerpt.pieces.push_back({std::string(text.substr(at, end - at)), found});
    at = std::max(at, end);
  };
  for (const TextRange& range : ranges) {
    if (range.begin >= part.end) break;
    add(range.begin, false);
    add(std::min(range.end, part.end), true);
  }
  add(part.end, false);
  return excerpt;
}

}  // namespace

std::string Excerpt::text() const {
  std::string all;
  for (const Piece& piece : pieces) all += piece.text;
  return all;
}

std::vector<Excerpt> excerpts_of(const store::StoredSpan& span, const store::SpanSearch& search,
                                 const store::TextPhrases& phrases, size_t width) {
  std::vector<Excerpt> excerpts;
  const auto look = [&](bool wanted, std::string_view field, const std::string& text) {
    if (!wanted) return;
    std::vector<bool> found(phrases.size());
    const std::vector<TextRange> ranges = phrases.find(text, &found);
    if (!ranges.empty()) excerpts.push_back(excerpt_of(field, text, ranges, width));
  };
  look(search.in_input, "input", store::search_text(span.input, span.input_type));
  look(search.in_output, "output", store::search_text(span.output, span.output_type));
  look(search.in_error, "error", span.error_type + " " + span.error_message);
  return excerpts;
}

}  // namespace trunkline::cli
