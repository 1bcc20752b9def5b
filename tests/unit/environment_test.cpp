#include "model/environment.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>

namespace trunkline {
namespace {

std::map<std::string, std::string>& variables() {
  static auto* map = new std::map<std::string, std::string>;
  return *map;
}

const char* fake_variable(const char* name) {
  const auto found = variables().find(name);
  return found == variables().end() ? nullptr : found->second.c_str();
}

ConfigEnvironment read_with(std::map<std::string, std::string> map) {
  variables() = std::move(map);
  return read_environment(fake_variable);
}

TEST(Environment, NothingSetSaysNothing) {
  const ConfigEnvironment read = read_with({});
  EXPECT_EQ(read.directory, nullptr);
  EXPECT_EQ(read.max_memory, std::nullopt);
  EXPECT_EQ(read.log_level, std::nullopt);
  EXPECT_FALSE(read.disabled);
  EXPECT_TRUE(read.warnings.empty());
}

TEST(Environment, EveryVariableIsRead) {
  const ConfigEnvironment read = read_with({{"TRUNKLINE_DIR", "/a"},
                                            {"TRUNKLINE_RECORDER_DIR", "/dev/shm"},
                                            {"TRUNKLINE_SERVICE_NAME", "agent"},
                                            {"TRUNKLINE_PROCESSORS", "local,jsonl"},
                                            {"TRUNKLINE_MAX_MEMORY", "64m"},
                                            {"TRUNKLINE_MAX_DISK", "2G"},
                                            {"TRUNKLINE_MAX_VALUE_BYTES", "512k"},
                                            {"TRUNKLINE_MAX_ATTRIBUTES", "77"},
                                            {"TRUNKLINE_DURABILITY", "fsync"},
                                            {"TRUNKLINE_RECORDER", "Memory"},
                                            {"TRUNKLINE_CONTENT", "OFF"},
                                            {"TRUNKLINE_OVERFLOW", "block"},
                                            {"TRUNKLINE_BLOCK_TIMEOUT_MS", "5"},
                                            {"TRUNKLINE_SAMPLE_RATIO", "0.3"},
                                            {"TRUNKLINE_REDACT_KEYS", "ssn,iban"},
                                            {"TRUNKLINE_REDACT_PATTERNS", "abc-*"},
                                            {"TRUNKLINE_LOG", "debug"},
                                            {"TRUNKLINE_END_GRACE_MS", "0"},
                                            {"TRUNKLINE_EXIT_TIMEOUT_MS", "4294967295"},
                                            {"TRUNKLINE_DISABLED", "yes"}});
  EXPECT_STREQ(read.directory, "/a");
  EXPECT_STREQ(read.recorder_directory, "/dev/shm");
  EXPECT_STREQ(read.service_name, "agent");
  EXPECT_STREQ(read.processors, "local,jsonl");
  EXPECT_EQ(read.max_memory, 64u << 20);
  EXPECT_EQ(read.max_disk, uint64_t{2} << 30);
  EXPECT_EQ(read.max_value_bytes, 512u << 10);
  EXPECT_EQ(read.max_attributes, 77u);
  EXPECT_EQ(read.durability, TR_DURABILITY_FSYNC);
  EXPECT_EQ(read.recorder, TR_RECORDER_MEMORY);
  EXPECT_EQ(read.content, TR_CONTENT_OFF);
  EXPECT_EQ(read.overflow, TR_OVERFLOW_BLOCK);
  EXPECT_EQ(read.block_timeout_ms, 5u);
  EXPECT_EQ(read.sample_ratio, 0.3);
  EXPECT_STREQ(read.redact_keys, "ssn,iban");
  EXPECT_STREQ(read.redact_patterns, "abc-*");
  EXPECT_EQ(read.log_level, TR_LEVEL_DEBUG);
  EXPECT_EQ(read.end_grace_ms, 0u);
  EXPECT_EQ(read.exit_timeout_ms, 4294967295u);
  EXPECT_TRUE(read.disabled);
  EXPECT_TRUE(read.warnings.empty());
}

TEST(Environment, ABadValueIsIgnoredWithOneWarningThatNamesIt) {
  const std::pair<const char*, const char*> rows[] = {{"TRUNKLINE_MAX_MEMORY", "lots"},
                                                      {"TRUNKLINE_MAX_MEMORY", "-1"},
                                                      {"TRUNKLINE_MAX_MEMORY", "1 m"},
                                                      {"TRUNKLINE_MAX_MEMORY", "m"},
                                                      {"TRUNKLINE_MAX_DISK", "99999999999g"},
                                                      {"TRUNKLINE_MAX_DISK", "18446744073709551616"},
                                                      {"TRUNKLINE_MAX_ATTRIBUTES", "1k"},
                                                      {"TRUNKLINE_BLOCK_TIMEOUT_MS", "4294967296"},
                                                      {"TRUNKLINE_END_GRACE_MS", "1.5"},
                                                      {"TRUNKLINE_SAMPLE_RATIO", "1.01"},
                                                      {"TRUNKLINE_SAMPLE_RATIO", "-0.1"},
                                                      {"TRUNKLINE_SAMPLE_RATIO", "nan"},
                                                      {"TRUNKLINE_SAMPLE_RATIO", "0,5"},
                                                      {"TRUNKLINE_DURABILITY", "disk"},
                                                      {"TRUNKLINE_RECORDER", "files"},
                                                      {"TRUNKLINE_CONTENT", "maybe"},
                                                      {"TRUNKLINE_OVERFLOW", "wait"},
                                                      {"TRUNKLINE_LOG", "verbose"},
                                                      {"TRUNKLINE_DISABLED", "2"}};
  for (const auto& [name, value] : rows) {
    const ConfigEnvironment read = read_with({{name, value}});
    ASSERT_EQ(read.warnings.size(), 1u) << name << '=' << value;
    EXPECT_NE(read.warnings[0].find(name), std::string::npos);
    EXPECT_FALSE(read.max_memory || read.max_disk || read.max_attributes || read.block_timeout_ms ||
                 read.end_grace_ms || read.sample_ratio || read.durability || read.recorder || read.content ||
                 read.overflow || read.log_level || read.disabled)
        << name << '=' << value;
  }
}

TEST(Environment, EmptyIsUnset) {
  const ConfigEnvironment read =
      read_with({{"TRUNKLINE_DIR", ""}, {"TRUNKLINE_MAX_MEMORY", ""}, {"TRUNKLINE_DISABLED", ""}});
  EXPECT_EQ(read.directory, nullptr);
  EXPECT_EQ(read.max_memory, std::nullopt);
  EXPECT_FALSE(read.disabled);
  EXPECT_TRUE(read.warnings.empty());
}

TEST(Environment, OpenTelemetrysVariables) {
  EXPECT_TRUE(read_with({{"OTEL_SDK_DISABLED", "TRUE"}}).disabled);
  EXPECT_FALSE(read_with({{"OTEL_SDK_DISABLED", "1"}}).disabled);
  EXPECT_STREQ(read_with({{"OTEL_SERVICE_NAME", "o"}}).service_name, "o");
  EXPECT_STREQ(read_with({{"OTEL_SERVICE_NAME", "o"}, {"TRUNKLINE_SERVICE_NAME", "t"}}).service_name, "t");
}

TEST(Environment, ALongBadValueIsCutInTheWarning) {
  const ConfigEnvironment read = read_with({{"TRUNKLINE_LOG", std::string(100000, 'x')}});
  ASSERT_EQ(read.warnings.size(), 1u);
  EXPECT_LT(read.warnings[0].size(), 200u);
}

int run_as_nobody(const std::string& program) {
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(50);
    setenv("TRUNKLINE_DIR", "/tmp/elsewhere", 1);
    setenv("TRUNKLINE_TEST_CHILD", "1", 1);
    execl(program.c_str(), program.c_str(), "--gtest_filter=Environment.AProgramWithMoreRightsThanItsUserReadsNone",
          nullptr);
    _exit(51);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Environment, AProgramWithMoreRightsThanItsUserReadsNone) {
  // The same test is what the child runs; its exit code tells what it saw.
  if (std::getenv("TRUNKLINE_TEST_CHILD") != nullptr) _exit(read_environment().directory == nullptr ? 40 : 41);
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make a set-user-id program";
  char folder[] = "/tmp/trunkline-secure-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  ASSERT_EQ(chmod(folder, 0755), 0);
  const std::string program = std::string(folder) + "/program";
  std::filesystem::copy_file("/proc/self/exe", program);
  ASSERT_EQ(chmod(program.c_str(), 0755), 0);
  EXPECT_EQ(run_as_nobody(program), 41);  // the control: without more rights the variable is read
  ASSERT_EQ(chmod(program.c_str(), 04755), 0);
  EXPECT_EQ(run_as_nobody(program), 40);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace trunkline
