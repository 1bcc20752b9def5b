// Walks the items of a record as they lie in the recorder: in the slot's or chunk's bytes, in blocks of overflow, and
// in extents. Trusts nothing it reads, because recovery uses it on the file of a process that was killed.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

#include "model/item.hpp"
#include "record/extent.hpp"
#include "record/layout.hpp"

namespace trunkline::record {

// Pages by index: of a live pool, or of a file read into memory.
template <class PageAt>
class ItemsView {
 public:
  // `scratch` holds the bytes of a large value while it is visited.
  ItemsView(PageAt page_at, uint64_t pages, std::string* scratch)
      : page_at_(std::move(page_at)), pages_(pages), scratch_(scratch) {}

  // Calls visit(const ItemView&) for each item. False: something did not fit, and was left out with what follows.
  template <class Visit>
  bool visit(std::string_view bytes, ExtentReference overflow, Visit&& visit) {
    if (!visit_bytes(bytes, visit)) return false;
    for (uint64_t blocks = 0; overflow.page != 0; ++blocks) {
      const OverflowBlock* block = block_at(overflow);
      if (block == nullptr || blocks > pages_ * 32) return false;
      const uint32_t length = block->length.load(std::memory_order_acquire);
      if (length > block->capacity || length > kPageDataBytes - overflow.offset - sizeof(OverflowBlock)) return false;
      if (!visit_bytes({reinterpret_cast<const char*>(block + 1), length}, visit)) return false;
      overflow = block->next;
    }
    return true;
  }

  // Calls gone(ExtentReference, size) for every count the record holds.
  template <class Gone>
  void references(std::string_view bytes, ExtentReference overflow, Gone&& gone) {
    references_in(bytes, gone);
    while (overflow.page != 0) {
      const OverflowBlock* block = block_at(overflow);
      if (block == nullptr) return;
      references_in({reinterpret_cast<const char*>(block + 1), block->length.load(std::memory_order_acquire)}, gone);
      const ExtentReference next = block->next;
      gone(overflow, 1);
      overflow = next;
    }
  }

 private:
  const OverflowBlock* block_at(ExtentReference at) const {
    if (at.page >= pages_ || at.offset % 8 != 0 || at.offset > kPageDataBytes - sizeof(OverflowBlock)) return nullptr;
    const Page& page = page_at_(at.page);
    if (page.header.type.load(std::memory_order_relaxed) != static_cast<uint32_t>(PageType::kExtent)) return nullptr;
    return reinterpret_cast<const OverflowBlock*>(page.data + at.offset);
  }

  static bool take(std::string_view* rest, ItemHeader* header, std::string_view* key, std::string_view* stored) {
    if (rest->size() < sizeof *header) return false;
    std::memcpy(header, rest->data(), sizeof *header);
    const size_t key_size = header->key_size();
    const size_t stored_size =
        (header->flags() & kItemInExtent) != 0 ? sizeof(ExtentReference) : size_t{header->value_size};
    if (rest->size() - sizeof *header < key_size || rest->size() - sizeof *header - key_size < stored_size)
      return false;
    *key = rest->substr(sizeof *header, key_size);
    *stored = rest->substr(sizeof *header + key_size, stored_size);
    rest->remove_prefix(sizeof *header + key_size + stored_size);
    return true;
  }

  template <class Visit>
  bool visit_bytes(std::string_view rest, Visit& visit) {
    ItemHeader header;
    std::string_view key;
    std::string_view stored;
    while (!rest.empty()) {
      if (!take(&rest, &header, &key, &stored)) return false;
      if ((header.flags() & kItemInExtent) != 0) {
        ExtentReference at;
        std::memcpy(&at, stored.data(), sizeof at);
        scratch_->clear();
        if (!read_extent(page_at_, pages_, at, header.value_size, scratch_)) return false;
        stored = *scratch_;
      }
      visit(ItemView{header.field, header.type, header.flags() & ~uint32_t{kItemInExtent}, key, stored});
    }
    return true;
  }

  template <class Gone>
  static void references_in(std::string_view rest, Gone& gone) {
    ItemHeader header;
    std::string_view key;
    std::string_view stored;
    while (!rest.empty() && take(&rest, &header, &key, &stored)) {
      if ((header.flags() & kItemInExtent) == 0) continue;
      ExtentReference at;
      std::memcpy(&at, stored.data(), sizeof at);
      gone(at, header.value_size);
    }
  }

  PageAt page_at_;
  uint64_t pages_;
  std::string* scratch_;
};

}  // namespace trunkline::record
