#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/assert.h"

namespace sluice {

// Over what a budget goes; days and months of the calendar, in UTC.
enum class BudgetPeriod : std::uint8_t { kDay, kMonth, kTotal };
inline constexpr std::size_t kBudgetPeriods = 3;
inline constexpr std::string_view kBudgetPeriodNames[kBudgetPeriods] = {"day", "month", "total"};

// ClientBudget - what the answers to one client key may cost in a period. 0: there is none.
struct ClientBudget {
  std::uint64_t nano_dollars = 0;
  BudgetPeriod period = BudgetPeriod::kMonth;

  [[nodiscard]] bool any() const noexcept { return nano_dollars > 0; }
  friend bool operator==(const ClientBudget&, const ClientBudget&) = default;
};

// A million dollars; what is spent in a period is counted beyond it (PeriodSum).
inline constexpr std::uint64_t kBudgetDollarsMax = 1'000'000;
inline constexpr std::uint64_t kNanoPerDollar = 1'000'000'000;
inline constexpr std::uint64_t kBudgetMax = kBudgetDollarsMax * kNanoPerDollar;

// BudgetSpan - one period: from and to in milliseconds since 1970.
struct BudgetSpan {
  std::uint32_t number = 0;  // days or months since 1970; 0 for what has one period
  std::int64_t from_ms = 0;
  std::optional<std::int64_t> to_ms;  // not included; nothing: it does not end
};
[[nodiscard]] BudgetSpan budget_span(BudgetPeriod period, std::int64_t unix_ms) noexcept;

// PeriodSum - a sum of one period after another, which begins anew with each.
//
// The period and its sum lie in one word, so that no amount is lost or counted twice when shards
// see the turn at different moments: one whose clock is behind by a moment counts into the new
// period. By more than one period, somebody has set the clock back: the period is what it says now.
//
// Affinity  any thread, lock-free.
// Limits    sums stay at kMax, which is above every budget.
class PeriodSum {
 public:
  static constexpr unsigned kSumBits = 50;
  static constexpr std::uint64_t kMax = (std::uint64_t{1} << kSumBits) - 1;

  void add(std::uint32_t period, std::uint64_t amount) noexcept;
  [[nodiscard]] std::uint64_t in(std::uint32_t period) const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    return is_of(word, period) ? word & kMax : 0;
  }

 private:
  // Of the period's number: 44 years of days.
  static constexpr std::uint32_t kPeriodMask = (1U << (64 - kSumBits)) - 1;

  // Whether `word` has what counts in that period: 0 is of none.
  [[nodiscard]] static bool is_of(std::uint64_t word, std::uint32_t period) noexcept {
    const auto its = static_cast<std::uint32_t>(word >> kSumBits);
    return ((its - period) & kPeriodMask) <= 1;
  }

  std::atomic<std::uint64_t> word_{0};
};
static_assert(kBudgetMax < PeriodSum::kMax);

// ClientSpending - what the answers to one client key have cost, as all shards know it. One object
// for the life of the key's name: reloads and other budgets leave it as it is.
//
// Affinity  add(), spent() any thread, lock-free; the rest the starting thread, later the store's.
// Size      48 bytes.
class ClientSpending {
 public:
  void add(std::uint64_t nano_dollars, std::int64_t unix_ms) noexcept;
  // In the period of that instant.
  [[nodiscard]] std::uint64_t spent(BudgetPeriod period, std::int64_t unix_ms) const noexcept;
  // Whether anything was counted here.
  [[nodiscard]] bool any() const noexcept { return total_.load(std::memory_order_relaxed) > 0; }

  // What the store has of the time before this object (engine/restore_budgets.h): `booked`
  // nano-dollars in all, at `unix_ms`. Once.
  void begin(std::uint64_t booked, std::int64_t unix_ms) noexcept;
  [[nodiscard]] bool begun() const noexcept { return begun_; }
  // Of what the store has by now, `booked` in all, this is what it had before: in the others this
  // object counts itself.
  [[nodiscard]] std::uint64_t booked_before() const noexcept { return booked_before_; }
  // Whether spent() knows all of the present period; otherwise restore() is due, once.
  [[nodiscard]] bool is_whole(BudgetPeriod period, std::int64_t unix_ms) const noexcept;
  void restore(BudgetPeriod period, std::uint64_t nano_dollars, std::int64_t unix_ms) noexcept;

 private:
  [[nodiscard]] PeriodSum& sum_of(BudgetPeriod period) noexcept {
    return period == BudgetPeriod::kDay ? day_ : month_;
  }

  std::atomic<std::uint64_t> total_{0};
  PeriodSum day_;
  PeriodSum month_;
  std::uint64_t booked_before_ = 0;
  std::int64_t begun_ms_ = 0;
  bool begun_ = false;
  bool restored_[kBudgetPeriods] = {};
};
static_assert(sizeof(ClientSpending) == 48);

}  // namespace sluice
