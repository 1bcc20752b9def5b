// Taking up, for the local store, what processes left behind that died without a goodbye.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "model/redactor.hpp"

namespace trunkline::cli {

struct Adopted {
  uint64_t runs = 0;        // dead runs that were looked into
  uint64_t recovered = 0;   // records that were in the memory of the process when it died
  uint64_t incomplete = 0;  // of the delivered ones, those that had not ended
  uint64_t corrupt = 0;     // what could not be believed
  uint64_t expired = 0;     // runs removed though some processor never came for them
  uint64_t delivered = 0;   // records now in the store
  uint64_t spans = 0;       // spans among them
  uint64_t waiting = 0;     // runs that hold something for processors other than the store
  bool complete = true;     // false: there was no time for everything, it could not be read, or the store refused it
};

// The rules of the one who reads, for what the one who records has not redacted yet.
std::shared_ptr<const Redactor> make_redactor();

// Waits no longer than the timeout. What goes wrong is warned about on standard error.
Adopted adopt_for_store(const std::string& directory, int64_t timeout_ms);

}  // namespace trunkline::cli
