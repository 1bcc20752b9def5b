#include "encode/image_header.hpp"

namespace trunkline::encode {
namespace {

// Numbers of bytes that are known to be there.
uint32_t byte_at(std::string_view bytes, size_t at) { return static_cast<unsigned char>(bytes[at]); }
uint32_t little16(std::string_view bytes, size_t at) { return byte_at(bytes, at) | byte_at(bytes, at + 1) << 8; }
uint32_t little24(std::string_view bytes, size_t at) { return little16(bytes, at) | byte_at(bytes, at + 2) << 16; }
uint32_t big16(std::string_view bytes, size_t at) { return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1); }
uint32_t big32(std::string_view bytes, size_t at) { return big16(bytes, at) << 16 | big16(bytes, at + 2); }

std::optional<ImageHeader> sized(std::string_view format, uint32_t width, uint32_t height) {
  if (width == 0 || height == 0) return std::nullopt;
  return ImageHeader{format, width, height};
}

std::optional<ImageHeader> read_png(std::string_view bytes) {
  if (bytes.size() < 24 || bytes.substr(12, 4) != "IHDR") return std::nullopt;
  return sized("png", big32(bytes, 16), big32(bytes, 20));
}

std::optional<ImageHeader> read_gif(std::string_view bytes) {
  if (bytes.size() < 10) return std::nullopt;
  return sized("gif", little16(bytes, 6), little16(bytes, 8));
}

// The frame header is one of C0 to CF, of which C4, C8 and CC are something else.
bool is_frame(uint32_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

std::optional<ImageHeader> read_jpeg(std::string_view bytes) {
  for (size_t at = 2; at + 4 <= bytes.size();) {
    if (byte_at(bytes, at) != 0xff) return std::nullopt;
    const uint32_t marker = byte_at(bytes, at + 1);
    if (marker == 0xff) {  // a byte to fill up
      ++at;
      continue;
    }
    const bool alone = marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    if (alone) {
      at += 2;
      continue;
    }
    if (marker == 0xd9 || marker == 0xda) return std::nullopt;  // the end, or the pixels
    if (is_frame(marker)) {
      if (at + 9 > bytes.size()) return std::nullopt;
      return sized("jpeg", big16(bytes, at + 7), big16(bytes, at + 5));
    }
    const uint32_t length = big16(bytes, at + 2);
    if (length < 2) return std::nullopt;
    at += 2 + size_t{length};
  }
  return std::nullopt;
}

std::optional<ImageHeader> read_webp(std::string_view bytes) {
  if (bytes.size() < 30) return std::nullopt;
  const std::string_view chunk = bytes.substr(12, 4);
  if (chunk == "VP8X") return sized("webp", little24(bytes, 24) + 1, little24(bytes, 27) + 1);
  if (chunk == "VP8 " && bytes.substr(23, 3) == "\x9d\x01\x2a") {
    return sized("webp", little16(bytes, 26) & 0x3fff, little16(bytes, 28) & 0x3fff);
  }
  if (chunk == "VP8L" && byte_at(bytes, 20) == 0x2f) {
    const uint32_t bits = little16(bytes, 21) | little16(bytes, 23) << 16;
    return sized("webp", (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
  }
  return std::nullopt;
}

}  // namespace

std::optional<ImageHeader> read_image_header(std::string_view bytes) {
  if (bytes.substr(0, 8) == "\x89PNG\r\n\x1a\n") return read_png(bytes);
  if (bytes.substr(0, 6) == "GIF87a" || bytes.substr(0, 6) == "GIF89a") return read_gif(bytes);
  if (bytes.substr(0, 3) == "\xff\xd8\xff") return read_jpeg(bytes);
  if (bytes.size() >= 12 && bytes.substr(0, 4) == "RIFF" && bytes.substr(8, 4) == "WEBP") return read_webp(bytes);
  return std::nullopt;
}

}  // namespace trunkline::encode
