package trunkline

// Counts of the library. Every loss is counted, with a reason.

// #include "glue.h"
import "C"

// A Mode is where records are kept until every durable processor has them.
type Mode uint32

const (
	ModeOff     Mode = C.TR_MODE_OFF      // not started, or disabled
	ModeFile    Mode = C.TR_MODE_FILE     // on disk
	ModeLogOnly Mode = C.TR_MODE_LOG_ONLY // the recorder in memory, the log on disk
	ModeMemory  Mode = C.TR_MODE_MEMORY   // in memory
)

// Stats are the counts of the library; trunkline.h says what each counts.
type Stats struct {
	Mode Mode

	TracesStarted     uint64
	TracesEnded       uint64
	TracesSampledOut  uint64
	TracesRefused     uint64
	SpansStarted      uint64
	SpansEnded        uint64
	SpansIncomplete   uint64
	SpansRefused      uint64
	StaleHandles      uint64
	Misuse            uint64
	Reentrant         uint64
	ValuesTruncated   uint64
	ValuesDropped     uint64
	AttributesDropped uint64
	ValuesRedacted    uint64
	RecordsLogged     uint64
	LogBytes          uint64
	LogErrors         uint64
	MemoryUsed        uint64
	MemoryMapped      uint64
	RunsAdopted       uint64
	RecordsRecovered  uint64
	RecordsCorrupt    uint64
	RunsExpired       uint64
}

// GetStats reads the counts, also after Shutdown.
func GetStats() Stats {
	c := C.tr_stats{struct_size: C.sizeof_tr_stats}
	C.tr_stats_get(&c)
	return Stats{
		Mode:              Mode(c.mode),
		TracesStarted:     uint64(c.traces_started),
		TracesEnded:       uint64(c.traces_ended),
		TracesSampledOut:  uint64(c.traces_sampled_out),
		TracesRefused:     uint64(c.traces_refused),
		SpansStarted:      uint64(c.spans_started),
		SpansEnded:        uint64(c.spans_ended),
		SpansIncomplete:   uint64(c.spans_incomplete),
		SpansRefused:      uint64(c.spans_refused),
		StaleHandles:      uint64(c.stale_handles),
		Misuse:            uint64(c.misuse),
		Reentrant:         uint64(c.reentrant),
		ValuesTruncated:   uint64(c.values_truncated),
		ValuesDropped:     uint64(c.values_dropped),
		AttributesDropped: uint64(c.attributes_dropped),
		ValuesRedacted:    uint64(c.values_redacted),
		RecordsLogged:     uint64(c.records_logged),
		LogBytes:          uint64(c.log_bytes),
		LogErrors:         uint64(c.log_errors),
		MemoryUsed:        uint64(c.memory_used),
		MemoryMapped:      uint64(c.memory_mapped),
		RunsAdopted:       uint64(c.runs_adopted),
		RecordsRecovered:  uint64(c.records_recovered),
		RecordsCorrupt:    uint64(c.records_corrupt),
		RunsExpired:       uint64(c.runs_expired),
	}
}

// A Tally counts spans among the records, and all records.
type Tally struct{ Spans, Records uint64 }

// ProcessorStats are the counts of one processor. Offered is the sum of all that follow it, but Adopted.
type ProcessorStats struct {
	Offered, Delivered, Rejected, Poisoned, Removed, Overflowed, Unreadable, LeftBehind, Pending Tally

	Adopted     Tally // of processes that died
	Retries     uint64
	PoisonedNow bool // it failed too often and gets nothing more
}

// Stats reads the counts of a processor, also after its removal.
func (id ProcessorID) Stats() (ProcessorStats, error) {
	c := C.tr_processor_stats{struct_size: C.sizeof_tr_processor_stats}
	code := C.tr_processor_stats_get(C.tr_processor_id(id), &c)
	return ProcessorStats{
		Offered: tally(c.offered), Delivered: tally(c.delivered), Rejected: tally(c.rejected),
		Poisoned: tally(c.poisoned), Removed: tally(c.removed), Overflowed: tally(c.overflowed),
		Unreadable: tally(c.unreadable), LeftBehind: tally(c.left_behind), Pending: tally(c.pending),
		Adopted: tally(c.adopted), Retries: uint64(c.retries), PoisonedNow: c.poisoned_now != 0,
	}, errorOf(code)
}

func tally(c C.tr_tally) Tally { return Tally{uint64(c.spans), uint64(c.records)} }
