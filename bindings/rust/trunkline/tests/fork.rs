//! A child after a fork: what it has of its parent's, and its own.
#![allow(missing_docs)]

mod common;

use common::{World, LIMIT};
use std::ffi::c_int;
use std::sync::mpsc::{channel, Sender};
use trunkline::{sys, Batch, Kind, Outcome, Processor, Registration, Retained};

extern "C" {
    fn fork() -> c_int;
    fn _exit(code: c_int) -> !;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
}

/// Runs `work` in a child, and says how that ended; 0 is well.
fn in_child(work: impl FnOnce() -> bool) -> c_int {
    let mut status = -1;
    unsafe {
        match fork() {
            0 => _exit(c_int::from(!work())),
            child => assert_eq!(waitpid(child, &mut status, 0), child),
        }
    }
    status
}

struct Retaining(Sender<Retained>);

impl Processor for Retaining {
    fn on_batch(&mut self, batch: &Batch<'_>) -> Outcome {
        self.0.send(batch.retain().ok_or("not the batch of this hook")?)?;
        Ok(())
    }
}

#[test]
fn a_batch_of_the_parent_is_read_and_not_answered() {
    let world = World::new();
    let (keep, kept) = channel();
    let id = trunkline::add_processor(Registration::new("retains", Retaining(keep)).batch_size(1)).unwrap();
    drop(trunkline::trace("t"));
    let (answered, dropped) = (kept.recv_timeout(LIMIT).unwrap(), kept.recv_timeout(LIMIT).unwrap());
    let mut both = Some((answered, dropped));
    let status = in_child(|| {
        let (answered, dropped) = both.take().unwrap();
        let is_readable = answered.batch().records().all(|record| record.name() == "t");
        drop(dropped);
        is_readable && answered.ack(Ok(())).is_err_and(|error| error.code() == sys::TR_ESTATE)
    });
    assert_eq!(status, 0);
    let (answered, dropped) = both.unwrap();
    answered.ack(Ok(())).unwrap();
    dropped.ack(Ok(())).unwrap();
    world.records();
    assert_eq!(trunkline::processor_stats(id).unwrap().delivered.records, 2);
}

#[test]
fn spans_of_the_parent_are_not_the_childs() {
    let world = World::new();
    let trace = trunkline::trace("parent");
    let outer = trace.span("outer", Kind::AGENT);
    let _entered = outer.enter();
    let status = in_child(|| {
        let own = trunkline::span("own", Kind::TOOL);
        let is_apart = own.as_ref().ids().is_some_and(|ids| Some(ids.0) != trace.id());
        is_apart && outer.try_set("key", "value").is_err() && own.end().is_ok()
    });
    assert_eq!(status, 0);
    drop(trunkline::span("after", Kind::TOOL));
    assert!(outer.try_set("key", "value").is_ok());
    drop(_entered);
    drop((outer, trace));
    assert_eq!(world.span("after").parent_id, Some(world.span("outer").span_id));
    assert_eq!(world.spans().len(), 2);
}
