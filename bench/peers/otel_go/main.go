// OpenTelemetry's SDK for Go: a batch span processor before an exporter that discards. Usage: W1|W3|W4 THREADS.
package main

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type discard struct{}

func (discard) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	received.Add(int64(len(spans)))
	return nil
}
func (discard) Shutdown(context.Context) error { return nil }

type spans struct {
	tracer trace.Tracer
	parent context.Context
}

func (s spans) full(count int) {
	for range count {
		_, span := s.tracer.Start(s.parent, "llm.chat")
		span.SetAttributes(attribute.String("gen_ai.request.model", "claude-sonnet-4x"))
		span.SetAttributes(attribute.Int("gen_ai.usage.input_tokens", 1234))
		span.SetAttributes(attribute.Int("gen_ai.usage.output_tokens", 256))
		span.SetAttributes(attribute.String("gen_ai.response.finish_reason", "stop"))
		span.SetAttributes(attribute.Float64("gen_ai.request.temperature", 0.7))
		span.SetAttributes(attribute.String("gen_ai.output.text", text1K))
		span.End()
	}
}

func (s spans) bare(count int) {
	for range count {
		_, span := s.tracer.Start(s.parent, "llm.chat")
		span.End()
	}
}

func main() {
	workload, threads := arguments()
	sampler := sdk.AlwaysSample()
	if workload == "W4" {
		sampler = sdk.NeverSample()
	}
	batcher := sdk.WithBatcher(discard{}, sdk.WithMaxQueueSize(65536), sdk.WithMaxExportBatchSize(512))
	provider := sdk.NewTracerProvider(batcher, sdk.WithSampler(sampler))
	s := spans{tracer: provider.Tracer("bench")}
	s.parent, _ = s.tracer.Start(context.Background(), "root")
	work := s.full
	if workload == "W3" {
		work = s.bare
	}
	bench{"otel-go " + otel.Version(), workload, "texts by reference", threads, work,
		func() { provider.ForceFlush(context.Background()) }, workload == "W4"}.run()
}
