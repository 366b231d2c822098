#include "store/prices.h"

#include <algorithm>

#include "store/rows.h"
#include "store/scan.h"
#include "store/usage_keys.h"

namespace sluice {
namespace {

StoreResult<StoredPrice> price_from(std::string_view key, std::string_view value) {
  auto price = decode_row<StoredPrice>(value);
  if (!price) return price;
  KeyReader reader(key);
  price->model = reader.sized_text();
  price->valid_from_ms = static_cast<std::int64_t>(reader.u64());
  if (!reader.done()) return store_fail(StoreErrc::kMalformed, Table::kPrices);
  return price;
}

bool is_valid(std::string_view model, std::int64_t valid_from_ms) noexcept {
  return !model.empty() && model.size() <= kStoredNameBytesMax && valid_from_ms >= 0;
}

}  // namespace

KeyBytes price_key(std::string_view model, std::int64_t valid_from_ms) {
  KeyBytes key;
  key.sized_text(model).u64(key_ms(valid_from_ms));
  return key;
}

StoreResult<void> put_price(Writer& writer, const StoredPrice& price) {
  if (!is_valid(price.model, price.valid_from_ms)) {
    return store_fail(StoreErrc::kInvalid, Table::kPrices);
  }
  return writer.transact([&](WriteTransaction& transaction) {
    return put_row(transaction, price_key(price.model, price.valid_from_ms).view(), price);
  });
}

StoreResult<void> delete_price(Writer& writer, std::string_view model, std::int64_t valid_from_ms) {
  if (!is_valid(model, valid_from_ms)) return store_fail(StoreErrc::kInvalid, Table::kPrices);
  return writer.transact([&](WriteTransaction& transaction) -> StoreResult<void> {
    const auto gone = transaction.del(Table::kPrices, price_key(model, valid_from_ms).view());
    if (!gone) return store_fail(gone.error());
    if (!*gone) return store_fail(StoreErrc::kNotFound, Table::kPrices);
    return {};
  });
}

StoreResult<std::vector<StoredPrice>> list_prices(StoreEnvironment& environment) {
  std::vector<StoredPrice> prices;
  SL_STORE_TRY(scan(environment, Table::kPrices, {}, {},
                    [&](std::string_view key, std::string_view value) -> StoreResult<bool> {
                      auto price = price_from(key, value);
                      if (!price) return store_fail(price.error());
                      prices.push_back(std::move(*price));
                      return true;
                    }));
  return prices;
}

StoreResult<std::optional<ModelRate>> rate_at(const Transaction& transaction,
                                              std::string_view model, std::int64_t unix_ms) {
  if (!is_valid(model, unix_ms)) return std::nullopt;
  auto cursor = StoreCursor::open(transaction, Table::kPrices);
  if (!cursor) return store_fail(cursor.error());
  const auto found = cursor->seek_below(price_key(model, unix_ms + 1).view());
  if (!found) return store_fail(found.error());
  if (!*found) return std::nullopt;
  const auto price = price_from(cursor->key(), cursor->value());
  if (!price) return store_fail(price.error());
  if (price->model != model) return std::nullopt;
  return price->rate;
}

}  // namespace sluice
