#include <gtest/gtest.h>

#include "log/cursor_file.hpp"
#include "log_support.hpp"

namespace trunkline {
namespace {

using namespace log_test;

std::string only_file(const TempDirectory& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory.file("cursors"))) return entry.path();
  return {};
}

CursorFile must_open(const TempDirectory& directory, const std::string& identity) {
  Expected<CursorFile> file = CursorFile::open(directory.fd(), identity);
  if (!file) ADD_FAILURE() << file.error().message;
  return std::move(*file);
}

TEST(CursorFile, KeepsTheLastOneStored) {
  const TempDirectory directory;
  CursorFile file = must_open(directory, "wandb https://api.wandb.ai/me");
  EXPECT_FALSE(file.load());
  for (uint64_t n = 1; n <= 20; ++n) {
    ASSERT_FALSE(file.store({n, n * 10, std::string(n * 100, static_cast<char>('a' + n)), "ignored"}));
    const std::optional<Cursor> cursor = must_open(directory, "wandb https://api.wandb.ai/me").load();
    ASSERT_TRUE(cursor);
    EXPECT_EQ(cursor->first_sequence, n);
    EXPECT_EQ(cursor->acknowledged, n * 10);
    EXPECT_EQ(cursor->state, std::string(n * 100, static_cast<char>('a' + n)));
    EXPECT_EQ(cursor->identity, "wandb https://api.wandb.ai/me");
    if (n == 10) file = must_open(directory, "wandb https://api.wandb.ai/me");
  }
}

TEST(CursorFile, LimitsOfStateAndIdentity) {
  const TempDirectory directory;
  CursorFile file = must_open(directory, std::string(4096, 'i'));
  ASSERT_FALSE(file.store({1, 2, std::string(64 << 10, 's'), ""}));
  EXPECT_EQ(file.store({1, 3, std::string((64 << 10) + 1, 's'), ""}).code, TR_ELIMIT);
  ASSERT_TRUE(file.load());
  EXPECT_EQ(file.load()->acknowledged, 2u);
  ASSERT_FALSE(file.store({1, 4, std::string(64 << 10, 't'), ""}));
  EXPECT_EQ(file.load()->state, std::string(64 << 10, 't'));
  EXPECT_EQ(CursorFile::open(directory.fd(), std::string(4097, 'i')).error().code, TR_ELIMIT);
}

TEST(CursorFile, NamesInTheDirectoryTellNothing) {
  const TempDirectory directory;
  must_open(directory, "../../escape/me");
  EXPECT_EQ(only_file(directory).find("escape"), std::string::npos);
  EXPECT_EQ(std::filesystem::path(only_file(directory)).parent_path(), directory.file("cursors"));
  struct stat info {};
  ASSERT_EQ(::stat(only_file(directory).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST(CursorFile, ListsAndRemoves) {
  const TempDirectory directory;
  Expected<std::vector<Cursor>> none = CursorFile::list(directory.fd());
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  ASSERT_FALSE(must_open(directory, "a").store({1, 1, "A", ""}));
  ASSERT_FALSE(must_open(directory, "b").store({2, 2, "B", ""}));
  must_open(directory, "never stored");
  write_file(directory.file("cursors/junk"), "junk");
  Expected<std::vector<Cursor>> all = CursorFile::list(directory.fd());
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_NE((*all)[0].identity, (*all)[1].identity);
  EXPECT_FALSE(CursorFile::remove(directory.fd(), "a"));
  EXPECT_FALSE(CursorFile::remove(directory.fd(), "a"));
  all = CursorFile::list(directory.fd());
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ((*all)[0].state, "B");
}

// Whatever becomes of the newest record, the one before it is there; and no mixture.
TEST(CursorFile, AnyDamageLeavesTheOtherRecord) {
  const TempDirectory directory;
  {
    CursorFile file = must_open(directory, "id");
    ASSERT_FALSE(file.store({1, 10, "old", ""}));
    ASSERT_FALSE(file.store({1, 20, "new", ""}));
  }
  const std::string path = only_file(directory);
  const std::string good = read_file(path);
  size_t fell_back = 0;
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  for (size_t at = 0; at < good.size(); ++at) {
    if (at > 80 && at < (72u << 10)) continue;  // unused
    for (int bit = 0; bit < 8; ++bit) {
      const char bad = static_cast<char>(good[at] ^ (1 << bit));
      ASSERT_FALSE(pwrite_all(fd.get(), &bad, 1, at));
      const std::optional<Cursor> cursor = must_open(directory, "id").load();
      ASSERT_TRUE(cursor) << at;
      ASSERT_TRUE((cursor->acknowledged == 10 && cursor->state == "old") ||
                  (cursor->acknowledged == 20 && cursor->state == "new"));
      fell_back += cursor->acknowledged == 10;
      ASSERT_FALSE(pwrite_all(fd.get(), &good[at], 1, at));
    }
  }
  EXPECT_EQ(fell_back, (48u + 2 + 3) * 8);  // each bit of the newest record counts
}

TEST(CursorFile, TruncationFallsBackAndStoringGoesOn) {
  const TempDirectory directory;
  {
    CursorFile file = must_open(directory, "id");
    ASSERT_FALSE(file.store({1, 10, "old", ""}));  // second place
    ASSERT_FALSE(file.store({1, 20, "new", ""}));  // first place
  }
  const std::string path = only_file(directory);
  const std::string good = read_file(path);
  for (size_t size = 0; size <= good.size(); size = size == 80 ? (72u << 10) : size + 1) {
    write_file(path, good.substr(0, size));
    CursorFile file = must_open(directory, "id");
    const std::optional<Cursor> cursor = file.load();
    ASSERT_EQ(cursor.has_value(), size >= 53) << size;
    if (cursor) {
      ASSERT_EQ(cursor->acknowledged, 20u);
    }
    ASSERT_FALSE(file.store({1, 30, "next", ""}));
    ASSERT_EQ(must_open(directory, "id").load()->acknowledged, 30u);
  }
}

TEST(CursorFile, RandomBytesAreNoCursor) {
  const TempDirectory directory;
  must_open(directory, "id");
  for (uint64_t n = 0; n < 50; ++n) {
    write_file(only_file(directory), payload_of(n, n * 4000));
    EXPECT_FALSE(must_open(directory, "id").load());
  }
}

}  // namespace
}  // namespace trunkline
