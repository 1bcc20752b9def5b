// MD5 (RFC 1321): the digest by which W&B and object stores know a file. It says which content something is and
// protects against nothing: where that matters SHA-256 is used.
#pragma once

#include "encode/block_hash.hpp"

namespace trunkline::encode {

class Md5 : public BlockHash<Md5, 4, ByteOrder::kLowestFirst> {
 public:
  Md5() : BlockHash({0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}) {}

 private:
  friend BlockHash;

  void take_block(const unsigned char* block);
};

}  // namespace trunkline::encode
