#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>

#include "admin/live/health_board.h"
#include "admin/traffic_totals.h"
#include "engine/route/directory.h"

namespace sluice {

// SuccessWindow - how many of each account's attempts succeeded in the last 5 minutes, from what
// the shards have counted. What a client did (its own faults, its leaving) is no attempt here.
//
// Affinity  one thread at a time.
class SuccessWindow {
 public:
  static constexpr Duration kWindow = 5min;
  static constexpr Duration kEvery = 10s;

  // Now and then; tells the board when kEvery has passed.
  void take(std::span<const ShardFigures> shards, const Directory& directory, Instant now,
            HealthBoard& board);

 private:
  struct Counts {
    std::uint64_t attempts = 0;
    std::uint64_t served = 0;
  };
  struct Reading {
    Instant at{};
    std::unordered_map<Label, Counts> by_account;
  };
  std::deque<Reading> readings_;  // oldest first
};

}  // namespace sluice
