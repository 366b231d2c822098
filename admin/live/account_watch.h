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
// seen.
//
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
    bool cooling = false;
    std::uint32_t cooldowns = 0;
    bool error = false;
    bool open = false;
    bool below = false;  // its limit
    Health health = Health::kUnknown;
  };
  std::unordered_map<std::string, Was, StringHash, std::equal_to<>> was_;  // by the account's name
};

}  // namespace sluice
