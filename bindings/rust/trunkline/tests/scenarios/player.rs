//! Plays one scenario: starts the library, plays the steps, ends it, and says what was not as expected.

use crate::collector::{Collector, PATIENCE};
use crate::compare::{differences, Names};
use crate::fields::{Fields, Refused};
use crate::steps::{code_of, Handles};
use serde_json::{json, Value as Json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use trunkline::{sys, Builder, Content, Durability, ProcessorStats, Recorder, Stats, Tally};

const NEEDS: [&str; 13] = [
    "after_shutdown",
    "bad_utf8",
    "calls_in_hooks",
    "chosen_ids",
    "double_end",
    "extract",
    "handle_misuse",
    "poll",
    "raw_json",
    "raw_json_attributes",
    "retain",
    "throw",
    "unknown_kinds",
];
const CODES: [&str; 15] = [
    "TR_OK",
    "TR_EINVAL",
    "TR_ESTALE",
    "TR_ESTATE",
    "TR_ENOMEM",
    "TR_ETIMEDOUT",
    "TR_EAGAIN",
    "TR_EREENTRANT",
    "TR_EPARENT",
    "TR_EUNSUPPORTED",
    "TR_EIO",
    "TR_ELIMIT",
    "TR_ECLOSED",
    "TR_ENOENT",
    "TR_EINTERNAL",
];

pub struct Player {
    pub folder: PathBuf,
    config: Json,
    made: AtomicU32,
    handles: Mutex<Handles>,
    pub names: Mutex<Names>,
    collectors: Mutex<Vec<Arc<Collector>>>,
    counts: Mutex<HashMap<String, ProcessorStats>>,
    failures: Mutex<Vec<String>>,
    alive: Mutex<bool>,
}

/// What was not as the scenario expects, a refusal included.
pub fn play(scenario: &Json) -> Vec<String> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("trunkline-scenario-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    let _left_by_an_earlier_process_of_this_number = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let player = Arc::new(Player {
        folder: folder.clone(),
        config: scenario.get("config").cloned().unwrap_or_else(|| json!({})),
        made: AtomicU32::new(0),
        handles: Mutex::new(Handles::new()),
        names: Mutex::default(),
        collectors: Mutex::default(),
        counts: Mutex::default(),
        failures: Mutex::default(),
        alive: Mutex::new(false),
    });
    let result = player.run(scenario);
    let _it_may_have_ended = trunkline::shutdown(PATIENCE);
    let mut failures = std::mem::take(&mut *player.failures.lock().unwrap());
    failures.extend(result.err().map(|what| format!("refused: {what}")));
    let _kept_if_it_fails = std::fs::remove_dir_all(folder);
    failures
}

/// The code of a name in a scenario.
pub fn code_named(name: &str) -> Result<i32, Refused> {
    let at = CODES.iter().position(|code| *code == name).ok_or_else(|| format!("the unknown code {name}"))?;
    Ok(-(at as i32))
}

impl Player {
    fn run(self: &Arc<Self>, scenario: &Json) -> Result<(), Refused> {
        let mut fields = Fields::of(scenario, "the scenario")?;
        fields.text("shows")?;
        for need in fields.list("needs")? {
            NEEDS.iter().find(|known| need == **known).ok_or_else(|| format!("unknown need {need}"))?;
        }
        fields.maybe("config");
        let processors = if fields.has("processors") { fields.list("processors")? } else { vec![json!({"as": "p"})] };
        let steps = fields.list("steps")?;
        let expect = fields.take("expect")?;
        fields.finish()?;
        self.init()?;
        for processor in &processors {
            let (collector, registration) = self.collector_of(processor)?;
            self.note(
                "adding",
                trunkline::add_processor(registration).map(|id| *collector.id.lock().unwrap() = Some(id)),
            );
        }
        for step in &steps {
            self.play(step)?;
        }
        if *self.alive.lock().unwrap() {
            self.note("the last flush", trunkline::flush(PATIENCE));
            self.note("the shutdown", self.end());
        }
        self.compare(&expect)
    }

    pub fn fail(&self, what: String) {
        self.failures.lock().unwrap().push(what);
    }

    fn note(&self, what: &str, result: trunkline::Result<()>) {
        if let Err(error) = result {
            self.fail(format!("{what}: {error}"));
        }
    }

    fn play(self: &Arc<Self>, given: &Json) -> Result<(), Refused> {
        let mut step = Fields::of(given, &format!("step {given}"))?;
        let what = step.text("do")?;
        let code = match self.control(&what, &mut step)? {
            Some(code) => code,
            None => self.handles.lock().unwrap().play(self, &what, &mut step)?,
        };
        self.check(&mut step, code)?;
        step.finish()
    }

    /// Steps inside a hook. What is wrong there is told at the end.
    pub fn play_inside(self: &Arc<Self>, steps: &[Json]) {
        for step in steps {
            if let Err(refused) = self.play(step) {
                self.fail(format!("inside a hook: {refused}"));
            }
        }
    }

    /// A code that is not seen is not compared.
    fn check(&self, step: &mut Fields, code: Option<i32>) -> Result<(), Refused> {
        let expected = code_named(&step.text_or("returns", "TR_OK")?)?;
        if let Some(code) = code.filter(|code| *code != expected) {
            self.fail(format!("{} gives {}", step.what(), CODES[-code as usize]));
        }
        Ok(())
    }

    /// Steps that are about the library and its processors; `None`: it is another.
    fn control(self: &Arc<Self>, what: &str, step: &mut Fields) -> Result<Option<Option<i32>>, Refused> {
        let code = match what {
            "init" => {
                self.init()?;
                sys::TR_OK
            }
            "flush" => code_of(&trunkline::flush(PATIENCE)),
            "shutdown" => code_of(&self.end()),
            "add_processor" => {
                let mut own = serde_json::Map::new();
                for name in ["as", "shape", "span_starts", "batch_size", "answers"] {
                    own.extend(step.maybe(name).map(|value| (name.to_string(), value)));
                }
                let (collector, registration) = self.collector_of(&Json::Object(own))?;
                let added = trunkline::add_processor(registration);
                *collector.id.lock().unwrap() = added.as_ref().ok().copied();
                code_of(&added)
            }
            "set_processors" => self.set_processors(&step.list("processors")?)?,
            "remove_processor" => {
                let id = *self.collector(&step.text("processor")?)?.id.lock().unwrap();
                id.map_or(sys::TR_ENOENT, |id| code_of(&trunkline::remove_processor(id)))
            }
            "wait" => {
                let (collector, records) = (self.collector(&step.text("processor")?)?, step.integer("records")?);
                let taken = collector.wait(records as usize);
                let id = *collector.id.lock().unwrap();
                // It has kept them inside the hook; the library knows of it a moment later.
                wait_until(|| {
                    let counts = id.and_then(|id| trunkline::processor_stats(id).ok());
                    counts.is_none_or(|counts| counts.delivered.records as usize >= taken)
                });
                if taken < records as usize {
                    self.fail(format!("{}: it has taken {taken}", step.what()));
                }
                sys::TR_OK
            }
            "ack" => self.ack(step)?,
            _ => return Ok(None),
        };
        Ok(Some(Some(code)))
    }

    fn set_processors(self: &Arc<Self>, given: &[Json]) -> Result<i32, Refused> {
        let made = given.iter().map(|each| self.collector_of(each)).collect::<Result<Vec<_>, _>>()?;
        let (collectors, registrations): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        let set = trunkline::set_processors(registrations);
        for (collector, id) in collectors.iter().zip(set.iter().flatten()) {
            *collector.id.lock().unwrap() = Some(*id);
        }
        Ok(code_of(&set))
    }

    fn ack(&self, step: &mut Fields) -> Result<i32, Refused> {
        let (collector, result) = (self.collector(&step.text("processor")?)?, code_named(&step.text("result")?)?);
        let Some((batch, forms)) = collector.oldest_kept() else {
            self.fail(format!("{}: no batch was kept", step.what()));
            return Ok(sys::TR_OK);
        };
        if result == sys::TR_OK {
            collector.acknowledged(forms);
        }
        Ok(code_of(&batch.ack(match result {
            sys::TR_OK => Ok(()),
            sys::TR_EAGAIN => Err(trunkline::Refusal::Again),
            _ => Err("as the scenario wants it".into()),
        })))
    }

    fn collector(&self, name: &str) -> Result<Arc<Collector>, Refused> {
        let collectors = self.collectors.lock().unwrap();
        collectors
            .iter()
            .find(|each| each.name == name)
            .cloned()
            .ok_or_else(|| format!("no processor is called {name}"))
    }

    fn collector_of(self: &Arc<Self>, given: &Json) -> Result<(Arc<Collector>, trunkline::Registration), Refused> {
        let (made, registration) = Collector::of(given, Arc::downgrade(self))?;
        if self.collector(&made.name).is_ok() {
            return Err(format!("two processors are called {}", made.name));
        }
        self.collectors.lock().unwrap().push(made.clone());
        Ok((made, registration))
    }

    fn init(&self) -> Result<(), Refused> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let builder =
            Builder::new().directory(self.folder.join(format!("store-{number}"))).processors("none").log(|_, _| {});
        match configured(builder, &self.config)?.init() {
            Ok(session) => session.detach(),
            Err(error) => return Err(error.to_string()),
        }
        *self.alive.lock().unwrap() = true;
        Ok(())
    }

    fn end(&self) -> trunkline::Result<()> {
        let result = trunkline::shutdown(PATIENCE);
        let was_alive = std::mem::replace(&mut *self.alive.lock().unwrap(), result.is_err());
        for collector in self.collectors.lock().unwrap().iter().filter(|_| was_alive && result.is_ok()) {
            let Some(id) = *collector.id.lock().unwrap() else {
                continue;
            };
            if let Ok(counts) = trunkline::processor_stats(id) {
                self.counts.lock().unwrap().entry(collector.name.clone()).or_insert(counts);
            }
        }
        result
    }

    fn compare(&self, expect: &Json) -> Result<(), Refused> {
        let mut expect = Fields::of(expect, "the expectation")?;
        let mut deliveries = Fields::of(&expect.take("deliveries")?, "the expected deliveries")?;
        let mut counts = Fields::or_empty(expect.maybe("processors"), "the expected counts")?;
        for collector in self.collectors.lock().unwrap().iter() {
            let name = &collector.name;
            if !deliveries.has(name) {
                return Err(format!("nothing is said about {name}"));
            }
            let found = differences(&mut self.names.lock().unwrap(), &deliveries.list(name)?, &collector.taken())?;
            found.into_iter().for_each(|what| self.fail(format!("{name}: {what}")));
            if let Some(found) = self.counts.lock().unwrap().get(name) {
                let wrong = wrong_tallies(found, Fields::or_empty(counts.maybe(name), name)?)?;
                wrong.into_iter().for_each(|what| self.fail(format!("{name}: {what}")));
            }
        }
        deliveries.finish()?;
        counts.finish()?;
        let stats = trunkline::stats();
        for (name, wanted) in Fields::or_empty(expect.maybe("stats"), "the expected stats")?.rest() {
            let found = stat(&stats, &name)?;
            if wanted != found {
                self.fail(format!("{name} is {found} and not {wanted}"));
            }
        }
        expect.finish()
    }
}

fn wait_until(is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() && begin.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn stat(stats: &Stats, name: &str) -> Result<u64, Refused> {
    Ok(match name {
        "traces_started" => stats.traces_started,
        "traces_ended" => stats.traces_ended,
        "traces_sampled_out" => stats.traces_sampled_out,
        "traces_refused" => stats.traces_refused,
        "spans_started" => stats.spans_started,
        "spans_ended" => stats.spans_ended,
        "spans_incomplete" => stats.spans_incomplete,
        "spans_refused" => stats.spans_refused,
        "stale_handles" => stats.stale_handles,
        "misuse" => stats.misuse,
        "values_truncated" => stats.values_truncated,
        "values_dropped" => stats.values_dropped,
        "attributes_dropped" => stats.attributes_dropped,
        "values_redacted" => stats.values_redacted,
        "records_logged" => stats.records_logged,
        other => return Err(format!("the unknown count {other}")),
    })
}

fn wrong_tallies(found: &ProcessorStats, mut expected: Fields) -> Result<Vec<String>, Refused> {
    let all: [(&str, Tally); 9] = [
        ("offered", found.offered),
        ("delivered", found.delivered),
        ("rejected", found.rejected),
        ("poisoned", found.poisoned),
        ("removed", found.removed),
        ("overflowed", found.overflowed),
        ("unreadable", found.unreadable),
        ("left_behind", found.left_behind),
        ("pending", found.pending),
    ];
    let sum = |of: fn(&Tally) -> u64| all[1..].iter().map(|(_, tally)| of(tally)).sum::<u64>();
    let mut wrong = Vec::new();
    if (found.offered.records, found.offered.spans) != (sum(|tally| tally.records), sum(|tally| tally.spans)) {
        wrong.push(format!("not all that was offered is accounted for: {found:?}"));
    }
    let mut compare = |name: &str, wanted: Option<Json>, found: u64| {
        if wanted.as_ref().is_some_and(|wanted| *wanted != found) {
            wrong.push(format!("{name} is {found} and not {}", wanted.unwrap_or_default()));
        }
    };
    compare("retries", expected.maybe("retries"), found.retries);
    compare("poisoned_now", expected.maybe("poisoned_now"), found.is_poisoned.into());
    for (name, tally) in all {
        let mut parts = Fields::or_empty(expected.maybe(name), name)?;
        compare(&format!("{name}.records"), parts.maybe("records"), tally.records);
        compare(&format!("{name}.spans"), parts.maybe("spans"), tally.spans);
        parts.finish()?;
    }
    expected.finish()?;
    Ok(wrong)
}

fn joined(items: &[Json]) -> String {
    items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(",")
}

fn configured(mut builder: Builder, config: &Json) -> Result<Builder, Refused> {
    let mut fields = Fields::of(config, "the configuration")?;
    if fields.has("content") {
        let off = fields.text("content")? == "off";
        builder = builder.content(if off { Content::Off } else { Content::On });
    }
    if fields.has("max_value_bytes") {
        builder = builder.max_value_bytes(fields.integer("max_value_bytes")? as u64);
    }
    if fields.has("max_attributes") {
        builder = builder.max_attributes(fields.integer("max_attributes")? as u32);
    }
    if fields.has("max_memory") {
        builder = builder.max_memory(fields.integer("max_memory")? as u64);
    }
    if let Some(ratio) = fields.maybe("sample_ratio") {
        builder = builder.sample_ratio(ratio.as_f64().ok_or("sample_ratio is no number")?);
    }
    if fields.has("end_grace_ms") {
        builder = builder.end_grace(Duration::from_millis(fields.integer("end_grace_ms")? as u64));
    }
    if fields.has("durability") {
        builder = builder.durability(match fields.text("durability")?.as_str() {
            "memory" => Durability::Memory,
            "log" => Durability::Log,
            "fsync" => Durability::Fsync,
            other => return Err(format!("the unknown durability {other}")),
        });
    }
    if fields.has("recorder") {
        let memory = fields.text("recorder")? == "memory";
        builder = builder.recorder(if memory { Recorder::Memory } else { Recorder::File });
    }
    builder = builder.redact_keys(&joined(&fields.list("redact_keys")?));
    builder = builder.redact_patterns(&joined(&fields.list("redact_patterns")?));
    if !fields.truth_or("default_redaction", true)? {
        builder = builder.no_default_redaction();
    }
    builder = builder.disabled(fields.truth_or("disabled", false)?);
    fields.finish()?;
    Ok(builder)
}
