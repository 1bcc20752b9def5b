//! The tools the model may call, and what happens when it calls them wrongly: an answer that says so.

use crate::workspace::Workspace;
use serde_json::{json, Value as Json};

fn definition(name: &str, description: &str, parameters: &[&str]) -> Json {
    let properties: serde_json::Map<String, Json> =
        parameters.iter().map(|each| (each.to_string(), json!({"type": "string"}))).collect();
    json!({"type": "function", "function": {"name": name, "description": description,
        "parameters": {"type": "object", "properties": properties, "required": parameters}}})
}

/// Their description, as chat completions take it.
pub fn definitions() -> Json {
    json!([
        definition("run_tests", "Runs all tests and returns the exit code and what they print.", &[]),
        definition("list_files", "Lists the files of the folder, one a line.", &[]),
        definition("read_file", "Returns the text of a file.", &["path"]),
        definition(
            "edit_file",
            "Replaces `old`, which must occur exactly once in the file, by `new`. Tests cannot be changed.",
            &["path", "old", "new"]
        ),
    ])
}

pub struct ToolResult {
    /// For the model.
    pub text: String,
    /// Empty: it did what it should.
    pub error_type: &'static str,
}

fn done(text: String) -> ToolResult {
    ToolResult { text, error_type: "" }
}

fn failed(text: &str, error_type: &'static str) -> ToolResult {
    ToolResult { text: format!("error: {text}"), error_type }
}

fn from(result: Result<String, String>, error_type: &'static str) -> ToolResult {
    result.map_or_else(|text| failed(&text, error_type), done)
}

/// The text arguments of these names; `None`: one is missing or no text.
fn texts<'a, const N: usize>(arguments: &'a Json, names: [&str; N]) -> Option<[&'a str; N]> {
    let mut out = [""; N];
    for (text, name) in out.iter_mut().zip(names) {
        *text = arguments.get(name)?.as_str()?;
    }
    Some(out)
}

/// Runs a tool. `arguments` is JSON text which comes from the model and may be anything.
pub fn run_tool(workspace: &Workspace, name: &str, arguments: &str) -> ToolResult {
    let text = if arguments.is_empty() { "{}" } else { arguments };
    let Some(given) = serde_json::from_str::<Json>(text).ok().filter(Json::is_object) else {
        return failed("the arguments are not a JSON object", "bad_arguments");
    };
    match name {
        "run_tests" => done(workspace.run_tests().1), // tests that fail are a result, not an error
        "list_files" => done(workspace.files().iter().map(|file| format!("{file}\n")).collect()),
        "read_file" => match texts(&given, ["path"]) {
            Some([path]) => from(workspace.read(path), "read_failed"),
            None => failed("read_file needs path", "bad_arguments"),
        },
        "edit_file" => match texts(&given, ["path", "old", "new"]) {
            Some([path, old, new]) => from(workspace.edit(path, old, new), "edit_failed"),
            None => failed("edit_file needs path, old and new", "bad_arguments"),
        },
        _ => failed("there is no tool of this name", "unknown_tool"),
    }
}
