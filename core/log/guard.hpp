// The border of this folder: what the standard library throws becomes an Error.
#pragma once

#include <exception>
#include <new>

#include "model/expected.hpp"

namespace trunkline::log_detail {

// Calls `body`, whose result can be made from an Error.
template <class Body>
auto guarded(Body&& body) noexcept -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return Error{TR_ENOMEM, {}};
  } catch (const std::exception&) {
    return Error{TR_EINTERNAL, {}};
  }
}

}  // namespace trunkline::log_detail
