// The options by which several commands choose traces.
#pragma once

#include "arguments.hpp"
#include "command.hpp"
#include "session.hpp"
#include "store/store_reader.hpp"

namespace trunkline::cli {

inline constexpr Option kFilterOptions[] = {
    {"name", 0, OptionType::kText, "TEXT", "Only traces whose name contains TEXT, in upper or lower case."},
    {"status", 0, OptionType::kChoice, "running|ok|error|incomplete", "Only traces of this status."},
    {"group", 0, OptionType::kText, "ID", "Only traces of this group, a conversation for example."},
    {"kind", 0, OptionType::kText, "KIND", "Only traces with a span of this kind: tool, generation, ..."},
    {"text", 0, OptionType::kText, "WORDS",
     "Only traces with a span whose input, output or error contains these words, one after the other."},
    {"since", 0, OptionType::kTime, "WHEN",
     "Only traces that started then or later: 2026-11-21, 2026-11-21T10:00 (local time; with a Z at the end UTC), or "
     "45s, 30m, 2h, 7d, 2w ago."},
    {"until", 0, OptionType::kTime, "WHEN", "Only traces that started before."},
    {"min-duration", 0, OptionType::kDuration, "TIME",
     "Only traces that took TIME or longer, or have been running for so long: 150ms, 2s, 1m30s."},
    {"max-duration", 0, OptionType::kDuration, "TIME", "Only traces that took TIME at most."},
    {"min-tokens", 0, OptionType::kCount, "N", "Only traces that used N tokens or more."},
    {"max-tokens", 0, OptionType::kCount, "N", "Only traces that used N tokens at most."},
};

// The Error is about the command line. The limit is left to the caller.
Expected<store::TraceFilter> filter_of(const Arguments& arguments, const Session& session);

// Of an option --kind; absent: not given.
Expected<std::optional<uint32_t>> kind_of(const Arguments& arguments);

// An option that counts, 0 meaning all of them.
uint32_t limit_of(const Arguments& arguments, int64_t usual);

}  // namespace trunkline::cli
