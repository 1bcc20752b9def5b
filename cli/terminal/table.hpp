// A table that fits the terminal: columns as wide as their texts, the least important ones left out when there is no
// room, the last one cut.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "terminal/output.hpp"
#include "terminal/terminal.hpp"

namespace trunkline::cli {

struct Column {
  std::string_view title;
  bool right;      // aligned
  int importance;  // the lowest is the first to go

  static constexpr int kAlways = 1'000;  // never left out
};

struct Cell {
  std::string text;  // a `visible` one
  Colour colour = Colour::kNone;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns);

  void add(std::vector<Cell> row);
  // The rows added since the last time; the first time with the titles.
  void print(Output* output, const Terminal& terminal);

 private:
  std::vector<size_t> columns_that_fit(const Terminal& terminal) const;
  void print_row(const std::vector<Cell>& row, const std::vector<size_t>& shown, const Terminal& terminal,
                 Output* output) const;

  std::vector<Column> columns_;
  std::vector<size_t> widths_;
  std::vector<std::vector<Cell>> rows_;
  bool titled_ = false;
};

}  // namespace trunkline::cli
