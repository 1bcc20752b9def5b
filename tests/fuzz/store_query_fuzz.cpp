// Arguments of the store's queries, as a user types them, on a store that holds a few traces.
#include <fuzzer/FuzzedDataProvider.h>

#include "fuzz_support.hpp"
#include "store/store_reader.hpp"

namespace {

using namespace trunkline::fuzz;
using namespace trunkline::store;

std::string make_store() {
  static const Folder folder;
  const std::string path = folder.path();
  tr_config config;
  require(tr_config_init(&config, sizeof config) == TR_OK, "a configuration");
  config.directory = folder.path();
  config.processors = "local";
  require(tr_init(&config, nullptr) == TR_OK, "the library starts");
  for (const char* name : {"weather", "100% of_it", "it's \"quoted\"", ""}) {
    const tr_trace trace = tr_trace_start(name, TR_NUL, nullptr);
    tr_span_end(tr_span_start(trace, 0, TR_KIND_TOOL, name, TR_NUL));
    tr_trace_end(trace);
  }
  require(tr_shutdown(10'000) == TR_OK, "all is delivered");
  return path + "/traces.db";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = make_store();
  static auto store = Store::open(path, Access::kRead);
  require(static_cast<bool>(store), "the store opens");
  FuzzedDataProvider input(data, size);
  TraceFilter filter;
  filter.name = input.ConsumeRandomLengthString();
  filter.status = input.ConsumeRandomLengthString();
  filter.group_id = input.ConsumeRandomLengthString();
  if (input.ConsumeBool()) filter.since_ns = input.ConsumeIntegral<int64_t>();
  if (input.ConsumeBool()) filter.until_ns = input.ConsumeIntegral<int64_t>();
  filter.sort = static_cast<TraceSort>(input.ConsumeIntegralInRange<int>(0, 4));
  filter.limit = input.ConsumeIntegral<uint32_t>();
  filter.offset = input.ConsumeIntegral<uint32_t>();
  const auto traces = store->list_traces(filter);
  require(static_cast<bool>(traces), "a filter is never an error");
  require(traces->size() <= 4 && traces->size() <= filter.limit, "no more is found than there is");
  const std::string id = input.ConsumeRemainingBytesAsString();
  static_cast<void>(store->get_trace(id));
  static_cast<void>(store->spans_of(id));
  static_cast<void>(store->events_of(id));
  return 0;
}
