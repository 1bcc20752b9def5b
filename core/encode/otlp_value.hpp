// Attributes as OTLP's protobuf has them: KeyValue messages appended to a message that is being written. What protobuf
// calls a string is UTF-8 afterwards whatever it was. JSON is sent as the text it is, or, where a reader wants it so,
// as nested lists and maps: 24 containers deep, the text from there on, because readers refuse messages of which a
// hundred lie in each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trunkline.h"

namespace trunkline::encode {

enum class OtlpBytes { Raw, Base64 };

class OtlpAttributes {
 public:
  // Appends to `out` fields with the number `tag`. `out` must outlive this.
  OtlpAttributes(std::string* out, uint32_t tag, OtlpBytes bytes) : out_(out), tag_(tag), bytes_(bytes) {}

  void text(std::string_view key, std::string_view value);
  void text_unless_empty(std::string_view key, std::string_view value) {
    if (!value.empty()) text(key, value);
  }
  void i64(std::string_view key, int64_t value);
  void boolean(std::string_view key, bool value);
  void f64(std::string_view key, double value);
  // JSON as lists and maps under the keys of MLflow, which reads it so, else as text.
  void value(std::string_view key, const tr_value& value);
  // Valid JSON as lists and maps.
  void json(std::string_view key, std::string_view json);

 private:
  struct Node {
    size_t any;        // bytes of the AnyValue
    size_t container;  // bytes of the list or map in it
  };

  std::string_view clean(std::string_view text, std::string* buffer);
  template <class Write>
  void scalar(std::string_view key, size_t any_size, Write write);
  template <class Write>
  void array(std::string_view key, size_t count, Write write);
  void begin(std::string_view key, size_t any_size);
  void write_json(uint32_t tag, std::string_view json, int depth);
  void write_container(std::string_view json, int depth, size_t size);
  size_t measure_json(std::string_view json, int depth);
  size_t measure_container(std::string_view json, int depth, bool object);

  std::string* out_;
  uint32_t tag_;
  OtlpBytes bytes_;
  std::string key_;   // repaired, or without its escapes
  std::string text_;  // likewise
  std::vector<Node> nodes_;
  size_t next_node_ = 0;
};

}  // namespace trunkline::encode
