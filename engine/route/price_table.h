#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/route/account.h"
#include "engine/route/string_hash.h"

namespace sluice {

// PriceTable - what models cost from which instant on, whoever serves them: for accounts that have
// no price of their own. Immutable once it is part of a Directory.
class PriceTable {
 public:
  // For each model in the order of time.
  void add(std::string_view model, std::int64_t valid_from_ms, const Price& price);
  // Null before the model's first price. No allocation.
  [[nodiscard]] const Price* find(std::string_view model, std::int64_t unix_ms) const noexcept;

 private:
  struct DatedPrice {
    std::int64_t valid_from_ms;  // since 1970; until the next one
    Price price;
  };
  std::unordered_map<std::string, std::vector<DatedPrice>, StringHash, std::equal_to<>> models_;
};

}  // namespace sluice
