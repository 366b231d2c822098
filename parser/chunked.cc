#include "parser/chunked.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "parser/hex.h"
#include "parser/scan.h"

namespace sluice {

ChunkedDecoder::Phase ChunkedDecoder::after_size_byte(char c) noexcept {
  constexpr int kDigitsMax = 16;
  if (const int digit = hex_digit(c); digit >= 0) {
    if (digits_ == kDigitsMax) return Phase::kMalformed;
    ++digits_;
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    return Phase::kSize;
  }
  if (digits_ == 0) return Phase::kMalformed;
  if (c == '\r') return Phase::kSizeLf;
  if (c != ';' || ++extension_bytes_ > kExtensionBytesMax) return Phase::kMalformed;
  return Phase::kExtension;
}

ChunkedDecoder::Phase ChunkedDecoder::after_trailer_byte(char c) noexcept {
  if (++trailer_bytes_ > kTrailerBytesMax) return Phase::kMalformed;
  if (phase_ == Phase::kTrailerLf) return c == '\n' ? Phase::kTrailerBegin : Phase::kMalformed;
  if (phase_ == Phase::kTrailerValue) {
    if (c == '\r') return Phase::kTrailerLf;
    return is_forbidden_control(c) ? Phase::kMalformed : Phase::kTrailerValue;
  }
  if (phase_ == Phase::kTrailerName && c == ':') return Phase::kTrailerValue;
  return is_token_byte(c) ? Phase::kTrailerName : Phase::kMalformed;
}

ChunkedDecoder::Phase ChunkedDecoder::after(char c) noexcept {
  switch (phase_) {
    case Phase::kSize: return after_size_byte(c);
    case Phase::kExtension:
      if (c == '\r') return Phase::kSizeLf;
      if (is_forbidden_control(c) || ++extension_bytes_ > kExtensionBytesMax)
        return Phase::kMalformed;
      return Phase::kExtension;
    case Phase::kSizeLf:
      if (c != '\n') return Phase::kMalformed;
      digits_ = 0;
      return left_ > 0 ? Phase::kData : Phase::kTrailerBegin;
    case Phase::kDataCr: return c == '\r' ? Phase::kDataLf : Phase::kMalformed;
    case Phase::kDataLf: return c == '\n' ? Phase::kSize : Phase::kMalformed;
    case Phase::kTrailerBegin:
      if (c == '\r') return Phase::kEndLf;
      return after_trailer_byte(c);
    case Phase::kTrailerName:
    case Phase::kTrailerValue:
    case Phase::kTrailerLf: return after_trailer_byte(c);
    case Phase::kEndLf: return c == '\n' ? Phase::kDone : Phase::kMalformed;
    case Phase::kData:
    case Phase::kDone:
    case Phase::kMalformed: break;
  }
  return phase_;
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view in) noexcept {
  std::size_t at = 0;
  while (true) {
    if (phase_ == Phase::kDone) return {at, {}, Step::kDone};
    if (phase_ == Phase::kMalformed) return {at, {}, Step::kMalformed};
    if (at == in.size()) return {at, {}, Step::kMore};
    if (phase_ == Phase::kData) {
      const std::size_t bytes =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size() - at));
      left_ -= bytes;
      if (left_ == 0) phase_ = Phase::kDataCr;
      return {at + bytes, in.substr(at, bytes), Step::kMore};
    }
    phase_ = after(in[at++]);
  }
}

std::size_t write_chunk_head(char* out, std::uint64_t payload_bytes) noexcept {
  SL_ASSERT(payload_bytes > 0);
  const auto digits = static_cast<std::size_t>((std::bit_width(payload_bytes) + 3) / 4);
  for (std::size_t i = digits; i-- > 0; payload_bytes >>= 4)
    out[i] = "0123456789abcdef"[payload_bytes & 0xf];
  out[digits] = '\r';
  out[digits + 1] = '\n';
  return digits + 2;
}

}  // namespace sluice
