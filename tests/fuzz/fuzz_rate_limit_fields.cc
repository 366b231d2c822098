// Fields that tell a provider's limits: what is read lies in bounds, and only what looks like it is
// read.

#include <algorithm>
#include <string_view>

#include "base/assert.h"
#include "parser/rate_limit_fields.h"
#include "parser/retry_after.h"
#include "parser/rfc3339.h"

namespace sluice {
namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;

void check_reset(std::string_view text) {
  const auto wait = parse_rate_limit_reset(text, kNowMs);
  SL_ASSERT(!wait || (*wait >= Duration::zero() && *wait <= kRetryAfterMax));
  const auto date_ms = parse_rfc3339(text);
  if (!date_ms) return;
  constexpr std::int64_t kDayMs = 86'400'000;
  SL_ASSERT(*date_ms >= 0 && *date_ms <= 253402300800'000 + kDayMs);
  const std::int64_t ahead_ms = *date_ms - kNowMs;
  SL_ASSERT(wait.has_value() == (ahead_ms <= kRetryAfterMax / 1ms));
  SL_ASSERT(!wait || *wait == std::max<std::int64_t>(ahead_ms, 0) * 1ms);
}

// Each line is "name:value".
void check_fields(std::string_view input) {
  WithFields<FieldList> fields;
  while (!input.empty() && fields.count < kFieldsMax) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    const std::string_view name = line.substr(0, line.find(':'));
    const std::string_view value = line.substr(std::min(line.size(), name.size() + 1));
    fields.items[fields.count++] = {name, value, field_id(name), false};
    check_reset(value);
  }
  const RateLimitFields read = parse_rate_limit_fields(fields, kNowMs);
  for (const RateLimit& limit :
       {read.requests, read.tokens, read.input_tokens, read.output_tokens}) {
    SL_ASSERT(!limit.reset || (*limit.reset >= Duration::zero() && *limit.reset <= kRetryAfterMax));
  }
  // Read once more behind themselves nothing changes: of what came twice the first counts.
  const std::uint32_t count = fields.count;
  for (std::uint32_t i = 0; i < count && fields.count < kFieldsMax; ++i) {
    fields.items[fields.count++] = fields.items[i];
  }
  SL_ASSERT(parse_rate_limit_fields(fields, kNowMs) == read);
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  sluice::check_reset(input);
  sluice::check_fields(input);
  return 0;
}
