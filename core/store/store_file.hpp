// The database file as a writer opens it: made for us alone, never through a symbolic link, in write-ahead mode, with
// the schema of this version. A damaged file is moved aside and a new one begun; a file that was removed or replaced
// while it was open is noticed. Every failure here may pass, so every Error is TR_EAGAIN.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

#include "store/sqlite.hpp"

namespace trunkline::store {

using Notice = std::function<void(std::string_view sentence)>;

struct StoreLocation {
  std::string path;
  // The default file of the directory: whatever is damaged there was ours. A file the user named is moved aside only
  // when it says that it is a store.
  bool is_default = true;
};

class StoreFile {
 public:
  StoreFile(StoreLocation location, Notice notice) : location_(std::move(location)), notice_(std::move(notice)) {}

  Error open();
  void close();
  // Whether the last failure was another connection's lock, which passes by itself.
  bool is_locked() const { return locked_; }
  bool is_open() const { return database_.is_open(); }
  Database& database() { return database_; }

  // True when the path leads to another file than the one that is open, or to none.
  bool was_replaced() const;

  // Moves the damaged file aside, with its -wal and -shm, as "<path>.corrupt-<UTC time>". Closes the database.
  Error quarantine();

 private:
  Error prepare_file();
  int open_database();
  Error check_schema(int* code);
  Error temporary(int code);

  StoreLocation location_;
  Notice notice_;
  Database database_;
  std::string resolved_;  // with no symbolic link in its directory
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool locked_ = false;
  bool is_store_ = false;  // its header said so
};

}  // namespace trunkline::store
