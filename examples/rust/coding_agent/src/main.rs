//! A small coding agent that does real work: it makes a program with a bug, and repairs it.
//!
//!   coding_agent --bug 1|2|3 [--dir FOLDER] [--max-steps N] [--price IN,OUT]
//!
//! With OPENAI_BASE_URL set it asks that server (OPENAI_API_KEY, OPENAI_MODEL), else a planner which needs none. Exit
//! code 0: the tests pass. 1: they do not. 2: it could not begin.

mod agent;
mod arguments;
mod cost_meter;
mod model;
mod openai_model;
mod planner;
mod repair;
mod subprocess;
mod tools;
mod workspace;

use agent::{Agent, Report};
use arguments::{variable, Arguments};
use cost_meter::CostMeter;
use model::Model;
use openai_model::OpenAiModel;
use planner::Planner;
use std::process::ExitCode;
use std::time::Duration;
use trunkline::{Registration, Session};
use workspace::Workspace;

fn choose_model() -> Result<Box<dyn Model>, String> {
    let Some(url) = variable("OPENAI_BASE_URL") else {
        println!("model: the deterministic planner, for OPENAI_BASE_URL is not set; its token counts are estimates");
        return Ok(Box::new(Planner::default()));
    };
    let name = variable("OPENAI_MODEL").unwrap_or_else(|| "gpt-4o-mini".into());
    let key = variable("OPENAI_API_KEY").unwrap_or_default();
    let model = OpenAiModel::new(&url, &key, &name)?;
    println!("model: {name} at the server of OPENAI_BASE_URL");
    Ok(Box::new(model))
}

fn start_tracing(arguments: &Arguments) -> trunkline::Result<Session> {
    let session = trunkline::init()?;
    trunkline::add_processor(Registration::one_by_one("cost-meter", CostMeter::new(arguments.price)))?;
    Ok(session)
}

fn repair(arguments: &Arguments, workspace: &Workspace, model: &mut dyn Model) -> Report {
    let trace = trunkline::trace("repair a program");
    let _in_trace = trace.enter();
    trace.set("bug", arguments.bug as i64);
    trace.set("folder", workspace.folder().to_string_lossy().as_ref());
    trace.set("model", model.name());
    let report = Agent::new(workspace, model, arguments.max_steps).work();
    trace.set("stop_reason", report.stop_reason);
    if !report.passed {
        trace.set_error(report.stop_reason, "the tests do not pass");
    }
    report
}

fn run() -> Result<bool, String> {
    let arguments = Arguments::read()?;
    let mut model = choose_model()?;
    let workspace = Workspace::create(&arguments.folder, arguments.bug)?;
    println!("folder: {}", workspace.folder().display());
    // An agent works without its tracer, too.
    let session = start_tracing(&arguments).map_err(|error| eprintln!("not traced: {error}")).ok();
    let (input, output) = (arguments.price.input, arguments.price.output);
    println!("price: ${input:.2} and ${output:.2} for a million tokens in and out");
    let report = repair(&arguments, &workspace, &mut *model);
    if let Some(session) = &session {
        if let Err(error) = session.flush(Duration::from_secs(5)) {
            eprintln!("not all is delivered yet: {error}");
        }
    }
    let verdict = if report.passed { "the tests pass" } else { "the tests do not pass" };
    println!("{verdict} after {} steps ({})", report.steps, report.stop_reason);
    Ok(report.passed)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}
