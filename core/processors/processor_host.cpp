#include "processors/processor_host.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>

#include "os/file.hpp"

namespace trunkline::processors {
namespace {

constexpr size_t kLargestTable = 4096;

}  // namespace

void say(const ProcessorHost& host, tr_level level, std::string_view sentence) {
  if (host.message != nullptr) return host.message(level, sentence);
  std::string line = "trunkline: " + std::string(sentence);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
  line.push_back('\n');
  (void)write_all(STDERR_FILENO, line.data(), line.size());
}

Error hand_over(const tr_processor& table, tr_processor* out) {
  if (out == nullptr) return {TR_EINVAL, "there is no table to fill"};
  const uint32_t size = out->struct_size;
  if (size < offsetof(tr_processor, tick_ms)) return {TR_EINVAL, "the table's struct_size is too small"};
  if (size > kLargestTable) return {TR_EUNSUPPORTED, "the table's struct_size is not one of a tr_processor"};
  std::memset(out, 0, size);
  std::memcpy(out, &table, std::min<size_t>(size, sizeof table));
  out->struct_size = size;
  return Error::none();
}

Expected<std::string> choose_path(std::string_view subject, const std::string& option, const std::string& directory,
                                  std::string_view file_name) {
  if (option.empty() && directory.empty()) {
    return Error{TR_EINVAL, std::string(subject) +
                                ": there is no Trunkline directory (memory mode), so option \"path\" must name a file"};
  }
  if (option.find('\0') != std::string::npos) {
    return Error{TR_EINVAL, std::string(subject) + ": option \"path\" contains a NUL character"};
  }
  const std::filesystem::path chosen =
      option.empty() ? std::filesystem::path(directory) / file_name : std::filesystem::path(option);
  std::error_code failure;
  const std::filesystem::path absolute = std::filesystem::absolute(chosen, failure);
  if (failure) return Error{TR_EINVAL, std::string(subject) + ": the working directory cannot be read"};
  return absolute.lexically_normal().string();
}

}  // namespace trunkline::processors
