#include "store/metadata.hpp"

#include <algorithm>
#include <vector>

namespace trunkline::store {
namespace {

struct Member {
  std::string_view key;  // with its quotes
  std::string_view value;
};
using Members = std::vector<Member>;

constexpr std::string_view kFlagsKey = "\"$flags\"";

// The end of the token run that begins at `from`: the first `stop` character outside strings and brackets.
size_t find_outside(std::string_view json, size_t from, std::string_view stop) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = from; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (depth == 0 && stop.find(c) != std::string_view::npos) return i;
    if (c == '"') in_string = true;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && depth > 0) --depth;
  }
  return json.size();
}

Members split_members(std::string_view object) {
  Members members;
  size_t at = object.find('{');
  at = at == std::string_view::npos ? object.size() : at + 1;
  while (at < object.size() && object[at] != '}') {
    const size_t colon = find_outside(object, at, ":");
    if (colon == object.size()) break;
    const size_t end = find_outside(object, colon + 1, ",}");
    members.push_back({object.substr(at, colon - at), object.substr(colon + 1, end - colon - 1)});
    at = end < object.size() && object[end] == ',' ? end + 1 : end;
  }
  return members;
}

const Member* find(const Members& members, std::string_view key) {
  const auto found = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.key == key; });
  return found == members.end() ? nullptr : &*found;
}

void append(std::string* out, const Member& member) {
  if (out->size() > 1) out->push_back(',');
  out->append(member.key).append(":").append(member.value);
}

std::string merge_flags(const Members& older, const Members& newer) {
  std::string flags = "{";
  if (const Member* member = find(older, kFlagsKey)) {
    for (const Member& flag : split_members(member->value)) {
      if (find(newer, flag.key) == nullptr) append(&flags, flag);
    }
  }
  if (const Member* member = find(newer, kFlagsKey)) {
    for (const Member& flag : split_members(member->value)) append(&flags, flag);
  }
  return flags + "}";
}

}  // namespace

std::string merge_metadata(std::string_view older, std::string_view newer) {
  if (newer == "{}" || older == newer) return std::string(older);
  if (older == "{}") return std::string(newer);
  const Members old_members = split_members(older);
  const Members new_members = split_members(newer);
  std::string merged = "{";
  for (const Member& member : old_members) {
    if (member.key == kFlagsKey) continue;
    const Member* replacement = find(new_members, member.key);
    append(&merged, replacement == nullptr ? member : *replacement);
  }
  for (const Member& member : new_members) {
    if (member.key != kFlagsKey && find(old_members, member.key) == nullptr) append(&merged, member);
  }
  const std::string flags = merge_flags(old_members, new_members);
  if (flags != "{}") append(&merged, {kFlagsKey, flags});
  return merged + "}";
}

}  // namespace trunkline::store
