"""The tracing of openai-agents: its batch processor before an exporter that discards. Usage: W1|W3|W4 THREADS."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import MODEL, TEXT, WORKLOAD, received, run_bursts  # noqa: E402

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1" if WORKLOAD == "W4" else "0"
from agents.tracing import custom_span, set_trace_processors, set_tracing_disabled, trace  # noqa: E402
from agents.tracing.processor_interface import TracingExporter  # noqa: E402
from agents.tracing.processors import BatchTraceProcessor  # noqa: E402
from agents.tracing.spans import Span  # noqa: E402
from agents.version import __version__  # noqa: E402


class Discard(TracingExporter):
    def export(self, items):
        received[0] += sum(isinstance(item, Span) for item in items)


processor = BatchTraceProcessor(Discard(), max_queue_size=65536, max_batch_size=512)
set_trace_processors([processor])
set_tracing_disabled(WORKLOAD == "W4")
root = trace("root")
root.start()


def full(spans):
    for _ in range(spans):
        span = custom_span("llm.chat", {}, parent=root)
        span.start()
        data = span.span_data.data if hasattr(span.span_data, "data") else {}
        data["gen_ai.request.model"] = MODEL
        data["gen_ai.usage.input_tokens"] = 1234
        data["gen_ai.usage.output_tokens"] = 256
        data["gen_ai.response.finish_reason"] = "stop"
        data["gen_ai.request.temperature"] = 0.7
        data["gen_ai.output.text"] = TEXT
        span.finish()


def bare(spans):
    for _ in range(spans):
        span = custom_span("llm.chat", {}, parent=root)
        span.start()
        span.finish()


run_bursts(f"openai-agents {__version__}", bare if WORKLOAD == "W3" else full, processor.force_flush)
