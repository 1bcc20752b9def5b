#include "encode/json_options.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace trunkline::encode {

using nlohmann::json;

struct JsonOptions::Tree {
  json object = json::object();
  std::vector<std::string> asked;
};

JsonOptions::JsonOptions(std::string_view text, std::string subject)
    : subject_(std::move(subject)), tree_(std::make_unique<Tree>()) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
  json parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded()) {
    fail("the options are not valid JSON");
  } else if (!parsed.is_object()) {
    fail("the options are not a JSON object");
  } else {
    tree_->object = std::move(parsed);
  }
}

JsonOptions::~JsonOptions() = default;

void JsonOptions::fail(const std::string& sentence) {
  if (!error_) error_ = Error{TR_EINVAL, subject_ + ": " + sentence};
}

const void* JsonOptions::take(std::string_view name) {
  tree_->asked.emplace_back(name);
  if (error_) return nullptr;
  const auto found = tree_->object.find(name);
  return found == tree_->object.end() ? nullptr : &*found;
}

void JsonOptions::read_string(std::string_view name, std::string* out) {
  const auto* value = static_cast<const json*>(take(name));
  if (value == nullptr) return;
  if (!value->is_string()) return fail("option \"" + std::string(name) + "\" must be a string");
  *out = value->get<std::string>();
}

void JsonOptions::read_choice(std::string_view name, std::initializer_list<std::string_view> choices,
                              std::string* out) {
  std::string text = *out;
  read_string(name, &text);
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) {
    *out = text;
    return;
  }
  std::string list;
  for (std::string_view choice : choices) list += (list.empty() ? "\"" : ", \"") + std::string(choice) + "\"";
  fail("option \"" + std::string(name) + "\" must be one of " + list);
}

void JsonOptions::read_u64(std::string_view name, uint64_t minimum, uint64_t* out) {
  const auto* value = static_cast<const json*>(take(name));
  if (value == nullptr) return;
  if (!value->is_number_unsigned()) return fail("option \"" + std::string(name) + "\" must be a whole number");
  const uint64_t number = value->get<uint64_t>();
  if (number < minimum) {
    return fail("option \"" + std::string(name) + "\" must be at least " + std::to_string(minimum));
  }
  *out = number;
}

void JsonOptions::read_bool(std::string_view name, bool* out) {
  const auto* value = static_cast<const json*>(take(name));
  if (value == nullptr) return;
  if (!value->is_boolean()) return fail("option \"" + std::string(name) + "\" must be true or false");
  *out = value->get<bool>();
}

void JsonOptions::read_texts(std::string_view name, std::vector<std::pair<std::string, std::string>>* out) {
  const auto* value = static_cast<const json*>(take(name));
  if (value == nullptr) return;
  if (!value->is_object()) return fail("option \"" + std::string(name) + "\" must be an object");
  for (const auto& [key, item] : value->items()) {
    if (!item.is_string() && !item.is_number() && !item.is_boolean()) {
      return fail("option \"" + std::string(name) + "\" must be an object of texts");
    }
    out->emplace_back(key, item.is_string() ? item.get<std::string>() : item.dump());
  }
}

void JsonOptions::read_object(std::string_view name, std::vector<std::pair<std::string, std::string>>* out) {
  const auto* value = static_cast<const json*>(take(name));
  if (value == nullptr) return;
  if (!value->is_object()) return fail("option \"" + std::string(name) + "\" must be an object");
  for (const auto& [key, item] : value->items()) out->emplace_back(key, item.dump());
}

void JsonOptions::read_list(std::string_view name, std::vector<std::string>* out) {
  const auto* value = static_cast<const json*>(take(name));
  if (value == nullptr) return;
  if (!value->is_array()) return fail("option \"" + std::string(name) + "\" must be a list of texts");
  for (const json& item : *value) {
    if (!item.is_string()) return fail("option \"" + std::string(name) + "\" must be a list of texts");
    out->push_back(item.get<std::string>());
  }
}

Error JsonOptions::finish() {
  for (const auto& [name, value] : tree_->object.items()) {
    const auto& asked = tree_->asked;
    if (std::find(asked.begin(), asked.end(), name) != asked.end()) continue;
    std::string quoted = json(name).dump(-1, ' ', true, json::error_handler_t::replace);
    fail("unknown option " + quoted);
  }
  return error_;
}

}  // namespace trunkline::encode
