// Values of a scenario as the library takes them, and values of the library as a scenario has them.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "scenarios/fields.hpp"
#include "trunkline.h"

namespace trunkline::scenarios {

// Makes values and attributes out of JSON; what they point to lives as long as this does.
class Values {
 public:
  tr_value value(const json& given);
  // Members of an object of values.
  const std::vector<tr_attribute>& attributes(const json& given);
  // A text that lives on.
  tr_string text(std::string given);

 private:
  tr_value array(const std::string& type, const json& elements);

  std::deque<std::string> texts_;
  std::deque<std::vector<uint8_t>> bools_;
  std::deque<std::vector<int64_t>> integers_;
  std::deque<std::vector<double>> reals_;
  std::deque<std::vector<tr_string>> strings_;
  std::deque<std::vector<tr_attribute>> attributes_;
};

double real_of(const json& given);
json json_of_real(double value);

// A value as it is compared: with JSON read, repetitions written out, doubles that JSON cannot say as texts.
json normal_value(const tr_value& value);
json normal_attributes(const tr_attribute* attributes, size_t count);
// The same of a value in an expectation.
json normal_expectation(const json& given);

}  // namespace trunkline::scenarios
