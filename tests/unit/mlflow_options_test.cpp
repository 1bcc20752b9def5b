#include <cstdlib>

#include "processors/mlflow/mlflow_processor.hpp"
#include "store_support.hpp"

namespace trunkline::mlflow_test {
namespace {

using store_test::messages;

// What is said when a processor with these options is made.
std::vector<std::string> said_of(const std::string& options) {
  messages().clear();
  tr_processor table{};
  table.struct_size = sizeof table;
  const Error error = make_mlflow_processor(options, {}, &table, store_test::kHost);
  EXPECT_EQ(error.code, TR_OK) << error.message;
  if (!error) table.release(table.user_data);
  return messages();
}

TEST(MlflowOptions, AUserNameWithoutAPasswordIsSaid) {
  const store_test::TempDirectory home;  // without credentials
  ::setenv("HOME", home.path().c_str(), 1);
  const auto said = said_of(R"({"tracking_uri": "https://mlflow.example", "username": "ada"})");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("MLFLOW_TRACKING_PASSWORD"), std::string::npos) << said[0];
  for (const char* whole : {R"({"tracking_uri": "https://mlflow.example", "username": "ada", "password": "secret"})",
                            R"({"tracking_uri": "https://mlflow.example", "username": "ada", "token": "secret"})",
                            R"({"tracking_uri": "https://ada:secret@mlflow.example", "username": "ada"})",
                            R"({"tracking_uri": "https://mlflow.example"})"}) {
    EXPECT_TRUE(said_of(whole).empty()) << whole;
  }
}

}  // namespace
}  // namespace trunkline::mlflow_test
