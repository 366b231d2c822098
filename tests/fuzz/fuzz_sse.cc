// Events begin and end at the same bytes, and have the same payloads, however a stream is cut.

#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "parser/sse.h"
#include "tests/fuzz/pieces.h"

namespace sluice {
namespace {

// Ends - where each event ends, in bytes from the start of the stream.
struct Ends {
  SseSplitter splitter;
  std::vector<std::size_t> ends;
  std::size_t passed = 0;

  void take(std::string_view piece) {
    while (!piece.empty()) {
      const std::size_t boundary = splitter.next_boundary(piece);
      if (boundary != SseSplitter::npos) SL_ASSERT(boundary <= piece.size());
      const std::size_t bytes = std::min(boundary, piece.size());
      passed += bytes;
      if (boundary != SseSplitter::npos) ends.push_back(passed);
      piece.remove_prefix(bytes);
    }
  }
};

// Payloads - those of all events; the one that does not end last.
struct Payloads {
  SseReader reader;
  std::vector<std::string> payloads = std::vector<std::string>(1);

  void take(std::string_view piece) {
    while (!piece.empty()) {
      const SseReader::Step step = reader.next(piece);
      SL_ASSERT(step.consumed > 0 && step.consumed <= piece.size());
      payloads.back() += step.data;
      if (step.event_end) payloads.emplace_back();
      piece.remove_prefix(step.consumed);
    }
  }
};

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Ends whole_ends;
  Payloads whole_payloads;
  whole_ends.take(input);
  whole_payloads.take(input);
  Ends ends;
  Payloads payloads;
  for_each_piece(input, [&](std::string_view piece) {
    ends.take(piece);
    payloads.take(piece);
  });
  SL_ASSERT(ends.ends == whole_ends.ends);
  SL_ASSERT(payloads.payloads == whole_payloads.payloads);
  // A blank line that ends with the stream's last CR is an event's end to the reader at once; the
  // splitter waits for a line feed.
  const std::size_t events = whole_payloads.payloads.size() - 1;
  SL_ASSERT(events == whole_ends.ends.size() ||
            (events == whole_ends.ends.size() + 1 && input.back() == '\r'));
  SL_ASSERT(find_line_end(input) == find_line_end_scalar(input));
  return 0;
}
