package trunkline

import (
	"runtime"
	"sync/atomic"
	"time"
)

// A latch guards what a span keeps in Go, which is mostly used by one goroutine and for a few instructions. It costs
// half of a sync.Mutex: what lets go of it need not know whether somebody waits, who looks again instead. Closed for
// good it is by the end of the span.
type latch struct{ state uint32 }

const (
	latchFree = iota
	latchTaken
	latchClosed
)

const yields = 64 // before one who waits sleeps, for who has the latch may be copying megabytes

// take returns false when it is closed.
func (l *latch) take() bool {
	return atomic.CompareAndSwapUint32(&l.state, latchFree, latchTaken) || l.become(latchTaken)
}

// close returns false when somebody else has closed it.
func (l *latch) close() bool {
	return atomic.CompareAndSwapUint32(&l.state, latchFree, latchClosed) || l.become(latchClosed)
}

func (l *latch) become(state uint32) bool {
	for tries := 0; atomic.LoadUint32(&l.state) != latchClosed; tries++ {
		if atomic.CompareAndSwapUint32(&l.state, latchFree, state) {
			return true
		}
		if tries < yields {
			runtime.Gosched()
		} else {
			time.Sleep(20 * time.Microsecond)
		}
	}
	return false
}
