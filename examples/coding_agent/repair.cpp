#include "repair.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace agent {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string trimmed(const std::string& line) {
  const size_t begin = line.find_first_not_of(" \t");
  return begin == std::string::npos ? std::string() : line.substr(begin, line.find_last_not_of(" \t") - begin + 1);
}

bool begins_with(const std::string& text, std::string_view start) { return text.compare(0, start.size(), start) == 0; }

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// From its `def` at the margin to the next line at the margin.
bool find_function(const std::string& source, const std::string& name, std::string* text) {
  bool inside = false;
  std::string found;
  std::string blank;
  for (const std::string& line : lines_of(source)) {
    if (inside && !line.empty() && line[0] != ' ' && line[0] != '\t') break;
    if (begins_with(line, "def " + name + "(")) inside = true;
    if (!inside) continue;
    if (trimmed(line).empty()) {
      blank += "\n";
      continue;
    }
    found += blank + line + "\n";
    blank.clear();
  }
  *text = found;
  return inside;
}

enum class Sort { kBoundary, kArithmetic, kIndex, kLogic };

struct Rule {
  Sort sort;
  std::string_view from;
  std::string_view to;
};

constexpr Rule kRules[] = {
    {Sort::kBoundary, " < ", " <= "},
    {Sort::kBoundary, " <= ", " < "},
    {Sort::kBoundary, " > ", " >= "},
    {Sort::kBoundary, " >= ", " > "},
    {Sort::kIndex, "range(1, ", "range("},
    {Sort::kIndex, "range(", "range(1, "},
    {Sort::kIndex, " - 1)", ")"},
    {Sort::kIndex, ")):", ") + 1):"},
    {Sort::kIndex, "[0]", "[-1]"},
    {Sort::kIndex, "[-1]", "[0]"},
    {Sort::kIndex, "[1:]", ""},
    {Sort::kArithmetic, " + ", " - "},
    {Sort::kArithmetic, " - ", " + "},
    {Sort::kArithmetic, " * ", " // "},
    {Sort::kArithmetic, " // ", " * "},
    {Sort::kArithmetic, "+=", "-="},
    {Sort::kArithmetic, "-=", "+="},
    {Sort::kLogic, " == ", " != "},
    {Sort::kLogic, " != ", " == "},
    {Sort::kLogic, " and ", " or "},
    {Sort::kLogic, " or ", " and "},
    {Sort::kLogic, "min(", "max("},
    {Sort::kLogic, "max(", "min("},
    {Sort::kLogic, "True", "False"},
    {Sort::kLogic, "False", "True"},
    {Sort::kLogic, " < ", " > "},
    {Sort::kLogic, " > ", " < "},
};

// A negative number where none is due points to a sign; a number or text that is off to a boundary or an index; a
// truth value to logic.
std::vector<Sort> likeliest(const std::string& complaint) {
  if (complaint.find('-') != std::string::npos) {
    return {Sort::kArithmetic, Sort::kIndex, Sort::kBoundary, Sort::kLogic};
  }
  if (complaint.find("True") != std::string::npos || complaint.find("False") != std::string::npos) {
    return {Sort::kLogic, Sort::kBoundary, Sort::kIndex, Sort::kArithmetic};
  }
  return {Sort::kBoundary, Sort::kIndex, Sort::kArithmetic, Sort::kLogic};
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

Failure read_failure(const std::string& output) {
  Failure failure;
  bool traceback = false;
  std::string previous;
  for (const std::string& line : lines_of(output)) {
    if (begins_with(line, "FAIL: ") || begins_with(line, "ERROR: ")) {
      const size_t name = line.find(": ") + 2;
      failure.test = line.substr(name, line.find(' ', name) - name);
    } else if (begins_with(line, "Traceback ")) {
      traceback = true;
    } else if (traceback && begins_with(previous, "  File ") && failure.line.empty()) {
      failure.line = trimmed(line);  // the outermost frame is the test
    } else if (traceback && !line.empty() && line[0] != ' ') {
      failure.complaint = line;
      failure.found = !failure.line.empty();
      return failure;
    }
    previous = line;
  }
  return failure;
}

std::vector<Function> called_functions(const std::string& code, const Sources& sources) {
  std::vector<Function> functions;
  for (size_t at = 0; at < code.size();) {
    const size_t begin = at;
    while (at < code.size() && is_word(code[at])) ++at;
    if (at == begin) {
      ++at;
      continue;
    }
    if (at == code.size() || code[at] != '(') continue;
    const std::string name = code.substr(begin, at - begin);
    const auto known = [&name](const Function& function) { return function.name == name; };
    if (std::any_of(functions.begin(), functions.end(), known)) continue;
    for (const auto& [file, source] : sources) {
      Function function{file, name, {}};
      if (find_function(source, name, &function.text)) functions.push_back(std::move(function));
    }
  }
  return functions;
}

std::vector<Change> candidate_changes(const Function& function, const std::string& complaint) {
  std::vector<Change> changes;
  const std::vector<std::string> lines = lines_of(function.text);
  for (const Sort sort : likeliest(complaint)) {
    for (size_t i = 1; i < lines.size(); ++i) {
      for (const Rule& rule : kRules) {
        if (rule.sort != sort) continue;
        for (size_t at = lines[i].find(rule.from); at != std::string::npos; at = lines[i].find(rule.from, at + 1)) {
          std::vector<std::string> changed = lines;
          changed[i].replace(at, rule.from.size(), rule.to);
          changes.push_back({"`" + trimmed(lines[i]) + "` to `" + trimmed(changed[i]) + "`", joined(changed)});
        }
      }
    }
  }
  return changes;
}

}  // namespace agent
