//! The model for those who have none at hand: generate and validate. It runs the tests, reads which assertion fails,
//! reads the functions which that line calls and what they call in turn, and tries small changes until the tests pass. It
//! sees only what the tools return, as any model does, and speaks the same protocol.

use crate::model::{self, text_of, to_text, Completion, Model};
use crate::repair::{called_functions, candidate_changes, read_failure, Change, Failure, Function, Sources};
use serde_json::{json, Value as Json};
use std::collections::{BTreeSet, VecDeque};
use trunkline::Usage;

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Start,
    Read,
    Suspect,
    Try,
}

/// A tool and its arguments.
type Call = (&'static str, Json);

#[derive(Default)]
pub struct Planner {
    state: State,
    calls_made: u32,
    failure: Failure,
    files: Vec<String>,
    sources: Sources,
    suspects: VecDeque<Function>,
    seen: BTreeSet<String>,
    current: Function,
    changes: VecDeque<Change>,
    applied: Change,
}

impl Model for Planner {
    fn name(&self) -> &str {
        "planner"
    }

    fn provider(&self) -> &str {
        "trunkline-example"
    }

    fn complete(&mut self, messages: &[Json], _tools: &Json) -> Result<Completion, model::Failure> {
        let message = self.decide(&results_since_last_answer(messages));
        let finish_reason = if message.get("tool_calls").is_some() { "tool_calls" } else { "stop" };
        // It has no tokens; about four characters are one elsewhere.
        let usage = Usage::new((to_text(messages).len() / 4) as i64, (message.to_string().len() / 4) as i64);
        Ok(Completion { message, model: self.name().into(), finish_reason: finish_reason.into(), usage })
    }
}

fn results_since_last_answer(messages: &[Json]) -> Vec<String> {
    let last = messages.iter().rev().take_while(|message| text_of(message, "role") == "tool");
    let mut results: Vec<String> = last.map(|message| text_of(message, "content").into()).collect();
    results.reverse();
    results
}

fn passed(result: &str) -> bool {
    result.starts_with("exit code 0")
}

fn say(text: &str) -> Json {
    json!({"role": "assistant", "content": text})
}

impl Planner {
    fn decide(&mut self, results: &[String]) -> Json {
        match self.state {
            State::Start => {
                self.state = State::Read;
                self.calls(vec![("run_tests", json!({})), ("list_files", json!({}))], "")
            }
            State::Read => self.read_sources(results),
            State::Suspect => self.take_suspects(results),
            State::Try => self.judge(results),
        }
    }

    fn read_sources(&mut self, results: &[String]) -> Json {
        let [tests, list] = results else {
            return say("I did not get what I asked for.");
        };
        if passed(tests) {
            return say("The tests pass already.");
        }
        let Some(failure) = read_failure(tests) else {
            return say("The tests fail in a way I do not understand.");
        };
        self.failure = failure;
        let python = |file: &&str| file.len() > 3 && file.ends_with(".py") && !file.starts_with("test");
        self.files = list.lines().filter(python).map(String::from).collect();
        if self.files.is_empty() {
            return say("There is no source I could change.");
        }
        self.state = State::Suspect;
        let wanted = self.files.iter().map(|file| ("read_file", json!({"path": file}))).collect();
        let Failure { test, complaint, line } = &self.failure;
        let why = format!("{test} fails: {complaint}. I look at what `{line}` calls.");
        self.calls(wanted, &why)
    }

    fn take_suspects(&mut self, results: &[String]) -> Json {
        self.sources = self.files.iter().cloned().zip(results.iter().cloned()).collect();
        let line = self.failure.line.clone();
        self.suspect(&line);
        self.state = State::Try;
        self.next_try()
    }

    fn judge(&mut self, results: &[String]) -> Json {
        if !results.last().is_some_and(|result| passed(result)) {
            return self.next_try();
        }
        let Function { name, file, .. } = &self.current;
        say(&format!("The tests pass. In {name} of {file} I changed {}.", self.applied.what))
    }

    fn suspect(&mut self, code: &str) {
        for function in called_functions(code, &self.sources) {
            if self.seen.insert(function.name.clone()) {
                self.suspects.push_back(function);
            }
        }
    }

    /// The next change to the current suspect, or to the next one; what the last one did is undone in the same step.
    fn next_try(&mut self) -> Json {
        let mut wanted = Vec::new();
        let edit = |file: &str, old: &str, new: &str| ("edit_file", json!({"path": file, "old": old, "new": new}));
        let applied = std::mem::take(&mut self.applied);
        if !applied.text.is_empty() {
            wanted.push(edit(&self.current.file, &applied.text, &self.current.text));
        }
        while self.changes.is_empty() {
            let Some(next) = self.suspects.pop_front() else { break };
            self.changes = candidate_changes(&next, &self.failure.complaint).into();
            let text = next.text.clone();
            self.current = next;
            self.suspect(&text);
        }
        let Some(change) = self.changes.pop_front() else {
            let text = "No small change that I know makes the tests pass.";
            return if wanted.is_empty() { say(text) } else { self.calls(wanted, text) };
        };
        wanted.push(edit(&self.current.file, &self.current.text, &change.text));
        wanted.push(("run_tests", json!({})));
        let why = format!("In {}: {}?", self.current.name, change.what);
        self.applied = change;
        self.calls(wanted, &why)
    }

    fn calls(&mut self, wanted: Vec<Call>, why: &str) -> Json {
        let mut list = Vec::new();
        for (tool, arguments) in wanted {
            self.calls_made += 1;
            list.push(json!({"id": format!("call_{}", self.calls_made), "type": "function",
                "function": {"name": tool, "arguments": arguments.to_string()}}));
        }
        json!({"role": "assistant", "content": why, "tool_calls": list})
    }
}
