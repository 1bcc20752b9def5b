// What the fuzzers share: a folder in memory, statements that must hold, and a reader of all a record points to, so
// that a sanitizer sees what lies outside.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "os/file.hpp"
#include "trunkline.h"

namespace trunkline::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

class Folder {
 public:
  Folder() {
    require(::mkdtemp(path_) != nullptr, "a folder can be made");
    fd_ = ::open(path_, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  ~Folder() {
    ::close(fd_);
    const std::string command = "rm -rf " + std::string(path_);
    require(std::system(command.c_str()) == 0, "the folder can be removed");
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  int fd() const { return fd_; }
  const char* path() const { return path_; }

  void write(const std::string& name, const std::string& bytes) const {
    const UniqueFd file(::openat(fd_, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    require(static_cast<bool>(file), "a file can be made");
    require(!write_all(file.get(), bytes.data(), bytes.size()), "a file can be written");
  }

 private:
  char path_[32] = "/dev/shm/trunkline-fuzz-XXXXXX";
  int fd_ = -1;
};

// Sums bytes up where the compiler cannot leave it out.
inline void use(const void* data, size_t size) {
  static volatile unsigned sum;
  for (size_t i = 0; i < size; ++i) sum = sum + static_cast<const unsigned char*>(data)[i];
}

inline void use(const tr_value& value) {
  switch (value.type) {
    case TR_TYPE_I64_ARRAY:
    case TR_TYPE_F64_ARRAY:
      return use(value.data, value.size * 8);
    case TR_TYPE_STR_ARRAY:
      for (size_t i = 0; i < value.size; ++i) {
        const tr_string& text = static_cast<const tr_string*>(value.data)[i];
        use(text.data, text.size);
      }
      return;
    default:
      return use(value.data, value.size);
  }
}

inline void use(const tr_attribute* attributes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    use(attributes[i].key.data, attributes[i].key.size);
    use(attributes[i].value);
  }
}

inline void use(const tr_record& record) {
  for (const tr_string& text : {record.name, record.group_id, record.project, record.foreign_id, record.model,
                                record.score_name, record.error_type, record.error_message}) {
    use(text.data, text.size);
  }
  use(record.input);
  use(record.output);
  use(record.attributes, record.attribute_count);
  for (size_t i = 0; i < record.event_count; ++i) {
    use(record.events[i].name.data, record.events[i].name.size);
    use(record.events[i].attributes, record.events[i].attribute_count);
  }
}

}  // namespace trunkline::fuzz
