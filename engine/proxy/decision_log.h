#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/spill_array.h"
#include "engine/route/choice.h"
#include "engine/route/decision_looks.h"
#include "engine/route/directory.h"
#include "engine/route/ladder.h"

namespace sluice {

// What a step of a request's way down the ladder came to: the outcomes of tries, in their order,
// then those of waits.
enum class StepOutcome : std::uint8_t {
  kServed,
  kClientFault,
  kRateLimited,
  kKeyRefused,
  kServerError,
  kConnectFailed,
  kTimedOut,
  kClientGone,
  kGranted,
  kQueueFull,
  kQueueTimeout,
  kExhausted,
};
inline constexpr std::array<std::string_view, 12> kStepOutcomeNames = {
    "served",    "client_fault", "rate_limited", "key_refused", "server_error",  "connect_failed",
    "timed_out", "client_gone",  "granted",      "queue_full",  "queue_timeout", "exhausted"};
[[nodiscard]] constexpr StepOutcome step_outcome(TryOutcome outcome) noexcept {
  return static_cast<StepOutcome>(outcome);
}

enum class StepKind : std::uint8_t { kTry, kWait, kGiveUp };

// DecisionStep - one step of a request. Times are microseconds, `at` since all of it was there.
struct DecisionStep {
  StepKind kind = StepKind::kTry;
  Rung rung = Rung::kPrimary;
  StepOutcome outcome = StepOutcome::kServed;
  std::uint16_t status = 0;  // 0: no answer
  std::uint32_t at_us = 0;
  std::uint32_t took_us = 0;
  const Account* account = nullptr;  // of tries; in the exchange's directory
};

// DecisionRow - what the journal has of an attempt's end or a refusal: its time, and its shard's
// sequence. What an id of requests cannot, these can: tell two of them apart.
struct DecisionRow {
  std::int64_t unix_ms = 0;
  std::uint64_t sequence = 0;
  friend bool operator==(const DecisionRow&, const DecisionRow&) = default;
};

// DecisionTrail - the steps of a request as they come, and what its decisions had before them; part
// of its exchange.
//
// Limits    kStepsMax; the first ones are kept.
struct DecisionTrail {
  static constexpr std::size_t kStepsMax = 12;
  static constexpr std::size_t kStepsUsual = 2;  // a try, after a wait or another one

  void add(const DecisionStep& step, Arena& arena) {
    if (!steps.add(step, arena)) ++steps_dropped;
  }
  void add_row(DecisionRow row, Arena& arena) { static_cast<void>(rows.add(row, arena)); }

  SpillArray<DecisionStep, kStepsUsual, kStepsMax> steps;
  SpillArray<DecisionRow, kStepsUsual, kStepsMax> rows;
  std::uint32_t steps_dropped = 0;
  DecisionLooks* looks = nullptr;  // in the exchange's arena; null: no account was looked for
};

// Decision - what is kept of a request, beside its steps.
struct Decision {
  std::int64_t unix_ms = 0;
  std::string_view request_id;
  std::string_view model;
  std::string_view client;
  Priority priority = Priority::kNormal;
  Strategy strategy = Strategy::kWeighted;
  std::uint16_t status = 0;
  std::uint32_t queue_us = 0;
};

// KeptDecision - the same as it is read: with texts of its own.
struct KeptDecision {
  struct Step {
    DecisionStep step;    // without its account
    std::string account;  // "": none
  };
  Decision decision;  // without its texts
  std::string request_id, model, client;
  // What a decision had before it, in the order of the decisions.
  struct Looks {
    DecisionLooks::Decision decision;  // without its first
    std::vector<CandidateLook> candidates;
  };
  std::vector<DecisionRow> rows;  // as the trail had them
  std::vector<Step> steps;
  std::vector<Looks> looks;
  std::uint32_t steps_dropped = 0;
};

// DecisionLog - the latest requests of a shard and how each went through the ladder, for
// explaining. Records are of one size and overwritten in turn; names in them are copies or labels,
// so that they outlive their accounts.
//
// Affinity  write(): its shard, without a lock or an allocation. find(): any thread; it reads a
//           record that is being overwritten again.
// Size      kRecords of 1,024 bytes, touched as they are first written: 2 MiB in the end. Two
//           decisions among 12 accounts take 480 of them.
// Limits    longer ids, models and names are cut; steps and decisions without room are dropped, the
//           first decision last of all.
class DecisionLog {
 public:
  static constexpr std::size_t kRecords = 2048;

  DecisionLog() : records_(std::allocator<Record>().allocate(kRecords)) {}
  ~DecisionLog() { std::allocator<Record>().deallocate(records_, kRecords); }
  DecisionLog(const DecisionLog&) = delete;
  DecisionLog& operator=(const DecisionLog&) = delete;

  void write(const Decision& decision, const DecisionTrail& trail) noexcept;
  // The latest of that id, which clients choose and may give to several requests; with a `row` that
  // one that has it.
  [[nodiscard]] std::optional<KeptDecision> find(
      std::string_view request_id, std::optional<DecisionRow> row = std::nullopt) const;

 private:
  static constexpr std::size_t kWords = 127;
  struct alignas(64) Record {
    std::atomic<std::uint64_t> version{0};  // odd while it is written; 0: empty
    std::array<std::atomic<std::uint64_t>, kWords> words{};
  };
  static_assert(std::is_trivially_destructible_v<Record>);
  using Bytes = std::array<std::uint64_t, kWords>;
  [[nodiscard]] static bool read(const Record& record, Bytes& out) noexcept;
  static void fetch(const Record& record) noexcept;

  Record* records_;  // raw memory from written_ on, until all have been written
  std::atomic<std::uint64_t> written_{0};
};

}  // namespace sluice
