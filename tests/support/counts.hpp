// The library's counts, as values.
#pragma once

#include <gtest/gtest.h>

#include "trunkline.h"

namespace trunkline::test {

inline tr_stats stats() {
  tr_stats filled{};
  filled.struct_size = sizeof filled;
  EXPECT_EQ(tr_stats_get(&filled), TR_OK);
  return filled;
}

inline tr_processor_stats stats_of(tr_processor_id id) {
  tr_processor_stats filled{};
  filled.struct_size = sizeof filled;
  EXPECT_EQ(tr_processor_stats_get(id, &filled), TR_OK);
  return filled;
}

}  // namespace trunkline::test
