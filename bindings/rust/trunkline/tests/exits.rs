//! How a program may end: whatever it does, it ends in time, and what was recorded is there or found at the next start.
#![allow(missing_docs)]

mod common;

use common::{child_task, fresh_folder, run_child, wait_until, Done, LIMIT};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};
use trunkline::{Batch, Builder, Kind, Outcome, Processor, Registration};

/// Prints what it is given, in time or not.
struct Printing {
    pause: Duration,
}

impl Processor for Printing {
    fn on_batch(&mut self, batch: &Batch<'_>) -> Outcome {
        std::thread::sleep(self.pause);
        println!("given {}", batch.len());
        Ok(())
    }

    fn shutdown(&mut self, _timeout: Duration) -> Outcome {
        println!("shut down");
        Ok(())
    }
}

fn record(how: &str) {
    let session = Builder::new().processors("jsonl").exit_timeout(Duration::from_secs(20)).init().unwrap();
    let pause = if how.contains("slow") { Duration::from_secs(3600) } else { Duration::ZERO };
    let registration = Registration::new("printing", Printing { pause });
    let registration = if how.contains("at_exit") { registration.at_exit() } else { registration };
    trunkline::add_processor(registration).unwrap();
    let trace = trunkline::trace("t");
    let in_trace = trace.enter();
    drop(trunkline::span("ended", Kind::STEP));
    let open = trunkline::span("open", Kind::STEP);
    match how {
        "return" => {}
        "leaked" => {
            std::mem::forget(in_trace);
            std::mem::forget((session, open, trace));
        }
        "exit" | "exit at_exit" => std::process::exit(7),
        "exit from a thread" => {
            let _never = std::thread::spawn(|| std::process::exit(7)).join();
        }
        "abort" => std::process::abort(),
        "panic" => panic!("on purpose"),
        "slow" => {
            session.shutdown(Duration::from_millis(100)).unwrap_err();
        }
        _ => unreachable!("{how}"),
    }
}

#[test]
fn child() {
    if let Some(how) = child_task() {
        record(&how);
    }
}

fn ended(how: &str) -> (Done, String) {
    let folder = fresh_folder();
    let done = run_child(how, &folder, &[("RUST_BACKTRACE", "0")]);
    let read = || std::fs::read_to_string(folder.join("traces.jsonl")).unwrap_or_default();
    if !has_span(&read(), "ended") {
        // The next start takes up what was left.
        let _alone = common::alone();
        let session = Builder::new().directory(&folder).processors("jsonl").init().unwrap();
        wait_until("what was left", || has_span(&read(), "ended"));
        session.shutdown(LIMIT).unwrap();
    }
    (done, read())
}

fn has_span(text: &str, name: &str) -> bool {
    text.lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .any(|record| record["type"] == "span_end" && record["name"] == name)
}

#[test]
fn returning_and_panicking_shut_down() {
    for how in ["return", "panic"] {
        let (done, text) = ended(how);
        assert_eq!(done.status.success(), how == "return", "{}", done.stderr);
        assert!(has_span(&text, "ended") && has_span(&text, "open"), "{how}: {text}");
        assert!(done.stdout.contains("shut down"), "{how}: {}", done.stdout);
    }
}

#[test]
fn exits_without_a_shutdown_deliver_to_the_built_in_processors() {
    for how in ["exit", "exit from a thread", "leaked"] {
        let (done, text) = ended(how);
        assert_eq!(done.status.code(), Some(if how == "leaked" { 0 } else { 7 }), "{how}: {}", done.stderr);
        assert!(has_span(&text, "ended"), "{how}: {text}");
        assert!(!done.stdout.contains("shut down"), "hooks of the host are left alone: {}", done.stdout);
    }
}

#[test]
fn hooks_run_while_the_program_exits_if_they_may() {
    let (done, _) = ended("exit at_exit");
    assert_eq!(done.status.code(), Some(7), "{}", done.stderr);
    assert!(done.stdout.contains("given") && done.stdout.contains("shut down"), "{}", done.stdout);
}

#[test]
fn what_was_recorded_survives_an_abort() {
    let (done, text) = ended("abort");
    assert_eq!(done.status.signal(), Some(6), "{}", done.stderr);
    assert!(has_span(&text, "ended"), "{text}");
}

#[test]
fn a_hook_that_never_returns_does_not_keep_the_program() {
    let begin = Instant::now();
    let (done, text) = ended("slow");
    assert!(done.status.success() && begin.elapsed() < LIMIT, "{}", done.stderr);
    assert!(has_span(&text, "ended"), "{text}");
}
