#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "engine/event_batch.h"
#include "engine/store_figures.h"
#include "engine/store_troubles.h"
#include "store/apply_usage.h"
#include "store/journal/usage_journal.h"

namespace sluice {

inline constexpr std::size_t kShardsEver = 256;  // what `shards` may be at most

// The name that a shard's journal has in the store.
[[nodiscard]] std::string journal_name(std::uint16_t shard);

// UsageBooking - books what the journals of all shards hold, a batch of each in turn. One that
// cannot be booked is left alone for a second, and holds no other up; only a fault of the whole
// database makes all of them wait.
//
// Owns      what is known of each journal beside what it knows itself, and a batch.
// Affinity  the store's thread; add_figures() and backlog() any.
// Lifetime  within the journal's.
class UsageBooking {
 public:
  // `applied`: for each shard the last sequence that the store has.
  UsageBooking(UsageJournal& journal, const std::vector<std::uint64_t>& applied,
               StoreTroubles& troubles, Clock& clock, const Log& log);
  UsageBooking(const UsageBooking&) = delete;
  UsageBooking& operator=(const UsageBooking&) = delete;

  // Books what an earlier process has left, all of it, so that the budgets of this one begin with
  // it. Where the database does not take it the start goes on all the same, and the log says so: to
  // serve nobody is worse.
  void book_found(UsageLedger& ledger);
  // What one round has booked.
  enum class Round : std::uint8_t {
    kNothing,
    kSome,
    kFull,  // a batch was full: more is waiting
  };
  // At most one batch of each.
  Round book(UsageLedger& ledger);
  // All that was booked is on the disk: the journals may forget it.
  void synced();

  void add_figures(StoreFigures& figures) const;
  [[nodiscard]] std::uint64_t backlog() const;

 private:
  struct Booked {
    std::atomic<std::uint64_t> up_to{0};  // in the database, perhaps not on the disk yet
    // The last one that an earlier process can have written; all, of shards that are no more.
    std::uint64_t found_up_to = UINT64_MAX;
    bool starts_closed = false;  // what that process had begun and not ended is closed
    bool in_trouble = false;
    Instant retry_at{};
  };

  [[nodiscard]] Round book_one(UsageLedger& ledger, UsageJournal::Shard& shard);
  void close_former(UsageLedger& ledger, std::uint16_t shard);
  void close_gone(UsageLedger& ledger);
  void failed(Booked& known, const StoreError& error);
  void succeeded(Booked& known);
  [[nodiscard]] bool must_wait(const Booked& known) const;
  [[nodiscard]] std::uint64_t backlog_of(const UsageJournal::Shard& shard) const;

  UsageJournal& journal_;
  StoreTroubles& troubles_;
  Clock& clock_;
  Log log_;
  EventBatch batch_;
  std::vector<Booked> booked_;    // by the shard's index
  std::size_t begin_with_ = 0;    // in UsageJournal::shards(): behind the last one that failed
  Instant retry_all_at_{};        // after a fault of the whole database
  std::uint64_t in_trouble_ = 0;  // how many of booked_
  std::atomic<std::uint64_t> records_booked_{0};
};

}  // namespace sluice
