// Results and versions.
#include <string>

#include "guard.hpp"
#include "model/utf8.hpp"

#define TR_TEXT(x) #x
#define TR_TEXT_OF(x) TR_TEXT(x)

namespace trunkline::capi {

int report(const Error& error, tr_error* out) {
  if (out != nullptr && out->struct_size >= sizeof(tr_error)) {
    out->code = error.code;
    // It may quote what nobody has checked.
    const std::string text = utf8_repair(error.message);
    const size_t size = utf8_cut(text, sizeof out->message - 1);
    std::memcpy(out->message, text.data(), size);
    out->message[size] = '\0';
  }
  return error.code;
}

}  // namespace trunkline::capi

const char* tr_strerror(int code) {
  switch (code) {
    case TR_OK:
      return "success";
    case TR_EINVAL:
      return "invalid argument";
    case TR_ESTALE:
      return "stale handle";
    case TR_ESTATE:
      return "not in a state for this call";
    case TR_ENOMEM:
      return "out of memory";
    case TR_ETIMEDOUT:
      return "timed out";
    case TR_EAGAIN:
      return "try again";
    case TR_EREENTRANT:
      return "re-entrant call";
    case TR_EPARENT:
      return "parent of another trace";
    case TR_EUNSUPPORTED:
      return "not supported by this version";
    case TR_EIO:
      return "input/output error";
    case TR_ELIMIT:
      return "limit exceeded";
    case TR_ECLOSED:
      return "closed";
    case TR_ENOENT:
      return "no such processor or artifact";
    case TR_EINTERNAL:
      return "internal error";
    default:
      return "unknown error";
  }
}

const char* tr_version(void) {
  return TR_TEXT_OF(TR_VERSION_MAJOR) "." TR_TEXT_OF(TR_VERSION_MINOR) "." TR_TEXT_OF(TR_VERSION_PATCH);
}

uint32_t tr_abi_version(void) { return TR_ABI_VERSION; }
