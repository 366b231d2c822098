#include "admin/account_id.h"

#include "tls/digest.h"

namespace sluice {

std::string account_id_of(std::string_view name) {
  constexpr std::size_t kIdBytes = 6;
  const std::string_view pieces[] = {"account:", name};
  std::string id = "bkd_" + std::string(2 * kIdBytes, '0');
  write_hex(text_of(sha256(pieces)).substr(0, kIdBytes), id.data() + 4);
  return id;
}

}  // namespace sluice
