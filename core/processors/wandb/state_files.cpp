#include "processors/wandb/state_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "os/file.hpp"

namespace trunkline::wandb {
namespace {

// A name without a way out of the folder.
std::string file_name(const std::string& key) {
  std::string name = key;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

Error later(const Error& error) { return {TR_EAGAIN, error.message}; }

}  // namespace

Error StateFiles::put(const std::string& key, const std::string& text) {
  if (folder_.empty()) {
    in_memory_[key] = text;
    return Error::none();
  }
  const auto folder = ensure_directory(folder_, 0700);
  if (!folder) return later(folder.error());
  const std::string name = file_name(key);
  const std::string fresh = name + ".new";
  const UniqueFd file = open_file_at(folder->get(), fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return later(io_error(folder_ + "/" + fresh, errno));
  if (Error error = write_all(file.get(), text.data(), text.size())) return later(error);
  if (::renameat(folder->get(), fresh.c_str(), folder->get(), name.c_str()) != 0) {
    return later(io_error(folder_ + "/" + name, errno));
  }
  return Error::none();
}

std::string StateFiles::get(const std::string& key) const {
  if (folder_.empty()) {
    const auto found = in_memory_.find(key);
    return found == in_memory_.end() ? std::string() : found->second;
  }
  const auto folder = open_directory(folder_);
  if (!folder) return {};
  const UniqueFd file = open_file_at(folder->get(), file_name(key).c_str(), O_RDONLY);
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) return {};
  std::string text(static_cast<size_t>(info.st_size), '\0');
  const auto got = pread_all(file.get(), text.data(), text.size(), 0);
  text.resize(got ? *got : 0);
  return text;
}

void StateFiles::remove(const std::string& key) {
  in_memory_.erase(key);
  if (folder_.empty()) return;
  if (const auto folder = open_directory(folder_)) (void)::unlinkat(folder->get(), file_name(key).c_str(), 0);
}

Expected<uint64_t> StateFiles::append(const std::string& key, uint64_t length, const std::string& text) {
  if (folder_.empty()) {
    std::string& whole = in_memory_[key];
    whole.resize(static_cast<size_t>(length), ' ');
    whole += text;
    return whole.size();
  }
  const auto folder = ensure_directory(folder_, 0700);
  if (!folder) return later(folder.error());
  const std::string name = file_name(key);
  const UniqueFd file = open_file_at(folder->get(), name.c_str(), O_WRONLY | O_CREAT);
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(length)) != 0) {
    return later(io_error(folder_ + "/" + name, errno));
  }
  if (Error error = pwrite_all(file.get(), text.data(), text.size(), length)) return later(error);
  return length + text.size();
}

}  // namespace trunkline::wandb
