#include "admin/row_tag.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>

#include "parser/scan.h"
#include "tls/digest.h"

namespace sluice {
namespace {

// Whether `list` has "tag" (RFC 9110 section 13.1.1): a weak one, W/"tag", never does.
bool has_tag(std::string_view list, std::string_view tag) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view one = trim_blanks(list.substr(0, comma));
    if (one.size() == tag.size() + 2 && one.front() == '"' && one.back() == '"' &&
        one.substr(1, tag.size()) == tag)
      return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

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
  if (seen.empty() || seen == "*" || has_tag(seen, tag)) return {};
  return AdminAnswer{
      .exit_code = EX_DATAERR,
      .text = fmt::format("{} was changed since it was read (If-Match); read it again\n", what),
      .outcome = AdminOutcome::kOutdated};
}

}  // namespace sluice
