// Where words were found in a span: the line, as much of it as there is room for.
#pragma once

#include <string>
#include <vector>

#include "store/store_reader.hpp"
#include "store/text_phrases.hpp"

namespace trunkline::cli {

struct Excerpt {
  struct Piece {
    std::string text;
    bool found;
  };
  std::string field;  // "input", "output" or "error"
  std::vector<Piece> pieces;
  std::string text() const;
};

// The first place in each field that has one.
std::vector<Excerpt> excerpts_of(const store::StoredSpan& span, const store::SpanSearch& search,
                                 const store::TextPhrases& phrases, size_t width);

}  // namespace trunkline::cli
