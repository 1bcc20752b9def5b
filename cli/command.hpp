// What a command is, as data: its name, what it takes and what it says about itself. Parsing, --help, the manual page,
// completion and errors all come from these tables, and so does everything else that has to list commands and options.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace trunkline::cli {

class Arguments;
class Session;

enum class OptionType {
  kFlag,
  kText,
  kCount,     // a whole number
  kTime,      // a date, or how long ago
  kDuration,  // 150ms, 2s, 1m30s
  kChoice,    // one of the words in `value`, which are separated by '|'
};

struct Option {
  std::string_view name;  // without its dashes
  char letter;            // 0: none
  OptionType type;
  std::string_view value;  // what stands for its value in the help
  std::string_view help;
};

enum class Quantity { kOne, kOptional, kAny, kSome };  // exactly one; none or one; any number; at least one

struct Operand {
  std::string_view name;
  std::string_view help;
  Quantity quantity = Quantity::kOne;
  std::string_view choices = {};  // as of an Option; empty: anything
};

enum class Paging { kNever, kOnTerminals };

struct Command {
  std::string_view name;
  std::string_view summary;
  std::string_view description;
  std::span<const Operand> operands;  // only the last may be other than kOne
  std::span<const Option> options;    // besides the global ones
  Paging paging;
  int (*run)(const Arguments& arguments, Session* session);
};

// Tables of options that several commands share are put together at compile time.
template <size_t A, size_t B>
constexpr std::array<Option, A + B> joined(const Option (&first)[A], const Option (&second)[B]) {
  std::array<Option, A + B> all{};
  for (size_t i = 0; i < A; ++i) all[i] = first[i];
  for (size_t i = 0; i < B; ++i) all[A + i] = second[i];
  return all;
}

// What the program returns.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kNegative = 3;  // done, and the answer is no: nothing found, a difference, a problem

}  // namespace trunkline::cli
