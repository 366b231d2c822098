#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/arena.h"
#include "base/assert.h"

namespace sluice {

// HeadText - the text of a message head while it is written: one piece of the arena, sized before.
// What of it was not needed the arena has back, unless something else was taken meanwhile.
class HeadText {
 public:
  HeadText(Arena& arena, std::size_t bytes_max)
      : arena_(arena), begin_(arena.bytes(bytes_max)), at_(begin_), end_(begin_ + bytes_max) {}
  ~HeadText() { arena_.give_back(at_, end_); }
  HeadText(const HeadText&) = delete;
  HeadText& operator=(const HeadText&) = delete;

  HeadText& add(std::string_view text) noexcept {
    SL_ASSERT(text.size() <= static_cast<std::size_t>(end_ - at_));
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }
  HeadText& add(std::int64_t number) noexcept {
    const auto [end, ec] = std::to_chars(at_, end_, number);
    SL_ASSERT(ec == std::errc{});
    at_ = end;
    return *this;
  }
  HeadText& field(std::string_view name, std::string_view value) noexcept {
    return add(name).add(": ").add(value).add("\r\n");
  }
  HeadText& field(std::string_view name, std::int64_t value) noexcept {
    return add(name).add(": ").add(value).add("\r\n");
  }

  // What was written since the last take(): a piece to send.
  [[nodiscard]] std::string_view take() noexcept {
    const std::string_view text(begin_, static_cast<std::size_t>(at_ - begin_));
    begin_ = at_;
    return text;
  }

 private:
  Arena& arena_;
  char* begin_;
  char* at_;
  char* end_;
};

}  // namespace sluice
