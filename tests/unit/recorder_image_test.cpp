// The recorder's file, read back as recovery does: as a killed process leaves it, in the middle of being written, and
// damaged in every way that chance finds.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>
#include <set>
#include <thread>

#include "log_support.hpp"
#include "record/image.hpp"
#include "recorder_support.hpp"

namespace trunkline::record_test {
namespace {

class MemoryFile {
 public:
  explicit MemoryFile(const std::string& contents = "") : fd_(::memfd_create("recorder", MFD_CLOEXEC)) {
    EXPECT_EQ(::pwrite(fd_, contents.data(), contents.size(), 0), static_cast<ssize_t>(contents.size()));
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  int fd() const { return fd_; }

  std::string contents() const {
    struct stat info {};
    ::fstat(fd_, &info);
    std::string bytes(static_cast<size_t>(info.st_size), '\0');
    EXPECT_EQ(::pread(fd_, bytes.data(), bytes.size(), 0), info.st_size);
    return bytes;
  }

 private:
  int fd_;
};

// Reads everything there is; what it finds is looked at by the caller.
struct Read {
  size_t finished = 0;
  size_t open = 0;
  size_t broken = 0;
  std::set<std::string> names;
};

Read read(record::Image& image) {
  Read result;
  for (const auto& entry : image.entries()) {
    ++(entry.open ? result.open : result.finished);
    std::string name;
    const bool whole = image.visit_items(entry, [&](const ItemView& item) {
      if (item.field == Field::kName) name = item.value;
    });
    if (!whole) ++result.broken;
    result.names.insert(name);
  }
  return result;
}

Expected<record::Image> load(const std::string& contents) {
  const MemoryFile file(contents);
  return record::Image::load(file.fd());
}

TEST(RecorderImage, HasWhatWasNotCollected) {
  const MemoryFile file;
  RecorderLife life(kLeastMemory, {}, file.fd());
  const uint64_t trace = life.trace("the trace");
  const uint64_t logged = life.span(trace, "logged");
  life.end(logged);
  life.collect();
  for (int i = 0; i < 100; ++i) {
    const uint64_t span = life.span(trace, "ended " + std::to_string(i));
    life.set(span, "large", text_of(70'000 / (static_cast<size_t>(i) + 1), static_cast<uint64_t>(i)));
    for (int k = 0; k < i; ++k) life.set(span, "k" + std::to_string(k), text_of(30, static_cast<uint64_t>(k)));
    life.end(span);
  }
  const uint64_t open = life.span(trace, "open");
  life.set(open, "large", text_of(200'000, 3));
  auto image = load(file.contents());
  ASSERT_TRUE(image);
  EXPECT_EQ(image->corrupt(), 0u);
  const Read result = read(*image);
  EXPECT_EQ(result.finished, 100u);
  EXPECT_EQ(result.open, 2u);
  EXPECT_EQ(result.broken, 0u);
  EXPECT_EQ(result.names.count("logged"), 0u);
  EXPECT_EQ(result.names.count("open") + result.names.count("the trace"), 2u);
  for (const auto& entry : image->entries()) {
    image->visit_items(entry, [&](const ItemView& item) {
      if (item.key == "large" && entry.open) {
        EXPECT_EQ(item.value, text_of(200'000, 3));
      }
    });
  }
}

// Copied at random moments while threads record and records are collected: torn, but never a crash.
TEST(RecorderImage, CopiedInTheMiddleOfRecording) {
  const MemoryFile file;
  RecorderLife life(8u << 20, {}, file.fd());
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand random(t + 1);
      const uint64_t trace = life.trace("n");
      while (!stop) {
        const uint64_t span = life.span(trace, "n");
        for (unsigned k = random() % 8; k > 0; --k) {
          life.set(span, "key", text_of(random() % 4 == 0 ? random() % 80'000 : random() % 500, k));
        }
        life.end(span);
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) {
      life.collect(false);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  size_t found = 0;
  for (int copy = 0; copy < 300; ++copy) {
    std::this_thread::sleep_for(std::chrono::microseconds(copy * 13 % 900));
    auto image = load(file.contents());
    ASSERT_TRUE(image) << image.error().message;
    found += read(*image).finished;
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_GT(found, 100u);
}

TEST(RecorderImage, OfAnotherVersionOrNoneAtAll) {
  const MemoryFile file;
  { RecorderLife life(kLeastMemory, {}, file.fd()); }
  std::string contents = file.contents();
  EXPECT_TRUE(static_cast<bool>(load(contents)));
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{65535}, size_t{65536}, size_t{70000}}) {
    auto image = load(contents.substr(0, size));
    ASSERT_TRUE(image) << size;
    EXPECT_TRUE(image->entries().empty());
  }
  auto empty = load(std::string(200'000, '\0'));
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->entries().empty());
  reinterpret_cast<record::FileHeader*>(contents.data())->version = record::kFileVersion + 1;
  const auto newer = load(contents);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, TR_EUNSUPPORTED);
}

// A file with all there is: chunks, slots, overflow, extents, open spans. Only its used pages.
std::string rich_file() {
  const MemoryFile file;
  RecorderLife life(kLeastMemory, {}, file.fd());
  const uint64_t trace = life.trace("trace");
  std::vector<uint64_t> open;
  for (int i = 0; i < 60; ++i) {
    const uint64_t span = life.span(trace, "span " + std::to_string(i));
    for (int k = 0; k < i; ++k) life.set(span, "k" + std::to_string(k), text_of(60, static_cast<uint64_t>(k)));
    if (i % 7 == 0) life.set(span, "large", text_of(90'000, static_cast<uint64_t>(i)));
    if (i % 3 == 0) {
      open.push_back(span);
    } else {
      life.end(span);
    }
    if (i == 20) life.collect(false);
  }
  const uint64_t pages = life.pool().header().pages.load();
  return file.contents().substr(0, pages * record::kPageBytes);
}

TEST(RecorderImage, WithBytesFlippedAtRandom) {
  const std::string good = rich_file();
  auto intact = load(good);
  ASSERT_TRUE(intact);
  const Read expected = read(*intact);
  EXPECT_GT(expected.finished, 20u);
  EXPECT_GE(expected.open, 21u);
  EXPECT_EQ(expected.broken, 0u);
  const size_t pages = good.size() / record::kPageBytes;

  constexpr int kCopies = 10'000;
  std::mt19937_64 random(20260822);
  const MemoryFile file(good);
  size_t broken = 0;
  size_t fewer = 0;
  for (int copy = 0; copy < kCopies; ++copy) {
    std::vector<std::pair<size_t, char>> undo;
    for (uint64_t flips = 1 + random() % 8; flips > 0; --flips) {
      size_t at = random() % good.size();
      // Half of them where the structure is: headers of pages, and what comes right after them.
      if (random() % 2 == 0) at = random() % pages * record::kPageBytes + random() % 256;
      if (random() % 8 == 0) at = random() % sizeof(record::FileHeader);
      const char byte = random() % 3 == 0 ? '\xFF' : static_cast<char>(random());
      undo.emplace_back(at, good[at]);
      ASSERT_EQ(::pwrite(file.fd(), &byte, 1, static_cast<off_t>(at)), 1);
    }
    auto image = record::Image::load(file.fd());
    if (image) {
      const Read result = read(*image);
      broken += result.broken + image->corrupt();
      if (result.finished < expected.finished) ++fewer;
    } else {
      EXPECT_EQ(image.error().code, TR_EUNSUPPORTED);
    }
    for (auto each = undo.rbegin(); each != undo.rend(); ++each) {
      ASSERT_EQ(::pwrite(file.fd(), &each->second, 1, static_cast<off_t>(each->first)), 1);
    }
  }
  EXPECT_GT(broken, 100u) << "the damage was not where it could do any";
  EXPECT_GT(fewer, 100u);
}

// A chain of pages that leads back into itself, and a size that says to follow it: bounded by what there can be.
TEST(RecorderImage, AChainInACircle) {
  const MemoryFile file;
  std::string contents;
  {
    RecorderLife life(kLeastMemory, {}, file.fd());
    const uint64_t span = life.span(life.trace());
    life.set(span, "large", text_of(200'000, 1));
    contents = file.contents();
  }
  auto* pages = reinterpret_cast<record::Page*>(contents.data());
  size_t circles = 0;
  for (uint32_t i = 1; i < contents.size() / record::kPageBytes; ++i) {
    auto& header = pages[i].header;
    if (header.type == static_cast<uint32_t>(record::PageType::kExtent) && header.next != 0) {
      header.next = i;
      ++circles;
    }
  }
  ASSERT_GT(circles, 0u);
  const uint32_t before = 200'000;
  const uint32_t after = UINT32_MAX;
  size_t sizes = 0;
  const std::string_view pattern(reinterpret_cast<const char*>(&before), sizeof before);
  for (size_t at = contents.find(pattern); at != std::string::npos; at = contents.find(pattern, at + 1)) {
    contents.replace(at, sizeof after, reinterpret_cast<const char*>(&after), sizeof after);
    ++sizes;
  }
  ASSERT_GT(sizes, 0u);
  auto image = load(contents);
  ASSERT_TRUE(image);
  size_t longest = 0;
  for (const auto& entry : image->entries()) {
    image->visit_items(entry, [&](const ItemView& item) { longest = std::max(longest, item.value.size()); });
  }
  EXPECT_LE(longest, contents.size());
}

}  // namespace
}  // namespace trunkline::record_test
