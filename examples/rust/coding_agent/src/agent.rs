//! The agent: a loop of generation and tool calls, bounded in steps, each recorded as a span.
//!
//!   trace > agent > step > generation, tool, tool, ...
//!                 > critic (do the tests really pass?)

use crate::model::{text_of, to_text, Completion, Failure, Model};
use crate::tools::{definitions, run_tool};
use crate::workspace::Workspace;
use serde_json::{json, Value as Json};
use std::time::Duration;
use trunkline::{span, Kind, Value};

const MAX_FAILED_GENERATIONS: u32 = 3;
const MAX_WRONG_ENDINGS: u32 = 2; // how often it may say that it is done and be wrong
const MAX_CALLS: usize = 16; // of one message
const RETRY_DELAY: Duration = Duration::from_millis(100);
const MAX_SHOWN: usize = 100;

const INSTRUCTIONS: &str = "You repair a small Python program. One of its tests fails. Use the tools to run the tests, \
    read the files and edit the program until all tests pass; do not change the tests. Then answer with one sentence that \
    says what was wrong.";

pub struct Report {
    pub passed: bool,
    pub steps: usize,
    /// success, final (the model gave up), max_steps, unrecoverable_error
    pub stop_reason: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum After {
    GoOn,
    Passed,
    GaveUp,
    Broken,
}

impl After {
    fn reason(self) -> &'static str {
        match self {
            Self::GoOn => "max_steps",
            Self::Passed => "success",
            Self::GaveUp => "final",
            Self::Broken => "unrecoverable_error",
        }
    }
}

/// For the terminal, whose control characters are nothing to be left to a model.
fn first_line(text: &str) -> String {
    let line = text.split('\n').next().unwrap_or("").as_bytes();
    let shown = line.iter().take(MAX_SHOWN).map(|byte| if (b' '..=b'~').contains(byte) { *byte as char } else { '?' });
    let dots = if line.len() > MAX_SHOWN { "..." } else { "" };
    shown.collect::<String>() + dots
}

pub struct Agent<'a> {
    workspace: &'a Workspace,
    model: &'a mut dyn Model,
    max_steps: usize,
    tools: Json,
    messages: Vec<Json>,
    failed_generations: u32, // in a row
    wrong_endings: u32,
}

impl<'a> Agent<'a> {
    pub fn new(workspace: &'a Workspace, model: &'a mut dyn Model, max_steps: usize) -> Self {
        let messages = vec![
            json!({"role": "system", "content": INSTRUCTIONS}),
            json!({"role": "user", "content": "A test fails in this folder. Please repair the program."}),
        ];
        let tools = definitions();
        Self { workspace, model, max_steps, tools, messages, failed_generations: 0, wrong_endings: 0 }
    }

    pub fn work(&mut self) -> Report {
        let agent = span("coding_agent", Kind::AGENT);
        let _in_agent = agent.enter();
        agent.set("gen_ai.agent.name", "coding_agent").set_model(self.model.name()).set_input(INSTRUCTIONS);
        let (mut after, mut steps) = (After::GoOn, 0);
        while after == After::GoOn && steps < self.max_steps {
            steps += 1;
            after = self.step(steps);
        }
        let (passed, output) = if after == After::Passed { (true, String::new()) } else { self.verify() };
        let stop_reason = if passed { After::Passed.reason() } else { after.reason() };
        agent.set("stop_reason", stop_reason);
        agent.set_output(self.messages.last().map_or("", |message| text_of(message, "content")));
        if !passed {
            agent.set_error(stop_reason, &first_line(&output));
        }
        Report { passed, steps, stop_reason }
    }

    fn step(&mut self, number: usize) -> After {
        let step = span(&format!("step {number}"), Kind::STEP);
        let _in_step = step.enter();
        step.set_step(number as i64);
        let completion = match self.generate() {
            Ok(completion) => completion,
            Err(failure) => {
                println!("step {number}: the model failed: {}", first_line(&failure.message));
                step.set_error(&failure.error_type, "the model failed");
                return self.wait_and_try_again();
            }
        };
        self.failed_generations = 0;
        let message = completion.message;
        self.messages.push(message.clone());
        let said = text_of(&message, "content");
        if !said.is_empty() {
            println!("step {number}: {}", first_line(said));
        }
        match message.get("tool_calls").and_then(Json::as_array) {
            Some(calls) if !calls.is_empty() => self.call_tools(calls),
            _ => self.judge_final_answer(),
        }
    }

    fn wait_and_try_again(&mut self) -> After {
        self.failed_generations += 1;
        if self.failed_generations == MAX_FAILED_GENERATIONS {
            return After::Broken;
        }
        std::thread::sleep(RETRY_DELAY * (1 << self.failed_generations));
        After::GoOn
    }

    fn generate(&mut self) -> Result<Completion, Failure> {
        let generation = span(&format!("chat {}", self.model.name()), Kind::GENERATION);
        generation
            .set_model(self.model.name())
            .set("gen_ai.operation.name", "chat")
            .set("gen_ai.provider.name", self.model.provider())
            .set_input(Value::json(&to_text(&self.messages)));
        let completion = self.model.complete(&self.messages, &self.tools).inspect_err(|failure| {
            generation.set_error(&failure.error_type, &failure.message);
        })?;
        generation
            .set_output(Value::json(&completion.message.to_string()))
            .set_usage(completion.usage)
            .set("gen_ai.response.model", &completion.model)
            .set("gen_ai.response.finish_reasons", &completion.finish_reason);
        Ok(completion)
    }

    fn call_tools(&mut self, calls: &[Json]) -> After {
        for (number, call) in calls.iter().enumerate() {
            // Every call must be answered, or the conversation is not valid.
            let text = if number < MAX_CALLS { self.call_tool(call) } else { "error: too many calls".into() };
            self.messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": text}));
        }
        After::GoOn
    }

    fn call_tool(&self, call: &Json) -> String {
        let (name, arguments) = (text_of(&call["function"], "name"), text_of(&call["function"], "arguments"));
        let tool = span(name, Kind::TOOL);
        tool.set("gen_ai.tool.name", name).set("gen_ai.tool.call.id", text_of(call, "id"));
        tool.set_input(Value::json(arguments));
        let result = run_tool(self.workspace, name, arguments);
        tool.set_output(&result.text);
        if !result.error_type.is_empty() {
            tool.set_error(result.error_type, &result.text);
        }
        println!("  {name}: {}", first_line(&result.text));
        result.text
    }

    /// The model says that it is done. Only the tests know.
    fn judge_final_answer(&mut self) -> After {
        let (passed, output) = self.verify();
        if passed {
            return After::Passed;
        }
        self.wrong_endings += 1;
        if self.wrong_endings == MAX_WRONG_ENDINGS {
            return After::GaveUp;
        }
        let content = format!("The tests do not pass yet. They print:\n{output}");
        self.messages.push(json!({"role": "user", "content": content}));
        After::GoOn
    }

    fn verify(&self) -> (bool, String) {
        let critic = span("tests", Kind::CRITIC);
        let (passed, output) = self.workspace.run_tests();
        critic.set_score("tests", if passed { 1.0 } else { 0.0 }).set_output(&output);
        (passed, output)
    }
}
