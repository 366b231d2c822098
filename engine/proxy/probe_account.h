#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "engine/net/upstream_pool.h"
#include "engine/route/account.h"

namespace sluice {

// AccountProbe - what an account's provider answered when it was asked for its models.
struct AccountProbe {
  int status = 0;            // 0: no answer came
  Error error;               // why
  std::string_view failure;  // a sentence on that, in the arena; "" when the code says it all
  Duration took{};           // from the first step to the answer's head, or to the failure
};

// Asks for GET {base_url}/models (joined as requests are) with the account's key, on a fresh
// connection, so that names, TCP and TLS are tried too; costs no token and no permit. Reads the
// answer's head and closes. `trust` as in UpstreamPools::open().
Task<AccountProbe> probe_account(Shard& shard, UpstreamPools& pools, const Account& account,
                                 const TrustStore* trust, Arena& arena, Limits limits);

enum class ProbeVerdict : std::uint8_t {
  kAccepted,     // the provider serves this key
  kKeyRefused,   // it does not: no other answer will come before the key is another
  kUnavailable,  // nobody knows: no connection, or an answer that says nothing of the key
};
[[nodiscard]] ProbeVerdict judge_probe(const AccountProbe& probe) noexcept;
// What that status means here, without the number. Static storage.
[[nodiscard]] std::string_view probe_status_text(int status) noexcept;

}  // namespace sluice
