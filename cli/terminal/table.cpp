#include "terminal/table.hpp"

#include <algorithm>

#include "terminal/text.hpp"

namespace trunkline::cli {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kLeastOfLast = 20;  // columns the last column should have before others are given up

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (const Column& column : columns_) widths_.push_back(column.title.size());
}

void Table::add(std::vector<Cell> row) {
  for (size_t i = 0; i < columns_.size(); ++i) widths_[i] = std::max(widths_[i], cli::columns(row[i].text));
  rows_.push_back(std::move(row));
}

std::vector<size_t> Table::columns_that_fit(const Terminal& terminal) const {
  std::vector<size_t> shown;
  size_t needed = 0;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const bool last = i + 1 == columns_.size();
    shown.push_back(i);
    needed += last ? std::min(widths_[i], kLeastOfLast) : widths_[i] + kGap;
  }
  // The first and the last stay.
  while (terminal.width != 0 && needed > terminal.width && shown.size() > 2) {
    const auto least = std::min_element(shown.begin() + 1, shown.end() - 1, [this](size_t a, size_t b) {
      return columns_[a].importance < columns_[b].importance;
    });
    if (columns_[*least].importance == Column::kAlways) break;
    needed -= widths_[*least] + kGap;
    shown.erase(least);
  }
  return shown;
}

void Table::print_row(const std::vector<Cell>& row, const std::vector<size_t>& shown, const Terminal& terminal,
                      Output* output) const {
  Line line;
  for (const size_t i : shown) {
    const std::string padding(widths_[i] - cli::columns(row[i].text), ' ');
    const bool last = i == shown.back();
    if (columns_[i].right) line.add(padding);
    line.add(row[i].text, row[i].colour);
    if (!last) line.add((columns_[i].right ? "" : padding) + std::string(kGap, ' '));
  }
  output->write(line.text(terminal));
}

void Table::print(Output* output, const Terminal& terminal) {
  const std::vector<size_t> shown = columns_that_fit(terminal);
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.push_back({std::string(column.title), Colour::kDim});
  if (!titled_) print_row(titles, shown, terminal, output);
  titled_ = true;
  for (const auto& row : rows_) {
    if (output->closed()) return;
    print_row(row, shown, terminal, output);
  }
  rows_.clear();
}

}  // namespace trunkline::cli
