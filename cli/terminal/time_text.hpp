// Times and durations as people write and read them. Times are Unix nanoseconds; what is read and shown is local time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trunkline::cli {

// 2026-11-21, 2026-11-21T10:00 or 2026-11-21T10:00:30 (a space may stand for the T, a Z at the end means UTC); or how
// long before `now_ns`: 45s, 30m, 2h, 7d, 2w, with or without "ago".
std::optional<int64_t> parse_time(std::string_view text, int64_t now_ns);

// 150ms, 2s, 1m30s, 2h, 500us: numbers with units (ns, us, ms, s, m, h, d), added up.
std::optional<int64_t> parse_duration(std::string_view text);

std::string time_text(int64_t time_ns);                        // 2026-11-21 10:00:30
std::string short_time_text(int64_t time_ns, int64_t now_ns);  // 11-21 10:00:30, or 2025-11-21 10:00

// 850ns, 12.3µs, 310ms, 1.24s, 2m05s, 3h07m, 2d03h
std::string duration_text(int64_t duration_ns);

}  // namespace trunkline::cli
