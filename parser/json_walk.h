#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "parser/json_index.h"

namespace sluice {

// JsonWalk - steps through the tokens of a JSON text and checks the grammar (RFC 8259 section 2) of
// everything it passes: matching brackets, commas, colons, literals, numbers. The escapes in
// strings that nobody reads are all it does not look into.
//
// Owns      nothing; `text` and `tokens` (JsonIndex) outlive it.
// Affinity  one thread.
// Limits    kDepthMax containers inside each other (J6).
class JsonWalk {
 public:
  static constexpr std::uint32_t kDepthMax = 512;

  JsonWalk(std::string_view text, std::span<const std::uint32_t> tokens) noexcept
      : text_(text), tokens_(tokens) {}

  // The first byte of the present token; NUL behind the last one.
  [[nodiscard]] char peek() const noexcept {
    return at_ < tokens_.size() ? text_.data()[tokens_.data()[at_]] : '\0';
  }
  // Where the present token begins; behind the last one, the size of the text.
  [[nodiscard]] std::size_t offset() const noexcept {
    return at_ < tokens_.size() ? tokens_[at_] : text_.size();
  }
  // A string (with its quotes) or a scalar as it stands in the text.
  [[nodiscard]] std::string_view token() const noexcept;

  void advance() noexcept { ++at_; }

  // Steps over `{`, `[` or over `}`, `]`: the caller has peeked.
  [[nodiscard]] bool open(bool object) noexcept;
  void close() noexcept {
    ++at_;
    --depth_;
  }

  // Steps over a member's name and colon; `name` is what stands between the quotes.
  [[nodiscard]] bool key(std::string_view& name) noexcept;

  // Steps over one whole value.
  [[nodiscard]] bool value() noexcept;

  // Behind a member of an object: steps over the comma (more = true) or leaves the closing bracket
  // to close().
  [[nodiscard]] bool separator(bool& more) noexcept;

  [[nodiscard]] bool fail(std::string_view message) noexcept {
    fault_ = {offset(), message};
    return false;
  }
  [[nodiscard]] const JsonFault& fault() const noexcept { return fault_; }

 private:
  [[nodiscard]] bool in_object() const noexcept {
    return (objects_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64) & 1) != 0;
  }
  [[nodiscard]] bool skip_name() noexcept;
  [[nodiscard]] bool scalar() noexcept;
  [[nodiscard]] bool no_separator(bool object) noexcept;

  std::string_view text_;
  std::span<const std::uint32_t> tokens_;
  std::size_t at_ = 0;
  std::uint32_t depth_ = 0;
  std::array<std::uint64_t, kDepthMax / 64> objects_;  // one bit a level; set before it is read
  JsonFault fault_;
};

// Whether `token` is a number by RFC 8259 section 6.
[[nodiscard]] bool is_json_number(std::string_view token) noexcept;

}  // namespace sluice
