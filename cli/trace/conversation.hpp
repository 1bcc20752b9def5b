// The conversations of a trace: each message once, though every generation records the whole history again. A
// generation goes on with the conversation of which its input knows the most; one that knows none begins another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/store_reader.hpp"
#include "trace/messages.hpp"

namespace trunkline::cli {

struct Turn {
  size_t conversation;  // counted from 0
  bool is_output;
  Message message;
};

class Conversations {
 public:
  // What the span adds; nothing unless it is a generation. To be given the spans in the order of their start.
  std::vector<Turn> add(const store::StoredSpan& span);

 private:
  struct History {
    std::vector<Message> messages;
    std::unordered_map<uint64_t, std::vector<size_t>> places;  // of messages by what they look like
  };

  static std::vector<bool> known_to(const History& history, const std::vector<Message>& messages,
                                    const std::vector<uint64_t>& looks);
  void say(size_t conversation, bool is_output, const Message& message, uint64_t look, std::vector<Turn>* turns);

  std::vector<History> histories_;
};

}  // namespace trunkline::cli
