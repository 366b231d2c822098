#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/assert.h"

namespace sluice {

// KeyBytes - builds a key on the stack. Numbers are big-endian, so that LMDB's order by bytes is
// the order by number and ranges scan as they should; a text that is not last has its length
// before it, so that no text runs into what follows.
//
// Limits  511 bytes, what LMDB takes.
class KeyBytes {
 public:
  static constexpr std::size_t kBytesMax = 511;

  KeyBytes& u8(std::uint8_t value) { return append(value, 1); }
  KeyBytes& u32(std::uint32_t value) { return append(value, 4); }
  KeyBytes& u64(std::uint64_t value) { return append(value, 8); }
  KeyBytes& text(std::string_view value) {
    SL_ASSERT(value.size() <= kBytesMax - size_);
    if (!value.empty()) std::memcpy(bytes_ + size_, value.data(), value.size());
    size_ += value.size();
    return *this;
  }
  KeyBytes& sized_text(std::string_view value) {
    SL_ASSERT(value.size() <= kBytesMax);
    return append(value.size(), 2).text(value);
  }

  [[nodiscard]] std::string_view view() const noexcept { return {bytes_, size_}; }

 private:
  KeyBytes& append(std::uint64_t value, std::size_t bytes) {
    SL_ASSERT(bytes <= kBytesMax - size_);
    for (std::size_t i = 0; i < bytes; ++i) {
      bytes_[size_ + i] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
    }
    size_ += bytes;
    return *this;
  }

  std::size_t size_ = 0;
  char bytes_[kBytesMax];
};

// KeyReader - takes a key apart in the same order. One that is too short, or not at its end when
// done() is asked, is malformed; what was read from it is 0 then.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : rest_(key) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(take(1)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(take(4)); }
  std::uint64_t u64() { return take(8); }
  std::string_view sized_text() { return text(static_cast<std::size_t>(take(2))); }
  std::string_view rest() { return text(rest_.size()); }

  [[nodiscard]] bool done() const noexcept { return ok_ && rest_.empty(); }

 private:
  std::uint64_t take(std::size_t bytes) {
    std::uint64_t value = 0;
    for (const char byte : text(bytes)) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
  }
  std::string_view text(std::size_t bytes) {
    if (bytes > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace sluice
