// The client sees the same bytes however the stream is cut, and nothing that the provider did not
// send.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/block_pool.h"
#include "engine/llm/stream_filter.h"
#include "tests/fuzz/pieces.h"

namespace sluice {
namespace {

// Client - what comes out at the other end of a filter.
class Client {
 public:
  Client(Arena& arena, std::size_t room) : filter_(arena), room_(room) {}

  void take(std::string_view piece) {
    const std::string copy(piece);  // gone before the next call
    std::string_view in = copy;
    while (!in.empty()) {
      const StreamFilter::Step step = filter_.next(in, std::span(list_).first(room_));
      SL_ASSERT(step.consumed > 0 && step.consumed <= in.size());
      receive(step.pieces);
      in.remove_prefix(step.consumed);
    }
  }
  const std::string& finish() {
    receive(filter_.finish(list_));
    return text_;
  }

 private:
  void receive(std::size_t pieces) {
    for (std::size_t i = 0; i < pieces; ++i) text_ += list_[i];
  }
  StreamFilter filter_;
  std::size_t room_;
  std::array<std::string_view, 8> list_;
  std::string text_;
};

bool is_subsequence(std::string_view part, std::string_view of) {
  std::size_t at = 0;
  for (const char c : of)
    if (at < part.size() && part[at] == c) ++at;
  return at == part.size();
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  static BlockPool pool;
  Arena arena(pool);
  Client whole(arena, 8);
  Client cut(arena, StreamFilter::kPiecesMin);
  whole.take(input);
  for_each_piece(input, [&](std::string_view piece) { cut.take(piece); });
  SL_ASSERT(whole.finish() == cut.finish());
  SL_ASSERT(is_subsequence(whole.finish(), input));
  return 0;
}
