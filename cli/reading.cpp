#include "reading.hpp"

#include "adopt.hpp"
#include "directory.hpp"
#include "runs.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kAdoptionTimeoutMs = 2'000;

}  // namespace

Expected<std::optional<store::Store>> open_store(Session* session) {
  if (has_runs(session->directory()) && !adopt_for_store(session->directory(), kAdoptionTimeoutMs).complete) {
    warn("not everything that dead processes left behind is in the store yet; 'trunkline recover' takes its time");
  }
  auto store = store::Store::open(store_path(session->directory()), store::Access::kRead);
  if (store) return std::optional<store::Store>(std::move(*store));
  if (store.error().code == TR_ENOENT) return std::optional<store::Store>();
  return store.error();
}

std::string no_traces(const Session& session) { return "no traces yet (" + session.directory() + ")"; }

}  // namespace trunkline::cli
