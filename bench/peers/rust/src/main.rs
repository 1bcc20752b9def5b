// The crate `trunkline`, which finds the library at run time. Usage: W1|W3|W4|op6|op6read THREADS, with
// TRUNKLINE_LIBRARY naming the library. op6: start, two texts, an integer, a double, end, without a processor; op6read:
// the same, and a processor reads id, name, times and attributes of every span.
#[path = "../../harness.rs"]
mod harness;
use harness::*;
use std::hint::black_box;
use std::sync::atomic::Ordering;
use std::time::Duration;
use trunkline::{Batch, Builder, Kind, Outcome, Processor, RecordType, Registration, Span, Trace};

struct Counting;

impl Processor for Counting {
    fn on_batch(&mut self, batch: &Batch<'_>) -> Outcome {
        let spans = batch.records().filter(|record| record.record_type() == RecordType::SPAN_END).count();
        RECEIVED.fetch_add(spans as i64, Ordering::Relaxed);
        Ok(())
    }
}

struct Reading;

impl Processor for Reading {
    fn on_batch(&mut self, batch: &Batch<'_>) -> Outcome {
        for record in batch.records().filter(|record| record.record_type() == RecordType::SPAN_END) {
            black_box((record.span_id(), record.name(), record.start_ns(), record.end_ns()));
            for attribute in record.attributes() {
                black_box((attribute.key(), attribute.value()));
            }
            RECEIVED.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn w1(span: &Span, text: &str) {
    span.set("gen_ai.request.model", MODEL)
        .set("gen_ai.usage.input_tokens", 1234)
        .set("gen_ai.usage.output_tokens", 256)
        .set("gen_ai.response.finish_reason", "stop")
        .set("gen_ai.request.temperature", 0.7)
        .set("gen_ai.output.text", text);
}

fn op6(span: &Span) {
    span.set("gen_ai.request.model", MODEL)
        .set("gen_ai.system", "openai")
        .set("gen_ai.usage.input_tokens", 1234)
        .set("gen_ai.request.temperature", 0.7);
}

fn burst(trace: Trace, fill: impl Fn(&Span)) -> impl Fn(usize) {
    move |spans| {
        for _ in 0..spans {
            fill(&trace.span("llm.chat", Kind::GENERATION));
        }
    }
}

fn flush() {
    trunkline::flush(Duration::from_secs(60)).expect("everything is delivered");
}

fn main() {
    let (workload, threads) = arguments();
    let session = Builder::new().processors("none").disabled(workload == "W4").init().expect("it starts");
    let registration = match workload.as_str() {
        "op6" => None,
        "op6read" => Some(Registration::new("reading", Reading)),
        _ => Some(Registration::new("counting", Counting)),
    };
    if let Some(registration) = registration {
        // With tracing switched off there is nothing to add it to.
        assert_eq!(trunkline::add_processor(registration).is_ok(), workload != "W4");
    }
    let trace = trunkline::trace("bench");
    let rounds = if workload == "W4" { 400 } else { 50 };
    let note = "log on disk, through dlopen";
    let run = Run { peer: "trunkline, Rust", note, workload: &workload, threads, rounds };
    let text = text(1024);
    match workload.as_str() {
        "W3" => run_bursts(run, burst(trace, |_| {}), flush),
        "op6" => run_bursts(run, burst(trace, op6), || {
            // Nobody receives them; those that were recorded count.
            flush();
            RECEIVED.store(trunkline::stats().spans_ended as i64, Ordering::Relaxed);
        }),
        "op6read" => run_bursts(run, burst(trace, op6), flush),
        "W4" => run_bursts(run, burst(trace, move |span| w1(span, &text)), || {}),
        _ => run_bursts(run, burst(trace, move |span| w1(span, &text)), flush),
    }
    session.shutdown(Duration::from_secs(10)).expect("it ends");
}
