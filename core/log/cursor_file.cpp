#include "log/cursor_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "log/guard.hpp"
#include "os/crc32c.hpp"

namespace trunkline {

using log_detail::guarded;

namespace {

constexpr char kDirectory[] = "cursors";
constexpr uint32_t kMagic = 0x52434b54;  // "TKCR"
constexpr uint32_t kVersion = 1;
constexpr size_t kMaxState = 64 << 10;
constexpr size_t kMaxIdentity = 4 << 10;
constexpr uint64_t kPlace = 72 << 10;  // of each record in the file

// Then the identity and the state. The checksum covers all that follows it.
struct RecordHeader {
  uint32_t magic = kMagic;
  uint32_t crc = 0;
  uint32_t version = kVersion;
  uint32_t identity_size = 0;
  uint64_t state_size = 0;
  uint64_t generation = 0;
  uint64_t first_sequence = 0;
  uint64_t acknowledged = 0;
};
static_assert(sizeof(RecordHeader) == 48);
static_assert(sizeof(RecordHeader) + kMaxIdentity + kMaxState <= kPlace);

constexpr size_t kChecked = offsetof(RecordHeader, version);

struct Stored {
  uint64_t generation = 0;  // 0: no record is whole
  bool foreign = false;     // of a newer version, or of another byte order
  Cursor cursor;
};

// FNV-1a: only a file name; the identity inside the file decides.
std::string file_name(const std::string& identity) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : identity) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char name[24];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(hash));
  return name;
}

void decode(const std::string& bytes, Stored* best) {
  RecordHeader header;
  if (bytes.size() < sizeof header) return;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic == __builtin_bswap32(kMagic)) best->foreign = true;
  if (header.magic != kMagic || header.identity_size > kMaxIdentity || header.state_size > kMaxState) return;
  const size_t size = sizeof header + header.identity_size + static_cast<size_t>(header.state_size);
  if (size > bytes.size() || header.crc != crc32c(0, bytes.data() + kChecked, size - kChecked)) return;
  if (header.version > kVersion) best->foreign = true;
  if (header.version > kVersion || header.generation <= best->generation) return;
  best->generation = header.generation;
  best->cursor.first_sequence = header.first_sequence;
  best->cursor.acknowledged = header.acknowledged;
  best->cursor.identity = bytes.substr(sizeof header, header.identity_size);
  best->cursor.state = bytes.substr(sizeof header + header.identity_size, static_cast<size_t>(header.state_size));
}

Expected<Stored> read_stored(int fd) {
  Stored stored;
  for (const uint64_t place : {uint64_t{0}, kPlace}) {
    std::string bytes(kPlace, '\0');
    Expected<size_t> n = pread_all(fd, bytes.data(), bytes.size(), place);
    if (!n) return n.error();
    bytes.resize(*n);
    decode(bytes, &stored);
  }
  return stored;
}

}  // namespace

Expected<CursorFile> CursorFile::open(int directory_fd, const std::string& identity) {
  return guarded([&]() -> Expected<CursorFile> {
    if (identity.size() > kMaxIdentity) return Error{TR_ELIMIT, "the identity of a processor is too long"};
    Expected<UniqueFd> directory = ensure_directory_at(directory_fd, kDirectory, 0700);
    if (!directory) return directory.error();
    UniqueFd fd = open_file_at(directory->get(), file_name(identity).c_str(), O_RDWR | O_CREAT);
    if (!fd) return io_error("cursor", errno);
    Expected<Stored> stored = read_stored(fd.get());
    if (!stored) return stored.error();
    if (stored->foreign) return Error{TR_EUNSUPPORTED, "the cursor was not written by a version known here"};
    if (stored->generation != 0 && stored->cursor.identity != identity) {
      return Error{TR_EIO, "the cursor belongs to another processor"};
    }
    return CursorFile(std::move(fd), identity, stored->generation);
  });
}

Expected<std::vector<Cursor>> CursorFile::list(int directory_fd) {
  return guarded([&]() -> Expected<std::vector<Cursor>> {
    std::vector<Cursor> cursors;
    const UniqueFd directory(::openat(directory_fd, kDirectory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory && errno == ENOENT) return cursors;
    if (!directory) return io_error(kDirectory, errno);
    Expected<std::vector<std::string>> names = list_directory(directory.get());
    if (!names) return names.error();
    for (const std::string& name : *names) {
      const UniqueFd fd = open_file_at(directory.get(), name.c_str(), O_RDONLY);
      // What is none of ours, or has just been removed, is passed over; what cannot be read now may be somebody's
      // place.
      const bool passed_over = !fd && (errno == ENOENT || errno == EINVAL || errno == ELOOP || errno == ENXIO);
      if (passed_over) continue;
      if (!fd) return io_error("cursor", errno);
      Expected<Stored> stored = read_stored(fd.get());
      if (!stored) return stored.error();
      if (stored->foreign) return Error{TR_EUNSUPPORTED, "a cursor was not written by a version known here"};
      if (stored->generation != 0) cursors.push_back(std::move(stored->cursor));
    }
    return cursors;
  });
}

Error CursorFile::remove(int directory_fd, const std::string& identity) {
  return guarded([&]() -> Error {
    const std::string path = std::string(kDirectory) + "/" + file_name(identity);
    if (::unlinkat(directory_fd, path.c_str(), 0) != 0 && errno != ENOENT) return io_error("cursor", errno);
    return Error::none();
  });
}

Error CursorFile::store(const Cursor& cursor) {
  return guarded([&]() -> Error {
    if (cursor.state.size() > kMaxState) return {TR_ELIMIT, "the state of a processor is too long"};
    RecordHeader header;
    header.identity_size = static_cast<uint32_t>(identity_.size());
    header.state_size = cursor.state.size();
    header.generation = generation_ + 1;
    header.first_sequence = cursor.first_sequence;
    header.acknowledged = cursor.acknowledged;
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    bytes += identity_;
    bytes += cursor.state;
    const uint32_t crc = crc32c(0, bytes.data() + kChecked, bytes.size() - kChecked);
    std::memcpy(bytes.data() + offsetof(RecordHeader, crc), &crc, sizeof crc);
    // On failure the generation stays, so the next attempt goes to the same place and spares the whole record.
    if (Error error = pwrite_all(fd_.get(), bytes.data(), bytes.size(), (header.generation & 1) * kPlace)) return error;
    generation_ = header.generation;
    return Error::none();
  });
}

std::optional<Cursor> CursorFile::load() const {
  Expected<Stored> stored = guarded([&] { return read_stored(fd_.get()); });
  if (!stored || stored->generation == 0) return std::nullopt;
  return std::move(stored->cursor);
}

}  // namespace trunkline
