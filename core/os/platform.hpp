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

}  // namespace trunkline::os
