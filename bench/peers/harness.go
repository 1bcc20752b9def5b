// What the programs in Go share: clocks, the loop of bursts and flushes, one line of JSON; as harness.h does for C.
package main

import (
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
)

const burst = 8192 // spans per thread between two flushes

const (
	processCPU = 2 // CLOCK_PROCESS_CPUTIME_ID
	threadCPU  = 3 // CLOCK_THREAD_CPUTIME_ID
)

// received counts the spans that arrived.
var received atomic.Int64

// text1K is the text of W1.
var text1K = strings.Repeat("the quick brown fox jumps over the lazy dog. ", 23)[:1024]

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

// burstOn makes one burst on each thread: wall and CPU time of the callers, summed.
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

// A bench is what is measured. Where nothing is recorded nothing must arrive.
type bench struct {
	peer, workload, note string
	threads              int
	work                 func(count int)
	flush                func()
	nothing              bool
}

func arguments() (workload string, threads int) {
	workload, threads = os.Args[1], 1
	if len(os.Args) > 2 {
		threads, _ = strconv.Atoi(os.Args[2])
	}
	return workload, threads
}

func (b bench) run() {
	rounds := 25
	if value, err := strconv.Atoi(os.Getenv("ROUNDS")); err == nil {
		rounds = value
	}
	var callWall, callCPU, cpu float64
	var began time.Time
	var before int64
	for round := -1; round < rounds; round++ { // round -1 warms up
		if round == 0 {
			callWall, callCPU, cpu, began, before = 0, 0, clock(processCPU), time.Now(), received.Load()
		}
		wall, used := burstOn(b.threads, b.work)
		callWall += wall
		callCPU += used
		b.flush()
	}
	count := float64(rounds * burst * b.threads)
	dropped := int64(count) - (received.Load() - before)
	if b.nothing {
		dropped = received.Load() - before
	}
	fmt.Printf(`{"peer":"%s","workload":"%s","threads":%d,"spans":%.0f,"call_wall_ns":%.1f,"call_ns":%.1f,`+
		`"cpu_ns":%.1f,"spans_per_s":%.0f,"rss_mb":%.1f,"dropped":%d,"note":"%s"}`+"\n",
		b.peer, b.workload, b.threads, count, callWall/count, callCPU/count, (clock(processCPU)-cpu)/count,
		count/time.Since(began).Seconds(), peakRSS(), dropped, b.note)
}
