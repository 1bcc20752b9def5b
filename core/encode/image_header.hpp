// What an image is, read from its first bytes: PNG, JPEG, GIF and WebP.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace trunkline::encode {

struct ImageHeader {
  std::string_view format;  // "png", "jpeg", "gif", "webp"; static
  uint32_t width = 0;
  uint32_t height = 0;
};

// How much of a file is worth reading: a JPEG says its size behind whatever else it holds, as thumbnails and colour
// profiles.
inline constexpr size_t kImageHeadBytes = size_t{1} << 20;

// Nothing: none of these formats, cut short, or without a size.
std::optional<ImageHeader> read_image_header(std::string_view bytes);

}  // namespace trunkline::encode
