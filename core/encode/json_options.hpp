// The options of a processor: one JSON object with known members. Reading asks for each member by name and type;
// `finish` then names the first member nobody asked for. All errors are TR_EINVAL and name the option.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/expected.hpp"

namespace trunkline::encode {

class JsonOptions {
 public:
  // Empty text is an empty object. `subject` begins every message, for example "local processor".
  JsonOptions(std::string_view text, std::string subject);
  ~JsonOptions();
  JsonOptions(const JsonOptions&) = delete;
  JsonOptions& operator=(const JsonOptions&) = delete;

  // Each leaves `out` alone when the member is missing or an error has been found.
  void read_string(std::string_view name, std::string* out);
  void read_choice(std::string_view name, std::initializer_list<std::string_view> choices, std::string* out);
  void read_u64(std::string_view name, uint64_t minimum, uint64_t* out);

  void read_bool(std::string_view name, bool* out);
  // An object of texts, numbers and booleans; the latter as they are written.
  void read_texts(std::string_view name, std::vector<std::pair<std::string, std::string>>* out);

  // An object of anything: each member with its value as JSON text.
  void read_object(std::string_view name, std::vector<std::pair<std::string, std::string>>* out);
  // A list of texts.
  void read_list(std::string_view name, std::vector<std::string>* out);

  // The first error found, unknown members included.
  Error finish();

 private:
  struct Tree;
  void fail(const std::string& sentence);
  const void* take(std::string_view name);

  std::string subject_;
  std::unique_ptr<Tree> tree_;
  Error error_;
};

}  // namespace trunkline::encode
