#pragma once

#include <string>
#include <unordered_map>

#include "admin/live/account_view.h"
#include "admin/live/event_ring.h"
#include "admin/live/health_board.h"
#include "admin/live/tagged_accounts.h"

namespace sluice {

// AccountWatch - finds what has happened to accounts by comparing what they are with what they were
// a second ago, so that shards need tell nobody. What begins and ends between two looks is not
// seen, but for a cooldown: its deadline stays behind.
//
// Limits    of several cooldowns between two looks the last; looks are a second apart, and no
//           cooldown is shorter. One that is lengthened by a second or more when it is all but over
//           is taken for two, as it is in the store's table (CooldownRecord).
// Affinity  one thread at a time.
class AccountWatch {
 public:
  // `view` is that of `account` at `unix_ms`.
  void look(const Account& account, const AccountView& view, const AccountHealth& health,
            const TaggedAccounts& names, std::int64_t unix_ms, EventRing& events);
  void look(const UnopenedAccount& account, const TaggedAccounts& names, std::int64_t unix_ms,
            EventRing& events);

 private:
  struct Was {
    Instant at{};            // Instant{}: it was not looked at before
    Instant cooled_until{};  // as in a view
    bool cooling = false;
    bool error = false;
    bool open = false;
    bool below = false;  // its limit
    Health health = Health::kUnknown;
  };
  // Whether another cooldown has begun since `was`, so that its begin and the other's end are told.
  static bool has_cooled_anew(const Was& was, const AccountView& view) noexcept;
  std::unordered_map<std::string, Was, StringHash, std::equal_to<>> was_;  // by the account's name
};

}  // namespace sluice
