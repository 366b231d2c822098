#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "admin/gateway.h"
#include "admin/live/health_board.h"
#include "engine/net/resolver.h"
#include "engine/net/upstream_pool.h"
#include "engine/task/scope.h"

namespace sluice {

// HealthProber - asks each account's provider for its models once in each interval (health.*), one
// account after the other and evenly spread, and writes down what came of it. Costs no token and,
// unless the provider counts it, no permit. An account in error whose key is found good is used
// again. Some providers list their models for any key: each time that this was wrong
// doubles the wait.
//
// Owns      a resolver and connections of its own, each for one question.
// Affinity  prepare() the starting thread, run() one shard that serves no requests.
// Limits    one probe of an account at a time, and as many begin as the interval asks for, 200 in
//           a second at most (apart()): 1,000 accounts in 60 s are 17 a second. Providers that
//           hang hold up no others, as long as fewer than kAtOnce do.
class HealthProber {
 public:
  static constexpr Duration kPatience = 15s;  // for names, TCP, TLS and the answer together
  // Between the beginnings of two: a TLS handshake takes about a millisecond of this thread.
  static constexpr Duration kApartMin = 5ms;
  static constexpr Duration kApartMax = 100ms;  // few accounts need no more
  // What 1,000 accounts have in flight when all of them hang (1,000 / 60 s * kPatience), rounded
  // up: as many connections and arenas.
  static constexpr std::size_t kAtOnce = 256;
  // Half of what would just do, so that a round that was held up catches up.
  [[nodiscard]] static constexpr Duration apart(std::size_t accounts, Duration interval) noexcept {
    const auto twice = 2 * static_cast<std::int64_t>(std::max<std::size_t>(accounts, 1));
    return std::clamp(interval / twice, kApartMin, kApartMax);
  }
  static constexpr Duration kReviveAfterMax = 1h;

  HealthProber(Gateway& gateway, HealthBoard& board) : gateway_(&gateway), board_(&board) {}

  // Empty, or why there will be no probes: a sentence for the operator.
  [[nodiscard]] std::string prepare();
  // Until `end` is requested.
  static Task<void> run(Shard& shard, HealthProber& self, CancelSource& end);

 private:
  // The next one, and when: the enabled account that was asked least lately and is not being asked.
  struct Turn {
    const Account* account = nullptr;  // null: there is none to be asked yet
    Instant at{};
  };
  [[nodiscard]] Turn next_turn(const Directory& directory, Duration interval, Instant now);
  // Its key was refused by traffic and now accepted by a probe.
  [[nodiscard]] bool may_revive(const std::string& account, Instant now);
  static Task<void> probe(Shard& shard, HealthProber& self,
                          std::shared_ptr<const Snapshot> snapshot, const Account& account,
                          CancelSource& end);
  static Task<void> ask(Shard& shard, HealthProber& self, std::shared_ptr<const Snapshot> snapshot,
                        const Account& account, CancelSource& end);

  Gateway* gateway_;
  HealthBoard* board_;
  Resolver resolver_;
  std::optional<ClientTlsContext> tls_;
  std::optional<UpstreamPools> pools_;
  bool ready_ = false;
  // By the accounts' names.
  std::unordered_map<std::string, Instant> due_;
  std::unordered_set<std::string> asked_;  // now
  struct Revival {
    Instant next{};     // not before
    Duration wait{0s};  // until the one after it
  };
  std::unordered_map<std::string, Revival> revivals_;
};

}  // namespace sluice
