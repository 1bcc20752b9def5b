#include "help/man_page.hpp"

#include <string_view>

#include "commands/commands.hpp"
#include "help/help.hpp"
#include "trunkline.h"

namespace trunkline::cli {
namespace {

// Hyphens are real ones, backslashes are shown, and no line begins as a request.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-') {
      out += "\\-";
    } else if (c == '\\') {
      out += "\\e";
    } else {
      out.push_back(c);
    }
  }
  return out.empty() || (out[0] != '.' && out[0] != '\'') ? out : "\\&" + out;
}

void section(std::string* out, std::string_view title) { out->append(".SH ").append(title).append("\n"); }

void item(std::string* out, const std::string& term, std::string_view help) {
  out->append(".TP\n\\fB").append(roff(term)).append("\\fR\n").append(roff(help)).append("\n");
}

void command(std::string* out, const Command& command) {
  std::string usage = "trunkline " + std::string(command.name);
  for (const Operand& operand : command.operands) usage += " " + operand_text(operand);
  out->append(".SS \"").append(roff(usage)).append(" [OPTIONS]\"\n").append(roff(command.description)).append("\n");
  for (const Operand& operand : command.operands) item(out, std::string(operand.name), operand.help);
  for (const Option& option : command.options) item(out, option_text(option), option.help);
}

}  // namespace

std::string man_page() {
  std::string page = ".TH TRUNKLINE 1 \"\" \"Trunkline " + std::string(tr_version()) + "\" \"User Commands\"\n";
  section(&page, "NAME");
  page += "trunkline \\- reads the traces that agents record with Trunkline\n";
  section(&page, "SYNOPSIS");
  page += ".B trunkline\n.I COMMAND\n[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n";
  section(&page, "DESCRIPTION");
  page += roff(kProgramDescription) + "\n";
  section(&page, "COMMANDS");
  for (const Command* each : all_commands()) command(&page, *each);
  section(&page, "OPTIONS OF EVERY COMMAND");
  for (const Option& option : global_options()) item(&page, option_text(option), option.help);
  section(&page, "EXIT STATUS");
  for (const ExitCode& code : exit_codes()) item(&page, std::to_string(code.code), code.meaning);
  section(&page, "ENVIRONMENT");
  for (const Variable& variable : variables()) item(&page, std::string(variable.name), variable.meaning);
  section(&page, "FILES");
  item(&page, "DIR/traces.db", "The store, an SQLite database.");
  item(&page, "DIR/run/", "A directory for each process that records, or died before all was in the store.");
  return page;
}

}  // namespace trunkline::cli
