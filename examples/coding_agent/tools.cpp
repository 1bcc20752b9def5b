#include "tools.hpp"

namespace agent {
namespace {

Json definition(const char* name, const char* description, std::initializer_list<const char*> parameters) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const char* parameter : parameters) {
    properties[parameter] = {{"type", "string"}};
    required.push_back(parameter);
  }
  return {{"type", "function"},
          {"function",
           {{"name", name},
            {"description", description},
            {"parameters", {{"type", "object"}, {"properties", properties}, {"required", required}}}}}};
}

ToolResult from(const Outcome& outcome, const char* error_type) {
  if (outcome.ok) return {outcome.text, {}};
  return {"error: " + outcome.text, error_type};
}

// The text arguments of these names; false: one is missing or no text.
bool read_texts(const Json& arguments, std::initializer_list<std::pair<const char*, std::string*>> wanted) {
  for (const auto& [name, out] : wanted) {
    const auto found = arguments.find(name);
    if (found == arguments.end() || !found->is_string()) return false;
    *out = found->get<std::string>();
  }
  return true;
}

}  // namespace

Json tool_definitions() {
  return Json::array(
      {definition("run_tests", "Runs all tests and returns the exit code and what they print.", {}),
       definition("list_files", "Lists the files of the folder, one a line.", {}),
       definition("read_file", "Returns the text of a file.", {"path"}),
       definition("edit_file",
                  "Replaces `old`, which must occur exactly once in the file, by `new`. Tests cannot be changed.",
                  {"path", "old", "new"})});
}

ToolResult run_tool(const Workspace& workspace, const std::string& name, const std::string& arguments) {
  const Json given = Json::parse(arguments.empty() ? "{}" : arguments, nullptr, false);
  if (!given.is_object()) return {"error: the arguments are not a JSON object", "bad_arguments"};
  std::string path, old_text, new_text;
  if (name == "run_tests") return {workspace.run_tests().text, {}};  // tests that fail are a result, not an error
  if (name == "list_files") {
    std::string list;
    for (const std::string& file : workspace.files()) list += file + "\n";
    return {list, {}};
  }
  if (name == "read_file") {
    if (!read_texts(given, {{"path", &path}})) return {"error: read_file needs path", "bad_arguments"};
    return from(workspace.read(path), "read_failed");
  }
  if (name == "edit_file") {
    if (!read_texts(given, {{"path", &path}, {"old", &old_text}, {"new", &new_text}})) {
      return {"error: edit_file needs path, old and new", "bad_arguments"};
    }
    return from(workspace.edit(path, old_text, new_text), "edit_failed");
  }
  return {"error: there is no tool of this name", "unknown_tool"};
}

}  // namespace agent
