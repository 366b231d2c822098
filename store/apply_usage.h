#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "store/names.h"
#include "store/usage_batch.h"
#include "store/usage_event.h"
#include "store/writer.h"

namespace sluice {

// What became of a batch of events.
struct AppliedUsage {
  std::uint64_t applied = 0;    // events booked
  std::uint64_t skipped = 0;    // at or below the journal's position: booked before
  std::uint64_t missing = 0;    // sequence numbers that the journal has lost
  std::uint64_t saturated = 0;  // sums that no longer grow
  std::uint64_t position = 0;   // of the journal now
};

// What close_open_attempts() did.
struct ClosedAttempts {
  std::uint64_t closed = 0;
  bool more = false;  // call it again
};

// UsageLedger - books the events of usage journals, each exactly once: the sums, the single
// requests and the journal's position change in one transaction, or not at all.
//
// Owns      the numbers of all names, and what a batch folds.
// Affinity  the Writer's thread.
// Lifetime  within the Writer.
// Cost      about 1 us an event in batches of 1000, 4 in batches of 100 (bench/store_bench.cc).
class UsageLedger {
 public:
  explicit UsageLedger(Writer& writer) : writer_(&writer) {}

  // Books `events` of the journal named `journal` (1 to kStoredNameBytesMax bytes), in the order of
  // their sequence, in one transaction. Events at or below the journal's position are skipped, so
  // that a batch may be given again after any error; nothing of it has happened then. An end may
  // come before its start. Lasts after StoreEnvironment::sync().
  [[nodiscard]] StoreResult<AppliedUsage> apply(std::string_view journal,
                                                std::span<const UsageEvent> events);

  // The sequence of the last event booked from that journal, 0 for a new one.
  [[nodiscard]] StoreResult<std::uint64_t> position(std::string_view journal);

  // After a start, when all of a journal has been applied and before new events come: attempts that
  // began at or below sequence `up_to` and have no end are those of a process that died. Each
  // becomes a request of unknown outcome, at the time of its start; at most `attempts_max` in this
  // transaction. Of two hedged attempts the later, whose start says kUsageHedged, is counted as
  // attempt, not as request.
  [[nodiscard]] StoreResult<ClosedAttempts> close_open_attempts(std::string_view journal,
                                                                std::uint64_t up_to,
                                                                std::size_t attempts_max);

 private:
  [[nodiscard]] StoreResult<JournalPosition> find_journal(const Transaction& transaction,
                                                          std::string_view journal);
  // The row of an event, its names as numbers.
  [[nodiscard]] StoreResult<StoredRequest> row_of(WriteTransaction& transaction,
                                                  const UsageEvent& event);
  [[nodiscard]] StoreResult<AppliedUsage> apply_in(WriteTransaction& transaction,
                                                   std::string_view journal,
                                                   std::span<const UsageEvent> events);
  [[nodiscard]] StoreResult<void> book(WriteTransaction& transaction, std::uint32_t journal,
                                       const UsageEvent& event);
  // Takes note of a start that has no end in this batch, and of an end whose start is not in it.
  [[nodiscard]] StoreResult<void> open_attempt(WriteTransaction& transaction, const OpenKey& key,
                                               const UsageEvent& event);
  // `row`, which is the end's, gets what only its start has told.
  [[nodiscard]] StoreResult<void> end_attempt(WriteTransaction& transaction, std::uint32_t journal,
                                              const UsageEvent& event, StoredRequest& row);
  [[nodiscard]] StoreResult<ClosedAttempts> close_in(WriteTransaction& transaction,
                                                     std::uint32_t journal, std::uint64_t up_to,
                                                     std::size_t attempts_max);
  // Begins a transaction's work afresh, its repetition too.
  [[nodiscard]] StoreResult<void> restart(const Transaction& transaction);
  template <class Body>
  auto transact(Body&& body);

  Writer* writer_;
  Names names_;
  bool names_loaded_ = false;
  UsageBatch batch_;
  std::unordered_set<std::uint64_t> ended_;  // starts whose end is in this batch
  struct Reserved {
    std::uint64_t tokens;
    std::uint64_t client_tokens;
  };
  std::unordered_map<std::uint64_t, Reserved> begun_;  // starts in this batch
  std::string bytes_;
};

// Whether an answer counts as an error: 400 and above, one that the provider broke off, or none at
// all, unless it was the client who did not wait for it (INVARIANTS R4).
[[nodiscard]] bool is_error(const UsageEvent& event) noexcept;

}  // namespace sluice
