//! Panics and errors in what the library calls, and who hears of them.
#![allow(missing_docs)]

mod common;

use common::{Keeping, Kept, World};
use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use trunkline::{Batch, Kind, Level, Outcome, Processor, Record, RecordType, Registration};

struct Thrown;

impl Drop for Thrown {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

struct Throws;

impl Processor for Throws {
    fn on_batch(&mut self, _batch: &Batch<'_>) -> Outcome {
        panic_any(Thrown);
    }
}

impl Drop for Throws {
    fn drop(&mut self) {
        panic_any(Thrown);
    }
}

#[test]
fn what_was_thrown_may_panic_too() {
    let world = World::bare(|builder| {
        builder.log_level(Level::Debug).log(|_, _| panic_any(Thrown)).redact(|_, _| panic_any(Thrown))
    });
    let id = trunkline::add_processor(Registration::new("throws", Throws)).unwrap();
    let kept = Kept::default();
    trunkline::add_processor(Registration::new("keeping", Keeping(kept.clone()))).unwrap();
    trunkline::span("s", Kind::STEP).set("key", "text");
    trunkline::flush(common::LIMIT).unwrap();
    assert_eq!(trunkline::processor_stats(id).unwrap().delivered.records, 0);
    trunkline::remove_processor(id).unwrap();
    drop(world);
    let kept = kept.lock().unwrap();
    let span = kept.iter().find(|each| each.record_type == RecordType::SPAN_END).unwrap_or_else(|| panic!("{kept:?}"));
    assert_eq!(span.attributes["key"], "Str(\"__redacted__\")");
}

struct Fails;

impl Processor for Fails {
    fn on_record(&mut self, record: &Record<'_>) -> Outcome {
        match record.record_type() {
            RecordType::SPAN_END => panic!("at {}", record.name()),
            RecordType::TRACE_END => Err("in words".into()),
            _ => Ok(()),
        }
    }
}

/// As the other, but it hears of it.
struct Hears(Arc<Mutex<Vec<String>>>);

impl Processor for Hears {
    fn on_record(&mut self, record: &Record<'_>) -> Outcome {
        Fails.on_record(record)
    }

    fn on_error(&mut self, hook: &str, error: &(dyn std::error::Error + Send + Sync)) {
        self.0.lock().unwrap().push(format!("{hook}: {error}"));
    }
}

#[test]
fn what_a_hook_fails_with_is_said_where_the_library_says_things() {
    for level in [Level::Warn, Level::Error] {
        let (said, heard) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let messages = said.clone();
        let world = World::bare(|builder| {
            builder.log_level(level).log(move |_, text| messages.lock().unwrap().push(text.to_string()))
        });
        trunkline::add_processor(Registration::one_by_one("fails", Fails)).unwrap();
        trunkline::add_processor(Registration::one_by_one("hears", Hears(heard.clone()))).unwrap();
        drop(trunkline::span("s", Kind::STEP));
        trunkline::flush(common::LIMIT).unwrap();
        drop(world);
        assert_eq!(*heard.lock().unwrap(), ["on_record: panicked: at s", "on_record: in words"]);
        let said = said.lock().unwrap();
        let own: Vec<_> = said.iter().filter(|text| text.contains("of a processor failed")).collect();
        if level == Level::Warn {
            let words = "on_record of a processor failed";
            assert_eq!(own, [&format!("{words}: panicked: at s"), &format!("{words}: in words")]);
        } else {
            assert!(own.is_empty(), "{own:?}");
        }
    }
}

/// Fails every other time.
struct Flapping(u32);

impl Processor for Flapping {
    fn on_record(&mut self, _record: &Record<'_>) -> Outcome {
        self.0 += 1;
        if self.0 % 2 == 0 {
            Ok(())
        } else {
            Err("now and then".into())
        }
    }
}

#[test]
fn what_fails_now_and_then_is_not_said_each_time() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let messages = said.clone();
    let world = World::bare(|builder| builder.log(move |_, text| messages.lock().unwrap().push(text.to_string())));
    trunkline::add_processor(Registration::one_by_one("flapping", Flapping(0))).unwrap();
    (0..50).for_each(|_| drop(trunkline::span("s", Kind::STEP)));
    trunkline::flush(common::LIMIT).unwrap();
    drop(world);
    let said = said.lock().unwrap();
    let (own, of_library): (Vec<_>, Vec<_>) = said.iter().partition(|text| text.contains("of a processor failed"));
    assert_eq!(of_library, [&"processor flapping refuses records: internal error"]);
    assert!((16..=32).contains(&own.len()), "a minute may end meanwhile: {own:?}");
}
