#include <algorithm>
#include <array>

#include "encode/json_scan.hpp"
#include "encode/json_text.hpp"
#include "model/utf8.hpp"

namespace trunkline::encode {
namespace {

constexpr unsigned kDepthLimit = 1024;

class Checker {
 public:
  Checker(std::string_view json, unsigned max_depth) : json_(json), max_depth_(std::min(max_depth, kDepthLimit)) {}

  JsonCheck run() {
    do {
      const Step step = value();
      if (step == Step::kTooDeep) return JsonCheck::TooDeep;
      if (step == Step::kFailed || (step == Step::kComplete && !close_all())) return JsonCheck::Invalid;
    } while (depth_ > 0);
    return skip_json_blanks(json_, at_) == json_.size() ? JsonCheck::Valid : JsonCheck::Invalid;
  }

 private:
  enum class Step { kComplete, kOpened, kTooDeep, kFailed };

  char peek() {
    at_ = skip_json_blanks(json_, at_);
    return at_ < json_.size() ? json_[at_] : '\0';
  }

  static Step complete_if(bool right) { return right ? Step::kComplete : Step::kFailed; }

  // A scalar or an empty container is complete; a container with contents is opened, its next value at hand.
  Step value() {
    switch (peek()) {
      case '{':
        return open(true, '}');
      case '[':
        return open(false, ']');
      case '"':
        return complete_if(string());
      case 't':
        return complete_if(literal("true"));
      case 'f':
        return complete_if(literal("false"));
      case 'n':
        return complete_if(literal("null"));
      default:
        return complete_if(number());
    }
  }

  Step open(bool object, char closing) {
    if (depth_ == max_depth_) return Step::kTooDeep;
    ++at_;
    if (peek() == closing) {
      ++at_;
      return Step::kComplete;
    }
    const uint64_t mask = uint64_t{1} << depth_ % 64;
    uint64_t& word = is_object_[depth_ / 64];
    word = object ? word | mask : word & ~mask;
    ++depth_;
    return !object || key() ? Step::kOpened : Step::kFailed;
  }

  // After a value: closes what ends here, until another value is due or nothing is open.
  bool close_all() {
    while (depth_ > 0) {
      const unsigned top = depth_ - 1;
      const bool object = (is_object_[top / 64] >> top % 64 & 1) != 0;
      const char next = peek();
      if (next == ',') {
        ++at_;
        return !object || key();
      }
      if (next != (object ? '}' : ']')) return false;
      ++at_;
      --depth_;
    }
    return true;
  }

  bool key() {
    if (peek() != '"' || !string() || peek() != ':') return false;
    ++at_;
    return true;
  }

  bool literal(std::string_view word) {
    if (json_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool string() {
    ++at_;
    while ((at_ = skip_plain_json(json_, at_)) < json_.size() && json_[at_] != '"') {
      if (json_[at_] != '\\' || !escape()) return false;
    }
    if (at_ == json_.size()) return false;
    ++at_;
    return true;
  }

  bool escape() {
    const char letter = at_ + 1 < json_.size() ? json_[at_ + 1] : '\0';
    if (letter != 'u') {
      at_ += 2;
      return letter != '\0' && std::string_view("\"\\/bfnrt").find(letter) != std::string_view::npos;
    }
    const int32_t first = read_json_hex(json_, at_ + 2);
    at_ += 6;
    if (first < 0xD800 || first >= 0xE000) return first >= 0;
    const bool pair = first < 0xDC00 && json_.substr(at_, 2) == "\\u";
    const int32_t second = pair ? read_json_hex(json_, at_ + 2) : -1;
    at_ += 6;
    return second >= 0xDC00 && second < 0xE000;
  }

  bool digits() {
    const size_t begin = at_;
    while (at_ < json_.size() && json_[at_] >= '0' && json_[at_] <= '9') ++at_;
    return at_ > begin;
  }

  bool accept(char c) {
    if (at_ == json_.size() || json_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool number() {
    accept('-');
    if (!accept('0') && !digits()) return false;
    if (accept('.') && !digits()) return false;
    if (accept('e') || accept('E')) {
      if (!accept('+')) accept('-');
      return digits();
    }
    return true;
  }

  std::string_view json_;
  size_t at_ = 0;
  unsigned depth_ = 0;
  unsigned max_depth_;
  std::array<uint64_t, kDepthLimit / 64> is_object_{};
};

}  // namespace

JsonCheck json_check(std::string_view json, unsigned max_depth) {
  if (!utf8_valid(json)) return JsonCheck::Invalid;
  return Checker(json, max_depth).run();
}

}  // namespace trunkline::encode
