// Taking up dead runs without recording anything: for the command line, before it reads the local store.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/expected.hpp"
#include "model/redactor.hpp"
#include "pipeline/adoption.hpp"
#include "pipeline/log_message.hpp"

namespace trunkline::pipeline {

struct AdoptionReport {
  uint64_t runs = 0;       // dead runs taken over
  uint64_t recovered = 0;  // records found in their recorders
  uint64_t corrupt = 0;    // what could not be believed
  uint64_t expired = 0;    // runs removed though some processor never came for them
  uint64_t delivered = 0;  // records the given processors took
  uint64_t spans = 0;      // finished spans among them
  uint64_t waiting = 0;    // runs that hold something for other processors
  bool complete = true;    // false: the deadline passed, something could not be read, or not everything was taken
};

// Delivers what dead runs of `directory` hold for processors of the identities of `tables`. The tables are released.
// `deadline` in monotonic nanoseconds. `expired`: what becomes of runs that others have not come for in time.
AdoptionReport adopt_now(const std::string& directory, const std::vector<tr_processor>& tables,
                         std::shared_ptr<const Redactor> redactor, MessageLog* messages, int64_t deadline,
                         Expired expired);

}  // namespace trunkline::pipeline
