// Turns a record of the recorder into its form in the log: times in Unix time, text repaired to UTF-8, JSON checked,
// secrets redacted at any depth. The one place through which every record passes, live or recovered.
#pragma once

#include <string>
#include <string_view>

#include "model/item.hpp"
#include "model/record_header.hpp"
#include "model/redactor.hpp"
#include "pipeline/known_keys.hpp"

namespace trunkline::pipeline {

class RecordBuilder {
 public:
  explicit RecordBuilder(const Redactor* redactor) : redactor_(redactor) {}

  // `origin` is the sequence of the trace's first record.
  void begin(const RecordHeader& header, int64_t wall_offset, uint64_t origin);
  void add(const ItemView& item);
  // The finished payload; valid until the next begin.
  std::string_view finish(uint32_t dropped_attributes);

  uint64_t redacted() const { return redacted_; }

 private:
  void add_to(std::string* out, const ItemView& item);
  void add_text(std::string* out, const ItemView& item);
  void add_strings(std::string* out, const ItemView& item);
  void add_event(std::string* out, const ItemView& item);
  // Repairs and redacts `text`; the result is `text` itself or lies in `buffer`.
  std::string_view clean(std::string_view key, std::string_view text, bool json, std::string* buffer, uint32_t* flags);

  std::string_view clean_key(std::string_view key);
  std::string_view repair_key(std::string_view key);

  const Redactor* redactor_;
  int64_t wall_offset_ = 0;
  std::string payload_;
  KnownKeys clean_keys_;
  std::string key_;
  std::string repaired_;
  std::string redacted_text_;
  uint64_t redacted_ = 0;
};

}  // namespace trunkline::pipeline
