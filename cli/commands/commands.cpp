#include "commands/commands.hpp"

namespace trunkline::cli {
namespace {

constexpr const Command* kCommands[] = {&kLs,    &kShow,   &kDiff, &kTail,    &kGrep,
                                        &kQuery, &kExport, &kRm,   &kRecover, &kStats};

constexpr Option kGlobalOptions[] = {
    {"dir", 0, OptionType::kText, "DIR",
     "The directory of the traces. Default: $TRUNKLINE_DIR, else ./.trunkline if it exists, else "
     "$XDG_STATE_HOME/trunkline or ~/.local/state/trunkline."},
    {"json", 0, OptionType::kFlag, "", "Write JSON, for programs."},
    {"color", 0, OptionType::kChoice, "auto|always|never",
     "Whether to use colours. Default: auto, on a terminal unless NO_COLOR is set."},
    {"no-pager", 0, OptionType::kFlag, "",
     "Do not show long output through $TRUNKLINE_PAGER, $PAGER or less on a terminal."},
    {"help", 'h', OptionType::kFlag, "", "Show this help."},
    {"version", 'V', OptionType::kFlag, "", "Show the version."},
};

}  // namespace

std::span<const Command* const> all_commands() { return kCommands; }

std::span<const Option> global_options() { return kGlobalOptions; }

const Command* find_command(std::string_view name) {
  for (const Command* command : kCommands) {
    if (command->name == name) return command;
  }
  return nullptr;
}

}  // namespace trunkline::cli
