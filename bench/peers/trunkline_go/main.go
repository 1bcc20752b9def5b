// The workloads of the comparison through the package for Go, with the log on disk; and spans with four attributes: each
// set by a call that crosses at once (op6), the same with a processor in Go that reads every field (op6read), and as options
// and at the end, which cross together (packed). Usage: W1|W3|W4|op6|op6read|packed THREADS.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	trunkline "trunkline.dev/go"
)

var parent context.Context

// counter is the receiver: of the number of spans, or of their fields, too.
type counter struct{ reads bool }

var seen map[string]any // so that what is read is not optimised away

func (c counter) OnBatch(batch *trunkline.Batch) error {
	count := int64(0)
	for i := range batch.Records {
		record := &batch.Records[i]
		if record.Type != trunkline.RecordSpanEnd {
			continue
		}
		count++
		if c.reads {
			seen = fields(record)
		}
	}
	received.Add(count)
	return nil
}

func fields(record *trunkline.Record) map[string]any {
	found := map[string]any{"id": record.SpanID, "name": record.Name, "start": record.StartNS, "end": record.EndNS}
	for _, attr := range record.Attributes {
		found[attr.Key] = attr.Value.Any()
	}
	return found
}

func full(count int) {
	for range count {
		_, span := trunkline.Start(parent, "llm.chat", trunkline.KindGeneration)
		span.Set(trunkline.String("gen_ai.request.model", "claude-sonnet-4x"))
		span.Set(trunkline.Int("gen_ai.usage.input_tokens", 1234))
		span.Set(trunkline.Int("gen_ai.usage.output_tokens", 256))
		span.Set(trunkline.String("gen_ai.response.finish_reason", "stop"))
		span.Set(trunkline.Float("gen_ai.request.temperature", 0.7))
		span.Set(trunkline.String("gen_ai.output.text", text1K))
		span.End()
	}
}

func bare(count int) {
	for range count {
		_, span := trunkline.Start(parent, "llm.chat", trunkline.KindGeneration)
		span.End()
	}
}

func op6(count int) {
	for range count {
		_, span := trunkline.Start(parent, "llm.chat", trunkline.KindGeneration)
		span.Set(trunkline.String("gen_ai.request.model", "claude-sonnet-4x"))
		span.Set(trunkline.String("gen_ai.provider.name", "openai"))
		span.Set(trunkline.Int("gen_ai.usage.input_tokens", 1234))
		span.Set(trunkline.Float("gen_ai.request.temperature", 0.7))
		span.End()
	}
}

func packed(count int) {
	for range count {
		_, span := trunkline.Start(parent, "llm.chat", trunkline.KindGeneration,
			trunkline.String("gen_ai.request.model", "claude-sonnet-4x"), trunkline.String("gen_ai.provider.name", "openai"))
		span.Set(trunkline.Int("gen_ai.usage.input_tokens", 1234), trunkline.Float("gen_ai.request.temperature", 0.7))
		span.End()
	}
}

func flush() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	trunkline.Flush(ctx)
}

func main() {
	workload, threads := arguments()
	options := []trunkline.Option{trunkline.WithProcessors(),
		trunkline.WithProcessor(trunkline.Custom(counter{workload == "op6read"}))}
	work := map[string]func(int){"W1": full, "W4": full, "W3": bare, "op6": op6, "op6read": op6, "packed": packed}[workload]
	switch workload {
	case "W4":
		options = append(options, trunkline.WithDisabled())
	case "op6", "op6read":
		options = append(options, trunkline.WithAttributeBuffer(0))
	}
	if err := trunkline.Init(options...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer trunkline.Shutdown(context.Background())
	ctx, trace := trunkline.StartTrace(context.Background(), "bench")
	defer trace.End()
	parent = ctx
	bench{"trunkline-go " + trunkline.Version(), workload, "log on disk", threads, work, flush, workload == "W4"}.run()
}
