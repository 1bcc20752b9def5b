#include "reading/reading.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "os/time.hpp"
#include "reading/adopt.hpp"
#include "reading/directory.hpp"
#include "reading/runs.hpp"
#include "reading/trace_ids.hpp"
#include "terminal/time_text.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kAdoptionTimeoutMs = 2'000;
constexpr int64_t kIndexingTimeoutNs = 120'000'000'000;
constexpr int64_t kWorthANote = 100'000;  // spans
constexpr size_t kMostCandidates = 10;

// Ids are written with dashes, too, and in upper case. Empty: not hexadecimal.
std::string normal_id(const std::string& given) {
  std::string id;
  for (const char c : given) {
    if (c == '-') continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return "";
    id.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return id.size() > 32 ? "" : id;
}

Error ambiguous(store::Store* store, const std::string& id, const Session& session) {
  Error error{TR_EINVAL, "several traces have ids that begin with " + id};
  if (session.json()) return error;
  const auto candidates = traces_with_prefix(store, id, kMostCandidates + 1);
  for (size_t i = 0; i < std::min(candidates.size(), kMostCandidates); ++i) {
    note("  " + candidates[i].id + "  " + time_text(candidates[i].start_ns) + "  " + candidates[i].name);
  }
  if (candidates.size() > kMostCandidates) note("  and more");
  return error;
}

}  // namespace

Expected<std::optional<store::Store>> open_store(Session* session) {
  if (has_runs(session->directory()) && !adopt_for_store(session->directory(), kAdoptionTimeoutMs).complete) {
    warn("not everything that dead processes left behind is in the store yet; 'trunkline recover' takes its time");
  }
  const std::string path = store_path(session->directory());
  auto store = store::Store::open(path, store::Access::kRead);
  // Opening it for writing migrates it; a store that may not be touched stays as it is.
  if (!store && store.error().code == TR_EUNSUPPORTED && store::Store::open(path, store::Access::kWrite)) {
    store = store::Store::open(path, store::Access::kRead);
  }
  if (store) return std::optional<store::Store>(std::move(*store));
  if (store.error().code == TR_ENOENT) return std::optional<store::Store>();
  return store.error();
}

std::string no_traces(const Session& session) { return "no traces yet (" + session.directory() + ")"; }

void update_search_index(store::Store* store, const Session& session) {
  const auto missing = store->unindexed_spans();
  if (!missing || *missing == 0) return;
  if (*missing >= kWorthANote && ::isatty(STDERR_FILENO) == 1) {
    note("indexing the texts of " + std::to_string(*missing) + " spans ...");
  }
  auto writable = store::Store::open(store_path(session.directory()), store::Access::kWrite);
  if (writable) static_cast<void>(writable->update_search_index(os::monotonic_now() + kIndexingTimeoutNs));
}

Expected<store::TraceSummary> find_trace(store::Store* store, const std::string& given, const Session& session) {
  const std::string id = normal_id(given);
  if (id.empty()) return Error{TR_EINVAL, "'" + given + "' is no trace id: those are 1 to 32 hexadecimal digits"};
  auto trace = store->get_trace(id);
  if (!trace && trace.error().code == TR_EINVAL) return ambiguous(store, id, session);
  return trace;
}

}  // namespace trunkline::cli
