#include "commands/commands.hpp"

namespace trunkline::cli {
namespace {

constexpr const Command* kCommands[] = {&kLs,      &kShow, &kDiff,  &kTail,   &kGrep,       &kQuery, &kExport, &kRm,
                                        &kRecover, &kSync, &kStats, &kDoctor, &kCompletion, &kMan,   &kHelp};

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

constexpr ExitCode kExitCodes[] = {
    {kSuccess, "Done, also when there was nothing to show."},
    {kFailure, "Failed; standard error says why."},
    {kUsage, "The command line is wrong."},
    {kNegative, "The answer is no: grep has found nothing, diff --exit-code a difference, doctor a problem."},
};

constexpr Variable kVariables[] = {
    {"TRUNKLINE_DIR", "The directory of the traces."},
    {"TRUNKLINE_PAGER, PAGER", "What shows long output on a terminal; empty or cat: nothing."},
    {"NO_COLOR", "If set and not empty: no colours."},
    {"COLUMNS, LINES", "The size of the terminal, in place of what it says itself."},
    {"TERM", "dumb: no colours and no pager."},
    {"MLFLOW_...", "Where sync --to mlflow delivers, as MLflow's own client reads them."},
    {"WANDB_...", "Where sync --to wandb delivers, as W&B's own client reads them."},
    {"TRUNKLINE_REDACT_KEYS, TRUNKLINE_REDACT_PATTERNS", "What is hidden in what dead processes left behind."},
};

}  // namespace

std::span<const ExitCode> exit_codes() { return kExitCodes; }

std::span<const Variable> variables() { return kVariables; }

std::span<const Command* const> all_commands() { return kCommands; }

std::span<const Option> global_options() { return kGlobalOptions; }

const Command* find_command(std::string_view name) {
  for (const Command* command : kCommands) {
    if (command->name == name) return command;
  }
  return nullptr;
}

}  // namespace trunkline::cli
