// The field numbers of opentelemetry-proto that are written here.
#pragma once

#include <cstdint>

namespace trunkline::encode::otlp {

namespace any_value {
enum : uint32_t { kString = 1, kBool = 2, kInt = 3, kDouble = 4, kArray = 5, kMap = 6, kBytes = 7 };
}
namespace container {
enum : uint32_t { kValues = 1 };
}
namespace key_value {
enum : uint32_t { kKey = 1, kValue = 2 };
}
namespace span {
enum : uint32_t {
  kTraceId = 1,
  kSpanId = 2,
  kParentSpanId = 4,
  kName = 5,
  kKind = 6,
  kStart = 7,
  kEnd = 8,
  kAttributes = 9,
  kDroppedAttributes = 10,
  kEvents = 11,
  kStatus = 15,
  kFlags = 16
};
}
namespace event {
enum : uint32_t { kTime = 1, kName = 2, kAttributes = 3 };
}
namespace status {
enum : uint32_t { kMessage = 2, kCode = 3 };
enum Code : int { kUnset = 0, kOk = 1, kError = 2 };
}  // namespace status
namespace scope {
enum : uint32_t { kName = 1, kVersion = 2 };
}
namespace resource {
enum : uint32_t { kAttributes = 1 };
}
namespace scope_spans {
enum : uint32_t { kScope = 1, kSpans = 2 };
}
namespace resource_spans {
enum : uint32_t { kResource = 1, kScopeSpans = 2 };
}
namespace request {
enum : uint32_t { kResourceSpans = 1 };
}

}  // namespace trunkline::encode::otlp
