// Records in the normal form of the scenarios, and their comparison with an expectation.
#pragma once

#include <map>
#include <string>

#include "scenarios/fields.hpp"
#include "trunkline.h"

namespace trunkline::scenarios {

std::string hex_of(const uint8_t* bytes, size_t size);

tr_kind kind_of(const json& name_or_number);

// With the ids themselves and with all times; also `sequence`.
json normal_record(const tr_record& record);

// Which name stands for which id: one for one.
class Names {
 public:
  // As the start of a trace or span told it. An id that has a name keeps it.
  void bind(const std::string& name, const std::string& id);
  // What to show for an id where `wanted` is expected: its name; `wanted`, if that is free and becomes its name now; or
  // the id itself.
  std::string show(const std::string& id, const std::string& wanted);

 private:
  std::map<std::string, std::string> name_of_;
  std::map<std::string, std::string> id_of_;
};

// Nothing when the record is as expected, else what differs.
std::string difference(const json& expected, json actual, Names* names);

// What must hold for any record; nothing, or what does not.
std::string insane(const json& actual);

}  // namespace trunkline::scenarios
