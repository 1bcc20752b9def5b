// Errors as values, for everything inside the library: no exception crosses from one folder to another. An Error is one
// of the public TR_E... codes with a sentence for people; Expected<T> is a T or an Error.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "trunkline.h"

namespace trunkline {

struct [[nodiscard]] Error {
  int code = TR_OK;
  std::string message;

  explicit operator bool() const { return code != TR_OK; }
  static Error none() { return {}; }
};

template <class T>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Expected(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

}  // namespace trunkline
