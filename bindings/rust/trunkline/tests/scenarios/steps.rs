//! The steps that record: what has been started, by name, and what is done with it.

use crate::compare::hex;
use crate::fields::{Fields, Refused};
use crate::files;
use crate::player::Player;
use crate::values::{attributes, double, lend_all, value, Owned};
use std::collections::HashMap;
use trunkline::{sys, Context, Kind, Run, RunStatus, Span, SpanRef, TimedSpan, Trace, TraceRef, Usage};

/// The code of a result.
pub fn code_of<T>(result: &trunkline::Result<T>) -> i32 {
    result.as_ref().map_or_else(trunkline::Error::code, |_| sys::TR_OK)
}

/// What a name stands for. Its owner is gone when it has been ended.
enum Handle {
    Trace(Option<Trace>, TraceRef),
    Span(Option<Span>, SpanRef),
    Run(Option<Run>, u64),
}

pub struct Handles {
    named: HashMap<String, Handle>,
    /// What is not recorded: from before the start of the library.
    nothing: (TraceRef, SpanRef),
}

/// The code, where it is seen.
type Code = Result<Option<i32>, Refused>;

const UNSEEN: Code = Ok(None);

fn seen<T>(result: trunkline::Result<T>) -> Code {
    Ok(Some(code_of(&result)))
}

fn kind_of(step: &mut Fields) -> Result<Kind, Refused> {
    let kind = step.take("kind")?;
    let known = kind.as_str().and_then(Kind::named).or_else(|| kind.as_u64().map(|number| Kind(number as u32)));
    known.ok_or_else(|| format!("the unknown kind {kind}"))
}

fn digits<const N: usize>(text: &str) -> Result<[u8; N], Refused> {
    let mut out = [0; N];
    for (byte, at) in out.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|error| error.to_string())?;
    }
    Ok(out)
}

impl Handles {
    pub fn new() -> Self {
        let trace = trunkline::trace("nothing");
        let span = trace.span("nothing", Kind::CUSTOM);
        assert!(!trace.is_recording() && !span.is_recording());
        Self { named: HashMap::new(), nothing: (trace.as_ref(), span.as_ref()) }
    }

    pub fn play(&mut self, player: &Player, what: &str, step: &mut Fields) -> Code {
        match what {
            "trace_start" | "span_start" | "run_start" => self.start(player, what, step),
            "trace_end" | "span_end" => self.end(what, step),
            "inject" => self.inject(player, step),
            "extract" => extract(player, step),
            "span_record" => self.span_record(step),
            _ if what.starts_with("trace_") => self.on_trace(what, step),
            _ if what.starts_with("span_") => self.on_span(what, step),
            _ if what.starts_with("run_") => self.on_run(player, what, step),
            _ => Err(format!("the unknown step {what}")),
        }
    }

    fn trace(&self, name: &str) -> Result<TraceRef, Refused> {
        match self.named.get(name) {
            Some(Handle::Trace(_, at)) => Ok(*at),
            None if name == "0" => Ok(self.nothing.0),
            _ => Err(format!("{name} is no trace")),
        }
    }

    fn span(&self, name: &str) -> Result<SpanRef, Refused> {
        match self.named.get(name) {
            Some(Handle::Span(_, at)) => Ok(*at),
            None if name == "0" => Ok(self.nothing.1),
            _ => Err(format!("{name} is no span")),
        }
    }

    fn start(&mut self, player: &Player, what: &str, step: &mut Fields) -> Code {
        let name = step.text("as")?;
        if name == "0" || name == "invented" || self.named.contains_key(&name) {
            return Err(format!("the name {name} is given twice"));
        }
        let recording = match step.text_or("returns", "handle")?.as_str() {
            "handle" => true,
            "none" => false,
            other => return Err(format!("a start returns {other}")),
        };
        let (handle, number, id) = match what {
            "trace_start" => self.trace_start(step)?,
            "span_start" => self.span_start(step)?,
            _ => self.run_start(step)?,
        };
        if recording != (number != 0) {
            player.fail(format!("{}: the handle is {number}", step.what()));
        }
        if let Some(id) = id {
            player.names.lock().unwrap().bind(&name, &id);
        }
        self.named.insert(name, handle);
        UNSEEN
    }

    fn trace_start(&self, step: &mut Fields) -> Result<(Handle, u64, Option<String>), Refused> {
        let (name, group) = (step.text("name")?, step.text_or("group_id", "")?);
        let foreign_id = step.text_or("foreign_id", "")?;
        let metadata = attributes(step, "metadata")?;
        let mut builder = Trace::builder(&name).group(&group).foreign_id(&foreign_id);
        for (key, value) in &metadata {
            builder = builder.metadata(key, value.lend());
        }
        if step.has("traceparent") {
            builder = builder.parent(Context::extract(&step.text("traceparent")?).map_err(|error| error.to_string())?);
        }
        let trace = builder.start();
        let at = trace.as_ref();
        Ok((Handle::Trace(Some(trace), at), at.handle(), at.id().map(|id| hex(&id))))
    }

    fn span_start(&self, step: &mut Fields) -> Result<(Handle, u64, Option<String>), Refused> {
        let (trace, kind, name) = (self.trace(&step.text("trace")?)?, kind_of(step)?, step.text("name")?);
        let parent = step.text_or("parent", "0")?;
        let given = attributes(step, "attributes")?;
        let items = lend_all(&given);
        let span = match (parent.as_str(), items.is_empty()) {
            ("0", true) => trace.span(&name, kind),
            ("0", false) => trace.span_with(&name, kind, &items),
            (parent, true) => self.span(parent)?.child(&name, kind),
            (parent, false) => self.span(parent)?.child_with(&name, kind, &items),
        };
        let at = span.as_ref();
        Ok((Handle::Span(Some(span), at), at.handle(), at.ids().map(|(_, id)| hex(&id))))
    }

    fn run_start(&self, step: &mut Fields) -> Result<(Handle, u64, Option<String>), Refused> {
        let (name, project) = (step.text_or("name", "")?, step.text_or("project", "")?);
        let group = step.text_or("group_id", "")?;
        let config = attributes(step, "config")?;
        let mut builder = Run::builder(&name).project(&project).group(&group);
        if step.has("trace") {
            builder = builder.trace(self.trace(&step.text("trace")?)?);
        }
        for (key, value) in &config {
            builder = builder.config(key, value.lend());
        }
        let run = builder.start();
        let number = run.handle();
        Ok((Handle::Run(Some(run), number), number, None))
    }

    /// A second end cannot be written with an owner; the C API below takes it.
    fn end(&mut self, what: &str, step: &mut Fields) -> Code {
        let name = step.text(what.split('_').next().unwrap_or(""))?;
        if name == "0" {
            return Ok(Some(unsafe { sys::tr_span_end(0) }));
        }
        let given = attributes(step, "attributes")?;
        match self.named.get_mut(&name) {
            Some(Handle::Trace(owner, at)) if what == "trace_end" => match owner.take() {
                Some(trace) => seen(trace.end()),
                None => Ok(Some(unsafe { sys::tr_trace_end(at.handle()) })),
            },
            Some(Handle::Span(owner, at)) if what == "span_end" => match owner.take() {
                Some(span) => seen(span.end_with(&lend_all(&given))),
                None => Ok(Some(unsafe { sys::tr_span_end(at.handle()) })),
            },
            _ => Err(format!("{what} of {name}")),
        }
    }

    fn inject(&self, player: &Player, step: &mut Fields) -> Code {
        let text = if step.has("trace") {
            self.trace(&step.text("trace")?)?.traceparent()
        } else {
            self.span(&step.text("span")?)?.traceparent()
        };
        if let Some(text) = &text {
            compare_context(player, step, text)?;
        }
        // Why there is none is not told; here it can only be that the handle is stale.
        Ok(Some(if text.is_some() { sys::TR_OK } else { sys::TR_ESTALE }))
    }

    fn span_record(&self, step: &mut Fields) -> Code {
        let (trace, kind, name) = (self.trace(&step.text("trace")?)?, kind_of(step)?, step.text("name")?);
        let (foreign_id, error_type) = (step.text_or("foreign_id", "")?, step.text_or("error_type", "")?);
        let (error_message, given) = (step.text_or("error_message", "")?, attributes(step, "attributes")?);
        let mut timed = TimedSpan::new(&name, kind, step.integer("start_ns")?, step.integer("end_ns")?)
            .foreign_id(&foreign_id)
            .error(&error_type, &error_message);
        if step.has("parent") {
            timed = timed.parent(self.span(&step.text("parent")?)?);
        }
        if step.has("id") {
            timed = timed.span_id(digits(&step.text("id")?)?);
        }
        for (key, value) in &given {
            timed = timed.attribute(key, value.lend());
        }
        seen(trace.record(&timed))
    }

    fn on_trace(&self, what: &str, step: &mut Fields) -> Code {
        let trace = self.trace(&step.text("trace")?)?;
        match what {
            "trace_set" => {
                let (key, value) = (step.text("key")?, value(&step.take("value")?)?);
                return seen(trace.try_set(&key, value.lend()));
            }
            "trace_set_error" => trace.set_error(&step.text("type")?, &step.text("message")?),
            "trace_event" => trace.event(&step.text("name")?, &lend_all(&attributes(step, "attributes")?)),
            _ => return Err(format!("the unknown step {what}")),
        };
        UNSEEN
    }

    fn on_span(&self, what: &str, step: &mut Fields) -> Code {
        let span = self.span(&step.text("span")?)?;
        match what {
            "span_set" => {
                let (key, value) = (step.text("key")?, value(&step.take("value")?)?);
                return seen(span.try_set(&key, value.lend()));
            }
            "span_set_many" => span.set_all(&lend_all(&attributes(step, "attributes")?)),
            "span_set_usage" => span.set_usage(usage(step)?),
            "span_set_model" => span.set_model(&step.text("model")?),
            "span_set_score" => span.set_score(&step.text("name")?, double(&step.take("score")?)?),
            "span_set_step" => span.set_step(step.integer("step")?),
            "span_set_input" => span.set_input(content(step)?.lend()),
            "span_set_output" => span.set_output(content(step)?.lend()),
            "span_set_error" => span.set_error(&step.text("type")?, &step.text("message")?),
            "span_set_foreign_id" => span.set_foreign_id(&step.text("id")?),
            "span_event" => span.event(&step.text("name")?, &lend_all(&attributes(step, "attributes")?)),
            _ => return Err(format!("the unknown step {what}")),
        };
        UNSEEN
    }

    fn on_run(&mut self, player: &Player, what: &str, step: &mut Fields) -> Code {
        let name = step.text("run")?;
        let Some(Handle::Run(owner, number)) = self.named.get_mut(&name) else {
            return Err(format!("{name} is no run"));
        };
        if what == "run_finish" {
            let status = match step.text("status")?.as_str() {
                "finished" => RunStatus::Finished,
                "failed" => RunStatus::Failed,
                "killed" => RunStatus::Killed,
                other => return Err(format!("the unknown status {other}")),
            };
            let code = step.integer("exit_code")? as i32;
            return match owner.take() {
                Some(run) => seen(run.finish(status, code)),
                None => Ok(Some(unsafe { sys::tr_run_finish(*number, 0, code) })),
            };
        }
        let Some(run) = owner else {
            return ended_run(what, step, *number);
        };
        match what {
            "run_log" => {
                let at = if step.has("step") { Some(step.integer("step")?) } else { None };
                seen(run.log(at, &lend_all(&attributes(step, "metrics")?)))
            }
            "run_set_summary" => seen(run.set_summary(&lend_all(&attributes(step, "items")?))),
            "run_set_config" => seen(run.set_config(&lend_all(&attributes(step, "items")?))),
            "run_set_tag" => seen(run.set_tag(&step.text("key")?, &step.text("value")?)),
            "run_log_artifact" => seen(files::log_artifact(run, player, step)?),
            "run_log_media" => seen(files::log_media(run, player, step)?),
            "run_add_artifact" => seen(files::add_artifact(run, player, step)?),
            "run_use_artifact" => seen(run.use_artifact(&step.text("name")?)),
            _ => Err(format!("the unknown step {what}")),
        }
    }
}

/// A run that has finished cannot be used with an owner; the C API below takes it.
fn ended_run(what: &str, step: &mut Fields, run: u64) -> Code {
    let nothing = std::ptr::null();
    let code = unsafe {
        match what {
            "run_log" => {
                attributes(step, "metrics")?;
                step.maybe("step");
                sys::tr_run_log(run, -1, nothing, 0)
            }
            "run_set_summary" => {
                attributes(step, "items")?;
                sys::tr_run_set_summary(run, nothing, 0)
            }
            "run_set_config" => {
                attributes(step, "items")?;
                sys::tr_run_set_config(run, nothing, 0)
            }
            "run_set_tag" => {
                let (key, value) = (step.text("key")?, step.text("value")?);
                sys::tr_run_set_tag(run, key.as_ptr().cast(), key.len(), value.as_ptr().cast(), value.len())
            }
            _ => files::of_ended(what, step, run)?,
        }
    };
    Ok(Some(code))
}

fn content(step: &mut Fields) -> Result<Owned, Refused> {
    match value(&step.take("value")?)? {
        value @ (Owned::Str(_) | Owned::Json(_)) => Ok(value),
        other => Err(format!("{other:?} is neither text nor JSON")),
    }
}

fn usage(step: &mut Fields) -> Result<Usage, Refused> {
    let mut given = Fields::of(&step.take("usage")?, "usage")?;
    let mut count = |name: &str| {
        if given.has(name) {
            given.integer(name).map(Some)
        } else {
            Ok(None)
        }
    };
    let usage = Usage {
        input: count("input")?,
        output: count("output")?,
        total: count("total")?,
        cache_read: count("cache_read")?,
        cache_write: count("cache_write")?,
        reasoning: count("reasoning")?,
    };
    given.finish()?;
    Ok(usage)
}

fn extract(player: &Player, step: &mut Fields) -> Code {
    let text = step.text("traceparent")?;
    let context = Context::extract(&text);
    if let Ok(context) = &context {
        let read = format!("00-{}-{}-{:02x}", hex(&context.trace_id()), hex(&context.span_id()), context.flags());
        compare_context(player, step, &read)?;
    }
    seen(context)
}

/// Compares the three fields of a traceparent with `expect`.
fn compare_context(player: &Player, step: &mut Fields, text: &str) -> Result<(), Refused> {
    let Some(expect) = step.maybe("expect") else {
        return Ok(());
    };
    let parts: Vec<&str> = text.split('-').collect();
    let mut expect = Fields::of(&expect, "the expected context")?;
    for (name, actual) in [("trace", parts[1]), ("parent", parts[2])] {
        if expect.has(name) {
            let wanted = expect.text(name)?;
            if player.names.lock().unwrap().show(actual, &wanted) != wanted {
                player.fail(format!("{}: {name} is {actual}", step.what()));
            }
        }
    }
    if expect.text("flags")? != parts[3] {
        player.fail(format!("{}: the flags are {}", step.what(), parts[3]));
    }
    expect.finish()
}
