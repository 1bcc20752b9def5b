//go:build !amd64 || race

package trunkline

import (
	"sync/atomic"
	"unsafe"
)

func (l *latch) release() { atomic.StoreUint32(&l.state, latchFree) }

func (b *buffer) lendTo(s *Span) {
	atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&b.owner)), unsafe.Pointer(s))
}
