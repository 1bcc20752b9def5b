#include "store/search_index.hpp"

#include <sqlite3.h>

#include <algorithm>

#include "store/text_phrases.hpp"

namespace trunkline::store {
namespace {

constexpr int64_t kPartSpans = 32'768;
constexpr int64_t kStepSpans = 4'096;

int run(const Database& database, std::string_view sql, std::initializer_list<int64_t> values = {}) {
  Statement statement;
  const int code = statement.prepare(database, sql);
  if (code != SQLITE_OK) return code;
  int index = 0;
  for (const int64_t value : values) statement.bind(++index, value);
  return statement.run();
}

int drop_part(const Database& database, int64_t part) {
  const int code = run(database, "DROP TABLE IF EXISTS " + search_table(part));
  return code != SQLITE_OK ? code : run(database, "DELETE FROM search_parts WHERE part=?1", {part});
}

int create_part(const Database& database, SearchPart* part, int64_t last_number, int64_t indexed) {
  *part = {last_number + 1, indexed + 1, indexed, 0, 0, INT64_MAX, INT64_MIN};
  const int code = run(database, "CREATE VIRTUAL TABLE " + search_table(part->number) +
                                     " USING fts5(kind,input,output,error,content='',columnsize=0,tokenize='" +
                                     std::string(kSearchTokenizer) + "')");
  return code != SQLITE_OK ? code
                           : run(database, "INSERT INTO search_parts VALUES(?1,?2,?3,0,0,0,0)",
                                 {part->number, part->first_rowid, part->last_rowid});
}

// Adds the next spans to one part.
class Step {
 public:
  Step(Database* database, uint64_t bytes, uint64_t part_bytes)
      : database_(*database), part_bytes_(static_cast<int64_t>(part_bytes)), room_(static_cast<int64_t>(bytes)) {}

  int run_all(bool* more) {
    int code = read_search_progress(&database_, &progress_);
    std::vector<SearchPart> parts;
    if (code == SQLITE_OK) code = read_search_parts(database_, &parts);
    if (code == SQLITE_OK) code = take_back(&parts);
    if (code != SQLITE_OK || progress_.indexed >= progress_.last) return code;
    const bool full = parts.empty() || parts[0].spans >= kPartSpans || parts[0].bytes >= part_bytes_;
    SearchPart part;
    if (full) {
      code = drop_empty_parts(&database_);
      if (code == SQLITE_OK)
        code = create_part(database_, &part, parts.empty() ? 0 : parts[0].number, progress_.indexed);
    } else {
      part = parts[0];
    }
    if (code == SQLITE_OK) code = fill(&part);
    if (code != SQLITE_OK) return code;
    *more = progress_.indexed < progress_.last;
    code =
        run(database_,
            "UPDATE search_parts SET last_rowid=?2,spans=?3,bytes=?4,first_start_ns=?5,last_start_ns=?6 WHERE part=?1",
            {part.number, progress_.indexed, part.spans, part.bytes, part.first_start_ns, part.last_start_ns});
    return code != SQLITE_OK ? code : run(database_, "UPDATE search_state SET indexed=?1", {progress_.indexed});
  }

 private:
  // Rowids that have been used again: the parts that know other spans by them are made anew.
  int take_back(std::vector<SearchPart>* parts) {
    while (!parts->empty() && parts->front().last_rowid > progress_.indexed) {
      const int code = drop_part(database_, parts->front().number);
      if (code != SQLITE_OK) return code;
      progress_.indexed = std::min(progress_.indexed, parts->front().first_rowid - 1);
      parts->erase(parts->begin());
    }
    return SQLITE_OK;
  }

  int fill(SearchPart* part) {
    Statement read;
    Statement insert;
    int code =
        read.prepare(database_,
                     "SELECT rowid,kind_name,input,input_type,output,output_type,error_type,error_message,status,"
                     "start_ns FROM spans WHERE rowid>?1 ORDER BY rowid LIMIT ?2");
    if (code == SQLITE_OK) {
      code = insert.prepare(database_, "INSERT INTO " + search_table(part->number) +
                                           "(rowid,kind,input,output,error) VALUES(?1,?2,?3,?4,?5)");
    }
    if (code != SQLITE_OK) return code;
    read.bind(1, progress_.indexed);
    const int64_t most = std::min(kStepSpans, kPartSpans - part->spans);
    read.bind(2, most);
    while (room_ > 0 && part->bytes < part_bytes_ && (code = read.step()) == SQLITE_ROW) {
      if ((code = add(read, &insert, part)) != SQLITE_OK) return code;
    }
    // Rows that were deleted leave gaps, also at the end.
    if (code == SQLITE_DONE && added_ < most) progress_.indexed = progress_.last;
    return code == SQLITE_ROW || code == SQLITE_DONE || code == SQLITE_OK ? SQLITE_OK : code;
  }

  int add(const Statement& read, Statement* insert, SearchPart* part) {
    const std::string input = search_text(read.text(2), read.text(3));
    const std::string output = search_text(read.text(4), read.text(5));
    const std::string error = std::string(read.text(6)) + " " + std::string(read.text(7));
    insert->bind(1, read.i64(0));
    const std::string words = search_kind(read.text(1)) + " " + search_status(read.text(8));
    insert->bind(2, words);
    insert->bind(3, input);
    insert->bind(4, output);
    insert->bind(5, error);
    const int code = insert->run();
    const auto bytes = static_cast<int64_t>(input.size() + output.size() + error.size());
    room_ -= bytes + 1;
    part->bytes += bytes;
    ++part->spans;
    part->first_start_ns = std::min(part->first_start_ns, read.i64(9));
    part->last_start_ns = std::max(part->last_start_ns, read.i64(9));
    ++added_;
    progress_.indexed = read.i64(0);
    return code;
  }

  Database& database_;
  const int64_t part_bytes_;
  int64_t room_;
  int64_t added_ = 0;
  SearchProgress progress_;
};

}  // namespace

std::string search_kind(std::string_view kind_name) { return "kind " + std::string(kind_name); }

// One word, so that no kind is taken for it.
std::string search_status(std::string_view status) { return "status" + std::string(status); }

std::string search_table(int64_t part) { return "search_" + std::to_string(part); }

int index_some(Database* database, uint64_t bytes, uint64_t part_bytes, bool* more) {
  *more = false;
  SearchProgress progress;
  int code = read_search_progress(database, &progress);  // nothing to do is the usual case and locks nobody out
  if (code != SQLITE_OK || progress.indexed >= progress.last) return code;
  code = database->execute("BEGIN IMMEDIATE");
  if (code != SQLITE_OK) return code;
  code = Step(database, bytes, part_bytes).run_all(more);
  if (code == SQLITE_OK) code = database->execute("COMMIT");
  if (code != SQLITE_OK) (void)database->execute("ROLLBACK");
  return code;
}

int drop_empty_parts(Database* database) {
  std::vector<SearchPart> parts;
  int code = read_search_parts(*database, &parts);
  for (const SearchPart& part : parts) {
    if (code != SQLITE_OK) return code;
    Statement left;
    code = left.prepare(*database, "SELECT 1 FROM spans WHERE rowid BETWEEN ?1 AND ?2 LIMIT 1");
    if (code != SQLITE_OK) return code;
    left.bind(1, part.first_rowid);
    left.bind(2, part.last_rowid);
    code = left.step();
    left.finalize();
    if (code == SQLITE_DONE && part.spans > 0) code = drop_part(*database, part.number);
    if (code == SQLITE_ROW || code == SQLITE_DONE) code = SQLITE_OK;
  }
  return code;
}

int read_search_parts(const Database& database, std::vector<SearchPart>* parts) {
  Statement statement;
  int code = statement.prepare(database,
                               "SELECT part,first_rowid,last_rowid,spans,bytes,first_start_ns,last_start_ns FROM "
                               "search_parts ORDER BY part DESC");
  if (code != SQLITE_OK) return code;
  while ((code = statement.step()) == SQLITE_ROW) {
    parts->push_back({statement.i64(0), statement.i64(1), statement.i64(2), statement.i64(3), statement.i64(4),
                      statement.i64(5), statement.i64(6)});
  }
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int read_search_progress(Database* database, SearchProgress* progress) {
  const int code = database->query_i64("SELECT indexed FROM search_state", &progress->indexed);
  return code != SQLITE_OK ? code : database->query_i64("SELECT coalesce(max(rowid),0) FROM spans", &progress->last);
}

}  // namespace trunkline::store
