// fastrace, with local spans under a thread-local parent: the path that its own benchmark uses. It hands a trace over
// when the root ends, so each 64 spans have a root of their own, which is not counted. Usage: W1|W3|W4 THREADS.
#[path = "../../harness.rs"]
mod harness;
use fastrace::collector::{Config, Reporter, SpanRecord};
use fastrace::prelude::*;
use harness::*;
use std::sync::atomic::Ordering;

const GROUP: usize = 64;

struct Discard;

impl Reporter for Discard {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        let count = spans.iter().filter(|span| span.name != "root").count();
        RECEIVED.fetch_add(count as i64, Ordering::Relaxed);
    }
}

fn groups(spans: usize, sampled: bool, span: impl Fn()) {
    let mut done = 0;
    while done < spans {
        let root = Span::root("root", SpanContext::random().sampled(sampled));
        let _parent = root.set_local_parent();
        let count = GROUP.min(spans - done);
        for _ in 0..count {
            span();
        }
        done += count;
    }
}

fn main() {
    let (workload, threads) = arguments();
    fastrace::set_reporter(Discard, Config::default());
    let rounds = if workload == "W4" { 200 } else { 25 };
    let note = "a root per 64 spans; every value a string; a queue without limit";
    let run = Run { peer: "fastrace 0.7.19", note, workload: &workload, threads, rounds };
    let sampled = workload != "W4";
    if workload == "W3" {
        let span = || drop(LocalSpan::enter_with_local_parent("llm.chat"));
        run_bursts(run, move |spans| groups(spans, sampled, span), fastrace::flush);
    } else {
        let text = text(1024);
        let span = move || {
            let span = LocalSpan::enter_with_local_parent("llm.chat");
            let span = span.with_property(|| ("gen_ai.request.model", MODEL.to_string()));
            let span = span.with_property(|| ("gen_ai.usage.input_tokens", 1234.to_string()));
            let span = span.with_property(|| ("gen_ai.usage.output_tokens", 256.to_string()));
            let span = span.with_property(|| ("gen_ai.response.finish_reason", "stop"));
            let span = span.with_property(|| ("gen_ai.request.temperature", 0.7.to_string()));
            drop(span.with_property(|| ("gen_ai.output.text", text.clone())));
        };
        run_bursts(run, move |spans| groups(spans, sampled, &span), fastrace::flush);
    }
    std::process::exit(0);
}
