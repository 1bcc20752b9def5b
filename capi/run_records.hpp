// What the functions of the section Runs share: a record of a run, and the facts of files that go into it.
#pragma once

#include <string>
#include <string_view>

#include "model/expected.hpp"
#include "os/file_version.hpp"
#include "trunkline.h"

namespace trunkline::capi {

// One record of a run. The errors of tr_run_log.
int record_for_run(tr_run run, tr_record_type type, std::string_view name, int64_t step, const tr_attribute* attributes,
                   size_t count);

// Whether the run is open, asked before its files are read: whoever ends the library or forks need not wait for a disk.
int check_run(tr_run run);

// Whether a text may name a file of this machine.
Error check_file_name(std::string_view file);

// The code of what is wrong with a file or artifact, which the log says in words: a code cannot tell which of many
// names or files it was. `what` was to become of it: "the artifact is not added".
int refuse(std::string_view what, const Error& wrong);
// A text of the caller's as the log says it.
std::string quoted(std::string_view text);

inline tr_string borrow(std::string_view text) { return {text.data() == nullptr ? "" : text.data(), text.size()}; }
inline tr_attribute text_attribute(std::string_view key, std::string_view text, tr_type type = TR_TYPE_STR) {
  const tr_string value = borrow(text);
  return {borrow(key), {type, 0, 0, 0, value.data, value.size}};
}
inline tr_attribute number_attribute(std::string_view key, int64_t number) {
  return {borrow(key), {TR_TYPE_I64, 0, number, 0, nullptr, 0}};
}

}  // namespace trunkline::capi
