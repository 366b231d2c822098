#include "engine/route/client_spending.h"

#include <algorithm>
#include <chrono>

namespace sluice {
namespace {

namespace chrono = std::chrono;

using Milliseconds = chrono::sys_time<chrono::milliseconds>;

std::int64_t unix_ms_of(chrono::sys_days day) noexcept {
  return Milliseconds(day).time_since_epoch().count();
}

}  // namespace

BudgetSpan budget_span(BudgetPeriod period, std::int64_t unix_ms) noexcept {
  if (period == BudgetPeriod::kTotal) return {};
  const auto now = Milliseconds(chrono::milliseconds(std::max<std::int64_t>(unix_ms, 0)));
  const chrono::sys_days today = chrono::floor<chrono::days>(now);
  if (period == BudgetPeriod::kDay) {
    return {.number = static_cast<std::uint32_t>(today.time_since_epoch().count()),
            .from_ms = unix_ms_of(today),
            .to_ms = unix_ms_of(today + chrono::days(1))};
  }
  const chrono::year_month_day date = today;
  const chrono::year_month month = date.year() / date.month();
  const auto since = (month - chrono::year(1970) / chrono::January).count();
  return {.number = static_cast<std::uint32_t>(since),
          .from_ms = unix_ms_of(month / 1),
          .to_ms = unix_ms_of((month + chrono::months(1)) / 1)};
}

void PeriodSum::add(std::uint32_t period, std::uint64_t amount) noexcept {
  if (amount == 0) return;  // a word without a sum is of no period
  std::uint64_t word = word_.load(std::memory_order_relaxed);
  std::uint64_t next;
  do {
    const bool same = (word & kMax) != 0 && is_of(word, period);
    const std::uint64_t before = same ? word & kMax : 0;
    const std::uint64_t of_period =
        same ? word & ~kMax : std::uint64_t{period & kPeriodMask} << kSumBits;
    next = of_period | (before + std::min(amount, kMax - before));
  } while (!word_.compare_exchange_weak(word, next, std::memory_order_relaxed));
}

void ClientSpending::add(std::uint64_t nano_dollars, std::int64_t unix_ms) noexcept {
  if (nano_dollars == 0) return;
  total_.fetch_add(nano_dollars, std::memory_order_relaxed);
  for (const BudgetPeriod period : {BudgetPeriod::kDay, BudgetPeriod::kMonth})
    sum_of(period).add(budget_span(period, unix_ms).number, nano_dollars);
}

std::uint64_t ClientSpending::spent(BudgetPeriod period, std::int64_t unix_ms) const noexcept {
  switch (period) {
    case BudgetPeriod::kTotal: return total_.load(std::memory_order_relaxed);
    case BudgetPeriod::kDay: return day_.in(budget_span(period, unix_ms).number);
    case BudgetPeriod::kMonth: return month_.in(budget_span(period, unix_ms).number);
  }
  SL_ASSERT(false);
}

void ClientSpending::begin(std::uint64_t booked, std::int64_t unix_ms) noexcept {
  SL_ASSERT(!begun_);
  begun_ = true;
  begun_ms_ = unix_ms;
  booked_before_ = booked;
  total_.fetch_add(booked, std::memory_order_relaxed);
}

bool ClientSpending::is_whole(BudgetPeriod period, std::int64_t unix_ms) const noexcept {
  if (!begun_) return false;
  if (booked_before_ == 0 || restored_[static_cast<std::size_t>(period)]) return true;
  return budget_span(period, begun_ms_).number != budget_span(period, unix_ms).number ||
         period == BudgetPeriod::kTotal;
}

void ClientSpending::restore(BudgetPeriod period, std::uint64_t nano_dollars,
                             std::int64_t unix_ms) noexcept {
  SL_ASSERT(!is_whole(period, unix_ms));
  restored_[static_cast<std::size_t>(period)] = true;
  sum_of(period).add(budget_span(period, unix_ms).number, nano_dollars);
}

}  // namespace sluice
