// Objects of a scenario, read so that nothing in them goes unnoticed: what is known is taken out, what is left is
// refused.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

namespace trunkline::scenarios {

using nlohmann::json;

// The scenario says what this runner does not know, or contradicts itself.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Fields {
 public:
  Fields(json object, std::string what) : object_(std::move(object)), what_(std::move(what)) {
    if (!object_.is_object()) throw Refused(what_ + " is no object");
  }

  json take(const std::string& name) {
    const auto found = object_.find(name);
    if (found == object_.end()) throw Refused(what_ + " has no " + name);
    json value = std::move(*found);
    object_.erase(found);
    return value;
  }
  json take(const std::string& name, json otherwise) { return has(name) ? take(name) : std::move(otherwise); }
  std::string text(const std::string& name) { return take(name).get<std::string>(); }
  std::string text(const std::string& name, const std::string& otherwise) { return has(name) ? text(name) : otherwise; }
  int64_t integer(const std::string& name, int64_t otherwise) {
    return has(name) ? take(name).get<int64_t>() : otherwise;
  }
  int64_t integer(const std::string& name) { return take(name).get<int64_t>(); }
  bool has(const std::string& name) const { return object_.contains(name); }
  const std::string& what() const { return what_; }

  // To be called when all that is known has been taken.
  void finish() const {
    if (!object_.empty()) throw Refused(what_ + " has an unknown member " + object_.begin().key());
  }

 private:
  json object_;
  std::string what_;
};

}  // namespace trunkline::scenarios
