// The spans that are open in a run whose process lives, read out of its recorder file from outside. The process goes on
// meanwhile, so what is read is believed only as far as its slot says afterwards that it is still the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trunkline.h"

namespace trunkline::pipeline {

struct OpenSpan {
  uint8_t trace_id[16];
  uint8_t span_id[8];
  uint8_t parent_id[8];
  tr_kind kind = TR_KIND_CUSTOM;
  int64_t start_ns = 0;  // Unix time
  std::string name;      // as recorded, before the worker has repaired or redacted it
  std::string model;
};

// Of the run in this directory; none if its recorder is in memory.
std::vector<OpenSpan> read_open_spans(int directory_fd);

}  // namespace trunkline::pipeline
