// The pool grows over its file from both sides at once: callers that need a page, and the worker ahead of them.
#include "record/page_pool.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

namespace trunkline::record {
namespace {

constexpr uint64_t kPoolBytes = 48u << 20;

// A page that is touched before the file has grown over it kills the process.
TEST(PagePool, TouchesNothingBeyondItsFileWhileBothGrow) {
  for (int round = 0; round < 40; ++round) {
    const int fd = memfd_create("pool", MFD_CLOEXEC);
    ASSERT_GE(fd, 0);
    auto created = PagePool::create(fd, kPoolBytes);
    ASSERT_TRUE(created);
    PagePool& pool = **created;
    std::atomic<bool> done{false};
    std::thread worker([&] {
      while (!done) pool.grow_ahead();
    });
    uint32_t pages = 1;
    while (const uint32_t page = pool.allocate(PageType::kChunk)) {
      pool.page(page).data[0] = 1;
      ++pages;
    }
    done = true;
    worker.join();
    EXPECT_EQ(pages, pool.limit());
    struct stat status;
    ASSERT_EQ(fstat(fd, &status), 0);
    EXPECT_EQ(static_cast<uint64_t>(status.st_size), kPoolBytes);
    close(fd);
  }
}

}  // namespace
}  // namespace trunkline::record
