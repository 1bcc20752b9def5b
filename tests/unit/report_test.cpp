// What is told of an error in a struct of the C API is text, whatever it quotes and wherever it is cut.
#include "../../capi/guard.hpp"

#include <gtest/gtest.h>

#include <string>

#include "model/utf8.hpp"

namespace trunkline {
namespace {

TEST(Report, AMessageIsCutBetweenCharacters) {
  for (const std::string character : {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff"}) {
    for (size_t before = 0; before < 4; ++before) {
      std::string message(before, 'x');
      for (int i = 0; i < 200; ++i) message += character;
      tr_error error{sizeof error, 0, {}};
      EXPECT_EQ(capi::report({TR_EIO, message}, &error), TR_EIO);
      EXPECT_EQ(error.code, TR_EIO);
      const std::string said = error.message;
      EXPECT_TRUE(utf8_valid(said)) << said;
      EXPECT_GT(said.size(), sizeof error.message - 5);
      EXPECT_LT(said.size(), sizeof error.message);
    }
  }
}

}  // namespace
}  // namespace trunkline
