"""CPU time of a span in Python, ours and OpenTelemetry's in turn: nanoseconds of the thread that records, and of the
whole process, delivery included; the least of several rounds. usage: bench.py [ROUNDS]

op6: start, two texts, an integer, a double, end, through the low-level module. W1: the same with six attributes, one of
them 1 KB. delivered: what op6 costs more when a processor in Python gets every span, and reads its fields."""

import sys
import tempfile
import time

import trunkline
from trunkline import _trunkline as native

SPANS = 20_000
MODEL = "claude-sonnet-4x"
TEXT = ("the quick brown fox jumps over the lazy dog. " * 100)[:1024]
K = ("gen_ai.request.model", "gen_ai.system", "gen_ai.usage.input_tokens", "gen_ai.request.temperature")
LIMITS = {"op6": (700, 0), "W1": (5000, 0), "with span, 4 attributes": (1500, 0), "delivered": (1500, 1)}


class Counting(trunkline.TraceProcessor):
    count = 0

    def on_span_end(self, record):
        self.count += 1


class Reading(Counting):
    def on_span_end(self, record):
        self.count += 1
        record.span_id, record.name, record.start_ns, record.end_ns, record.attributes


SETTERS = (native.span_start, native.span_set_str, native.span_set_i64, native.span_set_f64, native.span_end)


def op6():
    start, text, integer, double, end = SETTERS
    trace = native.trace_start("t", None, None, None, None)
    for _ in range(SPANS):
        span = start(trace, 0, 4, "llm.chat")
        text(span, K[0], MODEL)
        text(span, K[1], "openai")
        integer(span, K[2], 1234)
        double(span, K[3], 0.7)
        end(span)
    native.trace_end(trace)


def w1():
    start, text, integer, double, end = SETTERS
    trace = native.trace_start("t", None, None, None, None)
    for _ in range(SPANS):
        span = start(trace, 0, 4, "llm.chat")
        text(span, K[0], MODEL)
        integer(span, K[2], 1234)
        integer(span, "gen_ai.usage.output_tokens", 256)
        text(span, "gen_ai.response.finish_reason", "stop")
        double(span, K[3], 0.7)
        text(span, "gen_ai.output.text", TEXT)
        end(span)
    native.trace_end(trace)


def with_span():
    with trunkline.trace("t"):
        for _ in range(SPANS):
            with trunkline.span("llm.chat", kind=trunkline.Kind.GENERATION) as span:
                span.set(K[0], MODEL)
                span.set(K[1], "openai")
                span.set(K[2], 1234)
                span.set(K[3], 0.7)


@trunkline.trace
def empty():
    pass


def decorated():
    with trunkline.trace("t"):
        for _ in range(SPANS):
            empty()


def opentelemetry():
    """W1 as OpenTelemetry's SDK does it, with a batch processor whose exporter throws everything away."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans):
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere(), max_queue_size=65536, max_export_batch_size=512))
    tracer = provider.get_tracer("bench")
    context = trace.set_span_in_context(tracer.start_span("root"))

    def w1():
        for _ in range(SPANS):
            span = tracer.start_span("llm.chat", context)
            span.set_attribute(K[0], MODEL)
            span.set_attribute(K[2], 1234)
            span.set_attribute("gen_ai.usage.output_tokens", 256)
            span.set_attribute("gen_ai.response.finish_reason", "stop")
            span.set_attribute(K[3], 0.7)
            span.set_attribute("gen_ai.output.text", TEXT)
            span.end()

    return w1, provider.force_flush


def once(work, flush):
    process, thread = time.process_time_ns(), time.thread_time_ns()
    work()
    thread = time.thread_time_ns() - thread
    flush()
    return thread / SPANS, (time.process_time_ns() - process) / SPANS


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    trunkline.init(tempfile.mkdtemp(prefix="trunkline-bench-"), processors="none")
    flush = lambda: trunkline.force_flush(60)  # noqa: E731
    jobs = [("op6", op6, flush, None), ("op6 delivered", op6, flush, Counting()), ("op6 read", op6, flush, Reading()),
            ("W1", w1, flush, None), ("with span, 4 attributes", with_span, flush, None),
            ("@trace, empty", decorated, flush, None)]
    try:
        jobs.append(("W1 of OpenTelemetry", *opentelemetry(), None))
    except ImportError:
        print("OpenTelemetry is not installed: it is left out")
    best = {}
    for _ in range(rounds):
        for name, work, end, processor in jobs:
            trunkline.set_trace_processors([] if processor is None else [processor])
            result = once(work, end)
            best[name] = tuple(map(min, result, best.get(name, result)))
    best["delivered"] = (0.0, best["op6 delivered"][1] - best["op6"][1])
    best["delivered and read"] = (0.0, best["op6 read"][1] - best["op6"][1])
    print(f"{'':26}{'thread ns':>10}{'process ns':>11}{'goal':>7}")
    for name, (thread, process) in best.items():
        goal, of = LIMITS.get(name, (0, 0))
        verdict = f"{goal:7} {'met' if (thread, process)[of] <= goal else 'MISSED'}" if goal else ""
        print(f"{name:26}{thread:10.0f}{process:11.0f}{verdict}")


if __name__ == "__main__":
    main()
