// The machine loses its power. What a disk holds then is modelled: of each file what it held at its last fsync, each
// page perhaps overwritten by a later one; of the directory the names at its last fsync, each change after it perhaps
// made. From any such state the log is read again: what was synced is there, and nothing that was never written.
#include <dlfcn.h>
#include <sys/stat.h>

#include <map>
#include <random>

#include "unit/log_support.hpp"

namespace trunkline {
namespace {

constexpr size_t kPage = 4096;

class Disk {
 public:
  explicit Disk(std::string folder) : folder_(std::move(folder)) {}

  void synced(int fd) {
    struct stat info {};
    if (fstat(fd, &info) != 0) return;
    if (S_ISDIR(info.st_mode)) {
      names_ = names_now();
    } else {
      files_[info.st_ino] = test::read_file("/proc/self/fd/" + std::to_string(fd));
    }
  }

  // Writes what is left into another folder.
  void lose_power(const std::string& to, std::minstd_rand* random) const {
    std::map<std::string, ino_t> names = names_;
    std::map<ino_t, std::string> now;
    for (const auto& [name, inode] : names_now()) {
      now[inode] = test::read_file(folder_ + "/" + name);
      if ((*random)() % 2 == 0) names[name] = inode;
    }
    const std::map<std::string, ino_t> newest = names_now();
    for (auto each = names.begin(); each != names.end();) {
      const bool gone = newest.find(each->first) == newest.end() && (*random)() % 2 == 0;
      each = gone ? names.erase(each) : std::next(each);
    }
    for (const auto& [name, inode] : names) {
      const auto durable = files_.find(inode);
      const auto current = now.find(inode);
      const std::string old_bytes = durable == files_.end() ? std::string() : durable->second;
      test::write_file(to + "/" + name, current == now.end() ? old_bytes : mix(old_bytes, current->second, random));
    }
  }

 private:
  static std::string mix(const std::string& before, const std::string& after, std::minstd_rand* random) {
    std::string bytes = before;
    if ((*random)() % 2 == 0) bytes.resize(std::max(before.size(), after.size()), '\0');
    for (size_t at = 0; at < std::min(bytes.size(), after.size()); at += kPage) {
      const size_t size = std::min({kPage, bytes.size() - at, after.size() - at});
      if ((*random)() % 2 == 0) bytes.replace(at, size, after, at, size);
    }
    return bytes;
  }

  std::map<std::string, ino_t> names_now() const {
    std::map<std::string, ino_t> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      struct stat info {};
      if (::stat(entry.path().c_str(), &info) == 0) names[entry.path().filename()] = info.st_ino;
    }
    return names;
  }

  const std::string folder_;
  std::map<ino_t, std::string> files_;
  std::map<std::string, ino_t> names_;
};

Disk* the_disk = nullptr;

int sync_by(const char* name, int fd) {
  using Sync = int (*)(int);
  const int result = reinterpret_cast<Sync>(dlsym(RTLD_NEXT, name))(fd);
  if (result == 0 && the_disk != nullptr) the_disk->synced(fd);
  return result;
}

struct Lost {
  int losses_of_power = 0;
  int with_a_hole = 0;  // a synced frame was not there
  int with_a_lie = 0;   // a frame was there that was never written so
};

// Appends, syncs and releases at random, and loses the power again and again.
Lost lose_power_often(bool fsync, unsigned seed) {
  const log_test::TempDirectory folder;
  Disk disk(folder.path());
  the_disk = &disk;
  std::minstd_rand random(seed);
  LogWriter writer = log_test::must_open(folder.fd(), {16384, fsync});
  Lost lost;
  uint64_t sequence = 0;
  uint64_t synced = 0;
  uint64_t released = 0;
  for (int round = 0; round < 150; ++round) {
    for (unsigned i = 0; i < 1 + random() % 40; ++i) {
      ++sequence;
      EXPECT_FALSE(log_test::append_one(writer, sequence, log_test::payload_of(sequence, 100 + sequence % 700)));
    }
    if (random() % 2 == 0) {
      EXPECT_FALSE(writer.sync());
      synced = sequence;
    }
    if (random() % 4 == 0 && synced > 60) {
      released = synced - 60;
      writer.release_before(released);
    }
    const log_test::TempDirectory left;
    disk.lose_power(left.path(), &random);
    const log_test::Contents contents = log_test::read_all(left.fd());
    ++lost.losses_of_power;
    bool hole = false;
    for (uint64_t each = std::max<uint64_t>(released, 1); each <= synced; ++each) {
      hole = hole || contents.records.find(each) == contents.records.end();
    }
    bool lie = !contents.error.empty() || !contents.ordered;
    for (const auto& [each, payload] : contents.records) {
      lie = lie || each > sequence || payload != log_test::payload_of(each, 100 + each % 700);
    }
    lost.with_a_hole += hole;
    lost.with_a_lie += lie;
  }
  the_disk = nullptr;
  return lost;
}

TEST(Power, WhatWasSyncedIsThereAndNothingElseIsBelieved) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    const Lost lost = lose_power_often(true, seed);
    EXPECT_EQ(lost.with_a_hole, 0) << "of " << lost.losses_of_power << ", seed " << seed;
    EXPECT_EQ(lost.with_a_lie, 0) << "seed " << seed;
  }
}

// The control: without fsync the model takes away what was written, and still nothing wrong is believed.
TEST(Power, WithoutSyncSomethingIsLostAndNothingIsMadeUp) {
  const Lost lost = lose_power_often(false, 5);
  EXPECT_GT(lost.with_a_hole, lost.losses_of_power / 2);
  EXPECT_EQ(lost.with_a_lie, 0);
}

}  // namespace
}  // namespace trunkline

// In place of the C library's.
extern "C" int fsync(int fd) { return trunkline::sync_by("fsync", fd); }
extern "C" int fdatasync(int fd) { return trunkline::sync_by("fdatasync", fd); }
