// One record as a line of text for people, without the place it has in a tree.
#pragma once

#include <string>

#include "processors/console/console_text.hpp"
#include "trunkline.h"

namespace trunkline::processors {

// "tool search  20 ms  120 -> 34 tokens  ERROR Timeout: no answer".
void append_span(std::string* out, const Painter& painter, const tr_record& record);

// "* message".
void append_event(std::string* out, const Painter& painter, const tr_record& record);

// "research agent  1.24 s  ok", with why it stopped and the error.
void append_trace(std::string* out, const Painter& painter, const tr_record& record);

// "run my-run  step 3  loss=0.5".
void append_run(std::string* out, const Painter& painter, const tr_record& record);

}  // namespace trunkline::processors
