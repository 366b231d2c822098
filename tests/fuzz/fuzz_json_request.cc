// A body that is accepted is JSON to another parser too; what is JSON there and refused here is
// refused for a member's sake. A spliced body is accepted again and says what was spliced in.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/block_pool.h"
#include "parser/json_probe.h"
#include "parser/json_splice.h"

namespace sluice {
namespace {

std::string text_of(const SplicedBody& spliced) {
  std::string text;
  for (std::uint32_t i = 0; i < spliced.count; ++i) text += spliced.pieces[i];
  SL_ASSERT(text.size() == spliced.bytes);
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Numbers beyond double's range are JSON, and refused by the other parser.
bool may_have_huge_numbers(std::string_view body) {
  std::size_t digits = 0;
  for (const char c : body) {
    if (digits != 0 && (c == 'e' || c == 'E')) return true;
    digits = is_digit(c) ? digits + 1 : 0;
    if (digits > 300) return true;
  }
  return false;
}

// Escapes in strings that nobody reads are not looked into here, a byte order mark is refused; to
// the other parser a NUL is the end.
bool comparable(std::string_view body) {
  return body.find_first_of(std::string_view("\\\0", 2)) == body.npos &&
         !body.starts_with("\xEF\xBB\xBF") && !may_have_huge_numbers(body);
}

void check_fault(std::string_view body, const ProbeFault& fault) {
  SL_ASSERT(fault.offset <= body.size() && !fault.message.empty());
  const bool is_json_all_the_same = !fault.param.empty() || fault.message == "nested too deeply" ||
                                    fault.message == "the body is not a JSON object";
  SL_ASSERT(is_json_all_the_same || !comparable(body) || !nlohmann::json::accept(body));
}

void check_splice(std::string_view body, const RequestProbe& probe, JsonProber& prober,
                  Arena& arena) {
  constexpr std::string_view kNative = "org/\"native\"\\\n";
  RequestProbe again;
  ProbeFault fault;
  const std::string text = text_of(splice_request(body, probe, kNative, true, arena));
  if (!prober.probe(text, arena, again, fault)) {
    // What was spliced in now stands beside a member that differs from it in letter case only.
    SL_ASSERT(fault.message == "the member comes twice" &&
              (fault.param == "stream_options" || fault.param == "include_usage"));
    return;
  }
  SL_ASSERT(again.has_model == probe.has_model && again.include_usage);
  SL_ASSERT(!again.has_model || again.model == kNative);
  SL_ASSERT(again.stream == probe.stream && again.max_tokens == probe.max_tokens);
  SL_ASSERT(again.user == probe.user);
  const SplicedBody same = splice_request(body, probe, probe.model, false, arena);
  SL_ASSERT(same.count == 1 && same.pieces[0].data() == body.data() && same.bytes == body.size());
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  static BlockPool pool;
  static JsonProber prober;
  Arena arena(pool);
  RequestProbe probe;
  ProbeFault fault;
  if (!prober.probe(body, arena, probe, fault)) {
    check_fault(body, fault);
    return 0;
  }
  SL_ASSERT(!comparable(body) || nlohmann::json::accept(body));
  check_splice(body, probe, prober, arena);
  return 0;
}
