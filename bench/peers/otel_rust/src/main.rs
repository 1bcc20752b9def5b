// OpenTelemetry's SDK for Rust: a batch span processor before an exporter that discards. Usage: W1|W3|W4 THREADS.
#[path = "../../harness.rs"]
mod harness;
use harness::*;
use opentelemetry::trace::{Span, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter,
};
use std::sync::atomic::Ordering;

#[derive(Debug)]
struct Discard;

impl SpanExporter for Discard {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        RECEIVED.fetch_add(batch.len() as i64, Ordering::Relaxed);
        Ok(())
    }
}

fn main() {
    let (workload, threads) = arguments();
    let config = BatchConfigBuilder::default().with_max_queue_size(65536).with_max_export_batch_size(512).build();
    let processor = BatchSpanProcessor::builder(Discard).with_batch_config(config).build();
    let sampler = if workload == "W4" { Sampler::AlwaysOff } else { Sampler::AlwaysOn };
    let provider = SdkTracerProvider::builder().with_span_processor(processor).with_sampler(sampler).build();
    let tracer = provider.tracer("bench");
    let parent = Context::new().with_span(tracer.start("root"));
    let flushed = provider.clone();
    let flush = move || flushed.force_flush().unwrap();
    let note = "batches of 512, a queue of 65,536";
    let run = Run { peer: "otel-rust 0.33.1", note, workload: &workload, threads, rounds: 25 };
    if workload == "W3" {
        let burst = move |spans| {
            for _ in 0..spans {
                tracer.start_with_context("llm.chat", &parent).end();
            }
        };
        run_bursts(run, burst, flush);
    } else {
        let text = text(1024);
        let burst = move |spans| {
            for _ in 0..spans {
                let mut span = tracer.start_with_context("llm.chat", &parent);
                span.set_attribute(KeyValue::new("gen_ai.request.model", MODEL.to_string()));
                span.set_attribute(KeyValue::new("gen_ai.usage.input_tokens", 1234i64));
                span.set_attribute(KeyValue::new("gen_ai.usage.output_tokens", 256i64));
                span.set_attribute(KeyValue::new("gen_ai.response.finish_reason", "stop"));
                span.set_attribute(KeyValue::new("gen_ai.request.temperature", 0.7));
                span.set_attribute(KeyValue::new("gen_ai.output.text", text.clone()));
                span.end();
            }
        };
        run_bursts(run, burst, flush);
    }
    std::process::exit(0);
}
