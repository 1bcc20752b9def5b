// Records for as long as it is told, at a given rate or as fast as it can, and watches that nothing grows: resident
// memory, descriptors, threads, the folder. At the end every counter must be exact.
//   soak [--seconds N] [--rate SPANS_PER_SECOND, 0: full load] [--max-memory MIB] [--address-space MIB]
//        [--leak BYTES_PER_SPAN]
// --leak loses memory on purpose: it shows that this program would see it.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "trunkline.h"

namespace {

using std::chrono::steady_clock;

constexpr uint64_t kMaxDisk = 256u << 20;

struct Options {
  double seconds = 10;
  double rate = 1000;
  uint64_t max_memory = 16;
  uint64_t address_space = 0;
  size_t leak = 0;
};

struct Sample {
  double minute;
  uint64_t resident;
  size_t descriptors;
  size_t threads;
  uint64_t folder;
};

size_t entries_of(const std::string& path) {
  size_t count = 0;
  std::error_code ignored;
  for (auto at = std::filesystem::directory_iterator(path, ignored); at != std::filesystem::directory_iterator(); ++at)
    ++count;
  return count;
}

uint64_t resident_bytes() {
  uint64_t size = 0;
  uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t bytes_in(const std::string& path) {
  uint64_t sum = 0;
  std::error_code ignored;
  for (auto at = std::filesystem::recursive_directory_iterator(path, ignored);
       at != std::filesystem::recursive_directory_iterator(); at.increment(ignored)) {
    if (at->is_regular_file(ignored)) sum += at->file_size(ignored);
  }
  return sum;
}

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

std::atomic<uint64_t> taken{0};
std::atomic<uint64_t> ended{0};
std::atomic<uint64_t> refused{0};
std::atomic<bool> stopping{false};

int take(void*, const tr_batch* batch) {
  for (size_t i = 0; i < batch->count; ++i) taken += batch->records[i]->type == TR_RECORD_SPAN_END;
  return TR_OK;
}

// Traces of a hundred spans, so that traces come and go too.
void record(const Options& options, double share) {
  const auto begin = steady_clock::now();
  const std::string text(1000, 'x');
  uint64_t made = 0;
  while (!stopping) {
    const tr_trace trace = tr_trace_start("soak", TR_NUL, nullptr);
    if (trace == 0) {  // refused, as spans are; spans of no trace are not
      std::this_thread::yield();
      continue;
    }
    for (int i = 0; i < 100 && !stopping; ++i) {
      const tr_span span = tr_span_start(trace, 0, TR_KIND_GENERATION, "span", TR_NUL);
      tr_span_set_str(span, "text", 4, text.data(), text.size());
      if (span == 0) {
        ++refused;
      } else if (tr_span_end(span) == TR_OK) {
        ++ended;
      }
      if (options.leak != 0) std::memset(std::malloc(options.leak), 1, options.leak);
      ++made;
      if (options.rate > 0) {
        const double ahead = static_cast<double>(made) / (options.rate * share) - seconds_since(begin);
        if (ahead > 0) std::this_thread::sleep_for(std::chrono::duration<double>(ahead));
      }
    }
    tr_trace_end(trace);
  }
}

std::vector<Sample> watch(const Options& options, const std::string& folder) {
  std::vector<Sample> samples;
  const auto begin = steady_clock::now();
  const double interval = std::max(0.05, options.seconds / 400);
  while (seconds_since(begin) < options.seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(interval));
    samples.push_back({seconds_since(begin) / 60, resident_bytes(), entries_of("/proc/self/fd"),
                       entries_of("/proc/self/task"), bytes_in(folder)});
  }
  return samples;
}

template <class Get>
double median(const std::vector<Sample>& samples, size_t from, size_t to, Get get) {
  std::vector<double> values;
  for (size_t i = from; i < to; ++i) values.push_back(static_cast<double>(get(samples[i])));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// From the second quarter, when all is warm, to the last. More than 1 % a minute, and more than noise, is growth.
template <class Get>
bool flat(const char* what, const std::vector<Sample>& samples, double noise, Get get) {
  const size_t quarter = samples.size() / 4;
  const double before = median(samples, quarter, 2 * quarter, get);
  const double after = median(samples, 3 * quarter, samples.size(), get);
  const double minutes = samples.back().minute / 2;
  const bool good = after - before <= std::max(noise, before * 0.01 * minutes);
  std::printf("%s %s: %.0f, then %.0f\n", good ? "flat" : "GROWS", what, before, after);
  return good;
}

bool stays_below(const std::vector<Sample>& samples, uint64_t limit) {
  uint64_t most = 0;
  for (const Sample& sample : samples) most = std::max(most, sample.folder);
  std::printf("%s bytes in the folder: at most %" PRIu64 " of %" PRIu64 "\n", most <= limit ? "bounded" : "GROWS", most,
              limit);
  return most <= limit;
}

bool expect(const char* what, uint64_t left, uint64_t right) {
  std::printf("%s %s: %" PRIu64 ", %" PRIu64 "\n", left == right ? "equal" : "NOT EQUAL", what, left, right);
  return left == right;
}

bool counters_are_exact(tr_processor_id id) {
  tr_stats stats{};
  tr_processor_stats mine{};
  stats.struct_size = sizeof stats;
  mine.struct_size = sizeof mine;
  bool good = tr_flush(60'000) == TR_OK;
  good = tr_stats_get(&stats) == TR_OK && tr_processor_stats_get(id, &mine) == TR_OK && good;
  good = expect("spans ended, counted by the caller and by the library", ended, stats.spans_ended) && good;
  good = expect("spans refused, likewise", refused, stats.spans_refused) && good;
  // At full load the processor may not keep up: what it loses beyond max_disk is counted.
  good = expect("spans taken by the processor, and lost to the limit", taken + mine.overflowed.spans,
                ended + stats.spans_incomplete) &&
         good;
  good = expect("offered, and delivered or lost", mine.offered.records,
                mine.delivered.records + mine.overflowed.records) &&
         good;
  return expect("errors of the log", stats.log_errors, 0) && good;
}

bool read_options(int argc, char** argv, Options* options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const double value = std::strtod(argv[i + 1], nullptr);
    if (name == "--seconds") {
      options->seconds = value;
    } else if (name == "--rate") {
      options->rate = value;
    } else if (name == "--max-memory") {
      options->max_memory = static_cast<uint64_t>(value);
    } else if (name == "--address-space") {
      options->address_space = static_cast<uint64_t>(value);
    } else if (name == "--leak") {
      options->leak = static_cast<size_t>(value);
    } else {
      return false;
    }
  }
  return argc % 2 == 1 && options->seconds > 0;
}

bool start(const Options& options, const std::string& folder, tr_processor_id* id) {
  tr_config config;
  if (tr_config_init(&config, sizeof config) != TR_OK) return false;
  config.directory = folder.c_str();
  config.processors = "none";
  config.max_memory = options.max_memory << 20;
  config.max_disk = kMaxDisk;
  tr_error error{sizeof error, 0, {}};
  if (tr_init(&config, &error) != TR_OK) {
    std::fprintf(stderr, "tr_init: %s\n", error.message);
    return false;
  }
  tr_processor table{};
  table.struct_size = sizeof table;
  table.name = "soak";
  table.flags = TR_PROCESSOR_DURABLE;
  table.on_batch = take;
  return tr_add_processor(&table, id) == TR_OK;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, &options)) {
    std::fprintf(stderr,
                 "usage: soak [--seconds N] [--rate N] [--max-memory MIB] [--address-space MIB] [--leak BYTES]\n");
    return 2;
  }
  if (options.address_space != 0) {
    const rlimit limit{options.address_space << 20, options.address_space << 20};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 2;
  }
  std::string folder = (std::filesystem::temp_directory_path() / "trunkline-soak-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 2;
  tr_processor_id id = 0;
  if (!start(options, folder, &id)) return 1;
  std::vector<std::thread> recording;
  for (int i = 0; i < 2; ++i) recording.emplace_back([&] { record(options, 0.5); });
  const std::vector<Sample> samples = watch(options, folder);
  stopping = true;
  for (std::thread& thread : recording) thread.join();
  bool good = counters_are_exact(id);
  good = flat("resident bytes", samples, 3e6, [](const Sample& s) { return s.resident; }) && good;
  // Segments of the log come and go, three at a time.
  good = flat("descriptors", samples, 3, [](const Sample& s) { return s.descriptors; }) && good;
  good = flat("threads", samples, 0, [](const Sample& s) { return s.threads; }) && good;
  if (options.rate > 0) {
    good = flat("bytes in the folder", samples, 26e6, [](const Sample& s) { return s.folder; }) && good;
  } else {
    good = stays_below(samples, kMaxDisk + (options.max_memory << 20) + 26'000'000) && good;
  }
  good = tr_shutdown(30'000) == TR_OK && good;
  std::printf("%.0f seconds, %" PRIu64 " spans ended, %" PRIu64 " refused\n", options.seconds, ended.load(),
              refused.load());
  std::filesystem::remove_all(folder);
  return good && ended > 0 ? 0 : 1;
}
