#include "arguments.hpp"

#include <algorithm>
#include <charconv>

#include "commands/commands.hpp"
#include "terminal/time_text.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kLargestCount = 1'000'000'000'000;
constexpr size_t kMostTypos = 2;

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

// Letters to insert, delete, change or swap with a neighbour until the one is the other.
size_t typos(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

// "; did you mean 'show'?", of the names that are nearly it; empty if none is.
std::string suggestion(std::string_view word, const std::vector<std::string>& names) {
  const std::string* best = nullptr;
  size_t least = std::min(kMostTypos, word.size() / 2) + 1;
  for (const std::string& name : names) {
    const size_t distance = name.size() <= word.size() + kMostTypos ? typos(word, name) : kMostTypos + 1;
    if (distance >= least) continue;
    least = distance;
    best = &name;
  }
  return best == nullptr ? "" : "; did you mean '" + *best + "'?";
}

bool takes_more(const Operand& operand) {
  return operand.quantity == Quantity::kAny || operand.quantity == Quantity::kSome;
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
  return word[1] == '-' ? add_long(words, at, now_ns) : add_letters(words, at, now_ns);
}

Error Arguments::add_long(const std::vector<std::string>& words, size_t* at, int64_t now_ns) {
  const std::string& word = words[*at];
  const size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const Option* option = find_option(std::string_view(name).substr(2));
  if (option == nullptr) return unknown_option(name);
  if (equals == std::string::npos) return add_next(*option, words, at, now_ns);
  if (option->type == OptionType::kFlag) return wrong("option " + dashed(*option) + " takes no value");
  return add_value(*option, word.substr(equals + 1), now_ns);
}

// -q, -n 5, -n5, -qn5
Error Arguments::add_letters(const std::vector<std::string>& words, size_t* at, int64_t now_ns) {
  const std::string& word = words[*at];
  for (size_t i = 1; i < word.size(); ++i) {
    const Option* option = find_letter(word[i]);
    if (option == nullptr) return wrong("unknown option -" + word.substr(i, 1));
    const bool is_last = i + 1 == word.size();
    if (option->type != OptionType::kFlag && !is_last) return add_value(*option, word.substr(i + 1), now_ns);
    if (Error error = add_next(*option, words, at, now_ns)) return error;
  }
  return Error::none();
}

Error Arguments::add_next(const Option& option, const std::vector<std::string>& words, size_t* at, int64_t now_ns) {
  if (option.type == OptionType::kFlag) return add_value(option, "", now_ns);
  if (*at + 1 < words.size()) return add_value(option, words[++*at], now_ns);
  return wrong("option " + dashed(option) + " needs a value: " + std::string(option.value));
}

Error Arguments::add_operand(const std::string& word) {
  if (command_ != nullptr) {
    operands_.push_back(word);
    return Error::none();
  }
  command_ = find_command(word);
  if (command_ != nullptr) return Error::none();
  std::vector<std::string> names;
  for (const Command* command : all_commands()) names.emplace_back(command->name);
  return wrong("unknown command '" + word + "'" + suggestion(word, names));
}

Error Arguments::add_value(const Option& option, const std::string& text, int64_t now_ns) {
  const auto refuse = [&](std::string_view takes) {
    return wrong("option " + dashed(option) + ": '" + text + "' is not " + std::string(takes));
  };
  std::optional<int64_t> number = 0;
  std::string_view takes;
  switch (option.type) {
    case OptionType::kFlag:
      break;
    case OptionType::kText:
      if (text.empty()) return refuse("a text");
      break;
    case OptionType::kChoice:
      if (!is_choice(option.value, text)) return refuse("one of " + std::string(option.value));
      break;
    case OptionType::kCount:
      number = parse_count(text);
      takes = "a whole number";
      break;
    case OptionType::kTime:
      number = parse_time(text, now_ns);
      takes = "a time such as 2026-11-21, 2026-11-21T10:00 or 30m, 2h, 7d ago";
      break;
    case OptionType::kDuration:
      number = parse_duration(text);
      takes = "a duration such as 150ms, 2s or 1m30s";
      break;
  }
  if (!number) return refuse(takes);
  values_[option.name] = {text, *number};
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

Error Arguments::unknown_option(const std::string& name) const {
  std::vector<std::string> names;
  for (const Option& option : global_options()) names.push_back(dashed(option));
  if (command_ != nullptr) {
    for (const Option& option : command_->options) names.push_back(dashed(option));
  }
  return wrong("unknown option " + name + suggestion(name, names));
}

Error Arguments::check_operands() const {
  if (command_ == nullptr) return Error::none();
  const auto& wanted = command_->operands;
  for (size_t i = operands_.size(); i < wanted.size(); ++i) {
    const bool required = wanted[i].quantity == Quantity::kOne || wanted[i].quantity == Quantity::kSome;
    if (required) return wrong("which " + std::string(wanted[i].name) + "?");
  }
  for (size_t i = 0; i < operands_.size(); ++i) {
    if (wanted.empty() || (i >= wanted.size() && !takes_more(wanted.back()))) {
      return wrong("too many arguments: '" + operands_[i] + "'");
    }
    const Operand& operand = wanted[std::min(i, wanted.size() - 1)];
    if (operand.choices.empty() || is_choice(operand.choices, operands_[i])) continue;
    return wrong(std::string(operand.name) + ": '" + operands_[i] + "' is not one of " + std::string(operand.choices));
  }
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
