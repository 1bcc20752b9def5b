// An asymmetric barrier: the frequent side pays nothing but keeps the compiler from reordering, the rare side makes
// every running thread of the process execute a full barrier (membarrier). Where the kernel refuses, the frequent side
// fences.
#pragma once

#include <atomic>

namespace trunkline::os {

// Registers the process; false when the kernel offers no expedited barrier. Once per process image and after fork.
bool enable_heavy_barrier();

// The rare side.
void heavy_barrier();

// The frequent side. `asymmetric` is what enable_heavy_barrier returned.
inline void light_barrier(bool asymmetric) {
  if (asymmetric) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
}

}  // namespace trunkline::os
