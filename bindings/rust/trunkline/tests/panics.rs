//! Panics in what the library calls, also with a payload that panics when it is dropped.
#![allow(missing_docs)]

mod common;

use common::{Keeping, Kept, World};
use std::panic::panic_any;
use trunkline::{Batch, Kind, Outcome, Processor, RecordType, Registration};

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
        builder.log_level(trunkline::Level::Debug).log(|_, _| panic_any(Thrown)).redact(|_, _| panic_any(Thrown))
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
