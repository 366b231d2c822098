// A chunked body gives the same payload and the same end whole and in pieces, and what is written
// again from it is read as the same.

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/prng.h"
#include "parser/chunked.h"

namespace sluice {
namespace {

struct Decoded {
  ChunkedDecoder::Step::State state = ChunkedDecoder::Step::kMore;
  std::string payload;
  std::size_t consumed = 0;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

void feed(ChunkedDecoder& decoder, std::string_view piece, Decoded& out) {
  while (!piece.empty() && out.state == ChunkedDecoder::Step::kMore) {
    const ChunkedDecoder::Step step = decoder.next(piece);
    SL_ASSERT(step.consumed <= piece.size() && step.payload.size() <= step.consumed);
    SL_ASSERT(step.consumed > 0 || step.state != ChunkedDecoder::Step::kMore);
    SL_ASSERT(step.payload.empty() || step.state == ChunkedDecoder::Step::kMore);
    out.payload += step.payload;
    out.consumed += step.consumed;
    out.state = step.state;
    piece.remove_prefix(step.consumed);
  }
}

Decoded decode_in_pieces(std::string_view input) {
  Prng random(std::hash<std::string_view>{}(input));
  ChunkedDecoder decoder;
  Decoded out;
  while (!input.empty() && out.state == ChunkedDecoder::Step::kMore) {
    const std::size_t bytes =
        std::min<std::size_t>(input.size(), random.below(random.below(64) + 1) + 1);
    feed(decoder, input.substr(0, bytes), out);
    input.remove_prefix(bytes);
  }
  return out;
}

std::string chunked_again(std::string_view payload) {
  std::string text;
  if (!payload.empty()) {
    char head[kChunkHeadBytesMax];
    text.append(head, write_chunk_head(head, payload.size())).append(payload).append("\r\n");
  }
  return text + "0\r\n\r\n";
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  ChunkedDecoder decoder;
  Decoded whole;
  feed(decoder, input, whole);
  SL_ASSERT(decode_in_pieces(input) == whole);
  if (whole.state != ChunkedDecoder::Step::kDone) return 0;
  const Decoded again = decode_in_pieces(chunked_again(whole.payload));
  SL_ASSERT(again.state == ChunkedDecoder::Step::kDone && again.payload == whole.payload);
  return 0;
}
