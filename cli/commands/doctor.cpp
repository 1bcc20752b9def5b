// trunkline doctor: what is configured, and whether it works.
#include <algorithm>

#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/diagnosis.hpp"
#include "session.hpp"
#include "terminal/text.hpp"
#include "trace/json.hpp"

namespace trunkline::cli {
namespace {

constexpr Option kOptions[] = {
    {"full", 0, OptionType::kFlag, "", "Also read the whole store for damage; takes seconds for each gigabyte."},
};

std::string_view word_of(Health health) {
  switch (health) {
    case Health::kWarning:
      return "warning";
    case Health::kProblem:
      return "problem";
    case Health::kOk:
      break;
  }
  return "ok";
}

Colour colour_of(Health health) {
  return health == Health::kOk ? Colour::kGreen : health == Health::kWarning ? Colour::kYellow : Colour::kRed;
}

void write_text(const std::vector<Finding>& findings, Session* session) {
  for (const Finding& finding : findings) {
    Line line;
    const std::string_view word = word_of(finding.health);
    line.add(word, colour_of(finding.health));
    line.add(std::string(9 - word.size(), ' ') + finding.check + std::string(13 - finding.check.size(), ' '),
             Colour::kDim);
    line.add(visible(finding.text));
    session->output()->write(line.text(session->terminal()));
    if (finding.advice.empty()) continue;
    Line advice;
    advice.add(std::string(22, ' ') + "→ " + visible(finding.advice), Colour::kDim);
    session->output()->write(advice.text(session->terminal()));
  }
}

void write_json(const std::string& directory, const std::vector<Finding>& findings, Health worst, Output* output) {
  std::string text;
  JsonMembers members(&text);
  members.text("directory", directory);
  members.text("status", word_of(worst));
  std::string* checks = members.member("checks");
  for (const Finding& finding : findings) {
    checks->append(&finding == &findings.front() ? "[" : ",");
    JsonMembers each(checks);
    each.text("check", finding.check);
    each.text("status", word_of(finding.health));
    each.text("text", finding.text);
    each.text_or_null("advice", finding.advice);
    each.close();
  }
  checks->append("]");
  members.close();
  output->write(text + "\n");
}

int run(const Arguments& arguments, Session* session) {
  const std::vector<Finding> findings = diagnose(session->directory(), arguments.has("full"));
  Health worst = Health::kOk;
  for (const Finding& finding : findings) worst = std::max(worst, finding.health);
  if (session->json()) {
    write_json(session->directory(), findings, worst, session->output());
  } else {
    write_text(findings, session);
  }
  return worst == Health::kProblem ? kNegative : kSuccess;
}

}  // namespace

const Command kDoctor = {
    "doctor",
    "Check what is configured, and whether it works.",
    "Checks the environment, the directory, the file system of the recorder, the room on the disk, "
    "the runs, the store, who locks it, and the search index, and says what may be done. Changes "
    "nothing. The exit code is 3 if there is a problem.",
    {},
    kOptions,
    Paging::kNever,
    run};

}  // namespace trunkline::cli
