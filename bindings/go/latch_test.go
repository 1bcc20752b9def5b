package trunkline

import (
	"sync"
	"testing"
)

func TestALatchLetsOneThroughAtATime(t *testing.T) {
	const goroutines, each = 16, 20000
	var guarded latch
	var group sync.WaitGroup
	count, closed := 0, 0
	for range goroutines {
		group.Add(1)
		go func() {
			defer group.Done()
			for range each {
				if !guarded.take() {
					t.Error("closed by nobody")
				}
				count++
				guarded.release()
			}
		}()
	}
	group.Wait()
	expect(t, "what was counted", count, goroutines*each)
	for range goroutines {
		group.Add(1)
		go func() {
			defer group.Done()
			if guarded.close() {
				closed++
			}
		}()
	}
	group.Wait()
	expect(t, "how many have closed it", closed, 1)
	expect(t, "whether it can be taken", guarded.take(), false)
}
