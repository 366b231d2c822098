#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/block_pool.h"

namespace sluice {

// FailureText - one sentence on what went wrong, for the log. A session that works holds none.
//
// Owns      a block of the pool, from the first add() on.
// Affinity  the pool's thread.
// Limits    text past kFailureBytesMax is cut. Bytes that are not printable ASCII become '?': names
//           from a certificate are a stranger's words.
class FailureText {
 public:
  static constexpr std::size_t kFailureBytesMax = 512;

  explicit FailureText(BlockPool& pool) noexcept : pool_(&pool) {}
  ~FailureText() { clear(); }
  FailureText(const FailureText&) = delete;
  FailureText& operator=(const FailureText&) = delete;

  template <class... Parts>
  void add(const Parts&... parts) {
    (append(std::string_view(parts)), ...);
  }
  void clear() noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {text_, bytes_}; }
  [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }
  [[nodiscard]] BlockPool& pool() const noexcept { return *pool_; }

 private:
  void append(std::string_view part);
  BlockPool* pool_;
  char* text_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace sluice
