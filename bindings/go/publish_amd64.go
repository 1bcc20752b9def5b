//go:build amd64 && !race

package trunkline

// Stores that others see after all that was written before. On this processor every store is one, but Go's atomic ones
// are exchanges, each as dear as taking a lock. The calls keep the compiler from moving anything across.

//go:noinline
func (l *latch) release() { l.state = latchFree }

//go:noinline
func (b *buffer) lendTo(s *Span) { b.owner = s }
