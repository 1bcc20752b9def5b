// The file `owner` of a run directory: which process owns the run, as a few lines of text with a checksum.
#pragma once

#include <cstdint>
#include <string>

#include "model/expected.hpp"
#include "os/process.hpp"

namespace trunkline::log_detail {

enum class OwnerState { kGood, kUnreadable, kNewer };

struct Owner {
  ProcessIdentity process;
  uint32_t generation = 0;
  int64_t created_unix_ns = 0;  // of the run, not of the ownership
};

std::string encode_owner(const Owner& owner);
OwnerState decode_owner(const std::string& text, Owner* owner);

// An error only if the system failed; a missing file is kUnreadable.
Expected<OwnerState> read_owner(int directory_fd, Owner* owner);
// Replaces the file as a whole.
Error write_owner(int directory_fd, const Owner& owner);

}  // namespace trunkline::log_detail
