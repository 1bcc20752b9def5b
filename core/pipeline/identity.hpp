// What names a processor across processes: its name and where it delivers to. No secret belongs in it.
#pragma once

#include <string>

#include "trunkline.h"

namespace trunkline::pipeline {

inline std::string identity_of(const tr_processor& table) {
  std::string identity = table.name;
  if (table.destination != nullptr && *table.destination != '\0') identity += std::string("|") + table.destination;
  return identity;
}

}  // namespace trunkline::pipeline
