// JSON as text: whether it is valid, and the same text with secrets replaced. Neither builds a tree; both take time
// linear in the text and a stack that does not depend on it, whatever the text is.
#pragma once

#include <string>
#include <string_view>

#include "model/redactor.hpp"

namespace trunkline::encode {

enum class JsonCheck { Valid, Invalid, TooDeep };

inline constexpr unsigned kMaxJsonDepth = 128;

// Strictly RFC 8259, and every string must be Unicode text: bytes that are not UTF-8 and escapes of half a surrogate
// pair are refused, because nothing could be delivered for them. `max_depth` is at most 1,024.
JsonCheck json_check(std::string_view json, unsigned max_depth = kMaxJsonDepth);

// Replaces by "__redacted__", at any depth: the whole value, of any type, of every member whose key is listed; what the
// patterns and the callback refuse in every other string, keys included (the callback is not asked about keys). A
// string which itself holds the text of an object or array is entered, eight deep. Keys and strings are compared
// without their escapes. Valid JSON stays valid.
//
// True: `out` holds the new text. False: nothing matched and `out` is as it was. `key` is what the callback is told for
// strings that are not directly the value of a member.
//
// Of a text that is not valid (cut at max_value_bytes, say) as much is replaced as can be recognised.
bool json_redact(std::string_view json, const Redactor& redactor, std::string* out, std::string_view key = {});

// As json_redact for a text of any sort: patterns and callback, and json_redact within if it begins as an object or
// array.
bool redact_text(std::string_view key, std::string_view text, const Redactor& redactor, std::string* out);

}  // namespace trunkline::encode
