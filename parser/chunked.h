#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

// ChunkedDecoder - takes a chunked body apart as it arrives (RFC 9112 section 7.1; B4, B5).
//
// Owns      nothing. Lifetime one body.
// Affinity  none.
// Cost      payload is passed on as a view into the input, never copied; a few ns per chunk head.
// Size      32 bytes.
//
// Stricter than the grammar where parsers are known to differ: exact CRLF, no white space around a
// chunk size, no control in an extension. Extensions and trailers are checked, counted and dropped.
class ChunkedDecoder {
 public:
  static constexpr std::uint32_t kExtensionBytesMax = 4096;  // of all chunks of a body together
  static constexpr std::uint32_t kTrailerBytesMax = 8192;    // with their CRLFs

  struct Step {
    enum State : std::uint8_t { kMore, kDone, kMalformed };
    std::size_t consumed = 0;  // bytes of the input that are done with, `payload` included
    std::string_view payload;  // view into the input; may come with kMore only
    State state = kMore;
  };

  // Decodes up to the next piece of payload or the end of `in`, whichever comes first; call again
  // with the rest while there is one. After kDone the unconsumed bytes are not of this body. kDone
  // and kMalformed stay.
  [[nodiscard]] Step next(std::string_view in) noexcept;

  [[nodiscard]] bool done() const noexcept { return phase_ == Phase::kDone; }

 private:
  enum class Phase : std::uint8_t {
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerBegin,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kEndLf,
    kDone,
    kMalformed,
  };
  [[nodiscard]] Phase after(char c) noexcept;
  [[nodiscard]] Phase after_size_byte(char c) noexcept;
  [[nodiscard]] Phase after_trailer_byte(char c) noexcept;

  Phase phase_ = Phase::kSize;
  std::uint8_t digits_ = 0;  // of the size of this chunk
  std::uint64_t left_ = 0;   // payload bytes of this chunk still to come
  std::uint32_t extension_bytes_ = 0;
  std::uint32_t trailer_bytes_ = 0;
};

// What stands before a chunk's payload: 16 digits and CRLF at most.
inline constexpr std::size_t kChunkHeadBytesMax = 18;

// Writes "1f4\r\n" for 500 and returns its length. `payload_bytes` > 0, for zero ends the body. The
// caller adds CRLF after the payload and "0\r\n\r\n" at the end of the body.
[[nodiscard]] std::size_t write_chunk_head(char* out, std::uint64_t payload_bytes) noexcept;

}  // namespace sluice
