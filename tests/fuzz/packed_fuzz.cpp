// Packed attributes from a host: nothing outside them is read, and what was read is packed again as the same bytes.
// Spans with any bytes for attributes are part of api_fuzz.
#include <bit>

#include "fuzz_support.hpp"
#include "model/packed_attributes.hpp"
#include "model/packed_plain.hpp"
#include "support/packed.hpp"

namespace {

// A truth may be any byte and is packed again as 0 or 1: what is compared has gone through that once.
bool same(const trunkline::PackedAttributes& read) {
  const std::string once = trunkline::test::packed(read.data(), read.count());
  const trunkline::PackedAttributes again(once.data(), once.size());
  return again.result() == TR_OK && again.count() == read.count() &&
         trunkline::test::packed(again.data(), again.count()) == once;
}

uint64_t bits_of(const tr_value& scalar) {
  return scalar.type == TR_TYPE_F64 ? std::bit_cast<uint64_t>(scalar.f64) : static_cast<uint64_t>(scalar.i64);
}

// What is read without structs is what is read with them.
bool plain_agrees(const trunkline::PackedAttributes& read, const uint8_t* data, size_t size) {
  trunkline::PackedPlain plain(data, size);
  size_t count = 0;
  for (trunkline::PlainAttribute each; plain.next(&each); ++count) {
    if (count == read.count()) return false;
    const tr_attribute& known = read.data()[count];
    if (each.key.data() != known.key.data || each.key.size() != known.key.size || each.type != known.value.type) {
      return false;
    }
    if (each.is_text ? each.text.data() != known.value.data || each.text.size() != known.value.size
                     : each.bits != bits_of(known.value)) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using trunkline::fuzz::require;
  const trunkline::PackedAttributes read(data, size);
  trunkline::fuzz::use(read.data(), read.count());
  require(read.result() == TR_OK || read.result() == TR_EINVAL,
          "there is memory for what the input is long enough for");
  require(plain_agrees(read, data, size), "both readers see the same");
  require(same(read), "what was read is packed as the same");
  return 0;
}
