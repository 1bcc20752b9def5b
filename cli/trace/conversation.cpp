#include "trace/conversation.hpp"

#include <algorithm>
#include <functional>

#include "trunkline.h"

namespace trunkline::cli {
namespace {

constexpr size_t kMostTried = 32;  // conversations, the last ones first

bool is_generation(const store::StoredSpan& span) {
  return span.kind == TR_KIND_GENERATION || span.kind == TR_KIND_REASONING || span.kind == TR_KIND_MESSAGE;
}

// Instructions alone make no conversation: many begin with the same.
size_t score(const std::vector<bool>& known, const std::vector<Message>& messages) {
  size_t count = 0;
  for (size_t i = 0; i < messages.size(); ++i) count += known[i] && messages[i].role != "system" ? 1 : 0;
  return count;
}

std::vector<uint64_t> looks_of(const std::vector<Message>& messages) {
  std::vector<uint64_t> looks;
  looks.reserve(messages.size());
  for (const Message& message : messages) looks.push_back(std::hash<std::string>()(message.look()));
  return looks;
}

}  // namespace

// For each message whether the history has it, in order; what was dropped from the history may be missing.
std::vector<bool> Conversations::known_to(const History& history, const std::vector<Message>& messages,
                                          const std::vector<uint64_t>& looks) {
  std::vector<bool> known(messages.size());
  size_t from = 0;
  for (size_t i = 0; i < messages.size(); ++i) {
    const auto alike = history.places.find(looks[i]);
    if (alike == history.places.end()) continue;
    const std::vector<size_t>& places = alike->second;
    const auto found = std::find_if(std::lower_bound(places.begin(), places.end(), from), places.end(),
                                    [&](size_t place) { return history.messages[place].same_as(messages[i]); });
    if (found == places.end()) continue;
    known[i] = true;
    from = *found + 1;
  }
  return known;
}

std::vector<Turn> Conversations::add(const store::StoredSpan& span) {
  std::vector<Turn> turns;
  if (!is_generation(span)) return turns;
  const std::vector<Message> input = input_messages(span);
  const std::vector<Message> output = output_messages(span);
  const std::vector<uint64_t> looks = looks_of(input);
  std::vector<bool> known(input.size());
  size_t best = histories_.size();
  size_t best_score = 0;
  for (size_t tried = 0; tried < std::min(kMostTried, histories_.size()); ++tried) {
    const size_t index = histories_.size() - 1 - tried;
    std::vector<bool> each = known_to(histories_[index], input, looks);
    const size_t each_score = score(each, input);
    if (each_score <= best_score) continue;
    best = index;
    best_score = each_score;
    known = std::move(each);
  }
  if (input.empty() && output.empty()) return turns;
  if (best == histories_.size()) histories_.emplace_back();
  for (size_t i = 0; i < input.size(); ++i) {
    if (!known[i]) say(best, false, input[i], looks[i], &turns);
  }
  const std::vector<uint64_t> output_looks = looks_of(output);
  for (size_t i = 0; i < output.size(); ++i) say(best, true, output[i], output_looks[i], &turns);
  return turns;
}

void Conversations::say(size_t conversation, bool is_output, const Message& message, uint64_t look,
                        std::vector<Turn>* turns) {
  History& history = histories_[conversation];
  history.places[look].push_back(history.messages.size());
  history.messages.push_back(message);
  turns->push_back({conversation, is_output, message});
}

}  // namespace trunkline::cli
