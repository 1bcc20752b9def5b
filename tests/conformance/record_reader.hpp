// Runs checks on records as they arrive, where they are valid, in every shape of delivery.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <thread>
#include <utility>

#include "probe.hpp"

namespace trunkline::conformance {

class RecordReader {
 public:
  using Check = std::function<void(const tr_record&)>;

  RecordReader(Kind kind, Check check) : kind_(kind), check_(std::move(check)) {}
  ~RecordReader() {
    if (pump_.joinable()) pump_.join();
  }

  void attach() {
    tr_processor table{};
    table.struct_size = sizeof table;
    table.user_data = this;
    table.name = "reader";
    table.flags = TR_PROCESSOR_SPAN_STARTS | (kind_ == Kind::kPolled ? TR_PROCESSOR_POLL : 0u);
    if (kind_ == Kind::kOnBatch) {
      table.on_batch = [](void* self, const tr_batch* batch) {
        for (size_t i = 0; i < batch->count; ++i) static_cast<RecordReader*>(self)->check_(*batch->records[i]);
        return TR_OK;
      };
    } else if (kind_ == Kind::kHooks) {
      table.on_run = [](void* self, const tr_record* record) {
        static_cast<RecordReader*>(self)->check_(*record);
        return TR_OK;
      };
      table.on_trace_start = table.on_trace_end = table.on_span_start = table.on_span_end = table.on_run;
    }
    tr_processor_id id = 0;
    ASSERT_EQ(tr_add_processor(&table, &id), TR_OK);
    if (kind_ != Kind::kPolled) return;
    pump_ = std::thread([this, id] {
      tr_batch* batch = nullptr;
      for (int polled; (polled = tr_poll(id, 64, 100, &batch)) >= 0;) {
        if (polled == 0) continue;
        for (size_t i = 0; i < batch->count; ++i) check_(*batch->records[i]);
        tr_poll_ack(batch, TR_OK, nullptr, 0);
      }
    });
  }

 private:
  const Kind kind_;
  const Check check_;
  std::thread pump_;
};

}  // namespace trunkline::conformance
