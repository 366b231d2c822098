#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

namespace sluice {

// HostName - a name fit to be looked up: lower case, NUL-terminated, labels of 1 to 63 letters,
// digits, '-' or '_' (names of containers have it), 253 bytes at most (RFC 1035 section 2.3.4). One
// dot at the end is allowed and kept: it keeps search domains away.
class HostName {
 public:
  static constexpr std::size_t kBytesMax = 254;  // with the dot at the end

  // Nothing when `text` is no such name, or when its last label is a number: "127.1" is an old
  // spelling of an address and never a name (RFC 1123 section 2.1).
  [[nodiscard]] static std::optional<HostName> parse(std::string_view text) noexcept;

  [[nodiscard]] std::string_view view() const noexcept { return {text_, bytes_}; }
  // As hosts files spell it: without the dot at the end.
  [[nodiscard]] std::string_view without_dot() const noexcept {
    return {text_, bytes_ - (text_[bytes_ - 1] == '.' ? 1u : 0u)};
  }
  [[nodiscard]] const char* c_str() const noexcept { return text_; }

  // "localhost" and everything below it, which is the loopback address and never asked of a name
  // server (RFC 6761 section 6.3).
  [[nodiscard]] bool is_localhost() const noexcept;

 private:
  HostName() = default;
  std::size_t bytes_ = 0;
  char text_[kBytesMax + 1];
};

}  // namespace sluice
