#include "model/artifact_name.hpp"

#include <algorithm>

#include "model/utf8.hpp"

namespace trunkline {
namespace {

constexpr size_t kLongestWord = 128;

bool is_part(std::string_view text) {
  return !text.empty() && text.size() <= kLongestWord && text.find_first_of("/:") == std::string_view::npos &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

}  // namespace

bool is_artifact_word(std::string_view text) {
  if (text.empty() || text.size() > kLongestWord || text == "." || text == "..") return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

Expected<ArtifactName> parse_artifact_name(std::string_view text) {
  constexpr size_t kNone = std::string_view::npos;
  const size_t end_of_place = text.rfind('/');
  const std::string_view place = text.substr(0, end_of_place == kNone ? 0 : end_of_place);
  const std::string_view label = text.substr(end_of_place + 1);
  const size_t slash = place.find('/');
  const size_t colon = label.find(':');
  const std::string_view entity = place.substr(0, slash == kNone ? 0 : slash);
  const std::string_view project = place.substr(slash + 1);
  const std::string_view name = label.substr(0, colon);
  const std::string_view alias = colon == kNone ? std::string_view() : label.substr(colon + 1);
  if (!utf8_valid(text) || !is_part(name) || (colon != kNone && !is_part(alias)) ||
      (end_of_place != kNone && !is_part(project)) || (slash != kNone && !is_part(entity))) {
    return Error{TR_EINVAL, "a name is \"name:alias\", with \"project/\" or \"entity/project/\" before it"};
  }
  return ArtifactName{std::string(entity), std::string(project), std::string(name), std::string(alias)};
}

}  // namespace trunkline
