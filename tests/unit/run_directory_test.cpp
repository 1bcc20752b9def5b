#include "log/run_directory.hpp"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <set>
#include <thread>

#include "log/owner_file.hpp"
#include "log_support.hpp"
#include "os/process.hpp"

namespace trunkline {
namespace {

using namespace log_test;
using log_detail::Owner;
using log_detail::OwnerState;

RunDirectory must_create(const std::string& base) {
  Expected<RunDirectory> run = RunDirectory::create(base);
  if (!run) ADD_FAILURE() << run.error().message;
  return std::move(*run);
}

int adopt_code(const std::string& base, const std::string& id) {
  Expected<RunDirectory> run = RunDirectory::adopt(base, id);
  return run ? TR_OK : run.error().code;
}

// A run whose maker is dead; its id.
std::string dead_run(const std::string& base) {
  const std::set<std::string> before = [&] {
    const auto ids = RunDirectory::list(base);
    return ids ? std::set<std::string>(ids->begin(), ids->end()) : std::set<std::string>();
  }();
  EXPECT_EQ(wait_for(in_child([&] { return RunDirectory::create(base) ? 0 : 1; })), 0);
  const auto after = RunDirectory::list(base);
  for (const std::string& id : *after) {
    if (before.count(id) == 0) return id;
  }
  ADD_FAILURE();
  return {};
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST(RunDirectory, MakesAMissingDirectoryPrivateWhateverTheUmask) {
  const TempDirectory temp;
  const std::string base = temp.file("state/deep/trunkline");
  for (const mode_t mask : {0u, 077u, 0777u}) {
    const mode_t before = ::umask(mask);
    Expected<RunDirectory> run = RunDirectory::create(mask == 0777 ? temp.file("t") : base);
    ::umask(before);
    ASSERT_TRUE(run) << run.error().message;
    for (const std::string& name : {run->path(), std::string(run->path() + "/..")}) EXPECT_EQ(mode_of(name), 0700u);
    for (const char* name : {"/lock", "/owner"}) EXPECT_EQ(mode_of(run->path() + name), 0600u);
  }
  EXPECT_EQ(mode_of(base), 0700u);
  EXPECT_EQ(read_file(base + "/.gitignore"), "*\n");
  // One that somebody has changed is left as it is.
  write_file(base + "/.gitignore", "mine\n");
  must_create(base + "/");
  EXPECT_EQ(read_file(base + "/.gitignore"), "mine\n");
}

TEST(RunDirectory, IdsAreUniqueAndSortByTime) {
  const TempDirectory temp;
  std::vector<std::string> made;
  for (int i = 0; i < 20; ++i) made.push_back(must_create(temp.path()).id());
  EXPECT_TRUE(std::is_sorted(made.begin(), made.end()));
  EXPECT_EQ(*RunDirectory::list(temp.path()), made);
}

TEST(RunDirectory, WhatIsNoDirectoryOfOursIsRefused) {
  const TempDirectory temp;
  write_file(temp.file("file"), "x");
  ASSERT_EQ(::mkdir(temp.file("real").c_str(), 0700), 0);
  ASSERT_EQ(::symlink("real", temp.file("link").c_str()), 0);
  ASSERT_EQ(::mkdir(temp.file("other").c_str(), 0777), 0);
  for (const char* name : {"file", "link", "link/", "file/below"}) {
    Expected<RunDirectory> run = RunDirectory::create(temp.file(name));
    ASSERT_FALSE(run) << name;
    EXPECT_EQ(run.error().code, TR_EIO) << name;
    EXPECT_FALSE(run.error().message.empty());
  }
  EXPECT_FALSE(RunDirectory::list(temp.file("link")));
  EXPECT_FALSE(RunDirectory::list(temp.file("file")));
  EXPECT_TRUE(std::filesystem::is_empty(temp.file("real")));
  EXPECT_TRUE(RunDirectory::create(temp.file("real")));  // control
  // `run` itself as a link
  ASSERT_EQ(::mkdir(temp.file("trap").c_str(), 0700), 0);
  ASSERT_EQ(::symlink("../real", temp.file("trap/run").c_str()), 0);
  EXPECT_FALSE(RunDirectory::create(temp.file("trap")));
  if (::chown(temp.file("other").c_str(), 4321, 4321) == 0) {
    Expected<RunDirectory> run = RunDirectory::create(temp.file("other"));
    ASSERT_FALSE(run);
    EXPECT_NE(run.error().message.find("another user"), std::string::npos);
  }
  EXPECT_EQ(RunDirectory::create("").error().code, TR_EINVAL);
}

TEST(RunDirectory, ListsNothingWhereThereIsNothing) {
  const TempDirectory temp;
  for (const std::string& base : {temp.file("missing"), temp.path()}) {
    const auto ids = RunDirectory::list(base);
    ASSERT_TRUE(ids);
    EXPECT_TRUE(ids->empty());
  }
}

TEST(RunDirectory, ALiveRunIsNotAdopted) {
  const TempDirectory temp;
  RunDirectory run = must_create(temp.path());
  EXPECT_EQ(adopt_code(temp.path(), run.id()), TR_EAGAIN);
  EXPECT_EQ(wait_for(in_child([&] { return adopt_code(temp.path(), run.id()) == TR_EAGAIN ? 0 : 1; })), 0);
  run.close_inherited();
  EXPECT_EQ(adopt_code(temp.path(), run.id()), TR_OK);  // control: it was the lock
}

TEST(RunDirectory, IdsThatLeadElsewhereAreRefused) {
  const TempDirectory temp;
  must_create(temp.path());
  for (const char* id : {"", ".", "..", "../run", "a/b", ".new-x"})
    EXPECT_EQ(adopt_code(temp.path(), id), TR_EINVAL) << id;
  EXPECT_EQ(adopt_code(temp.path(), "20000101T000000000000-0"), TR_EAGAIN);
}

TEST(RunDirectory, AnAdoptedRunKeepsItsAgeAndMayBeAdoptedAgainAndAgain) {
  const TempDirectory temp;
  const std::string id = dead_run(temp.path());
  int64_t created = 0;
  for (int generation = 1; generation <= 5; ++generation) {
    const pid_t child = in_child([&] {
      Expected<RunDirectory> run = RunDirectory::adopt(temp.path(), id);
      return run && adopt_code(temp.path(), id) == TR_EAGAIN ? 0 : 1;
    });
    ASSERT_EQ(wait_for(child), 0) << generation;
  }
  Expected<RunDirectory> run = RunDirectory::adopt(temp.path(), id);
  ASSERT_TRUE(run);
  created = run->created_unix_ns();
  EXPECT_LT(std::abs(created / 1'000'000'000 - ::time(nullptr)), 60);
  EXPECT_EQ(run->id(), id);
  EXPECT_EQ(run->path(), temp.path() + "/run/" + id);
  Owner owner;
  ASSERT_EQ(*log_detail::read_owner(run->fd(), &owner), OwnerState::kGood);
  EXPECT_EQ(owner.generation, 6u);
  EXPECT_EQ(owner.created_unix_ns, created);
  EXPECT_EQ(owner.process.pid, ::getpid());
}

// The maker is gone, but a child it forked holds the lock.
TEST(RunDirectory, AForkedChildThatHoldsTheLockDoesNotKeepARunFromAdoption) {
  const TempDirectory temp;
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  const pid_t maker = in_child([&] {
    RunDirectory run = must_create(temp.path());
    const pid_t stray = in_child([&] {
      ::prctl(PR_SET_PDEATHSIG, 0);
      ::pause();
      return 0;
    });
    if (::write(pipe_fds[1], &stray, sizeof stray) != sizeof stray) return 1;
    ::raise(SIGKILL);
    return 2;
  });
  pid_t stray = 0;
  ASSERT_EQ(::read(pipe_fds[0], &stray, sizeof stray), static_cast<ssize_t>(sizeof stray));
  Children children;
  children.add(stray);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(maker), &info, WEXITED | WNOWAIT), 0);  // a zombie is dead too
  const std::string id = RunDirectory::list(temp.path())->front();
  const UniqueFd lock(::open((temp.path() + "/run/" + id + "/lock").c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_NE(::flock(lock.get(), LOCK_EX | LOCK_NB), 0);  // held indeed
  {
    Expected<RunDirectory> run = RunDirectory::adopt(temp.path(), id);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(adopt_code(temp.path(), id), TR_EAGAIN);
  }
  EXPECT_EQ(wait_for(maker), 1000 + SIGKILL);
  // We are alive, and hold nothing any more; the run of a live owner with a free lock is dead.
  EXPECT_EQ(adopt_code(temp.path(), id), TR_OK);
  ::close(pipe_fds[0]);
  ::close(pipe_fds[1]);
}

TEST(RunDirectory, AForkedChildThatClosesLeavesTheParentItsLock) {
  const TempDirectory temp;
  RunDirectory run = must_create(temp.path());
  const pid_t child = in_child([&] {
    run.close_inherited();
    return 0;
  });
  EXPECT_EQ(wait_for(child), 0);
  EXPECT_EQ(adopt_code(temp.path(), run.id()), TR_EAGAIN);
}

TEST(RunDirectory, AnOwnerOfWhomNothingIsKnownIsDeadWhenAllLocksAreFree) {
  const TempDirectory temp;
  RunDirectory run = must_create(temp.path());
  const std::string owner = run.path() + "/owner";
  for (const char* text : {"", "junk", "trunkline-run 1\nboot_id \n"}) {
    write_file(owner, text);
    EXPECT_EQ(adopt_code(temp.path(), run.id()), TR_EAGAIN);
  }
  ::unlink(owner.c_str());
  EXPECT_EQ(adopt_code(temp.path(), run.id()), TR_EAGAIN);
  run.close_inherited();
  Expected<RunDirectory> adopted = RunDirectory::adopt(temp.path(), run.id());
  ASSERT_TRUE(adopted) << adopted.error().message;
  EXPECT_GT(adopted->created_unix_ns(), 0);
  // An adopter's lock, of a generation the file no longer tells, counts too.
  Expected<RunDirectory> second = Error{};
  adopted->close_inherited();
  second = RunDirectory::adopt(temp.path(), run.id());
  ASSERT_TRUE(second);
  ::unlink(owner.c_str());
  EXPECT_EQ(adopt_code(temp.path(), run.id()), TR_EAGAIN);
}

TEST(RunDirectory, ANewerVersionIsLeftAlone) {
  const TempDirectory temp;
  const std::string id = dead_run(temp.path());
  const std::string path = temp.path() + "/run/" + id;
  write_file(path + "/owner", "trunkline-run 2\nwho knows\n");
  EXPECT_EQ(adopt_code(temp.path(), id), TR_EUNSUPPORTED);
  EXPECT_EQ(read_file(path + "/owner"), "trunkline-run 2\nwho knows\n");
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path)) ++files;
  EXPECT_EQ(files, 2u);
}

TEST(RunDirectory, AnyOneBitFlippedInTheOwnerFileIsNoticed) {
  Owner owner{this_process(), 3, 1234567890123456789};
  const std::string good = log_detail::encode_owner(owner);
  Owner read;
  ASSERT_EQ(log_detail::decode_owner(good, &read), OwnerState::kGood);
  EXPECT_EQ(read.process.boot_id, owner.process.boot_id);
  EXPECT_EQ(read.process.start_time, owner.process.start_time);
  EXPECT_EQ(read.process.pid_namespace, owner.process.pid_namespace);
  EXPECT_EQ(read.created_unix_ns, owner.created_unix_ns);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(log_detail::decode_owner(bad, &read), OwnerState::kGood) << bit;
  }
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(log_detail::decode_owner(good.substr(0, size), &read), OwnerState::kUnreadable);
}

TEST(RunDirectory, RemoveTakesEverythingAway) {
  const TempDirectory temp;
  RunDirectory run = must_create(temp.path());
  LogWriter writer = must_open(run.fd(), {4096, false});
  ASSERT_FALSE(append_one(writer, 1, "x"));
  ASSERT_EQ(::mkdirat(run.fd(), "cursors", 0700), 0);
  write_file(run.path() + "/cursors/1", "x");
  write_file(run.path() + "/recorder", "x");
  const std::string id = run.id();
  const Error error = run.remove();
  EXPECT_FALSE(error) << error.message;
  EXPECT_TRUE(std::filesystem::is_empty(temp.path() + "/run"));
  EXPECT_EQ(adopt_code(temp.path(), id), TR_EAGAIN);
}

TEST(RunDirectory, WhatDiedInTheMakingOrRemovingIsSweptUp) {
  const TempDirectory temp;
  must_create(temp.path());
  const std::string runs = temp.path() + "/run/";
  for (const char* name : {".old-1", ".new-young", ".new-aged"}) {
    std::filesystem::create_directories(runs + name + "/cursors");
    write_file(runs + name + "/cursors/x", "x");
  }
  const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (runs + ".new-aged").c_str(), long_ago, 0), 0);
  EXPECT_EQ(RunDirectory::list(temp.path())->size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(runs + ".old-1"));
  EXPECT_FALSE(std::filesystem::exists(runs + ".new-aged"));
  EXPECT_TRUE(std::filesystem::exists(runs + ".new-young"));  // somebody may be at it
}

// Twenty processes make a run each, half of them die; twenty adopters go for all of them at once.
TEST(RunDirectory, OfManyProcessesEachDeadRunIsAdoptedByOneAndNoLiveOne) {
  constexpr int kProcesses = 20;
  const TempDirectory temp;
  const std::string base = temp.file("trunkline");  // they race for making it, too
  for (int round = 0; round < 3; ++round) {
    int made[2];
    int start[2];
    int done[2];
    int stop[2];
    for (int* fds : {made, start, done, stop}) ASSERT_EQ(::pipe(fds), 0);
    struct Message {
      char id[64];
      int who;
    };
    Children children;
    std::vector<pid_t> makers;
    for (int i = 0; i < kProcesses; ++i) {
      makers.push_back(in_child([&] {
        for (int* fds : {start, stop}) ::close(fds[1]);
        RunDirectory run = must_create(base);
        Message message{};
        run.id().copy(message.id, sizeof message.id - 1);
        message.who = i;
        if (::write(made[1], &message, sizeof message) != sizeof message) return 1;
        ::pause();
        return 0;
      }));
      children.add(makers.back());
    }
    ::close(made[1]);
    std::set<std::string> live;
    std::set<std::string> dead;
    for (int i = 0; i < kProcesses; ++i) {
      Message message{};
      ASSERT_EQ(::read(made[0], &message, sizeof message), static_cast<ssize_t>(sizeof message));
      (message.who % 2 == 0 ? dead : live).insert(message.id);
    }
    ASSERT_EQ(live.size(), 10u);
    ASSERT_EQ(dead.size(), 10u);
    for (size_t i = 0; i < makers.size(); i += 2) {
      ::kill(makers[i], SIGKILL);
      wait_for(makers[i]);
    }
    std::vector<pid_t> adopters;
    for (int i = 0; i < kProcesses; ++i) {
      adopters.push_back(in_child([&] {
        char go = 0;
        ::close(start[1]);
        ::close(stop[1]);
        (void)!::read(start[0], &go, 1);  // until it is closed
        std::vector<RunDirectory> mine;
        const auto ids = RunDirectory::list(base);
        for (size_t k = 0; ids && k < ids->size(); ++k) {
          Expected<RunDirectory> run = RunDirectory::adopt(base, (*ids)[(k + static_cast<size_t>(i)) % ids->size()]);
          if (!run && run.error().code != TR_EAGAIN) return 1;
          if (!run) continue;
          Message message{};
          run->id().copy(message.id, sizeof message.id - 1);
          if (::write(done[1], &message, sizeof message) != sizeof message) return 2;
          mine.push_back(std::move(*run));
        }
        const Message end{};
        if (::write(done[1], &end, sizeof end) != sizeof end) return 3;
        (void)!::read(stop[0], &go, 1);  // they live on until all have tried
        for (RunDirectory& run : mine) {
          if (run.remove()) return 4;
        }
        return 0;
      }));
      children.add(adopters.back());
    }
    ::close(start[1]);
    ::close(done[1]);
    std::multiset<std::string> adopted;
    for (int ended = 0; ended < kProcesses;) {
      Message message{};
      ASSERT_EQ(::read(done[0], &message, sizeof message), static_cast<ssize_t>(sizeof message));
      if (message.id[0] == '\0') {
        ++ended;
      } else {
        adopted.insert(message.id);
      }
    }
    EXPECT_EQ(adopted, std::multiset<std::string>(dead.begin(), dead.end()));
    ::close(stop[1]);
    for (const pid_t pid : adopters) EXPECT_EQ(wait_for(pid), 0);
    const auto left = RunDirectory::list(base);
    EXPECT_EQ(std::set<std::string>(left->begin(), left->end()), live);
    for (size_t i = 1; i < makers.size(); i += 2) {
      ::kill(makers[i], SIGKILL);
      wait_for(makers[i]);
    }
    for (const std::string& id : live) ASSERT_FALSE(RunDirectory::adopt(base, id)->remove());
    for (const int fd : {made[0], start[0], done[0], stop[0]}) ::close(fd);
  }
}

// One winner among threads as well, also where nothing is known of the owner.
TEST(RunDirectory, OneWinnerAmongThreads) {
  const TempDirectory temp;
  for (int round = 0; round < 30; ++round) {
    const std::string id = dead_run(temp.path());
    if (round % 2 == 1) ::unlink((temp.path() + "/run/" + id + "/owner").c_str());
    std::atomic<int> ready{0};
    std::atomic<int> won{0};
    std::vector<Expected<RunDirectory>> results;
    for (int i = 0; i < 8; ++i) results.emplace_back(Error{});
    std::vector<std::thread> threads;
    for (size_t i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        ++ready;
        while (ready < 8) std::this_thread::yield();
        results[i] = RunDirectory::adopt(temp.path(), id);
        if (results[i]) ++won;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(won, 1) << round;
  }
}

// Threads that adopt and let go in turn: a look at the owner that is out of date must not lead to a second one.
TEST(RunDirectory, NeverTwoOwnersWhileOwnersComeAndGo) {
  const TempDirectory temp;
  const std::string id = dead_run(temp.path());
  std::atomic<int> owners{0};
  std::atomic<int> together{0};
  std::atomic<int> adopted{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 4000 && adopted < 1500; ++round) {
        Expected<RunDirectory> run = RunDirectory::adopt(temp.path(), id);
        if (!run) continue;
        if (++owners != 1) ++together;
        ++adopted;
        std::this_thread::yield();
        --owners;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(adopted, 50);
  EXPECT_EQ(together, 0);
}

TEST(RunDirectory, ARunThatIsRemovedAtOnceIsAdoptedOnceAllTheSame) {
  const TempDirectory temp;
  for (int round = 0; round < 200; ++round) {
    RunDirectory run = must_create(temp.path());
    run.close_inherited();
    std::atomic<int> ready{0};
    std::atomic<int> won{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        ++ready;
        while (ready < 4) std::this_thread::yield();
        Expected<RunDirectory> mine = RunDirectory::adopt(temp.path(), run.id());
        if (!mine) {
          EXPECT_EQ(mine.error().code, TR_EAGAIN) << mine.error().message;
          return;
        }
        ++won;
        const Error error = mine->remove();
        EXPECT_FALSE(error) << error.message;
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_LE(won, 1);
    if (won == 0) continue;
    EXPECT_TRUE(RunDirectory::list(temp.path())->empty());
  }
}

}  // namespace
}  // namespace trunkline
