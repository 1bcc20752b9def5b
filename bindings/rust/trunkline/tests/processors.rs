//! Processors: those of Rust and the built-in ones, and what may go wrong in a hook.
#![allow(missing_docs)]

mod common;

use common::{alone, fresh_folder, wait_until, Keeping, Kept, Seen, World, LIMIT};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use trunkline::{
    sys, Batch, Builder, Kind, Options, Outcome, Processor, Record, RecordType, Refusal, Registration, Retained,
};

fn three_spans() {
    let trace = trunkline::trace("t");
    for name in ["a", "b", "c"] {
        drop(trace.span(name, Kind::STEP));
    }
}

fn names(kept: &Kept) -> Vec<String> {
    kept.lock().unwrap().iter().map(|seen| seen.name.clone()).collect()
}

/// Counts how often it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

type Hook = Box<dyn FnMut(&Record<'_>) -> Outcome + Send>;

/// Does what a test wants.
struct With {
    on_record: Hook,
    errors: Arc<Mutex<Vec<String>>>,
    _dropped: Dropped,
}

impl Processor for With {
    fn on_record(&mut self, record: &Record<'_>) -> Outcome {
        (self.on_record)(record)
    }

    fn on_error(&mut self, hook: &str, error: &(dyn std::error::Error + Send + Sync)) {
        self.errors.lock().unwrap().push(format!("{hook}: {error}"));
    }
}

#[derive(Default)]
struct Watch {
    drops: Arc<AtomicUsize>,
    errors: Arc<Mutex<Vec<String>>>,
}

impl Watch {
    fn registration(&self, name: &str, on_record: impl FnMut(&Record<'_>) -> Outcome + Send + 'static) -> Registration {
        let processor =
            With { on_record: Box::new(on_record), errors: self.errors.clone(), _dropped: Dropped(self.drops.clone()) };
        Registration::one_by_one(name, processor)
    }

    fn drops(&self) -> usize {
        self.drops.load(Ordering::SeqCst)
    }
}

#[test]
fn a_panic_is_an_error_and_others_do_not_notice() {
    let world = World::new();
    let watch = Watch::default();
    let id = trunkline::add_processor(watch.registration("panics", |record| {
        assert!(record.name() != "b", "on purpose");
        Ok(())
    }))
    .unwrap();
    three_spans();
    assert_eq!(world.spans().len(), 3);
    let counts = trunkline::processor_stats(id).unwrap();
    assert_eq!((counts.rejected.records, counts.delivered.spans, counts.is_poisoned), (1, 2, false));
    for _ in 0..sys::TR_POISON_LIMIT + 4 {
        drop(trunkline::span("b", Kind::STEP));
    }
    trunkline::flush(LIMIT).unwrap();
    let counts = trunkline::processor_stats(id).unwrap();
    assert!(counts.offered.records > 40, "{counts:?}");
    drop(world);
    assert_eq!(watch.drops(), 1);
}

#[test]
fn sixteen_failures_in_a_row_end_the_delivery_to_that_processor_alone() {
    let world = World::new();
    let watch = Watch::default();
    let id = trunkline::add_processor(watch.registration("fails", |_| Err("no".into()))).unwrap();
    for _ in 0..10 {
        three_spans();
    }
    assert_eq!(world.spans().len(), 30);
    let counts = trunkline::processor_stats(id).unwrap();
    assert!(counts.is_poisoned && counts.rejected.records == 16 && counts.poisoned.records == 34, "{counts:?}");
    assert_eq!(watch.errors.lock().unwrap().len(), 16);
    assert_eq!(watch.errors.lock().unwrap()[0], "on_record: no");
}

#[test]
fn what_is_to_come_again_comes_again_in_its_order() {
    let world = World::new();
    let watch = Watch::default();
    let kept = Kept::default();
    let (mut left, keep) = (3, kept.clone());
    let id = trunkline::add_processor(watch.registration("again", move |record| {
        if record.name() == "b" && left > 0 {
            left -= 1;
            return Err(Refusal::Again);
        }
        keep.lock().unwrap().push(Seen::of(record));
        Ok(())
    }))
    .unwrap();
    three_spans();
    world.records();
    assert_eq!(names(&kept), ["t", "a", "b", "c", "t"]);
    assert_eq!(trunkline::processor_stats(id).unwrap().retries, 3);
}

#[test]
fn a_hook_that_blocks_holds_up_nobody_and_the_shutdown_ends_at_its_deadline() {
    let mut world = World::new();
    let watch = Watch::default();
    let (open, gate): (Sender<()>, Receiver<()>) = channel();
    trunkline::add_processor(watch.registration("blocks", move |_| {
        let _opened = gate.recv();
        Ok(())
    }))
    .unwrap();
    let (kept, begin) = (world.kept.clone(), Instant::now());
    three_spans();
    wait_until("delivery to the other", || kept.lock().unwrap().len() == 5);
    assert_eq!(trunkline::flush(Duration::from_millis(50)).unwrap_err().code(), sys::TR_ETIMEDOUT);
    let result = world.session().shutdown(Duration::from_millis(100));
    assert_eq!(result.unwrap_err().code(), sys::TR_ETIMEDOUT);
    assert!(begin.elapsed() < LIMIT);
    assert_eq!(watch.drops(), 0, "its thread still has it");
    drop(open);
}

#[test]
fn a_hook_that_records_flushes_and_shuts_down() {
    let world = World::new();
    let watch = Watch::default();
    let results = Arc::new(Mutex::new(Vec::new()));
    let (told, mut done) = (results.clone(), false);
    trunkline::add_processor(watch.registration("calls", move |_| {
        if !std::mem::replace(&mut done, true) {
            let trace = trunkline::trace("inside");
            let span = trunkline::span("inside", Kind::STEP);
            let recorded = trace.is_recording() || span.is_recording();
            let mut told = told.lock().unwrap();
            told.push(("recorded", i32::from(recorded)));
            told.push(("flush", trunkline::flush(LIMIT).map_or_else(|error| error.code(), |()| 0)));
            told.push(("shutdown", trunkline::shutdown(LIMIT).map_or_else(|error| error.code(), |()| 0)));
            let next = trunkline::add_processor(Registration::new("next", Keeping(Kept::default())))?;
            trunkline::remove_processor(next)?;
            told.push(("add and remove", 0));
        }
        Ok(())
    }))
    .unwrap();
    three_spans();
    assert_eq!(world.spans().len(), 3);
    let wanted =
        [("recorded", 0), ("flush", sys::TR_EREENTRANT), ("shutdown", sys::TR_EREENTRANT), ("add and remove", 0)];
    assert_eq!(*results.lock().unwrap(), wanted);
    assert!(watch.errors.lock().unwrap().is_empty());
    assert!(world.records().iter().all(|record| record.name != "inside"));
}

struct Retaining(Sender<Retained>);

impl Processor for Retaining {
    fn on_batch(&mut self, batch: &Batch<'_>) -> Outcome {
        let kept = batch.retain().ok_or("not the batch of this hook")?;
        self.0.send(kept)?;
        Ok(())
    }
}

/// Acknowledges each batch inside the hook, and reads it before and after.
struct ReadingOn(Sender<Vec<[String; 2]>>, fn(Retained) -> Result<(), trunkline::Error>);

fn read(batch: &Batch<'_>) -> Vec<String> {
    let name = |record: Record<'_>| format!("{} {:?}", record.name(), record.attributes().collect::<Vec<_>>());
    batch.records().map(name).collect()
}

impl Processor for ReadingOn {
    fn on_batch(&mut self, batch: &Batch<'_>) -> Outcome {
        let before = read(batch);
        self.1(batch.retain().ok_or("not the batch of this hook")?)?;
        // Memory that is given back is used again for these.
        let other: Vec<Vec<u8>> = (4..20).flat_map(|power| vec![vec![0xee; 1 << power]; 8]).collect();
        let after = read(batch);
        drop(other);
        self.0.send(before.into_iter().zip(after).map(|(before, after)| [before, after]).collect())?;
        Ok(())
    }
}

#[test]
fn a_batch_is_readable_in_its_hook_also_when_it_is_acknowledged() {
    let acknowledge: fn(Retained) -> Result<(), trunkline::Error> = |batch| batch.ack(Ok(()));
    let from_a_thread = |batch: Retained| std::thread::spawn(move || batch.ack(Ok(()))).join().unwrap();
    for way in [acknowledge, from_a_thread] {
        let world = World::bare(|builder| builder);
        let (told, seen) = channel();
        let id = trunkline::add_processor(Registration::new("reads on", ReadingOn(told, way))).unwrap();
        for _ in 0..20 {
            trunkline::trace("t").span("a span", Kind::STEP).set("text", &"x".repeat(100));
            trunkline::flush(LIMIT).unwrap();
        }
        let pairs: Vec<[String; 2]> = seen.try_iter().flatten().collect();
        assert_eq!(pairs.len(), 60);
        assert!(pairs.iter().all(|[before, after]| before == after), "{pairs:?}");
        assert_eq!(trunkline::processor_stats(id).unwrap().delivered.records, 60);
        drop(world);
    }
}

#[test]
fn a_kept_batch_is_acknowledged_by_another_thread() {
    let world = World::new();
    let (keep, kept) = channel();
    let id = trunkline::add_processor(Registration::new("retains", Retaining(keep)).batch_size(1)).unwrap();
    three_spans();
    let batches: Vec<Retained> = (0..5).map(|_| kept.recv_timeout(LIMIT).unwrap()).collect();
    assert_eq!(trunkline::processor_stats(id).unwrap().delivered.records, 0);
    assert!(batches[0].batch().retain().is_none(), "not inside the hook any more");
    let name = |kept: &Retained| kept.batch().records().map(|each| each.name().to_string()).collect::<String>();
    assert_eq!(batches.iter().map(name).collect::<Vec<_>>(), ["t", "a", "b", "c", "t"]);
    let seen = std::thread::spawn(move || {
        let mut batches = batches.into_iter().rev();
        drop(batches.next()); // it comes again
        batches.try_for_each(|batch| batch.ack(Ok(())))
    });
    seen.join().unwrap().unwrap();
    let again = kept.recv_timeout(LIMIT).unwrap();
    assert_eq!(name(&again), "t");
    again.ack(Ok(())).unwrap();
    world.records();
    let counts = trunkline::processor_stats(id).unwrap();
    assert_eq!((counts.delivered.records, counts.retries), (5, 1));
}

#[test]
fn a_batch_that_is_kept_beyond_the_end_stays_readable() {
    let mut world = World::new();
    let (keep, kept) = channel();
    trunkline::add_processor(Registration::new("retains", Retaining(keep))).unwrap();
    three_spans();
    let batch = kept.recv_timeout(LIMIT).unwrap();
    let _not_acknowledged = world.session().shutdown(Duration::from_millis(100));
    assert_eq!(batch.batch().records().next().unwrap().name(), "t");
    let _nobody_is_left = batch.ack(Ok(()));
}

#[test]
fn removed_while_its_hook_runs_it_is_dropped_once_after_it() {
    let world = World::new();
    for round in 0..50u32 {
        let watch = Watch::default();
        let (inside, running) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (flag, hooks) = (inside.clone(), running.clone());
        let id = trunkline::add_processor(watch.registration("removed", move |_| {
            flag.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_micros(u64::from(round) * 20));
            hooks.fetch_add(1, Ordering::SeqCst);
            flag.store(false, Ordering::SeqCst);
            Ok(())
        }))
        .unwrap();
        three_spans();
        if round % 2 == 0 {
            wait_until("a hook", || inside.load(Ordering::SeqCst) || running.load(Ordering::SeqCst) > 0);
        }
        trunkline::remove_processor(id).unwrap();
        assert_eq!(trunkline::remove_processor(id).unwrap_err().code(), sys::TR_ENOENT);
        wait_until("its drop", || watch.drops() > 0);
        assert!(!inside.load(Ordering::SeqCst));
        let hooks = running.load(Ordering::SeqCst);
        drop(trunkline::span("later", Kind::STEP));
        trunkline::flush(LIMIT).unwrap();
        assert_eq!((watch.drops(), running.load(Ordering::SeqCst)), (1, hooks));
    }
    assert_eq!(world.spans().len(), 200);
}

#[test]
fn what_cannot_be_registered_is_dropped_once() {
    let world = World::new();
    let watch = Watch::default();
    for (name, count) in [("", 1), ("nul\0", 2), (&"x".repeat(65), 3)] {
        let error = trunkline::add_processor(watch.registration(name, |_| Ok(()))).unwrap_err();
        assert_eq!((error.code(), watch.drops()), (sys::TR_EINVAL, count), "{name}");
    }
    drop(watch.registration("never added", |_| Ok(())));
    assert_eq!(watch.drops(), 4);
    let both = vec![watch.registration("good", |_| Ok(())), watch.registration("", |_| Ok(()))];
    assert!(trunkline::set_processors(both).is_err());
    assert_eq!(watch.drops(), 6);
    assert!(trunkline::find_processor("good").is_none());
    assert!(trunkline::find_processor("keeping").is_some(), "the old ones stay");
    three_spans();
    assert_eq!(world.spans().len(), 3);
    drop(world);
    let _alone = alone();
    assert_eq!(trunkline::add_processor(watch.registration("late", |_| Ok(()))).unwrap_err().code(), sys::TR_ESTATE);
    assert_eq!(watch.drops(), 7);
}

#[test]
fn a_processor_whose_drop_panics_is_contained() {
    struct Bad;
    impl Processor for Bad {}
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let world = World::new();
    let id = trunkline::add_processor(Registration::new("bad", Bad)).unwrap();
    trunkline::remove_processor(id).unwrap();
    three_spans();
    assert_eq!(world.spans().len(), 3);
}

#[test]
fn found_replaced_and_removed() {
    let world = World::new();
    let watch = Watch::default();
    let first = trunkline::find_processor("keeping").unwrap();
    let ids = trunkline::set_processors(vec![
        watch.registration("one", |_| Ok(())),
        Registration::new("keeping", Keeping(world.kept.clone())),
    ])
    .unwrap();
    assert_eq!(trunkline::find_processor("one"), Some(ids[0]));
    assert!(ids[1] != first && ids[1].raw() != 0);
    three_spans();
    assert_eq!(world.spans().len(), 3);
    assert!(trunkline::set_processors(Vec::new()).unwrap().is_empty());
    assert!(trunkline::find_processor("keeping").is_none());
    wait_until("the drop", || watch.drops() == 1);
}

/// Ticks, flushes, ends; its state goes on in the next one of its name.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    fn add(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn has(&self, text: &str) -> bool {
        self.0.lock().unwrap().iter().any(|each| each == text)
    }
}

struct Saving(Calls, Option<Sender<Retained>>);

impl Processor for Saving {
    fn on_batch(&mut self, batch: &Batch<'_>) -> Outcome {
        for record in batch.records() {
            self.0.add(record.name());
        }
        if let Some(keep) = &self.1 {
            keep.send(batch.retain().ok_or("no batch")?)?;
        }
        trunkline::save_state(b"state")?;
        Ok(())
    }

    fn on_tick(&mut self, unix_ns: i64) -> Outcome {
        assert!(unix_ns > 1_600_000_000_000_000_000);
        self.0.add("tick");
        Ok(())
    }

    fn restore(&mut self, run_id: &str, state: &[u8]) -> Outcome {
        assert!(!run_id.is_empty());
        self.0.add(format!("restore {}", String::from_utf8_lossy(state)));
        Ok(())
    }

    fn force_flush(&mut self, timeout: Duration) -> Outcome {
        assert!(timeout <= LIMIT);
        self.0.add("flush");
        Ok(())
    }

    fn shutdown(&mut self, _timeout: Duration) -> Outcome {
        self.0.add("shutdown");
        Ok(())
    }
}

fn saving(calls: &Calls, keep: Option<Sender<Retained>>) -> Registration {
    Registration::new("saving", Saving(calls.clone(), keep)).destination("somewhere").durable().batch_size(1)
}

#[test]
fn every_hook_is_called_and_what_was_not_taken_waits_for_the_next_one() {
    let _alone = alone();
    let folder = fresh_folder();
    let start = || Builder::new().directory(&folder).processors("none").init().unwrap();

    let calls = Calls::default();
    let session = start();
    let (keep, kept) = channel();
    trunkline::add_processor(saving(&calls, Some(keep)).tick(Duration::from_millis(5))).unwrap();
    three_spans();
    let mut batches: Vec<Retained> = (0..5).map(|_| kept.recv_timeout(LIMIT).unwrap()).collect();
    for batch in batches.drain(..2) {
        batch.ack(Ok(())).unwrap();
    }
    wait_until("a tick", || calls.has("tick"));
    assert!(trunkline::save_state(b"outside").is_err());
    // It returns at its deadline, which is when a processor with batches out is told that it is over.
    let _some_are_left = session.shutdown(Duration::from_millis(200));
    wait_until("the end", || calls.has("shutdown"));
    assert!(!calls.has("restore state"));
    drop(batches);

    let calls = Calls::default();
    let session = start();
    trunkline::add_processor(saving(&calls, None)).unwrap();
    wait_until("what was left", || calls.0.lock().unwrap().iter().filter(|each| *each == "t").count() == 1);
    session.flush(LIMIT).unwrap();
    session.shutdown(LIMIT).unwrap();
    let said = calls.0.lock().unwrap().clone();
    let taken: Vec<&str> = said.iter().map(String::as_str).filter(|each| each.len() == 1).collect();
    assert_eq!(taken, ["b", "c", "t"], "{said:?}");
    assert!(calls.has("restore state") && calls.has("flush"), "{said:?}");
}

#[test]
fn starts_of_spans_for_those_who_ask() {
    let world = World::new();
    let asks = Kept::default();
    trunkline::add_processor(Registration::new("asks", Keeping(asks.clone())).span_starts()).unwrap();
    three_spans();
    assert!(world.of_type(RecordType::SPAN_START).is_empty());
    let starts = asks.lock().unwrap().iter().filter(|seen| seen.record_type == RecordType::SPAN_START).count();
    assert_eq!(starts, 3);
}

#[test]
fn built_in_processors_with_options() {
    let world = World::bare(|builder| builder);
    let lines = world.folder.join("mine.jsonl");
    let jsonl = Options::new().text("path", lines.to_str().unwrap());
    let store =
        Options::new().text("path", world.folder.join("mine.db").to_str().unwrap()).number("max_bytes", 1 << 30);
    trunkline::add_processor(trunkline::jsonl(&jsonl).unwrap()).unwrap();
    trunkline::add_processor(trunkline::local(&store).unwrap()).unwrap();
    let console = Options::from_json("{\"stream\": \"stderr\", \"color\": \"never\"}");
    trunkline::add_processor(trunkline::console(&console).unwrap()).unwrap();
    let folder = world.folder.to_str().unwrap();
    let mlflow = Options::new().text("tracking_uri", folder).flag("traces", false).json("tags", "{\"a\":\"b\"}");
    trunkline::add_processor(trunkline::mlflow(&mlflow).unwrap()).unwrap();
    let wandb = Options::new().text("mode", "offline").text("dir", folder).text("project", "p");
    trunkline::add_processor(trunkline::wandb(&wandb).unwrap()).unwrap();
    three_spans();
    trunkline::flush(LIMIT).unwrap();
    let text = std::fs::read_to_string(&lines).unwrap();
    let ends = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert_eq!(ends.filter(|record| record["type"] == "span_end").count(), 3);
    assert!(world.folder.join("mine.db").exists() && world.folder.join("wandb").exists());
    for name in ["jsonl", "local", "console", "mlflow", "wandb"] {
        let id = trunkline::find_processor(name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(trunkline::processor_stats(id).unwrap().delivered.spans, 3, "{name}");
    }
    let error = trunkline::jsonl(&Options::new().text("no_such_option", "x")).unwrap_err();
    assert!(error.code() == sys::TR_EINVAL && error.to_string().contains("no_such_option"), "{error}");
    drop(trunkline::local(&Options::new()).unwrap());
}

#[test]
fn nothing_is_lost_over_many_spans() {
    const SPANS: usize = 100_000;
    struct Counting(Arc<AtomicUsize>);
    impl Processor for Counting {
        fn on_batch(&mut self, batch: &Batch<'_>) -> Outcome {
            let ends = batch.records().filter(|each| each.record_type() == RecordType::SPAN_END).count();
            self.0.fetch_add(ends, Ordering::Relaxed);
            Ok(())
        }
    }
    let _world = World::bare(|builder| builder);
    let count = Arc::new(AtomicUsize::new(0));
    trunkline::add_processor(Registration::new("counting", Counting(count.clone()))).unwrap();
    let trace = trunkline::trace("t");
    for _ in 0..SPANS / 1000 {
        for number in 0..1000 {
            trace.span("s", Kind::STEP).set("number", number);
        }
        trunkline::flush(LIMIT).unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), SPANS);
    assert_eq!(trunkline::stats().spans_ended, SPANS as u64);
}
