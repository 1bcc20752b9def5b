// Makes a tr_record of a record's bytes in the log. Fields under synonyms (prompt_tokens, gen_ai.request.model, ...)
// become the record's fields here, once, so that no processor looks names up.
#pragma once

#include <string_view>
#include <vector>

#include "model/item.hpp"
#include "pipeline/arena.hpp"

namespace trunkline::pipeline {

class RecordDecoder {
 public:
  explicit RecordDecoder(Arena* arena) : arena_(arena) {}

  // One after another: what the decoder needs for one it uses again for the next.
  void decode(uint64_t sequence, std::string_view payload, tr_record* out);

 private:
  void decode_item(const ItemView& item, tr_record* out);
  void decode_attribute(const ItemView& item, tr_record* out);
  bool decode_known(const ItemView& item, tr_record* out);
  void decode_event(std::string_view value);
  tr_value decode_value(const ItemView& item);
  const tr_attribute* keep(const std::vector<tr_attribute>& attributes, size_t* count);

  Arena* arena_;
  std::vector<tr_attribute> attributes_;
  std::vector<tr_event> events_;
};

}  // namespace trunkline::pipeline
