// Digests of bytes and files, by Md5 or Sha256, and how they are written.
#pragma once

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "encode/md5.hpp"
#include "encode/sha256.hpp"
#include "os/file.hpp"

namespace trunkline::encode {

// Lower-case hexadecimal, base64; and bytes of what was hexadecimal, empty if it was not.
std::string hex_of(std::string_view bytes);
std::string base64_of(std::string_view bytes);
std::string bytes_of_hex(std::string_view hex);

template <class Hash>
std::string digest_of(std::string_view bytes) {
  Hash hash;
  hash.update(bytes);
  return hash.finish();
}

// The raw digest of a whole file, read piece by piece. TR_EIO.
template <class Hash>
Expected<std::string> digest_of_file(const std::string& path) {
  constexpr size_t kPiece = size_t{256} << 10;
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return io_error(path, errno);
  Hash hash;
  std::string piece(kPiece, '\0');
  for (uint64_t offset = 0;;) {
    const auto got = pread_all(file.get(), piece.data(), piece.size(), offset);
    if (!got) return Error{TR_EIO, path + ": " + got.error().message};
    hash.update(std::string_view(piece).substr(0, *got));
    offset += *got;
    if (*got < piece.size()) return hash.finish();
  }
}

}  // namespace trunkline::encode
