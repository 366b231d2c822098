#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

enum class EventKind : std::uint8_t {
  kStarted,
  kDraining,
  kReloaded,
  kReloadFailed,
  kConfigChanged,
  kAccountCreated,
  kAccountChanged,
  kAccountDeleted,
  kAccountError,
  kAccountRecovered,
  kCooldownBegun,
  kCooldownEnded,
  kBreakerOpened,
  kBreakerClosed,
  kRetreatBegun,
  kRetreatEnded,
  kHealthChanged,
  kClientCreated,
  kClientChanged,
  kClientRevoked,
  kPriceChanged,
  kLogin,
  kLoginFailed,
  kExport,
  kStoreTrouble,
  kStoreRecovered,
  kBackup,
};
inline constexpr std::array<std::string_view, 27> kEventKindNames = {
    "started",         "draining",        "reloaded",        "reload_failed",  "config_changed",
    "account_created", "account_changed", "account_deleted", "account_error",  "account_recovered",
    "cooldown_begun",  "cooldown_ended",  "breaker_opened",  "breaker_closed", "retreat_begun",
    "retreat_ended",   "health_changed",  "client_created",  "client_changed", "client_revoked",
    "price_changed",   "login",           "login_failed",    "export",         "store_trouble",
    "store_recovered", "backup"};

enum class Severity : std::uint8_t { kInfo, kWarning, kError };
inline constexpr std::array<std::string_view, 3> kSeverityNames = {"info", "warning", "error"};
[[nodiscard]] Severity severity_of(EventKind kind) noexcept;

// What a text says, by name (a literal), for those who say it in another language. "what" tells
// the texts of one kind apart.
using EventValues = std::vector<std::pair<std::string_view, std::string>>;

// Event - something that an operator may want to know. "" where it is about none.
struct Event {
  std::uint64_t id = 0;  // grows by one each
  std::int64_t unix_ms = 0;
  EventKind kind = EventKind::kStarted;
  std::string account;
  std::string backend_id;
  std::string client;
  std::string text;  // a sentence, without keys
  EventValues values = {};
  std::optional<Severity> own_severity = {};  // nothing: that of its kind

  [[nodiscard]] Severity severity() const noexcept {
    return own_severity.value_or(severity_of(kind));
  }
};

// EventRing - the latest events. Shards tell none, because this has a lock: what happens there is
// found by comparing states (AccountWatch).
//
// Affinity  any thread but a shard's. Limits: kEventsMax, of these kFailedLoginsMax that strangers
//           can cause at will; the oldest go.
class EventRing {
 public:
  static constexpr std::size_t kEventsMax = 1000;
  static constexpr std::size_t kFailedLoginsMax = 100;

  void add(Event event);
  [[nodiscard]] std::uint64_t last_id() const;

  struct Filter {
    std::uint64_t after = 0;  // only those with a larger id
    Severity at_least = Severity::kInfo;
    std::string backend_id;  // "": all
    std::size_t limit = 100;
  };
  struct Page {
    std::vector<Event> events;  // latest first
    std::uint64_t last_id = 0;
    std::uint64_t dropped = 0;  // those that are no longer here
  };
  [[nodiscard]] Page find(const Filter& filter) const;

 private:
  mutable std::mutex mutex_;
  std::deque<Event> events_;  // under mutex_, as these
  std::size_t failed_logins_ = 0;
  std::uint64_t last_id_ = 0;
};

}  // namespace sluice
