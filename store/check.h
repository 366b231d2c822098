#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "store/environment.h"

namespace sluice {

// CheckFault - something in the store that is not as it must be.
struct CheckFault {
  Table table = Table::kMeta;
  std::string key;   // hexadecimal, "" when the fault is not of one row
  std::string text;  // what is wrong, in words
};

struct CheckReport {
  static constexpr std::size_t kFaultsMax = 100;  // told; all are counted

  std::uint64_t rows = 0;
  std::uint64_t faults = 0;
  std::vector<CheckFault> told;

  void add(CheckFault fault) {
    ++faults;
    if (told.size() < kFaultsMax) told.push_back(std::move(fault));
  }
  [[nodiscard]] bool good() const noexcept { return faults == 0; }
};

// Reads every row of every table, decodes keys and values, and recomputes what is told twice: the
// sums of days and totals are those of their hours, unique accounts are counted right, indexes and
// names lead to rows and back. In one transaction, so that all is of one moment: for a copy, or a
// store that is about to be used. An error only when it cannot be read at all.
[[nodiscard]] StoreResult<CheckReport> check_store(StoreEnvironment& environment);

}  // namespace sluice
