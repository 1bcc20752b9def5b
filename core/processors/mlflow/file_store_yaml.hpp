// The little YAML that the file store holds: one map of scalars a file. Written are scalars that every reader takes for
// the text they are; read is what MLflow's own writer makes of a text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace trunkline::mlflow {

// A text, quoted.
std::string yaml_text(std::string_view given);

// The value of a member of the map, as text: without quotes, escapes and folds. nullopt: there is none, or none that is
// a scalar.
std::optional<std::string> yaml_value(std::string_view document, std::string_view key);

// The document with another value for a member, given as YAML; the member is added when missing.
std::string yaml_with(std::string_view document, std::string_view key, std::string_view value);

}  // namespace trunkline::mlflow
