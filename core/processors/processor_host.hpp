// What a built-in processor shares with the others: its doors to the library beside tr_processor - saving state, saying
// something to people, how long it may still wait - and how a table is handed to a caller whose struct may be of
// another version.
#pragma once

#include <string>
#include <string_view>

#include "model/expected.hpp"

namespace trunkline::processors {

// Tests replace the functions; the library gives its own.
struct ProcessorHost {
  int (*save)(const void* state, size_t size) = &tr_processor_save;
  void (*message)(tr_level level, std::string_view sentence) = nullptr;  // nullptr: standard error
  // Milliseconds a hook may still wait, asked inside of it; nullptr or UINT32_MAX: as long as it likes.
  uint32_t (*time_left)() = nullptr;
  // Whether somebody waits for what was not taken, a flush or the end of the library, asked inside a hook; nullptr:
  // never.
  bool (*awaited)() = nullptr;
  // What this program is called (service.name); nullptr or empty: nobody knows.
  std::string (*service_name)() = nullptr;
};

void say(const ProcessorHost& host, tr_level level, std::string_view sentence);

// Copies as much of `table` as the caller's struct_size says there is room for; a longer tail is zeroed.
// TR_EINVAL: too small for `release`; TR_EUNSUPPORTED: a size that cannot be.
Error hand_over(const tr_processor& table, tr_processor* out);

// The file a processor writes, as an absolute path: the option, or `file_name` in the directory. TR_EINVAL: neither.
Expected<std::string> choose_path(std::string_view subject, const std::string& option, const std::string& directory,
                                  std::string_view file_name);

// Runs a hook's body. What it throws is a lack of memory, which may pass.
template <class Body>
int guarded(Body body) noexcept {
  try {
    return body();
  } catch (...) {
    return TR_EAGAIN;
  }
}

}  // namespace trunkline::processors
