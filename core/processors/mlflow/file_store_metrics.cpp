#include "processors/mlflow/file_store_metrics.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <functional>

namespace trunkline::mlflow {
namespace {

// More than what is offered again of a batch.
constexpr size_t kRemembered = 2'048;
// More than what can be waiting in a log of its usual size.
constexpr uint64_t kMostRead = uint64_t{64} << 20;

template <class Number>
void append_number(std::string* out, Number number) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number);
  out->append(buffer, end.ptr);
}

// "timestamp value step\n".
std::string line_of(const Metric& metric) {
  std::string line;
  append_number(&line, metric.timestamp_ms);
  line.push_back(' ');
  if (std::isfinite(metric.value)) {
    append_number(&line, metric.value);
  } else {
    line.append(std::isnan(metric.value) ? "nan" : metric.value > 0 ? "inf" : "-inf");
  }
  line.push_back(' ');
  append_number(&line, metric.step);
  line.push_back('\n');
  return line;
}

uint64_t hash(std::string_view line) { return std::hash<std::string_view>{}(line); }

}  // namespace

bool MetricFiles::Key::has(uint64_t hash) const {
  return recent.contains(hash) || before.contains(hash) || std::binary_search(there.begin(), there.end(), hash);
}

void MetricFiles::Key::remember(uint64_t hash) {
  if (recent.size() >= kRemembered) {
    before.swap(recent);
    recent.clear();
  }
  recent.insert(hash);
}

// Also takes away the part of a line that a writer left which died.
Error MetricFiles::load(int fd, Key* key) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return store_error("a metric", errno);
  const auto size = static_cast<uint64_t>(info.st_size);
  const uint64_t from = size > kMostRead ? size - kMostRead : 0;
  std::string bytes(static_cast<size_t>(size - from), '\0');
  const Expected<size_t> got = pread_all(fd, bytes.data(), bytes.size(), from);
  if (!got) return {TR_EAGAIN, got.error().message};
  std::string_view rest(bytes.data(), *got);
  if (!rest.empty() && rest.back() != '\n') {
    const size_t whole = rest.rfind('\n') == std::string_view::npos ? 0 : rest.rfind('\n') + 1;
    if (::ftruncate(fd, static_cast<off_t>(from + whole)) != 0) return store_error("a metric", errno);
    rest = rest.substr(0, whole);
  }
  for (size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
    key->there.push_back(hash(rest.substr(0, end + 1)));
  }
  const size_t old = key->there.size() > kRemembered ? key->there.size() - kRemembered : 0;
  for (size_t i = old; i < key->there.size(); ++i) key->remember(key->there[i]);
  std::sort(key->there.begin(), key->there.end());
  return Error::none();
}

Error MetricFiles::append(const Folder& run, const std::string& run_id, const Metric* const* metrics, size_t count) {
  const std::string& name = metrics[0]->key;
  const Expected<UniqueFd> file = run.open_for_append("metrics/" + name);
  if (!file) return file.error();
  auto& keys = runs_[run_id];
  auto [found, is_new] = keys.try_emplace(name);
  Key& key = found->second;
  Error error = is_new ? load(file->get(), &key) : Error::none();
  for (size_t i = 0; i < count && !error; ++i) {
    const std::string line = line_of(*metrics[i]);
    const uint64_t its_hash = hash(line);
    if (key.has(its_hash)) continue;
    std::vector<uint64_t>().swap(key.there);
    error = write_all(file->get(), line.data(), line.size());
    key.remember(its_hash);
  }
  if (error) {
    forget(run_id);
    error.code = TR_EAGAIN;
  }
  return error;
}

}  // namespace trunkline::mlflow
