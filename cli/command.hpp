// What a command is, as data: its name, what it takes and what it says about itself. Parsing, --help and errors all
// come from these tables, and so does everything else that has to list commands and options.
#pragma once

#include <span>
#include <string_view>

namespace trunkline::cli {

class Arguments;
class Session;

enum class OptionType {
  kFlag,
  kText,
  kCount,   // a whole number
  kTime,    // a date, or how long ago
  kChoice,  // one of the words in `value`, which are separated by '|'
};

struct Option {
  std::string_view name;  // without its dashes
  char letter;            // 0: none
  OptionType type;
  std::string_view value;  // what stands for its value in the help
  std::string_view help;
};

struct Operand {
  std::string_view name;
  std::string_view help;
};

struct Command {
  std::string_view name;
  std::string_view summary;
  std::string_view description;
  std::span<const Operand> operands;  // all required
  std::span<const Option> options;    // besides the global ones
  int (*run)(const Arguments& arguments, Session* session);
};

// What the program returns.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;

}  // namespace trunkline::cli
