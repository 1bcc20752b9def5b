// trunkline query: SQL over the store, for reading only.
#include <unistd.h>

#include <array>
#include <cmath>
#include <memory>
#include <optional>

#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/reading.hpp"
#include "session.hpp"
#include "store/query.hpp"
#include "terminal/table.hpp"
#include "terminal/text.hpp"
#include "trace/csv.hpp"
#include "trace/json.hpp"

namespace trunkline::cli {
namespace {

using store::Cell;
using store::QueryRow;

constexpr size_t kRowsAtOnce = 1'000;  // by which the columns of a table get their widths
constexpr size_t kLargestSql = 1 << 20;

constexpr Operand kOperands[] = {
    {"SQL",
     "One statement that reads; '-': from standard input. The tables are in docs/store.md; without SQL they are "
     "listed.",
     Quantity::kOptional}};

constexpr Option kOptions[] = {
    {"format", 0, OptionType::kChoice, "table|csv|json|jsonl",
     "How rows are written. Default: table; json with --json. jsonl: an object a line."},
};

std::string text_of(const Cell& cell) {
  switch (cell.type) {
    case Cell::Type::kInteger:
      return std::to_string(cell.integer);
    case Cell::Type::kReal:
      return number_text(cell.real);
    case Cell::Type::kText:
      return cell.bytes;
    case Cell::Type::kBlob:
      return "(" + bytes_text(cell.bytes.size()) + ")";
    case Cell::Type::kNull:
      break;
  }
  return "";
}

class Writer {
 public:
  explicit Writer(Session* session) : output_(session->output()), terminal_(session->terminal()) {}
  virtual ~Writer() = default;
  virtual void begin(const std::vector<std::string>& /*names*/) {}
  virtual void row(const QueryRow& row) = 0;
  virtual void end() {}

 protected:
  Output* output_;
  const Terminal& terminal_;
};

class TableWriter : public Writer {
 public:
  using Writer::Writer;
  void begin(const std::vector<std::string>& names) override { names_ = names; }
  void row(const QueryRow& row) override {
    rows_.push_back(row);
    if (rows_.size() == kRowsAtOnce) flush();
  }
  void end() override { flush(); }

 private:
  // Numbers stand to the right; nothing is left out, for every column was asked for.
  void flush() {
    if (names_.empty() || (rows_.empty() && table_)) return;
    if (!table_) {
      for (const std::string& name : names_) titles_.push_back(visible(name));
      std::vector<Column> columns;
      for (size_t i = 0; i < names_.size(); ++i) {
        const bool right =
            !rows_.empty() && (rows_[0][i].type == Cell::Type::kInteger || rows_[0][i].type == Cell::Type::kReal);
        columns.push_back({titles_[i], right, Column::kAlways});
      }
      table_.emplace(std::move(columns));
    }
    for (const QueryRow& row : rows_) {
      std::vector<cli::Cell> cells;
      for (const Cell& cell : row) {
        cells.push_back({visible(text_of(cell)), cell.type == Cell::Type::kBlob ? Colour::kDim : Colour::kNone});
      }
      table_->add(std::move(cells));
    }
    table_->print(output_, terminal_);
    rows_.clear();
  }

  std::vector<std::string> names_;
  std::vector<std::string> titles_;
  std::vector<QueryRow> rows_;
  std::optional<Table> table_;
};

class CsvWriter : public Writer {
 public:
  using Writer::Writer;
  void begin(const std::vector<std::string>& names) override { output_->write(csv_line(names)); }
  void row(const QueryRow& row) override {
    std::vector<std::string> texts;
    for (const Cell& cell : row) texts.push_back(cell.type == Cell::Type::kBlob ? base64(cell.bytes) : text_of(cell));
    output_->write(csv_line(texts));
  }

 private:
  static std::string base64(const std::string& bytes) {
    std::string text;
    encode::append_base64(&text, bytes);
    return text;
  }
};

class JsonWriter : public Writer {
 public:
  JsonWriter(Session* session, bool lines) : Writer(session), lines_(lines) {}
  void begin(const std::vector<std::string>& names) override { names_ = names; }
  void row(const QueryRow& row) override {
    if (!lines_) output_->write(any_ ? ",\n" : "[\n");
    any_ = true;
    std::string text;
    JsonMembers members(&text);
    for (size_t i = 0; i < row.size(); ++i) add(names_[i], row[i], &members);
    members.close();
    output_->write(text);
    if (lines_) output_->write("\n");
  }
  void end() override {
    if (!lines_) output_->write(any_ ? "\n]\n" : "[]\n");
  }

 private:
  static void add(const std::string& name, const Cell& cell, JsonMembers* members) {
    std::string* out = members->member(name);
    if (cell.type == Cell::Type::kInteger) {
      encode::append_json_i64(out, cell.integer);
    } else if (cell.type == Cell::Type::kReal && std::isfinite(cell.real)) {
      encode::append_json_f64(out, cell.real);
    } else if (cell.type == Cell::Type::kText) {
      encode::append_json_string(out, cell.bytes);
    } else if (cell.type == Cell::Type::kBlob) {
      JsonMembers bytes(out);
      encode::append_base64(&(bytes.member("$bytes")->append("\"")), cell.bytes);
      out->push_back('"');
      bytes.close();
    } else {
      out->append("null");
    }
  }
  const bool lines_;
  bool any_ = false;
  std::vector<std::string> names_;
};

std::unique_ptr<Writer> make_writer(const std::string& format, Session* session) {
  if (format == "csv") return std::make_unique<CsvWriter>(session);
  if (format == "json") return std::make_unique<JsonWriter>(session, false);
  if (format == "jsonl") return std::make_unique<JsonWriter>(session, true);
  return std::make_unique<TableWriter>(session);
}

Expected<std::string> read_sql() {
  std::string sql;
  std::array<char, 4096> part{};
  for (;;) {
    const ssize_t size = ::read(STDIN_FILENO, part.data(), part.size());
    if (size < 0) return Error{TR_EIO, "standard input cannot be read"};
    if (size == 0) return sql;
    sql.append(part.data(), static_cast<size_t>(size));
    if (sql.size() > kLargestSql) return Error{TR_ELIMIT, "standard input is longer than a statement may be"};
  }
}

int run(const Arguments& arguments, Session* session) {
  static constexpr std::string_view kListTables =
      "SELECT m.name AS \"table\",group_concat(c.name,' ') AS columns FROM sqlite_schema m,pragma_table_info(m.name) c "
      "WHERE m.type='table' AND m.name NOT GLOB 'search_*' AND m.name NOT GLOB 'sqlite_*' GROUP BY m.name ORDER BY 1";
  const std::string format = arguments.has("format") ? arguments.text("format") : session->json() ? "json" : "table";
  if (session->json() && format != "json" && format != "jsonl") {
    return session->refuse("--json and --format " + format + " exclude each other");
  }
  std::string sql(arguments.operands().empty() ? kListTables : arguments.operands()[0]);
  if (sql == "-") {
    auto read = read_sql();
    if (!read) return session->fail(read.error());
    sql = std::move(*read);
  }
  auto opened = open_store(session);
  if (!opened) return session->fail(opened.error());
  if (!*opened) return session->fail({TR_ENOENT, no_traces(*session)});
  const std::unique_ptr<Writer> writer = make_writer(format, session);
  store::QuerySink sink;
  sink.begin = [&](const std::vector<std::string>& names) { writer->begin(names); };
  sink.row = [&](const QueryRow& row) {
    writer->row(row);
    return !session->output()->closed();
  };
  const Error error = store::run_query(&(*opened)->database(), sql, sink);
  if (!error || error.code != TR_EINVAL) writer->end();
  return error ? session->fail(error) : kSuccess;
}

}  // namespace

const Command kQuery = {"query",
                        "Ask the store in SQL.",
                        "Runs one SQL statement that reads and writes its rows. Nothing can be changed: the store is "
                        "opened for reading, and statements that would do more than read are refused.",
                        kOperands,
                        kOptions,
                        Paging::kOnTerminals,
                        run};

}  // namespace trunkline::cli
