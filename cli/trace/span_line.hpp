// What commands that list spans say about one in a line: its details, and an error below it.
#pragma once

#include <string>

#include "store/store_reader.hpp"
#include "terminal/terminal.hpp"

namespace trunkline::cli {

// Model, tokens, score, step and how it ended, each if there is one.
void add_span_details(const store::StoredSpan& span, Line* line);

// "IOError: no such file", of the first line of the message; empty: no error.
std::string error_line(const std::string& type, const std::string& message);

// Of a span that has not ended "-", also when nobody knows how long it went on.
std::string span_duration_text(const store::StoredSpan& span);

}  // namespace trunkline::cli
