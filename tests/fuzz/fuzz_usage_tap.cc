// The same usage is read however an answer is cut, and no answer makes the tap fail.

#include <string_view>

#include "base/assert.h"
#include "base/block_pool.h"
#include "engine/llm/usage_tap.h"
#include "tests/fuzz/pieces.h"

namespace sluice {
namespace {

void check_usage(const Usage& usage) {
  SL_ASSERT(usage.prompt >= 0 && usage.completion >= 0 && usage.total >= 0);
  SL_ASSERT(usage.cached_read >= 0 && usage.cached_write >= 0 && usage.reasoning >= 0);
  SL_ASSERT(usage.estimated != usage.seen);
}

void check(AnswerKind kind, std::string_view input, Arena& arena) {
  UsageTap whole(kind, arena);
  UsageTap cut(kind, arena);
  whole.watch(input);
  for_each_piece(input, [&](std::string_view piece) { cut.watch(piece); });
  SL_ASSERT(whole.usage(100) == cut.usage(100));
  SL_ASSERT(whole.first_event_seen() == cut.first_event_seen());
  SL_ASSERT(whole.end_seen() == cut.end_seen());
  check_usage(whole.usage(100));
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  static BlockPool pool;
  Arena arena(pool);
  check(AnswerKind::kJson, input, arena);
  check(AnswerKind::kEventStream, input, arena);
  return 0;
}
