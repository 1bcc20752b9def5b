// What the planner knows about programs: how to read a failing test, where a function begins and ends, and which small
// changes to it are worth a try. Text in, text out.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace agent {

// The first failure in what Python's unittest prints.
struct Failure {
  bool found = false;
  std::string test;       // name of the test
  std::string line;       // the line of the test that failed
  std::string complaint;  // "AssertionError: ..." or another error
};

Failure read_failure(const std::string& output);

using Sources = std::map<std::string, std::string>;  // file name to text

struct Function {
  std::string file;
  std::string name;
  std::string text;  // from `def` to its last line
};

// The functions of the sources that this code calls, in the order of their first call.
std::vector<Function> called_functions(const std::string& code, const Sources& sources);

struct Change {
  std::string what;  // for people: "line 3: `a` to `b`"
  std::string text;  // of the whole function, changed
};

// Small changes to a function, the likeliest for this complaint first.
std::vector<Change> candidate_changes(const Function& function, const std::string& complaint);

}  // namespace agent
