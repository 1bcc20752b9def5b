// A `traceparent` header from the network: what is accepted is written again and read as the same.
#include <cstring>

#include "fuzz_support.hpp"
#include "model/traceparent.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using trunkline::fuzz::require;
  const auto parsed = trunkline::parse_traceparent({reinterpret_cast<const char*>(data), size});
  if (!parsed) return 0;
  char text[TR_TRACEPARENT_SIZE + 1];
  trunkline::format_traceparent(*parsed, text);
  require(std::strlen(text) == TR_TRACEPARENT_SIZE, "a traceparent has its length");
  const auto again = trunkline::parse_traceparent(text);
  require(again && std::memcmp(&*again, &*parsed, sizeof *again) == 0, "what was accepted is read again as the same");
  return 0;
}
