// Which machines this library is for. Another one gets its place here, not an #ifdef elsewhere.
#pragma once

#if !defined(__linux__)
#error "libtrunkline runs on Linux; a port belongs into core/os"
#endif
#if !defined(__x86_64__) && !defined(__aarch64__)
#error "libtrunkline runs on x86-64 and arm64; a port belongs into core/os"
#endif

namespace trunkline::os {

// Tells the processor that this is a spin loop.
inline void spin_pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield");
#endif
}

// Asks for the cache line of `at` as one that will be written.
inline void prefetch_for_write(const void* at) {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(at)));
#else
  __builtin_prefetch(at, 1, 3);
#endif
}

}  // namespace trunkline::os
