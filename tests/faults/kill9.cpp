// Kills a recording process with SIGKILL at random moments, lets another process collect what it left, and counts:
// every span and trace whose end call had returned must be delivered, whole, and never as one that was still open.
//   kill9 [--runs N] [--seed S] [--directory D] [--negative]
// --negative records without a log on disk, where losses are expected: it shows that this program can see one.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "kill9_shared.hpp"

// Instrumented code is several times slower; the figure that counts is that of a release build.
#if defined(__has_feature)
#define KILL9_CLANG_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define KILL9_CLANG_SANITIZER 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || KILL9_CLANG_SANITIZER
constexpr uint64_t kLeastSpansPerRun = 1'000;
#else
constexpr uint64_t kLeastSpansPerRun = 10'000;
#endif

namespace {

using kill9::Shared;
using std::chrono::steady_clock;

struct Options {
  uint64_t runs = 100;
  uint64_t seed = static_cast<uint64_t>(steady_clock::now().time_since_epoch().count());
  std::string directory;
  bool negative = false;
};

struct Counts {
  uint64_t acknowledged = 0, delivered = 0, torn = 0, foreign = 0, complete_then_open = 0, open_marked = 0;
  uint64_t lost() const { return acknowledged - delivered; }
  bool clean() const { return lost() == 0 && torn == 0 && foreign == 0 && complete_then_open == 0; }
  void add(const Counts& more) {
    acknowledged += more.acknowledged;
    delivered += more.delivered;
    torn += more.torn;
    foreign += more.foreign;
    complete_then_open += more.complete_then_open;
    open_marked += more.open_marked;
  }
};

// One victim: how it is set up, and when it dies.
struct Plan {
  uint64_t delay_us;
  const char* pace;
  uint64_t max_memory;
  bool in_init;           // the delay counts from its start, not from its first span
  uint64_t successor_us;  // 0: the first successor is left alone
};

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() { return kill9::mix(state_++); }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

Plan plan_run(uint64_t seed, uint64_t run) {
  Random random(kill9::mix(seed) + run * 1'000'003);
  static constexpr const char* kPaces[] = {"fast", "fast", "slow", "stuck"};
  Plan plan{};
  plan.delay_us = static_cast<uint64_t>(1000 * std::exp(random.unit() * std::log(2000.0)));
  plan.pace = kPaces[random.next() % 4];
  plan.max_memory = (random.next() % 2 == 0 ? 4u : 64u) << 20;  // the small one is recycled many times a second
  plan.in_init = random.next() % 16 == 0;
  if (plan.in_init) plan.delay_us = 200 + random.next() % 20'000;
  if (random.next() % 4 == 0) plan.successor_us = 500 + random.next() % 60'000;
  return plan;
}

std::string program() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  const std::string self(path, size > 0 ? static_cast<size_t>(size) : 0);
  return self.substr(0, self.rfind('/') + 1) + "kill9_victim";
}

pid_t start(int shared_fd, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, shared_fd, kill9::kSharedFd);
  pid_t pid = -1;
  const int result = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (result != 0) std::fprintf(stderr, "cannot start %s: %s\n", argv[0], std::strerror(result));
  return result == 0 ? pid : -1;
}

// True: it was still there to be killed.
bool kill_and_wait(pid_t pid) {
  kill(pid, SIGKILL);
  int status = 0;
  return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

void nap(uint64_t microseconds) { std::this_thread::sleep_for(std::chrono::microseconds(microseconds)); }

bool record_and_kill(const Options& options, const Plan& plan, int shared_fd, Shared* shared,
                     const std::string& directory) {
  const pid_t pid = start(shared_fd, {"record", directory, plan.pace, std::to_string(plan.max_memory),
                                      options.negative ? "memory" : "log"});
  if (pid < 0) return false;
  const auto deadline = steady_clock::now() + std::chrono::seconds(30);
  while (!plan.in_init && shared->recording.load(std::memory_order_acquire) == 0) {
    if (steady_clock::now() > deadline || waitpid(pid, nullptr, WNOHANG) != 0) {
      std::fprintf(stderr, "the victim did not begin\n");
      kill(pid, SIGKILL);
      return false;
    }
    nap(50);
  }
  nap(plan.delay_us);
  if (kill_and_wait(pid)) return true;
  std::fprintf(stderr, "the victim died before it was killed\n");
  return false;
}

bool collect(const Plan& plan, int shared_fd, const std::string& directory) {
  if (plan.successor_us != 0) {  // a process that dies while it adopts
    const pid_t pid = start(shared_fd, {"collect", directory});
    if (pid < 0) return false;
    nap(plan.successor_us);
    kill_and_wait(pid);
  }
  const pid_t pid = start(shared_fd, {"collect", directory});
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return false;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  std::fprintf(stderr, "the successor failed: status %x\n", static_cast<unsigned>(status));
  return false;
}

bool was_started(const Shared& shared, uint64_t id) {
  const uint64_t thread = id >> kill9::kThreadShift;
  const int kind = (id & kill9::kTraceBit) != 0 ? 1 : 0;
  const uint64_t number = id & kill9::kNumberMask;
  return thread < kill9::kThreads && number != 0 && number <= shared.started[thread][kind].load();
}

Counts count(const Shared& shared) {
  Counts counts;
  std::unordered_set<uint64_t> acknowledged;
  for (const auto& list : shared.acknowledged) {
    acknowledged.insert(list.entries, list.entries + list.count.load());
  }
  counts.acknowledged = acknowledged.size();
  std::unordered_set<uint64_t> open;
  std::unordered_set<uint64_t> seen;
  for (uint64_t i = 0; i < shared.delivered.count.load(); ++i) {
    const uint64_t entry = shared.delivered.entries[i];
    const uint64_t id = entry & kill9::kIdMask;
    if ((entry & kill9::kNoId) == 0 && !was_started(shared, id)) {
      ++counts.foreign;
      continue;
    }
    const bool ended = (entry & kill9::kNoId) == 0 && acknowledged.count(id) != 0;
    // What the victim could not fill for want of memory was not acknowledged, and may be less than its id implies.
    if ((entry & kill9::kTorn) != 0 && (ended || (entry & kill9::kIncomplete) != 0)) ++counts.torn;
    if ((entry & kill9::kIncomplete) != 0) {
      if (ended) {
        ++counts.complete_then_open;
      } else if ((entry & kill9::kNoId) != 0 || open.insert(id).second) {
        ++counts.open_marked;
      }
    } else if (ended) {
      seen.insert(id);
    }
  }
  counts.delivered = seen.size();
  return counts;
}

bool one_run(const Options& options, uint64_t run, Counts* total) {
  const Plan plan = plan_run(options.seed, run);
  const std::string directory = options.directory + "/" + std::to_string(run);
  const int fd = memfd_create("kill9", 0);
  if (fd < 0 || ftruncate(fd, sizeof(Shared)) != 0) return false;
  Shared* shared = kill9::map_shared(fd);
  bool good = shared != nullptr && record_and_kill(options, plan, fd, shared, directory);
  if (good && !options.negative) good = collect(plan, fd, directory);
  if (good) {
    const Counts counts = count(*shared);
    total->add(counts);
    if (shared->overrun.load() != 0) {
      std::fprintf(stderr, "more was delivered than could be noted\n");
      good = false;
    }
    if (std::getenv("KILL9_VERBOSE") != nullptr || (!options.negative && !counts.clean())) {
      std::fprintf(stderr,
                   "run %" PRIu64 " seed %" PRIu64 ": %s, %" PRIu64 " MiB, killed after %" PRIu64
                   " us%s, successor %" PRIu64 " us: acknowledged %" PRIu64 " lost %" PRIu64 " torn %" PRIu64
                   " foreign %" PRIu64 " complete-then-open %" PRIu64 " open-marked %" PRIu64 "\n",
                   run, options.seed, plan.pace, plan.max_memory >> 20, plan.delay_us,
                   plan.in_init ? " of its start" : "", plan.successor_us, counts.acknowledged, counts.lost(),
                   counts.torn, counts.foreign, counts.complete_then_open, counts.open_marked);
    }
  } else {
    std::fprintf(stderr, "run %" PRIu64 " of seed %" PRIu64 " failed\n", run, options.seed);
  }
  if (shared != nullptr) munmap(shared, sizeof(Shared));
  close(fd);
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return good;
}

bool read_options(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--negative") {
      options->negative = true;
      continue;
    }
    if (++i == argc) return false;
    if (name == "--runs") {
      options->runs = std::strtoull(argv[i], nullptr, 10);
    } else if (name == "--seed") {
      options->seed = std::strtoull(argv[i], nullptr, 10);
    } else if (name == "--directory") {
      options->directory = argv[i];
    } else {
      return false;
    }
  }
  return options->runs != 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, &options)) {
    std::fprintf(stderr, "usage: kill9 [--runs N] [--seed S] [--directory D] [--negative]\n");
    return 2;
  }
  std::string made = (std::filesystem::temp_directory_path() / "kill9-XXXXXX").string();
  const bool own_directory = options.directory.empty();
  if (own_directory) {
    if (mkdtemp(made.data()) == nullptr) return 2;
    options.directory = made;
  }
  std::filesystem::create_directories(options.directory);
  Counts total;
  bool good = true;
  for (uint64_t run = 0; run < options.runs; ++run) good = one_run(options, run, &total) && good;
  if (own_directory) std::filesystem::remove_all(made);
  std::printf("runs %" PRIu64 " acknowledged %" PRIu64 " delivered %" PRIu64 " lost %" PRIu64 " torn %" PRIu64
              " foreign %" PRIu64 " complete-then-open %" PRIu64 " open-marked %" PRIu64 "\n",
              options.runs, total.acknowledged, total.delivered, total.lost(), total.torn, total.foreign,
              total.complete_then_open, total.open_marked);
  if (options.negative) return good && total.lost() > 0 ? 0 : 1;
  const bool enough = total.acknowledged >= options.runs * kLeastSpansPerRun && total.open_marked > 0;
  if (!enough) std::fprintf(stderr, "too little happened for this to prove anything\n");
  return good && enough && total.clean() ? 0 : 1;
}
