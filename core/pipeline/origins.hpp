// Where traces and runs begin in a log: a record carries the sequence of the first record of the trace or run it
// belongs to, by which a processor is given the traces that began while it was registered.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "model/record_header.hpp"

namespace trunkline::pipeline {

class Origins {
 public:
  // Of a record that is about to be logged as `sequence`.
  uint64_t of(const RecordHeader& header, uint64_t sequence) {
    // A run inside a trace begins with the trace, and may outlive it.
    if (header.type == TR_RECORD_RUN_START) {
      const auto of_trace = origins_.find(header.trace_id);
      if (of_trace != origins_.end()) sequence = of_trace->second;
    }
    return origins_.try_emplace(key(header), sequence).first->second;
  }
  // Of one that is in the log already.
  void learn(const RecordHeader& header, uint64_t origin) { origins_.try_emplace(key(header), origin); }
  // After the last record of a trace or run.
  void forget(const RecordHeader& header) {
    if (header.type == TR_RECORD_TRACE_END || header.type == TR_RECORD_RUN_FINISH) origins_.erase(key(header));
  }

 private:
  // Runs and their records are found by the run's id, those of a trace by the trace's.
  static TraceId key(const RecordHeader& header) {
    const bool is_of_run = header.type >= TR_RECORD_RUN_START && header.type <= TR_RECORD_RUN_MEDIA;
    return is_of_run ? TraceId{0, header.span_id} : header.trace_id;
  }

  std::unordered_map<TraceId, uint64_t, TraceIdHash> origins_;
};

}  // namespace trunkline::pipeline
