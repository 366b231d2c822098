#include "parser/head_lines.h"

#include <algorithm>

#include "base/assert.h"
#include "parser/scan.h"

namespace sluice {

HeadLines::HeadLines(const HeadLimits& limits, bool skip_empty_line) noexcept
    : limits_(limits), skip_empty_line_(skip_empty_line) {
  constexpr std::uint32_t kCrlfs = 3 * 2;  // skipped line, start line, blank line
  SL_ASSERT(limits.line_bytes_max <= UINT16_MAX && limits.head_bytes_max <= UINT16_MAX);
  SL_ASSERT(limits.line_bytes_max + limits.head_bytes_max + kCrlfs <= UINT16_MAX);
  SL_ASSERT(limits.fields_max <= kFieldsMax);
}

void HeadLines::clear() noexcept {
  fault_ = Fault::kNone;
  first_ = line_count_ = 0;
  line_at_ = scanned_ = 0;
}

inline HeadLines::Bound HeadLines::bound() const noexcept {
  if (in_start_line()) return {line_at_ + limits_.line_bytes_max, Fault::kStartLineTooLong};
  const std::size_t line = std::size_t{line_at_} + limits_.field_bytes_max;
  // The blank line does not count as a field: it may still follow when the room is used up.
  const std::size_t all =
      std::max(field_at(0) + limits_.head_bytes_max, std::size_t{line_at_} + 2) - 2;
  return line <= all ? Bound{line, Fault::kFieldTooLong} : Bound{all, Fault::kFieldsTooLarge};
}

inline HeadLines::Event HeadLines::end_line() noexcept {
  const auto end = static_cast<std::uint16_t>(scanned_);
  const bool empty = scanned_ == line_at_;
  scanned_ += 2;
  line_at_ = scanned_;
  if (in_start_line()) {
    if (empty && skip_empty_line_) {
      if (first_ != 0) return refuse(Fault::kSecondEmptyLine);
      first_ = 2;
      return Event::kMore;
    }
    line_ends_[line_count_++] = end;
    return Event::kStartLine;
  }
  if (empty) return Event::kEnd;
  if (field_count() == limits_.fields_max) return refuse(Fault::kTooManyFields);
  line_ends_[line_count_++] = end;
  return Event::kMore;
}

HeadLines::Event HeadLines::advance(std::string_view bytes) noexcept {
  SL_ASSERT(bytes.size() >= scanned_);
  while (true) {
    const Bound limit = bound();
    const std::size_t stop = find_control(bytes, scanned_);
    if (stop > limit.at) return refuse(limit.fault);
    scanned_ = static_cast<std::uint32_t>(stop);
    if (stop == bytes.size()) return Event::kMore;
    if (bytes[stop] != '\r') return refuse(bytes[stop] == '\n' ? Fault::kBareLf : Fault::kControl);
    if (stop + 1 == bytes.size()) return Event::kMore;
    if (bytes[stop + 1] != '\n') return refuse(Fault::kBareCr);
    if (const Event event = end_line(); event != Event::kMore) return event;
  }
}

}  // namespace sluice
