// MD5 and SHA-256 against the vectors of their standards, and however the bytes come.
#include "encode/digest.hpp"

#include <gtest/gtest.h>

#include "support/files.hpp"

namespace trunkline::encode {
namespace {

template <class Hash>
std::string hex_digest(std::string_view bytes) {
  return hex_of(digest_of<Hash>(bytes));
}

// RFC 1321, appendix A.5.
TEST(Digest, Md5IsThatOfItsStandard) {
  EXPECT_EQ(hex_digest<Md5>(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hex_digest<Md5>("a"), "0cc175b9c0f1b6a831c399e269772661");
  EXPECT_EQ(hex_digest<Md5>("abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex_digest<Md5>("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(hex_digest<Md5>("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
  EXPECT_EQ(hex_digest<Md5>("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
            "d174ab98d277d9f5a5611c2c9f419d9f");
  EXPECT_EQ(hex_digest<Md5>("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            "57edf4a22be3c955ac49da2e2107b67a");
}

// FIPS 180-4, and a million letters.
TEST(Digest, Sha256IsThatOfItsStandard) {
  EXPECT_EQ(hex_digest<Sha256>(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_digest<Sha256>("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_digest<Sha256>("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex_digest<Sha256>(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(hex_digest<Md5>(std::string(1'000'000, 'a')), "7707d6ae4e027c70eea2a935c2296f21");
}

template <class Hash>
void expect_same_in_pieces() {
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes.push_back(static_cast<char>(i * 37 + 11));
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const std::string_view all = std::string_view(bytes).substr(0, size);
    const std::string whole = digest_of<Hash>(all);
    for (const size_t piece : {size_t{1}, size_t{7}, size_t{63}, size_t{64}, size_t{65}, size_t{130}}) {
      Hash hash;
      for (size_t at = 0; at < size; at += piece) hash.update(all.substr(at, piece));
      ASSERT_EQ(hash.finish(), whole) << size << " in pieces of " << piece;
    }
    if (size != 0) {
      std::string other(all);
      other[size / 2] = static_cast<char>(other[size / 2] ^ 1);
      ASSERT_NE(digest_of<Hash>(other), whole);
    }
  }
}

TEST(Digest, HoweverTheBytesCome) {
  expect_same_in_pieces<Md5>();
  expect_same_in_pieces<Sha256>();
}

TEST(Digest, OfFiles) {
  const test::TempDirectory folder;
  const std::string bytes(1'000'001, 'x');
  test::write_file(folder.file("f"), bytes);
  EXPECT_EQ(*digest_of_file<Md5>(folder.file("f")), digest_of<Md5>(bytes));
  EXPECT_EQ(digest_of_file<Md5>(folder.file("none")).error().code, TR_EIO);
  EXPECT_EQ(digest_of_file<Md5>(folder.path()).error().code, TR_EIO);
}

TEST(Digest, HexadecimalIsReadBack) {
  EXPECT_EQ(bytes_of_hex(hex_of(std::string("\0\x7f\xff", 3))), std::string("\0\x7f\xff", 3));
  for (const char* wrong : {"1", "zz", "AB", "0g"}) EXPECT_EQ(bytes_of_hex(wrong), "") << wrong;
}

}  // namespace
}  // namespace trunkline::encode
