//! What thinks: given the conversation and the tools, it answers with a message of the assistant, in the form of OpenAI's
//! chat completions. Either a server that speaks that protocol, or a planner without one.

use serde_json::Value as Json;
use trunkline::Usage;

pub struct Completion {
    /// {"role": "assistant", "content": ..., "tool_calls": [...]}
    pub message: Json,
    pub model: String,
    pub finish_reason: String,
    pub usage: Usage,
}

/// Why there is no message: a short type, and words.
pub struct Failure {
    pub error_type: String,
    pub message: String,
}

pub trait Model {
    fn name(&self) -> &str;
    fn provider(&self) -> &str;
    fn complete(&mut self, messages: &[Json], tools: &Json) -> Result<Completion, Failure>;
}

pub fn text_of<'a>(object: &'a Json, name: &str) -> &'a str {
    object.get(name).and_then(Json::as_str).unwrap_or("")
}

/// The conversation as JSON text.
pub fn to_text(messages: &[Json]) -> String {
    let list: Vec<String> = messages.iter().map(Json::to_string).collect();
    format!("[{}]", list.join(","))
}
