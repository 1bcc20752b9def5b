// The recorder file of a process that died. The input lies over a sound file of a header and three pages, in patches.
#include <fuzzer/FuzzedDataProvider.h>
#include <sys/mman.h>

#include "fuzz_support.hpp"
#include "record/image.hpp"

namespace {

using namespace trunkline;
using namespace trunkline::fuzz;
using namespace trunkline::record;

constexpr uint32_t kPages = 4;

std::string pages_of(FuzzedDataProvider& input) {
  std::string bytes(size_t{kPages} * kPageBytes, '\0');
  auto* file = reinterpret_cast<FileHeader*>(bytes.data() + sizeof(PageHeader));
  file->magic = kFileMagic;
  file->version = kFileVersion;
  file->page_bytes = kPageBytes;
  file->pages = kPages;
  for (uint32_t i = 1; i < kPages; ++i) {
    auto* page = reinterpret_cast<PageHeader*>(bytes.data() + size_t{i} * kPageBytes);
    page->type = input.ConsumeIntegralInRange<uint32_t>(0, 3);
    page->committed = input.ConsumeIntegral<uint32_t>() % kPageDataBytes;
  }
  while (input.remaining_bytes() > 4) {
    const size_t at = input.ConsumeBool() ? input.ConsumeIntegralInRange<size_t>(0, bytes.size() - 1)
                                          : input.ConsumeIntegralInRange<size_t>(0, kPages - 1) * kPageBytes +
                                                sizeof(PageHeader) + input.ConsumeIntegral<uint8_t>() * 8u;
    const std::string patch = input.ConsumeRandomLengthString(2048);
    bytes.replace(at, std::min(patch.size(), bytes.size() - at), patch, 0, std::min(patch.size(), bytes.size() - at));
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  const bool raw = input.ConsumeIntegral<uint8_t>() == 0;
  const std::string bytes = raw ? input.ConsumeRemainingBytesAsString() : pages_of(input);
  const UniqueFd file(::memfd_create("recorder", MFD_CLOEXEC));
  require(!write_all(file.get(), bytes.data(), bytes.size()), "a file can be written");
  auto image = Image::load(file.get());
  if (!image) return 0;
  for (const Image::Entry& entry : image->entries()) {
    image->visit_items(entry, [](const ItemView& item) {
      use(item.key.data(), item.key.size());
      use(item.value.data(), item.value.size());
    });
  }
  return 0;
}
