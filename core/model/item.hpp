// The one binary form of a record's contents: a sequence of items, each a field, an optional key and a value. The
// caller's thread appends items to a slot, the recorder file keeps them, and the log carries them, so nothing is
// encoded twice. All integers are in the machine's order; a run directory is read only by machines of the same order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "trunkline.h"

namespace trunkline {

enum class Field : uint8_t {
  kAttribute = 1,  // key, any value
  kName,
  kModel,
  kUsage,  // tr_usage
  kScore,  // key: who scored; value: double
  kStep,   // int64
  kInput,
  kOutput,
  kErrorType,
  kErrorMessage,
  kForeignId,
  kGroupId,
  kProject,
  kEvent,       // int64 time, then name and items
  kRunOutcome,  // RunOutcome
  kDropped,     // uint32: attributes over the limit
};

struct RunOutcome {
  tr_run_status status;
  int32_t exit_code;
};

inline constexpr uint32_t kMaxKeyBytes = 1024;

// Flags of an item; the low four are those of tr_value.
inline constexpr uint16_t kItemInExtent = 16;  // recorder only: the value is an ExtentReference
inline constexpr int kItemFlagShift = 11;
inline constexpr uint16_t kItemKeyMask = (1u << kItemFlagShift) - 1;
static_assert(kMaxKeyBytes <= kItemKeyMask);

struct ItemHeader {
  Field field;
  uint8_t type;            // tr_type
  uint16_t key_and_flags;  // flags << 11 | key size
  uint32_t value_size;

  uint32_t key_size() const { return key_and_flags & kItemKeyMask; }
  uint32_t flags() const { return static_cast<uint32_t>(key_and_flags >> kItemFlagShift); }
};
static_assert(sizeof(ItemHeader) == 8);

inline ItemHeader make_item(Field field, tr_type type, size_t key_size, uint32_t flags, size_t value_size) {
  return {field, static_cast<uint8_t>(type),
          static_cast<uint16_t>((flags << kItemFlagShift) | (static_cast<uint32_t>(key_size) & kItemKeyMask)),
          static_cast<uint32_t>(value_size)};
}

// One item of a byte sequence in the form the log has: the value follows the key.
struct ItemView {
  Field field;
  tr_type type;
  uint32_t flags;
  std::string_view key;
  std::string_view value;
};

// Walks a byte sequence of items; stops, with `ok()` false, at the first that does not fit.
class ItemReader {
 public:
  explicit ItemReader(std::string_view bytes) : rest_(bytes) {}

  bool next(ItemView* out) {
    if (rest_.empty()) return false;
    ItemHeader header;
    if (rest_.size() < sizeof header) return fail();
    std::memcpy(&header, rest_.data(), sizeof header);
    const size_t key = header.key_size();
    if (rest_.size() - sizeof header < key || rest_.size() - sizeof header - key < header.value_size) return fail();
    *out = {header.field, header.type, header.flags(), rest_.substr(sizeof header, key),
            rest_.substr(sizeof header + key, header.value_size)};
    rest_.remove_prefix(sizeof header + key + header.value_size);
    return true;
  }
  bool ok() const { return ok_; }

 private:
  bool fail() {
    ok_ = false;
    return false;
  }
  std::string_view rest_;
  bool ok_ = true;
};

inline void append_item(std::string* out, Field field, tr_type type, std::string_view key, uint32_t flags,
                        std::string_view value) {
  const ItemHeader header = make_item(field, type, key.size(), flags, value.size());
  out->append(reinterpret_cast<const char*>(&header), sizeof header);
  out->append(key);
  out->append(value);
}

}  // namespace trunkline
