"""What the model may do, in the form of OpenAI's tool definitions, and the doing."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from workspace import Workspace, WorkspaceError


class ToolResult(NamedTuple):
    text: str
    error_type: str = ""


def _definition(name: str, description: str, *parameters: str) -> dict[str, Any]:
    return {"type": "function",
            "function": {"name": name, "description": description,
                         "parameters": {"type": "object",
                                        "properties": {each: {"type": "string"} for each in parameters},
                                        "required": list(parameters)}}}


DEFINITIONS = [
    _definition("run_tests", "Runs all tests and returns the exit code and what they print."),
    _definition("list_files", "Lists the files of the folder, one a line."),
    _definition("read_file", "Returns the text of a file.", "path"),
    _definition("edit_file", "Replaces `old`, which must occur exactly once in the file, by `new`. Tests cannot be "
                "changed.", "path", "old", "new"),
]


def run_tool(workspace: Workspace, name: str, arguments: str) -> ToolResult:
    try:
        given = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        return ToolResult("error: the arguments are not a JSON object", "bad_arguments")
    if name == "run_tests":
        return ToolResult(workspace.run_tests()[1])  # tests that fail are a result, not an error
    if name == "list_files":
        return ToolResult("".join(each + "\n" for each in workspace.files()))
    if name == "read_file":
        if not isinstance(given.get("path"), str):
            return ToolResult("error: read_file needs path", "bad_arguments")
        return _attempt("read_failed", lambda: workspace.read(given["path"]))
    if name == "edit_file":
        if not all(isinstance(given.get(each), str) for each in ("path", "old", "new")):
            return ToolResult("error: edit_file needs path, old and new", "bad_arguments")
        return _attempt("edit_failed", lambda: workspace.edit(given["path"], given["old"], given["new"]))
    return ToolResult("error: there is no tool of this name", "unknown_tool")


def _attempt(error_type: str, action: Any) -> ToolResult:
    try:
        return ToolResult(action())
    except (WorkspaceError, OSError) as error:
        return ToolResult(f"error: {error}", error_type)
