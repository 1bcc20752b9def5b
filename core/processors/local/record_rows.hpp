// Puts one record into the store: translates its plain structs to rows and their values to JSON. The scratch texts are
// kept from record to record.
#pragma once

#include <string>

#include "store/store_writer.hpp"
#include "trunkline.h"

namespace trunkline::processors {

// About how many bytes the rows of a record will take.
size_t estimate_bytes(const tr_record& record);

class RecordRows {
 public:
  explicit RecordRows(store::StoreWriter* writer) : writer_(writer) {}

  // A SQLite code. Records of unknown types, and starts of spans, are none of the store's business.
  int put(const tr_record& record, std::string_view run_id);

 private:
  int put_trace(const tr_record& record, std::string_view run_id, bool ended);
  int put_span(const tr_record& record);
  int put_event(const tr_record& record);
  int put_run(const tr_record& record);
  int put_metrics(const tr_record& record);
  int put_items(const tr_record& record, std::string_view section);
  int put_tag(const tr_record& record);
  int put_artifact(const tr_record& record);
  int put_item(const tr_record& record, std::string_view section, std::string_view key, const tr_value& value);

  store::ContentCell content(const tr_value& value, std::string* scratch);

  store::StoreWriter* writer_;
  std::string attributes_;
  std::string events_;
  std::string input_;
  std::string output_;
  std::string value_;
};

}  // namespace trunkline::processors
