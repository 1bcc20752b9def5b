// A credential: never printed, never compared, wiped when it goes. It becomes text only where somebody writes `reveal`,
// which is where a review has to look.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace trunkline::net {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : bytes_(text.empty() ? nullptr : new char[text.size()]), size_(text.size()) {
    if (size_ != 0) std::memcpy(bytes_.get(), text.data(), size_);
  }
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    wipe();
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  bool empty() const { return size_ == 0; }
  // Borrowed. What is made of it has to be wiped as well.
  std::string_view reveal() const { return {bytes_.get(), size_}; }
  Secret copy() const { return Secret(reveal()); }

 private:
  void wipe() {
    if (bytes_ != nullptr) explicit_bzero(bytes_.get(), size_);
  }

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
};

}  // namespace trunkline::net
