// The head of a protobuf message of known size, whose content the caller appends. (pbf_writer's own form of this takes
// one such message and nothing after it.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <protozero/types.hpp>
#include <protozero/varint.hpp>
#include <string>

namespace trunkline::encode {

inline void begin_message(std::string* out, uint32_t tag, size_t size) {
  const auto type = static_cast<uint64_t>(protozero::pbf_wire_type::length_delimited);
  protozero::add_varint_to_buffer(out, uint64_t{tag} << 3 | type);
  protozero::add_varint_to_buffer(out, size);
}

}  // namespace trunkline::encode
