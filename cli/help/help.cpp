#include "help/help.hpp"

#include <algorithm>
#include <vector>

#include "commands/commands.hpp"

namespace trunkline::cli {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kLongestTerm = 22;

struct Item {
  std::string term;
  std::string_view help;
};

// Words from column `indent` on; the first line begins at column `at`.
void append_wrapped(std::string* out, std::string_view text, size_t indent, size_t at) {
  bool first = true;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    if (!first && at + 1 + space > kWidth) {
      out->append("\n").append(indent, ' ');
      at = indent;
    } else if (!first) {
      out->push_back(' ');
      ++at;
    }
    out->append(text.substr(0, space));
    at += space;
    text.remove_prefix(std::min(space + 1, text.size()));
    first = false;
  }
  out->push_back('\n');
}

void append_items(std::string* out, std::string_view title, const std::vector<Item>& items) {
  if (items.empty()) return;
  size_t longest = 0;
  for (const Item& item : items) {
    if (item.term.size() <= kLongestTerm) longest = std::max(longest, item.term.size());
  }
  const size_t indent = longest + 4;
  out->append("\n").append(title).append(":\n");
  for (const Item& item : items) {
    out->append("  ").append(item.term);
    if (item.term.size() > longest) {
      out->append("\n").append(indent, ' ');
    } else {
      out->append(indent - 2 - item.term.size(), ' ');
    }
    append_wrapped(out, item.help, indent, indent);
  }
}

std::vector<Item> items_of(std::span<const Option> options) {
  std::vector<Item> items;
  for (const Option& option : options) {
    items.push_back({option_text(option), option.help});
  }
  return items;
}

std::string program_help() {
  std::string text = "Reads the traces that agents record with Trunkline.\n\nUsage: trunkline COMMAND [OPTIONS]\n";
  std::vector<Item> commands;
  for (const Command* command : all_commands()) {
    std::string term(command->name);
    for (const Operand& operand : command->operands) term.append(" ").append(operand_text(operand));
    commands.push_back({term, command->summary});
  }
  append_items(&text, "Commands", commands);
  append_items(&text, "Options", items_of(global_options()));
  std::vector<std::string> numbers;
  for (const ExitCode& code : exit_codes()) numbers.push_back(std::to_string(code.code));
  std::vector<Item> codes;
  for (size_t i = 0; i < numbers.size(); ++i) codes.push_back({numbers[i], exit_codes()[i].meaning});
  append_items(&text, "Exit codes", codes);
  return text + "\n'trunkline COMMAND --help' tells more about a command.\n";
}

std::string command_help(const Command& command) {
  std::string text;
  append_wrapped(&text, command.description, 0, 0);
  text.append("\nUsage: trunkline ").append(command.name);
  std::vector<Item> operands;
  for (const Operand& operand : command.operands) {
    text.append(" ").append(operand_text(operand));
    operands.push_back({std::string(operand.name), operand.help});
  }
  text.append(" [OPTIONS]\n");
  append_items(&text, "Arguments", operands);
  append_items(&text, "Options", items_of(command.options));
  append_items(&text, "Options of every command", items_of(global_options()));
  return text;
}

}  // namespace

std::string operand_text(const Operand& operand) {
  std::string name(operand.choices.empty() ? operand.name : operand.choices);
  switch (operand.quantity) {
    case Quantity::kOptional:
      return "[" + name + "]";
    case Quantity::kAny:
      return "[" + name + "...]";
    case Quantity::kSome:
      return name + "...";
    case Quantity::kOne:
      break;
  }
  return name;
}

std::string option_text(const Option& option) {
  std::string text;
  if (option.letter != 0) text.append({'-', option.letter, ',', ' '});
  text.append("--").append(option.name);
  if (!option.value.empty()) text.append(" ").append(option.value);
  return text;
}

std::string help_text(const Command* command) { return command == nullptr ? program_help() : command_help(*command); }

}  // namespace trunkline::cli
