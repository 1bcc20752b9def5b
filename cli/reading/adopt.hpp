// Taking up what processes left behind that died without a goodbye, for the local store or another processor.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "model/expected.hpp"
#include "model/redactor.hpp"
#include "pipeline/adoption.hpp"

namespace trunkline::cli {

class Session;

struct Adopted {
  uint64_t runs = 0;        // dead runs that were looked into
  uint64_t recovered = 0;   // records that were in the memory of the process when it died
  uint64_t incomplete = 0;  // of the delivered ones, those that had not ended
  uint64_t corrupt = 0;     // what could not be believed
  uint64_t expired = 0;     // runs removed though some processor never came for them
  uint64_t delivered = 0;   // records the processor has taken
  uint64_t spans = 0;       // spans among them
  uint64_t waiting = 0;     // runs that hold something for other processors
  std::string destination;  // of the processor; empty: none
  bool complete = true;  // false: there was no time for everything, it could not be read, or the processor refused it
};

// The rules of the one who reads, for what the one who records has not redacted yet.
std::shared_ptr<const Redactor> make_redactor();

// Waits no longer than the timeout. What goes wrong is warned about on standard error.
Adopted adopt_for_store(const std::string& directory, int64_t timeout_ms,
                        pipeline::Expired expired = pipeline::Expired::kRemoved);

// For a built-in processor of another kind, one of kSyncTargets, by its options as JSON and its environment. `from`:
// what waits for this destination is delivered to that of the options; empty: what waits for the latter.
Expected<Adopted> adopt_for(std::string_view target, std::string_view options_json, const std::string& from,
                            const std::string& directory, int64_t timeout_ms);
// Gives up what waits for the processor of this name and destination, and nothing else: `delivered` is how much it was.
Adopted discard_for(const std::string& name, const std::string& destination, const std::string& directory,
                    int64_t timeout_ms);
inline constexpr std::string_view kSyncTargets = "mlflow|wandb";

// What `recover` and `sync` say; the exit code. `place` is where the records went, for people.
int report(const Adopted& found, std::string_view place, Session* session);

}  // namespace trunkline::cli
