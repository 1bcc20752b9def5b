package trunkline

import (
	"sync"
	"sync/atomic"
	"unsafe"
	"weak"
)

const defaultBuffer = 4096 // bytes of attributes that wait in Go

// A buffer holds the packed attributes that wait for a span.
type buffer struct {
	bytes []byte
	owner *Span // the last span that it was lent to
}

var buffers = sync.Pool{New: func() any { return newBuffer() }}

// allBuffers leads to the spans for which something waits, at no cost to a span: buffers are made seldom.
var allBuffers struct {
	lock  sync.Mutex
	list  []weak.Pointer[buffer]
	prune int // at this length
}

func newBuffer() *buffer {
	made := &buffer{bytes: make([]byte, 0, 512)}
	all := &allBuffers
	all.lock.Lock()
	defer all.lock.Unlock()
	if len(all.list) >= all.prune {
		alive := all.list[:0]
		for _, each := range all.list {
			if each.Value() != nil {
				alive = append(alive, each)
			}
		}
		all.list, all.prune = alive, 2*len(alive)+64
	}
	all.list = append(all.list, weak.Make(made))
	return made
}

func bufferFor(s *Span) *buffer {
	lent := buffers.Get().(*buffer)
	lent.lendTo(s)
	return lent
}

func (b *buffer) giveBack() {
	if cap(b.bytes) <= 2*defaultBuffer {
		b.bytes = b.bytes[:0]
		buffers.Put(b)
	}
}

// flushOpenSpans hands over what waits in Go for any span.
func flushOpenSpans() {
	all := &allBuffers
	all.lock.Lock()
	list := append([]weak.Pointer[buffer](nil), all.list...)
	all.lock.Unlock()
	for _, each := range list {
		if lent := each.Value(); lent != nil {
			owner := (*Span)(atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&lent.owner))))
			owner.Flush()
		}
	}
}
