//! A model behind HTTP. The request is sent by the `curl` program: address, key and body go to it through its standard
//! input, so that none of them shows in the list of processes or in a file.

use crate::model::{text_of, Completion, Failure, Model};
use crate::subprocess;
use serde_json::{json, Value as Json};
use std::process::Command;
use std::time::Duration;
use trunkline::Usage;

const MAX_ANSWER: usize = 4 << 20;
const MAX_QUOTED: usize = 200; // of a bad answer, in an error
const TIMEOUT: Duration = Duration::from_secs(130);

const ARGUMENTS: [&str; 13] = [
    "-q",
    "--silent",
    "--show-error",
    "--config",
    "-",
    "--proto",
    "=http,https",
    "--max-time",
    "120",
    "--connect-timeout",
    "10",
    "--write-out",
    "\n%{http_code}",
];
const VARIABLES: [&str; 7] =
    ["PATH", "HTTPS_PROXY", "https_proxy", "http_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"];

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte > b' ' && byte != b'"' && byte != b'\\' && byte != 0x7f)
}

fn is_loopback(url: &str) -> bool {
    // What precedes an @ is not the host.
    let hosts = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    let rest = hosts.iter().find_map(|host| url.strip_prefix(host));
    !url.contains('@') && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
}

fn failed<T>(error_type: &str, message: String) -> Result<T, Failure> {
    Err(Failure { error_type: error_type.into(), message })
}

fn quoted(body: &[u8]) -> String {
    let dots = if body.len() > MAX_QUOTED { "..." } else { "" };
    String::from_utf8_lossy(&body[..body.len().min(MAX_QUOTED)]).into_owned() + dots
}

/// A value of curl's configuration.
fn option(name: &str, value: &str) -> String {
    format!("{name} = \"{}\"\n", value.replace('\\', "\\\\").replace('"', "\\\""))
}

fn usage_of(answer: &Json) -> Usage {
    let usage = &answer["usage"];
    let count = |object: &Json, name: &str| object[name].as_i64();
    Usage {
        input: count(usage, "prompt_tokens"),
        output: count(usage, "completion_tokens"),
        total: count(usage, "total_tokens"),
        cache_read: count(&usage["prompt_tokens_details"], "cached_tokens"),
        cache_write: None,
        reasoning: count(&usage["completion_tokens_details"], "reasoning_tokens"),
    }
}

/// The tool calls have the form they must have to be sent back; a message with others is no use.
fn well_formed_calls(message: &Json) -> bool {
    let well_formed = |call: &Json| {
        let function = &call["function"];
        !text_of(call, "id").is_empty() && !text_of(function, "name").is_empty() && function["arguments"].is_string()
    };
    match &message["tool_calls"] {
        Json::Null => true,
        Json::Array(calls) => calls.iter().all(well_formed),
        _ => false,
    }
}

fn read_answer(body: &[u8], asked: &str) -> Result<Completion, Failure> {
    let Some(answer) = serde_json::from_slice::<Json>(body).ok().filter(Json::is_object) else {
        return failed("bad_answer", format!("the answer is not a JSON object: {}", quoted(body)));
    };
    let choice = &answer["choices"][0];
    if !choice.is_object() {
        return failed("bad_answer", format!("the answer has no choice: {}", quoted(body)));
    }
    let message = &choice["message"];
    if text_of(message, "role") != "assistant" || !well_formed_calls(message) {
        return failed("bad_answer", format!("the answer has no message of the assistant: {}", quoted(body)));
    }
    let model = text_of(&answer, "model");
    Ok(Completion {
        message: message.clone(),
        model: if model.is_empty() { asked } else { model }.into(),
        finish_reason: text_of(choice, "finish_reason").into(),
        usage: usage_of(&answer),
    })
}

pub struct OpenAiModel {
    config: String,
    name: String,
}

impl OpenAiModel {
    /// An error when the address or the key cannot be used.
    pub fn new(base_url: &str, key: &str, name: &str) -> Result<Self, String> {
        if !is_plain(base_url) || !is_plain(key) {
            let message = "OPENAI_BASE_URL and OPENAI_API_KEY must not hold blanks, quotes or control characters";
            return Err(message.into());
        }
        if !base_url.starts_with("http://") && !base_url.starts_with("https://") {
            return Err("OPENAI_BASE_URL must begin with http:// or https://".into());
        }
        if !key.is_empty() && base_url.starts_with("http://") && !is_loopback(base_url) {
            return Err("OPENAI_API_KEY is not sent unencrypted to another machine".into());
        }
        let url = format!("{}/chat/completions", base_url.trim_end_matches('/'));
        let mut config =
            option("url", &url) + &option("header", "Content-Type: application/json") + &option("header", "Expect:");
        if !key.is_empty() {
            config += &option("header", &format!("Authorization: Bearer {key}"));
        }
        Ok(Self { config, name: name.into() })
    }
}

impl Model for OpenAiModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn provider(&self) -> &str {
        "openai"
    }

    fn complete(&mut self, messages: &[Json], tools: &Json) -> Result<Completion, Failure> {
        let mut command = Command::new("curl");
        command.args(ARGUMENTS).env_clear();
        command.envs(VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        let body = json!({"model": self.name, "messages": messages, "tools": tools}).to_string();
        let input = self.config.clone() + &option("data-binary", &body);
        let finished = subprocess::run(command, input.into_bytes(), TIMEOUT, MAX_ANSWER);
        if let Some(error) = finished.error {
            return failed("transport", error);
        }
        let newline = finished.output.iter().rposition(|byte| *byte == b'\n').filter(|_| finished.exit_code == 0);
        let Some(newline) = newline else {
            let end = finished.output.iter().rposition(|byte| *byte == b'\n').unwrap_or(finished.output.len());
            return failed("transport", quoted(&finished.output[..end]));
        };
        let (body, status) = (&finished.output[..newline], String::from_utf8_lossy(&finished.output[newline + 1..]));
        if status != "200" {
            return failed(&format!("http_{status}"), quoted(body));
        }
        read_answer(body, &self.name)
    }
}
