// One record as one line of JSON. Every line begins with the run and the sequence, in this order, so that a scan after
// a crash need not parse JSON.
#pragma once

#include <string>
#include <string_view>

#include "trunkline.h"

namespace trunkline::processors {

// {"run":"<run_id>","seq":
std::string line_prefix(std::string_view run_id);

// Appends the line with its newline.
void append_line(std::string* out, const tr_record& record, std::string_view prefix);

}  // namespace trunkline::processors
