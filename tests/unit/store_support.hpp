// What the tests of the store and of the built-in processors share: directories and file systems that vanish, records
// made in a line, and a processor driven through its table as the library drives it.
#pragma once

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "os/file.hpp"
#include "processors/processor_host.hpp"
#include "store/sqlite.hpp"
#include "support/files.hpp"
#include "trunkline.h"

namespace trunkline::store_test {

using nlohmann::json;

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

using test::read_file;
using test::TempDirectory;
using test::write_file;

// A tmpfs over a directory, as long as the object lives. False: this user may not mount.
class SmallDisk {
 public:
  SmallDisk(const std::string& path, const char* options) : path_(path) {
    mounted_ = ::mount("none", path_.c_str(), "tmpfs", 0, options) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  explicit operator bool() const { return mounted_; }
  bool remount(const char* options, unsigned long flags = 0) const {
    return ::mount("none", path_.c_str(), "tmpfs", MS_REMOUNT | flags, options) == 0;
  }

 private:
  std::string path_;
  bool mounted_ = false;
};

inline tr_string str(std::string_view text) { return {text.data(), text.size()}; }

inline tr_value null_value() {
  tr_value value{};
  value.type = TR_TYPE_NULL;
  return value;
}
inline tr_value text(tr_type type, std::string_view bytes, uint32_t flags = 0) {
  return {type, flags, 0, 0, bytes.data(), bytes.size()};
}
inline tr_value text(std::string_view bytes) { return text(TR_TYPE_STR, bytes); }
inline tr_value i64(int64_t number) { return {TR_TYPE_I64, 0, number, 0, nullptr, 0}; }
inline tr_value f64(double number) { return {TR_TYPE_F64, 0, 0, number, nullptr, 0}; }
inline tr_value boolean(bool value) { return {TR_TYPE_BOOL, 0, value ? 1 : 0, 0, nullptr, 0}; }
template <class T>
tr_value array(tr_type type, const std::vector<T>& elements) {
  return {type, 0, 0, 0, elements.data(), elements.size()};
}

// Records are numbered from 1 in the order they are made; their texts must outlive them.
class Records {
 public:
  tr_record& add(tr_record_type type, uint8_t trace, uint64_t span = 0, uint64_t parent = 0) {
    tr_record& record = records_.emplace_back();
    record.struct_size = sizeof record;
    record.type = type;
    record.sequence = ++sequence_;
    std::memset(record.trace_id, trace, sizeof record.trace_id);
    std::memcpy(record.span_id, &span, sizeof span);
    std::memcpy(record.parent_id, &parent, sizeof parent);
    record.start_ns = 1'000'000 + static_cast<int64_t>(sequence_) * 1'000;
    record.end_ns = record.start_ns + 500;
    record.usage = {-1, -1, -1, -1, -1, -1};
    record.score = kNan;
    record.step = -1;
    return record;
  }
  tr_record& trace_start(uint8_t trace, std::string_view name = "trace") {
    tr_record& record = add(TR_RECORD_TRACE_START, trace);
    record.end_ns = 0;
    record.name = str(name);
    return record;
  }
  tr_record& trace_end(uint8_t trace, std::string_view name = "trace", uint32_t flags = 0) {
    tr_record& record = add(TR_RECORD_TRACE_END, trace);
    record.name = str(name);
    record.flags = flags;
    return record;
  }
  tr_record& span(uint8_t trace, uint64_t id, std::string_view name = "span", uint32_t flags = 0) {
    tr_record& record = add(TR_RECORD_SPAN_END, trace, id);
    record.kind = TR_KIND_TOOL;
    record.name = str(name);
    record.flags = flags;
    return record;
  }
  void attributes(tr_record& record, std::vector<tr_attribute> list) {
    attributes_.push_back(std::move(list));
    record.attributes = attributes_.back().data();
    record.attribute_count = attributes_.back().size();
  }
  std::vector<const tr_record*> pointers(size_t from = 0, size_t to = SIZE_MAX) const {
    std::vector<const tr_record*> result;
    for (size_t i = from; i < std::min(to, records_.size()); ++i) result.push_back(&records_[i]);
    return result;
  }
  size_t size() const { return records_.size(); }

 private:
  uint64_t sequence_ = 0;
  std::deque<tr_record> records_;
  std::deque<std::vector<tr_attribute>> attributes_;
};

// What the processor saved and said; one process has one test at a time.
inline std::string& saved_state() {
  static auto* state = new std::string;
  return *state;
}
inline std::vector<std::string>& messages() {
  static auto* list = new std::vector<std::string>;
  return *list;
}
inline int save_state(const void* state, size_t size) {
  saved_state().assign(static_cast<const char*>(state), size);
  return TR_OK;
}
inline void keep_message(tr_level, std::string_view sentence) { messages().emplace_back(sentence); }
inline const processors::ProcessorHost kHost{save_state, keep_message};

class Driven {
 public:
  using Make = Error (*)(std::string_view, const std::string&, tr_processor*, const processors::ProcessorHost&);

  Driven(Make make, std::string_view options, const std::string& directory) {
    table_.struct_size = sizeof table_;
    error_ = make(options, directory, &table_, kHost);
  }
  ~Driven() {
    if (table_.release != nullptr) table_.release(table_.user_data);
  }
  Driven(const Driven&) = delete;
  Driven& operator=(const Driven&) = delete;

  const Error& error() const { return error_; }
  const tr_processor& table() const { return table_; }

  int deliver(const std::vector<const tr_record*>& records, const char* run_id = "run-a", uint32_t flags = 0) const {
    tr_batch batch{};
    batch.struct_size = sizeof batch;
    batch.flags = flags;
    batch.run_id = run_id;
    batch.records = records.data();
    batch.count = records.size();
    return table_.on_batch(table_.user_data, &batch);
  }
  int restore(const std::string& state, const char* run_id = "run-a") const {
    return table_.restore(table_.user_data, run_id, state.data(), state.size());
  }

 private:
  tr_processor table_{};
  Error error_;
};

// One number out of a database file, on a connection of its own; -1 when it cannot be read.
inline int64_t query(const std::string& path, const char* sql) {
  store::Database database;
  int64_t number = -1;
  if (database.open(path, 0x00000001, 1'000) != 0 || database.query_i64(sql, &number) != 0) return -1;
  return number;
}

inline std::string query_text(const std::string& path, const std::string& sql) {
  store::Database database;
  store::Statement statement;
  if (database.open(path, 0x00000001, 1'000) != 0 || statement.prepare(database, sql) != 0) return "(unreadable)";
  return statement.step() == 100 ? std::string(statement.text(0)) : "(no row)";
}

// Runs `body` in a child and returns its exit status; -1 when it did not exit.
template <class Body>
pid_t start_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  return child;
}
inline int wait_child(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace trunkline::store_test
