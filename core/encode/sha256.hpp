// SHA-256 (FIPS 180-4): the digest by which W&B names media, and a source of ids that follow from others.
#pragma once

#include "encode/block_hash.hpp"

namespace trunkline::encode {

class Sha256 : public BlockHash<Sha256, 8, ByteOrder::kHighestFirst> {
 public:
  Sha256()
      : BlockHash({0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}) {}

 private:
  friend BlockHash;

  void take_block(const unsigned char* block);
};

}  // namespace trunkline::encode
