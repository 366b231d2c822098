#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/block_pool.h"

namespace sluice {

// Arena - the memory of one exchange: bump allocation in blocks of a BlockPool, freed all at once.
//
// Owns      its blocks. Objects in it are never destroyed, so they must be trivially destructible.
// Affinity  the pool's thread.
// Lifetime  one exchange; reset() between two requests of a connection.
class Arena {
 public:
  static constexpr std::size_t kBlockBytes =
      4096;  // a request head and its rewritten form fit in one

  explicit Arena(BlockPool& pool) noexcept : pool_(&pool) {}
  ~Arena() { reset(); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `bytes` bytes, aligned to `alignment` (a power of two, at most 64). Never null.
  [[nodiscard]] void* allocate(std::size_t bytes,
                               std::size_t alignment = alignof(std::max_align_t));

  template <class T, class... Args>
  [[nodiscard]] T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
  }

  [[nodiscard]] char* bytes(std::size_t count) { return static_cast<char*>(allocate(count, 1)); }

  // [from, to), the end of what allocate() has returned, is not used. It is free again, and true is
  // returned, when nothing was taken since.
  bool give_back(const char* from, const char* to) noexcept {
    if (to != at_) return false;
    at_ -= to - from;
    return true;
  }

  // A copy of `text` that lives as long as the arena.
  [[nodiscard]] std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* const out = bytes(text.size());
    std::memcpy(out, text.data(), text.size());
    return {out, text.size()};
  }

  // The parts one after the other, as one text.
  template <class... Parts>
  [[nodiscard]] std::string_view join(const Parts&... parts) {
    const std::size_t size = (std::string_view(parts).size() + ... + 0);
    char* const out = bytes(size + 1);
    char* end = out;
    ((end = append(end, std::string_view(parts))), ...);
    return {out, size};
  }

  // Gives all blocks back; every pointer into the arena is void from here on.
  void reset() noexcept;

 private:
  static char* append(char* out, std::string_view part) noexcept {
    if (!part.empty()) std::memcpy(out, part.data(), part.size());
    return out + part.size();
  }
  struct Block {
    Block* next;
    std::size_t bytes;
  };
  BlockPool* pool_;
  Block* blocks_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace sluice
