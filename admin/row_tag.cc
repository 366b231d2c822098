#include "admin/row_tag.h"

#include <fmt/format.h>
#include <sysexits.h>

#include "tls/digest.h"

namespace sluice {

std::string tag_of(std::string_view bytes) {
  constexpr std::size_t kBytes = 8;
  const Sha256Digest digest = sha256(bytes);
  std::string digits(2 * kBytes, '\0');
  write_hex(text_of(digest).substr(0, kBytes), digits.data());
  return digits;
}

std::optional<AdminAnswer> refuse_outdated(const AdminCall& call, std::string_view tag,
                                           std::string_view what) {
  const std::string seen = call.args.value("if_match", "");
  if (seen.empty() || seen == "*" || seen.contains(fmt::format("\"{}\"", tag))) return {};
  return AdminAnswer{
      .exit_code = EX_DATAERR,
      .text = fmt::format("{} was changed since it was read (If-Match); read it again\n", what),
      .outcome = AdminOutcome::kOutdated};
}

}  // namespace sluice
