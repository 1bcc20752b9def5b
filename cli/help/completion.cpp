#include "help/completion.hpp"

#include <vector>

#include "commands/commands.hpp"
#include "model/kinds.hpp"

namespace trunkline::cli {
namespace {

std::string spaced(std::string_view choices) {
  std::string words(choices);
  for (char& c : words) c = c == '|' ? ' ' : c;
  return words;
}

// What the value of an option may be: words, or one of the functions that the scripts have.
std::string values_of(const Option& option) {
  if (option.type == OptionType::kChoice) return spaced(option.value);
  if (option.name != "kind") return "";
  std::string kinds;
  for (tr_kind kind = 0; !known_kind_name(kind).empty(); ++kind) {
    kinds.append(kinds.empty() ? "" : " ").append(known_kind_name(kind));
  }
  return kinds;
}

bool takes_trace(const Operand& operand) {
  return operand.name == "TRACE" || operand.name == "A" || operand.name == "B";
}

std::string command_names() {
  std::string names;
  for (const Command* command : all_commands()) names.append(names.empty() ? "" : " ").append(command->name);
  return names;
}

std::vector<Option> options_of(const Command& command) {
  std::vector<Option> options(command.options.begin(), command.options.end());
  options.insert(options.end(), global_options().begin(), global_options().end());
  return options;
}

std::string operand_words(const Command& command) {
  if (command.name == "help") return command_names();
  for (const Operand& operand : command.operands) {
    if (!operand.choices.empty()) return spaced(operand.choices);
    if (takes_trace(operand)) return "$(_trunkline_traces)";
  }
  return "";
}

// --dir of the line that is being typed counts for the ids, too.
constexpr std::string_view kBashHead = R"(# bash completion for trunkline
_trunkline_traces() {
  local i dir=()
  for ((i = 1; i < ${#COMP_WORDS[@]} - 1; i++)); do
    [[ ${COMP_WORDS[i]} == --dir ]] && dir=(--dir "${COMP_WORDS[i + 1]}")
  done
  trunkline ls --quiet --limit 100 "${dir[@]}" 2>/dev/null
}

_trunkline() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word != -* ]] && { command=$word; break; }
  done
  COMPREPLY=()
)";

std::string bash() {
  std::string script(kBashHead);
  std::string values;
  std::string options;
  std::string operands;
  for (const Command* command : all_commands()) {
    std::string names;
    for (const Option& option : options_of(*command)) {
      names.append(names.empty() ? "--" : " --").append(option.name);
      if (option.letter != 0) names.append(" -").append(1, option.letter);
      if (option.type == OptionType::kFlag) continue;
      values.append("    ").append(command->name).append(":--").append(option.name);
      if (option.letter != 0) values.append(" | ").append(command->name).append(":-").append(1, option.letter);
      const std::string words = option.name == "trace" ? "$(_trunkline_traces)" : values_of(option);
      if (option.name == "dir") {
        values.append(") compopt -o dirnames; return ;;\n");
      } else {
        values.append(") COMPREPLY=($(compgen -W \"").append(words).append("\" -- \"$current\")); return ;;\n");
      }
    }
    options.append("    ").append(command->name).append(") words=\"").append(names).append("\" ;;\n");
    operands.append("    ")
        .append(command->name)
        .append(") words=\"")
        .append(operand_words(*command))
        .append("\" ;;\n");
  }
  script.append("  case $command:$previous in\n").append(values).append("  esac\n  local words=''\n");
  script.append("  if [[ -z $command ]]; then\n    words=\"").append(command_names());
  for (const Option& option : global_options()) script.append(" --").append(option.name);
  script.append("\"\n  elif [[ $current == -* ]]; then\n    case $command in\n").append(options).append("    esac\n");
  script.append("  else\n    case $command in\n").append(operands).append("    esac\n  fi\n");
  return script + "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\ncomplete -F _trunkline trunkline\n";
}

// In single quotes, with what `_arguments` gives a meaning to escaped.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      out.append("\\").append(1, c);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string zsh_option(const Option& option) {
  const std::string value = option.type == OptionType::kFlag ? ""
                            : option.name == "dir"           ? ":directory:_directories"
                            : option.name == "trace"         ? ":trace:_trunkline_traces"
                            : values_of(option).empty()      ? ":" + zsh_text(option.value) + ": "
                                                             : ":value:(" + values_of(option) + ")";
  const std::string help = "[" + zsh_text(option.help) + "]" + value + "'";
  std::string line = "        '--" + std::string(option.name) + (value.empty() ? "" : "=") + help + " \\\n";
  if (option.letter != 0) line += "        '-" + std::string(1, option.letter) + help + " \\\n";
  return line;
}

std::string zsh_operand(const Operand& operand, size_t position) {
  const bool many = operand.quantity == Quantity::kAny || operand.quantity == Quantity::kSome;
  const std::string action = !operand.choices.empty()    ? "(" + spaced(operand.choices) + ")"
                             : takes_trace(operand)      ? "_trunkline_traces"
                             : operand.name == "COMMAND" ? "(" + command_names() + ")"
                                                         : " ";
  return "        '" + (many ? std::string("*") : std::to_string(position)) + ":" + zsh_text(operand.name) + ":" +
         action + "' \\\n";
}

std::string zsh() {
  std::string script =
      "#compdef trunkline\n_trunkline_traces() {\n  local -a ids\n  ids=(${(f)\"$(trunkline ls --quiet --limit 100 "
      "2>/dev/null)\"})\n  compadd -a ids\n}\n\n_trunkline() {\n  local context state line\n  local -a commands\n"
      "  commands=(\n";
  for (const Command* command : all_commands()) {
    script += "    '" + std::string(command->name) + ":" + zsh_text(command->summary) + "'\n";
  }
  script +=
      "  )\n  _arguments -C '1: :->command' '*:: :->rest'\n  case $state in\n"
      "  command) _describe command commands ;;\n  rest)\n    case $words[1] in\n";
  for (const Command* command : all_commands()) {
    script += "      " + std::string(command->name) + ")\n      _arguments \\\n";
    size_t position = 0;
    for (const Operand& operand : command->operands) script += zsh_operand(operand, ++position);
    for (const Option& option : options_of(*command)) script += zsh_option(option);
    script += "        && return ;;\n";
  }
  return script + "    esac ;;\n  esac\n}\n\n_trunkline \"$@\"\n";
}

std::string fish_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' || c == '\\' ? "\\" : "").append(1, c);
  return out + "'";
}

std::string fish_option(const Option& option) {
  std::string line = " -l " + std::string(option.name);
  if (option.letter != 0) line += " -s " + std::string(1, option.letter);
  line += " -d " + fish_text(option.help);
  if (option.type == OptionType::kFlag) return line;
  if (option.name == "dir") return line + " -r -a '(__fish_complete_directories)'";
  if (option.name == "trace") return line + " -x -a '(__trunkline_traces)'";
  return line + " -x -a " + fish_text(values_of(option));
}

std::string fish() {
  std::string script =
      "# fish completion for trunkline\nfunction __trunkline_traces\n  trunkline ls --quiet --limit 100 "
      "2>/dev/null\nend\n"
      "complete -c trunkline -f\n";
  for (const Command* command : all_commands()) {
    const std::string name(command->name);
    script += "complete -c trunkline -n __fish_use_subcommand -a " + name + " -d " + fish_text(command->summary) + "\n";
    const std::string when = "complete -c trunkline -n '__fish_seen_subcommand_from " + name + "'";
    for (const Option& option : command->options) script += when + fish_option(option) + "\n";
    const std::string words = operand_words(*command);
    if (words.empty()) continue;
    script += when + " -a " + fish_text(words[0] == '$' ? "(__trunkline_traces)" : words) + "\n";
  }
  for (const Option& option : global_options()) script += "complete -c trunkline" + fish_option(option) + "\n";
  return script;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash();
  return shell == "zsh" ? zsh() : fish();
}

}  // namespace trunkline::cli
