// The file of a processor's cursor: the input as it stands, and two records as they are written with the input over
// them.
#include <fuzzer/FuzzedDataProvider.h>

#include "fuzz_support.hpp"
#include "log/cursor_file.hpp"

namespace {

using namespace trunkline;
using namespace trunkline::fuzz;

constexpr char kIdentity[] = "local\n/some/where/traces.db";

void check_all(int directory) {
  const auto cursors = CursorFile::list(directory);
  if (!cursors) return;
  for (const Cursor& cursor : *cursors) {
    use(cursor.state.data(), cursor.state.size());
    require(cursor.state.size() <= 65536, "a state is no longer than one that can be stored");
  }
}

// The name that the library itself gives to the identity's file.
std::string name_of(const Folder& folder) {
  auto cursor = CursorFile::open(folder.fd(), kIdentity);
  require(static_cast<bool>(cursor), "a cursor can be made");
  const std::string command = "ls " + std::string(folder.path()) + "/cursors";
  std::FILE* names = ::popen(command.c_str(), "r");
  char name[256] = "";
  require(names != nullptr && std::fscanf(names, "%255s", name) == 1, "the file has a name");
  ::pclose(names);
  return std::string("cursors/") + name;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder folder;
  static const std::string name = name_of(folder);
  FuzzedDataProvider input(data, size);
  if (input.ConsumeBool()) {
    folder.write(name, "");
    auto cursor = CursorFile::open(folder.fd(), kIdentity);
    require(static_cast<bool>(cursor), "an empty file is a new cursor");
    Cursor stored{input.ConsumeIntegral<uint64_t>(), input.ConsumeIntegral<uint64_t>(),
                  input.ConsumeRandomLengthString(), ""};
    require(!cursor->store(stored), "a cursor can be stored");
    const auto loaded = cursor->load();
    require(loaded && loaded->acknowledged == stored.acknowledged && loaded->state == stored.state, "it is read back");
    const auto over = input.ConsumeRemainingBytes<char>();
    const UniqueFd file(::openat(folder.fd(), name.c_str(), O_WRONLY | O_CLOEXEC));
    require(::pwrite(file.get(), over.data(), over.size(), 16) >= 0, "the file can be written over");
  } else {
    folder.write(name, input.ConsumeRemainingBytesAsString());
  }
  check_all(folder.fd());
  if (auto cursor = CursorFile::open(folder.fd(), kIdentity)) static_cast<void>(cursor->load());
  return 0;
}
