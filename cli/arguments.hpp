// The words of the command line, checked against the tables of commands and options. Whatever is wrong with them is
// found here, so that a command may rely on what it asks for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"
#include "model/expected.hpp"

namespace trunkline::cli {

class Arguments {
 public:
  // `now_ns` is what times are counted back from. The Error is a sentence about what is wrong.
  static Expected<Arguments> parse(const std::vector<std::string>& words, int64_t now_ns);

  const Command* command() const { return command_; }  // nullptr: none was given
  const std::vector<std::string>& operands() const { return operands_; }

  bool has(std::string_view option) const { return values_.count(option) != 0; }
  // Empty: not given.
  std::string text(std::string_view option) const;
  // Of counts, durations and times; durations are nanoseconds, times Unix nanoseconds.
  std::optional<int64_t> number(std::string_view option) const;

 private:
  struct Value {
    std::string text;
    int64_t number = 0;
  };

  Error add_word(const std::vector<std::string>& words, size_t* at, int64_t now_ns);
  Error add_long(const std::vector<std::string>& words, size_t* at, int64_t now_ns);
  Error add_letters(const std::vector<std::string>& words, size_t* at, int64_t now_ns);
  Error add_operand(const std::string& word);
  Error add_value(const Option& option, const std::string& text, int64_t now_ns);
  Error add_next(const Option& option, const std::vector<std::string>& words, size_t* at, int64_t now_ns);
  const Option* find_option(std::string_view name) const;
  const Option* find_letter(char letter) const;
  Error unknown_option(const std::string& name) const;
  Error check_operands() const;

  const Command* command_ = nullptr;
  std::vector<std::string> operands_;
  std::map<std::string_view, Value> values_;
};

}  // namespace trunkline::cli
