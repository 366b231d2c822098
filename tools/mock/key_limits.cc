#include "tools/mock/key_limits.h"

#include <algorithm>

namespace sluice {

const KeyLimit* KeyLimits::limit_of(std::string_view key) const {
  const KeyLimit* every = nullptr;
  for (const KeyLimit& limit : limits_) {
    if (limit.key == key) return &limit;
    if (limit.key == "*" && every == nullptr) every = &limit;
  }
  return every;
}

std::optional<LimitState> KeyLimits::count(std::string_view key, std::int64_t unix_us) {
  const KeyLimit* const limit = limit_of(key);
  if (limit == nullptr) return std::nullopt;
  const std::int64_t window = std::max<std::int64_t>(1, limit->window / 1us);
  auto& arrivals = arrivals_[std::string(key)];
  const bool fixed = limit->mode == WindowMode::kFixed;
  const std::int64_t window_start = unix_us / window * window;
  while (!arrivals.empty() &&
         (fixed ? arrivals.front() < window_start : arrivals.front() + window <= unix_us)) {
    arrivals.pop_front();
  }
  LimitState state{.limit = limit};
  state.refused = arrivals.size() >= limit->requests;
  if (!state.refused || limit->count_refused) arrivals.push_back(unix_us);
  state.remaining = limit->requests - std::min<std::uint64_t>(limit->requests, arrivals.size());
  if (fixed) {
    state.reset_us = window_start + window - unix_us;
  } else if (!arrivals.empty()) {
    // The oldest arrival that must leave before the next request fits; without a refusal the last.
    const std::size_t leaving = arrivals.size() - std::min(arrivals.size(), limit->requests);
    const std::int64_t from = state.refused ? arrivals[leaving] : arrivals.back();
    state.reset_us = from + window - unix_us;
  }
  return state;
}

}  // namespace sluice
