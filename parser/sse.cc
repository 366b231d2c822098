#include "parser/sse.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>

namespace sluice {

namespace {

constexpr std::string_view kDataName = "data:";

bool is_line_end(char c) noexcept { return c == '\n' || c == '\r'; }

}  // namespace

std::size_t find_line_end_scalar(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size() && !is_line_end(text[at])) ++at;
  return at;
}

#if defined(__SSE2__)
std::size_t find_line_end(std::string_view text) noexcept {
  constexpr std::size_t kStep = 16;
  if (text.size() < kStep) return find_line_end_scalar(text);
  const __m128i lf = _mm_set1_epi8('\n');
  const __m128i cr = _mm_set1_epi8('\r');
  const auto line_ends = [&](std::size_t at) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, lf), _mm_cmpeq_epi8(bytes, cr));
  };
  std::size_t at = 0;
  // Lines of events are long: four vectors are passed with one branch.
  for (; at + 4 * kStep <= text.size(); at += 4 * kStep) {
    const __m128i any =
        _mm_or_si128(_mm_or_si128(line_ends(at), line_ends(at + kStep)),
                     _mm_or_si128(line_ends(at + 2 * kStep), line_ends(at + 3 * kStep)));
    if (_mm_movemask_epi8(any) != 0) break;
  }
  while (at < text.size()) {
    at = at + kStep < text.size() ? at : text.size() - kStep;  // the last overlaps what is known
    const auto hits = static_cast<unsigned>(_mm_movemask_epi8(line_ends(at)));
    if (hits != 0) return at + static_cast<std::size_t>(std::countr_zero(hits));
    at += kStep;
  }
  return text.size();
}
#else
std::size_t find_line_end(std::string_view text) noexcept { return find_line_end_scalar(text); }
#endif

std::size_t SseSplitter::next_boundary(std::string_view in) noexcept {
  if (in.empty()) return npos;
  if (blank_cr_) {
    blank_cr_ = false;
    return in[0] == '\n' ? 1 : 0;
  }
  std::size_t at = 0;
  while (at < in.size()) {
    if (after_cr_) {
      after_cr_ = false;
      if (in[at] == '\n') {
        ++at;
        continue;
      }
    }
    if (line_empty_ && in[at] == '\n') return at + 1;
    if (line_empty_ && in[at] == '\r') {
      if (at + 1 < in.size()) return in[at + 1] == '\n' ? at + 2 : at + 1;
      blank_cr_ = true;
      return npos;
    }
    at += find_line_end(in.substr(at));
    line_empty_ = at < in.size();
    if (!line_empty_) return npos;
    after_cr_ = in[at++] == '\r';
  }
  return npos;
}

bool SseReader::end_line(char c) noexcept {
  const bool blank = line_empty_;
  place_ = Place::kName;
  matched_ = 0;
  line_empty_ = true;
  after_cr_ = c == '\r';
  return blank;
}

std::size_t SseReader::skip_blank_line(std::string_view in) noexcept {
  if (!after_cr_) return in.starts_with('\n') ? 1 : 0;
  if (!in.starts_with("\n\r\n")) return 0;
  after_cr_ = false;
  return 3;
}

SseReader::Step SseReader::next(std::string_view in) noexcept {
  std::size_t at = 0;
  while (at < in.size()) {
    const char c = in[at];
    if (after_cr_) {
      after_cr_ = false;
      if (c == '\n') {
        ++at;
        continue;
      }
    }
    if (place_ == Place::kName) {
      if (is_line_end(c)) {
        ++at;
        if (end_line(c)) return {at, {}, true};
        continue;
      }
      if (line_empty_ && in.substr(at).starts_with(kDataName)) {
        at += kDataName.size();
        line_empty_ = false;
        place_ = Place::kSpace;
        continue;
      }
      line_empty_ = false;
      if (c == kDataName[matched_]) {
        ++at;
        if (++matched_ == kDataName.size()) place_ = Place::kSpace;
      } else {
        place_ = Place::kOther;
      }
      continue;
    }
    if (place_ == Place::kSpace) {
      place_ = Place::kData;
      if (c == ' ') ++at;
      continue;
    }
    const std::string_view line = in.substr(at, find_line_end(in.substr(at)));
    const bool data = place_ == Place::kData && !line.empty();
    at += line.size();
    if (at < in.size()) end_line(in[at++]);
    if (!data) continue;
    const std::size_t blank = line_empty_ ? skip_blank_line(in.substr(at)) : 0;
    return {at + blank, line, blank != 0};
  }
  return {at, {}, false};
}

}  // namespace sluice
