// OpenTelemetry's SDK for Go: a batch span processor before an exporter that discards. Usage: W1|W3|W4 THREADS.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const burst = 8192 // spans per thread between two flushes

const (
	processCPU = 2 // CLOCK_PROCESS_CPUTIME_ID
	threadCPU  = 3 // CLOCK_THREAD_CPUTIME_ID
)

var received atomic.Int64

type discard struct{}

func (discard) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	received.Add(int64(len(spans)))
	return nil
}
func (discard) Shutdown(context.Context) error { return nil }

func clock(id uintptr) float64 {
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&t)), 0)
	return float64(t.Sec)*1e9 + float64(t.Nsec)
}

func peakRSS() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseFloat(fields[0], 64)
	return kib / 1024
}

type spans struct {
	tracer trace.Tracer
	parent context.Context
	text   string
}

func (s spans) full(count int) {
	for range count {
		_, span := s.tracer.Start(s.parent, "llm.chat")
		span.SetAttributes(attribute.String("gen_ai.request.model", "claude-sonnet-4x"))
		span.SetAttributes(attribute.Int("gen_ai.usage.input_tokens", 1234))
		span.SetAttributes(attribute.Int("gen_ai.usage.output_tokens", 256))
		span.SetAttributes(attribute.String("gen_ai.response.finish_reason", "stop"))
		span.SetAttributes(attribute.Float64("gen_ai.request.temperature", 0.7))
		span.SetAttributes(attribute.String("gen_ai.output.text", s.text))
		span.End()
	}
}

func (s spans) bare(count int) {
	for range count {
		_, span := s.tracer.Start(s.parent, "llm.chat")
		span.End()
	}
}

// One burst on each thread. Wall and CPU time of the callers, summed.
func burstOn(threads int, work func(int)) (wall, cpu float64) {
	var group sync.WaitGroup
	var lock sync.Mutex
	for range threads {
		group.Add(1)
		go func() {
			defer group.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			began, before := time.Now(), clock(threadCPU)
			work(burst)
			took, used := float64(time.Since(began)), clock(threadCPU)-before
			lock.Lock()
			defer lock.Unlock()
			wall += took
			cpu += used
		}()
	}
	group.Wait()
	return wall, cpu
}

func main() {
	workload, threads, rounds := os.Args[1], 1, 25
	if len(os.Args) > 2 {
		threads, _ = strconv.Atoi(os.Args[2])
	}
	if value, err := strconv.Atoi(os.Getenv("ROUNDS")); err == nil {
		rounds = value
	}
	background := context.Background()
	sampler := sdk.AlwaysSample()
	if workload == "W4" {
		sampler = sdk.NeverSample()
	}
	batcher := sdk.WithBatcher(discard{}, sdk.WithMaxQueueSize(65536), sdk.WithMaxExportBatchSize(512))
	provider := sdk.NewTracerProvider(batcher, sdk.WithSampler(sampler))
	s := spans{tracer: provider.Tracer("bench"), text: strings.Repeat("the quick brown fox jumps over the lazy dog. ", 23)[:1024]}
	s.parent, _ = s.tracer.Start(background, "root")
	work := s.full
	if workload == "W3" {
		work = s.bare
	}
	var callWall, callCPU, cpu float64
	var began time.Time
	var before int64
	for round := -1; round < rounds; round++ { // round -1 warms up
		if round == 0 {
			callWall, callCPU, cpu, began, before = 0, 0, clock(processCPU), time.Now(), received.Load()
		}
		wall, used := burstOn(threads, work)
		callWall += wall
		callCPU += used
		provider.ForceFlush(background)
	}
	count := float64(rounds * burst * threads)
	dropped := int64(count) - (received.Load() - before)
	if workload == "W4" {
		dropped = before - received.Load()
	}
	fmt.Printf(`{"peer":"otel-go %s","workload":"%s","threads":%d,"spans":%.0f,"call_wall_ns":%.1f,"call_ns":%.1f,`+
		`"cpu_ns":%.1f,"spans_per_s":%.0f,"rss_mb":%.1f,"dropped":%d,"note":"texts by reference"}`+"\n",
		otel.Version(), workload, threads, count, callWall/count, callCPU/count, (clock(processCPU)-cpu)/count,
		count/time.Since(began).Seconds(), peakRSS(), max(dropped, -dropped))
}
