// Packed attributes from a host: nothing outside them is read, and what was read is packed again as the same bytes.
// Spans with any bytes for attributes are part of api_fuzz.
#include "fuzz_support.hpp"
#include "model/packed_attributes.hpp"
#include "support/packed.hpp"

namespace {

// A truth may be any byte and is packed again as 0 or 1: what is compared has gone through that once.
bool same(const trunkline::PackedAttributes& read) {
  const std::string once = trunkline::test::packed(read.data(), read.count());
  const trunkline::PackedAttributes again(once.data(), once.size());
  return again.result() == TR_OK && again.count() == read.count() &&
         trunkline::test::packed(again.data(), again.count()) == once;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using trunkline::fuzz::require;
  const trunkline::PackedAttributes read(data, size);
  trunkline::fuzz::use(read.data(), read.count());
  require(read.result() == TR_OK || read.result() == TR_EINVAL,
          "there is memory for what the input is long enough for");
  require(same(read), "what was read is packed as the same");
  return 0;
}
