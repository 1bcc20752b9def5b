// Names of artifacts: those we give, and those of artifacts that may be another's.
#pragma once

#include <string>
#include <string_view>

#include "model/expected.hpp"

namespace trunkline {

// Whether an artifact of ours, its type or one of its aliases may be called so.
bool is_artifact_word(std::string_view text);

// "name", "name:alias", "project/name:alias" or "entity/project/name:alias", in its parts; empty: not said.
struct ArtifactName {
  std::string entity;
  std::string project;
  std::string name;
  std::string alias;
};

// TR_EINVAL: it is none. It may be called what ours may not.
Expected<ArtifactName> parse_artifact_name(std::string_view text);

}  // namespace trunkline
