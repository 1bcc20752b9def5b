#include "log/owner_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "os/crc32c.hpp"
#include "os/file.hpp"

namespace trunkline::log_detail {
namespace {

constexpr unsigned long kVersion = 1;
constexpr char kTitle[] = "trunkline-run ";
constexpr char kChecksum[] = "crc32c ";
constexpr size_t kMaxText = 4096;

// The rest of the line that begins with `key`; lines come in order, so the search goes on behind it.
std::string take_line(const std::string& text, const char* key, size_t* at) {
  const std::string wanted = std::string(key) + " ";
  const size_t end = text.find('\n', *at);
  if (end == std::string::npos || text.compare(*at, wanted.size(), wanted) != 0) return {};
  std::string value = text.substr(*at + wanted.size(), end - *at - wanted.size());
  *at = end + 1;
  return value;
}

}  // namespace

std::string encode_owner(const Owner& owner) {
  char numbers[256];
  std::snprintf(numbers, sizeof numbers,
                "pid_namespace %" PRIu64 "\npid %" PRId64 "\nstart_time %" PRIu64 "\ngeneration %" PRIu32
                "\ncreated_unix_ns %" PRId64 "\n",
                owner.process.pid_namespace, owner.process.pid, owner.process.start_time, owner.generation,
                owner.created_unix_ns);
  std::string text = kTitle + std::to_string(kVersion) + "\nboot_id " + owner.process.boot_id + "\n" + numbers;
  char checksum[32];
  std::snprintf(checksum, sizeof checksum, "%s%08" PRIx32 "\n", kChecksum, crc32c(0, text.data(), text.size()));
  return text + checksum;
}

OwnerState decode_owner(const std::string& text, Owner* owner) {
  const std::string title = kTitle;
  if (text.compare(0, title.size(), title) != 0) return OwnerState::kUnreadable;
  // Whatever the rest looks like, a newer version is not ours to judge.
  if (std::strtoul(text.c_str() + title.size(), nullptr, 10) > kVersion) return OwnerState::kNewer;
  const size_t checksum = text.rfind(kChecksum);
  if (checksum == std::string::npos) return OwnerState::kUnreadable;
  char expected[32];
  std::snprintf(expected, sizeof expected, "%s%08" PRIx32 "\n", kChecksum, crc32c(0, text.data(), checksum));
  if (text.compare(checksum, std::string::npos, expected) != 0) return OwnerState::kUnreadable;
  size_t at = text.find('\n') + 1;
  owner->process.boot_id = take_line(text, "boot_id", &at);
  owner->process.pid_namespace = std::strtoull(take_line(text, "pid_namespace", &at).c_str(), nullptr, 10);
  owner->process.pid = std::strtoll(take_line(text, "pid", &at).c_str(), nullptr, 10);
  owner->process.start_time = std::strtoull(take_line(text, "start_time", &at).c_str(), nullptr, 10);
  owner->generation = static_cast<uint32_t>(std::strtoul(take_line(text, "generation", &at).c_str(), nullptr, 10));
  owner->created_unix_ns = std::strtoll(take_line(text, "created_unix_ns", &at).c_str(), nullptr, 10);
  return OwnerState::kGood;
}

Expected<OwnerState> read_owner(int directory_fd, Owner* owner) {
  const UniqueFd fd = open_file_at(directory_fd, "owner", O_RDONLY);
  if (!fd && (errno == ENOENT || errno == EINVAL || errno == ELOOP || errno == ENXIO)) return OwnerState::kUnreadable;
  if (!fd) return io_error("owner", errno);
  std::string text(kMaxText, '\0');
  Expected<size_t> n = pread_all(fd.get(), text.data(), text.size(), 0);
  if (!n) return n.error();
  text.resize(*n);
  return decode_owner(text, owner);
}

Error write_owner(int directory_fd, const Owner& owner) {
  const char* const name = "owner.new";
  const std::string text = encode_owner(owner);
  UniqueFd fd = open_file_at(directory_fd, name, O_WRONLY | O_CREAT | O_TRUNC);
  if (!fd) return io_error("owner", errno);
  Error error = write_all(fd.get(), text.data(), text.size());
  if (!error && ::renameat(directory_fd, name, directory_fd, "owner") != 0) error = io_error("owner", errno);
  if (error) ::unlinkat(directory_fd, name, 0);
  return error;
}

}  // namespace trunkline::log_detail
