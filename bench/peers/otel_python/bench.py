"""OpenTelemetry's SDK for Python: a batch span processor before an exporter that discards. Usage: W1|W3|W4 THREADS."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import MODEL, TEXT, WORKLOAD, received, run_bursts  # noqa: E402
from opentelemetry import trace  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult  # noqa: E402
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON  # noqa: E402
from opentelemetry.sdk.version import __version__  # noqa: E402


class Discard(SpanExporter):
    def export(self, spans):
        received[0] += len(spans)
        return SpanExportResult.SUCCESS


provider = TracerProvider(sampler=ALWAYS_OFF if WORKLOAD == "W4" else ALWAYS_ON)
provider.add_span_processor(BatchSpanProcessor(Discard(), max_queue_size=65536, max_export_batch_size=512))
tracer = provider.get_tracer("bench")
parent = trace.set_span_in_context(tracer.start_span("root"))


def full(spans):
    for _ in range(spans):
        span = tracer.start_span("llm.chat", parent)
        span.set_attribute("gen_ai.request.model", MODEL)
        span.set_attribute("gen_ai.usage.input_tokens", 1234)
        span.set_attribute("gen_ai.usage.output_tokens", 256)
        span.set_attribute("gen_ai.response.finish_reason", "stop")
        span.set_attribute("gen_ai.request.temperature", 0.7)
        span.set_attribute("gen_ai.output.text", TEXT)
        span.end()


def bare(spans):
    for _ in range(spans):
        tracer.start_span("llm.chat", parent).end()


run_bursts(f"otel-python {__version__}", bare if WORKLOAD == "W3" else full, provider.force_flush)
