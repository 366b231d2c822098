#include "parser/head_lines.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "parser/scan.h"

namespace sluice {

HeadLines::HeadLines(const HeadLimits& limits, bool skip_empty_line) noexcept
    : limits_(limits), skip_empty_line_(skip_empty_line) {
  constexpr std::uint32_t kCrlfs = 3 * 2;  // skipped line, start line, blank line
  SL_ASSERT(limits.line_bytes_max <= UINT16_MAX && limits.head_bytes_max <= UINT16_MAX);
  SL_ASSERT(limits.line_bytes_max + limits.head_bytes_max + kCrlfs <= UINT16_MAX);
  SL_ASSERT(limits.fields_max <= kFieldsMax && limits.head_bytes_max >= 2);
}

void HeadLines::clear() noexcept {
  fault_ = Fault::kNone;
  first_ = line_count_ = 0;
  line_at_ = scanned_ = 0;
}

// What stands at the first control from the line's beginning on, when it is no CRLF.
HeadLines::Event HeadLines::unfinished_line(std::string_view bytes) noexcept {
  if (scanned_ == bytes.size()) return Event::kMore;
  if (bytes[scanned_] == '\n') return refuse(Fault::kBareLf);
  if (bytes[scanned_] != '\r') return refuse(Fault::kControl);
  return scanned_ + 1 == bytes.size() ? Event::kMore : refuse(Fault::kBareCr);
}

HeadLines::Event HeadLines::advance_start_line(std::string_view bytes) noexcept {
  while (true) {
    const std::size_t stop = find_control(bytes, scanned_);
    if (stop > line_at_ + std::size_t{limits_.line_bytes_max})
      return refuse(Fault::kStartLineTooLong);
    scanned_ = static_cast<std::uint32_t>(stop);
    if (!bytes.substr(stop).starts_with("\r\n")) return unfinished_line(bytes);
    const bool empty = stop == line_at_;
    line_at_ = scanned_ += 2;
    if (!empty || !skip_empty_line_) {
      line_ends_[line_count_++] = static_cast<std::uint16_t>(stop);
      return Event::kStartLine;
    }
    if (first_ != 0) return refuse(Fault::kSecondEmptyLine);
    first_ = 2;
  }
}

// The last offset at which a field line that begins at `line_at` may end. The blank line does not
// count: it may still follow when the room is used up.
inline std::size_t HeadLines::field_end_max(std::size_t line_at) const noexcept {
  const std::size_t room_end = field_at(0) + limits_.head_bytes_max - 2;
  return std::min(line_at + limits_.field_bytes_max, std::max(room_end, line_at));
}

HeadLines::Event HeadLines::refuse_long_field(std::size_t line_at) noexcept {
  const bool line = field_end_max(line_at) == line_at + limits_.field_bytes_max;
  return refuse(line ? Fault::kFieldTooLong : Fault::kFieldsTooLarge);
}

// The controls are found 64 bytes at a time and then taken from their bits, so that the search does
// not wait for the end of one line to look for the next.
HeadLines::Event HeadLines::advance_fields(std::string_view bytes) noexcept {
  std::size_t line_at = line_at_;
  std::size_t end_max = field_end_max(line_at);
  std::size_t stop = bytes.size();  // of what is no CRLF
  for (std::size_t block = scanned_; block < bytes.size() && stop == bytes.size();
       block = std::max(block + kControlBits, line_at)) {
    std::uint64_t controls = control_bits(bytes, block);
    while (controls != 0) {
      const auto bit = static_cast<unsigned>(std::countr_zero(controls));
      const std::size_t end = block + bit;
      if (end > end_max) return refuse_long_field(line_at);
      if (end + 1 >= bytes.size() || bytes[end] != '\r' || bytes[end + 1] != '\n') {
        stop = end;
        break;
      }
      if (end == line_at) {
        scanned_ = static_cast<std::uint32_t>(end + 2);
        return Event::kEnd;
      }
      if (field_count() == limits_.fields_max) return refuse(Fault::kTooManyFields);
      line_ends_[line_count_++] = static_cast<std::uint16_t>(end);
      line_at = end + 2;
      end_max = field_end_max(line_at);
      controls &= ~(std::uint64_t{3} << bit);  // CR and LF
    }
  }
  line_at_ = static_cast<std::uint32_t>(line_at);
  scanned_ = static_cast<std::uint32_t>(stop);
  return stop > end_max ? refuse_long_field(line_at) : unfinished_line(bytes);
}

HeadLines::Event HeadLines::advance(std::string_view bytes) noexcept {
  SL_ASSERT(bytes.size() >= scanned_);
  // No head is longer, so a limit is broken before here whatever follows.
  bytes = bytes.substr(0, std::size_t{UINT16_MAX} + 1);
  return in_start_line() ? advance_start_line(bytes) : advance_fields(bytes);
}

}  // namespace sluice
