// What MLflow takes as a key and how long a value may be. A key that it would refuse, and with it all that is sent
// beside it, is changed into one that it takes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "trunkline.h"

namespace trunkline::mlflow {

inline constexpr size_t kMostKeyCharacters = 250;
inline constexpr size_t kMostParamCharacters = 6000;
inline constexpr size_t kMostTagCharacters = 8000;

// The key itself where MLflow takes it. Else: '_' for a character that it does not take and for a part of the path that
// leads elsewhere ("", ".", ".."); what is too long is cut, and ends in a hash of the whole.
std::string legal_key(std::string_view key);

// At most so many characters of UTF-8 text.
std::string_view cut_text(std::string_view text, size_t characters);

// A value as the text of a param or tag: text as it is, all else as JSON.
std::string value_text(const tr_value& value);

// Whether a value is a number, and which: metrics are numbers.
bool value_number(const tr_value& value, double* number);

}  // namespace trunkline::mlflow
