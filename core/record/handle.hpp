// Handles: 53-bit numbers [generation 31][kind 2][slot 20]. A slot's state word holds generation and kind too, so that
// a handle is valid exactly when the word is the one that follows from it; a stale one never touches the contents.
#pragma once

#include <cstdint>

namespace trunkline::record {

enum class HandleKind : uint64_t { kTrace = 1, kSpan = 2, kRun = 3 };

inline constexpr uint64_t kSlotBits = 20;
inline constexpr uint64_t kSlotMask = (1u << kSlotBits) - 1;
inline constexpr uint64_t kGenerationMask = (1ull << 31) - 1;

// State word: [generation 31][kind 2][flags 8].
inline constexpr uint64_t kLive = 1;
inline constexpr uint64_t kLocked = 2;
inline constexpr uint64_t kEnded = 4;
inline constexpr uint64_t kFlagBits = 8;

constexpr uint64_t free_state(uint64_t generation) { return (generation & kGenerationMask) << (2 + kFlagBits); }
constexpr uint64_t generation_of(uint64_t state) { return state >> (2 + kFlagBits); }
constexpr uint64_t live_state(uint64_t generation, HandleKind kind) {
  return free_state(generation) | static_cast<uint64_t>(kind) << kFlagBits | kLive;
}
constexpr uint64_t make_handle(uint64_t live, uint32_t slot) { return live >> kFlagBits << kSlotBits | slot; }
constexpr uint64_t expected_state(uint64_t handle) { return handle >> kSlotBits << kFlagBits | kLive; }
inline constexpr uint32_t kMaxSlots = 1u << kSlotBits;
constexpr uint32_t slot_of(uint64_t handle) { return static_cast<uint32_t>(handle & kSlotMask); }
constexpr bool says_kind(uint64_t handle, HandleKind kind) {
  return (handle >> kSlotBits & 3) == static_cast<uint64_t>(kind);
}
constexpr bool is_kind(uint64_t handle, HandleKind kind) { return says_kind(handle, kind) && handle >> 53 == 0; }

}  // namespace trunkline::record
