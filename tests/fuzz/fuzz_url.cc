// Base URLs, targets and HTTP dates: what is accepted can be written and read again.

#include <string>
#include <string_view>

#include "base/assert.h"
#include "parser/authority.h"
#include "parser/http_date.h"
#include "parser/retry_after.h"
#include "parser/scan.h"
#include "parser/target.h"
#include "parser/url.h"

namespace sluice {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;

void check_base_url(std::string_view input) {
  BaseUrl url;
  std::string_view why;
  if (!parse_base_url(input, url, why)) {
    SL_ASSERT(!why.empty());
    return;
  }
  SL_ASSERT(!url.host.empty() && url.port != 0 && !url.base_path.ends_with('/'));
  Authority parts;
  SL_ASSERT(parse_authority(url.authority, parts) && parts.host == url.host);
  const std::string_view path = "/v1/models", query = "a=b";
  char target[1u << 16];
  if (target_bytes_max(url.base_path, path, query) > sizeof target) return;
  const std::string_view written(target, write_target(target, url.base_path, path, true, query));
  SL_ASSERT(written.size() <= target_bytes_max(url.base_path, path, query));
  SL_ASSERT(written.starts_with('/') && written.ends_with("?a=b"));
  SL_ASSERT(find_target_end(written, 0) == written.size());
  Target parsed;
  Refusal refusal;
  SL_ASSERT(parse_target(Method::kGet, written, parsed, refusal));
  SL_ASSERT(parsed.query == query && parsed.path.ends_with("/models"));
}

void check_date(std::string_view input) {
  const auto wait = parse_retry_after(input, input, kNow * 1000);
  SL_ASSERT(!wait || (*wait >= Duration::zero() && *wait <= kRetryAfterMax));
  const auto date = parse_http_date(input, kNow);
  if (!date) return;
  constexpr std::int64_t kYear10000 = 253402300800;
  SL_ASSERT(*date >= 0 && *date <= kYear10000);
  if (*date == kYear10000) return;  // the leap second behind the last year
  char written[kHttpDateBytes];
  write_http_date(written, *date);
  SL_ASSERT(parse_http_date({written, sizeof written}, kNow) == date);
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  sluice::check_base_url(input);
  sluice::check_date(input);
  return 0;
}
