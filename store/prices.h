#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "store/account_rows.h"
#include "store/key_bytes.h"
#include "store/writer.h"

namespace sluice {

// Of prices: all of one model together, by the instant from which they hold.
[[nodiscard]] KeyBytes price_key(std::string_view model, std::int64_t valid_from_ms);

// Adds a price, or replaces the one of that model and instant. kInvalid: an empty or too long
// model, or an instant before 1970.
[[nodiscard]] StoreResult<void> put_price(Writer& writer, const StoredPrice& price);
// kNotFound when there is none.
[[nodiscard]] StoreResult<void> delete_price(Writer& writer, std::string_view model,
                                             std::int64_t valid_from_ms);
[[nodiscard]] StoreResult<std::vector<StoredPrice>> list_prices(StoreEnvironment& environment);
// What `model` costs at that instant; nothing before its first price.
[[nodiscard]] StoreResult<std::optional<ModelRate>> rate_at(const Transaction& transaction,
                                                            std::string_view model,
                                                            std::int64_t unix_ms);

}  // namespace sluice
