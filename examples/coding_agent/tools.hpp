// The tools the model may call, and what happens when it calls them wrongly: an answer that says so.
#pragma once

#include <string>

#include "model.hpp"
#include "workspace.hpp"

namespace agent {

// Their description, as chat completions take it.
Json tool_definitions();

struct ToolResult {
  std::string text;        // for the model
  std::string error_type;  // empty: it did what it should
};

// Runs a tool. `arguments` is JSON text which comes from the model and may be anything.
ToolResult run_tool(const Workspace& workspace, const std::string& name, const std::string& arguments);

}  // namespace agent
