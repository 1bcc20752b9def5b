#include "arguments.hpp"

#include <charconv>

#include "commands.hpp"
#include "time_text.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kLargestCount = 1'000'000'000;

Error wrong(std::string sentence) { return {TR_EINVAL, std::move(sentence)}; }

std::string dashed(const Option& option) { return "--" + std::string(option.name); }

bool is_choice(std::string_view choices, std::string_view text) {
  while (!choices.empty()) {
    const size_t bar = choices.find('|');
    if (choices.substr(0, bar) == text) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
  return false;
}

std::optional<int64_t> parse_count(const std::string& text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc() || stop != end || number < 0 || number > kLargestCount) return std::nullopt;
  return number;
}

}  // namespace

Expected<Arguments> Arguments::parse(const std::vector<std::string>& words, int64_t now_ns) {
  Arguments arguments;
  bool only_operands = false;
  for (size_t at = 0; at < words.size(); ++at) {
    if (!only_operands && words[at] == "--") {
      only_operands = true;
      continue;
    }
    const Error error = only_operands ? arguments.add_operand(words[at]) : arguments.add_word(words, &at, now_ns);
    if (error) return error;
  }
  if (arguments.has("help") || arguments.has("version")) return arguments;
  if (const Error error = arguments.check_operands()) return error;
  return arguments;
}

// A word, and the one after it when that is its value.
Error Arguments::add_word(const std::vector<std::string>& words, size_t* at, int64_t now_ns) {
  const std::string& word = words[*at];
  if (word.size() < 2 || word[0] != '-') return add_operand(word);
  const bool is_long = word[1] == '-';
  const size_t equals = is_long ? word.find('=') : std::string::npos;
  const std::string name = word.substr(0, equals);
  const Option* option = is_long            ? find_option(std::string_view(name).substr(2))
                         : word.size() == 2 ? find_letter(word[1])
                                            : nullptr;
  if (option == nullptr) return wrong("unknown option " + name);
  if (option->type == OptionType::kFlag) {
    if (equals != std::string::npos) return wrong("option " + dashed(*option) + " takes no value");
    return add_value(*option, "", now_ns);
  }
  if (equals != std::string::npos) return add_value(*option, word.substr(equals + 1), now_ns);
  if (*at + 1 == words.size()) {
    return wrong("option " + dashed(*option) + " needs a value: " + std::string(option->value));
  }
  return add_value(*option, words[++*at], now_ns);
}

Error Arguments::add_operand(const std::string& word) {
  if (command_ != nullptr) {
    operands_.push_back(word);
    return Error::none();
  }
  command_ = find_command(word);
  return command_ == nullptr ? wrong("unknown command '" + word + "'") : Error::none();
}

Error Arguments::add_value(const Option& option, const std::string& text, int64_t now_ns) {
  Value value{text, 0};
  const auto refuse = [&](std::string_view takes) {
    return wrong("option " + dashed(option) + ": '" + text + "' is not " + std::string(takes));
  };
  if (option.type == OptionType::kText && text.empty()) return refuse("a text");
  if (option.type == OptionType::kChoice && !is_choice(option.value, text)) {
    return refuse("one of " + std::string(option.value));
  }
  if (option.type == OptionType::kCount) {
    const auto number = parse_count(text);
    if (!number) return refuse("a whole number");
    value.number = *number;
  }
  if (option.type == OptionType::kTime) {
    const auto time = parse_time(text, now_ns);
    if (!time) return refuse("a time such as 2026-11-21, 2026-11-21T10:00 or 30m, 2h, 7d ago");
    value.number = *time;
  }
  values_[option.name] = std::move(value);
  return Error::none();
}

const Option* Arguments::find_option(std::string_view name) const {
  for (const Option& option : global_options()) {
    if (option.name == name) return &option;
  }
  if (command_ == nullptr) return nullptr;
  for (const Option& option : command_->options) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

const Option* Arguments::find_letter(char letter) const {
  for (const Option& option : global_options()) {
    if (option.letter == letter) return &option;
  }
  if (command_ == nullptr) return nullptr;
  for (const Option& option : command_->options) {
    if (option.letter == letter) return &option;
  }
  return nullptr;
}

Error Arguments::check_operands() const {
  if (command_ == nullptr) return Error::none();
  const auto& wanted = command_->operands;
  if (operands_.size() < wanted.size()) return wrong("which " + std::string(wanted[operands_.size()].name) + "?");
  if (operands_.size() > wanted.size()) return wrong("too many arguments: '" + operands_[wanted.size()] + "'");
  return Error::none();
}

std::string Arguments::text(std::string_view option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? std::string() : found->second.text;
}

std::optional<int64_t> Arguments::number(std::string_view option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? std::nullopt : std::optional(found->second.number);
}

}  // namespace trunkline::cli
