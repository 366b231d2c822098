#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/codec.h"
#include "store/transaction.h"

namespace sluice {

// One row by its key, decoded; nothing when there is none.
template <Row T>
[[nodiscard]] StoreResult<std::optional<T>> get_row(const Transaction& transaction,
                                                    std::string_view key, Table table = T::kTable) {
  const auto bytes = transaction.get(table, key);
  if (!bytes) return store_fail(bytes.error());
  if (!*bytes) return std::nullopt;
  auto row = decode_row<T>(**bytes, table);
  if (!row) return store_fail(row.error());
  return std::optional<T>(std::move(*row));
}

template <Row T>
[[nodiscard]] StoreResult<void> put_row(WriteTransaction& transaction, std::string_view key,
                                        const T& row, Table table = T::kTable) {
  std::string bytes;
  encode_row(row, bytes);
  return transaction.put(table, key, bytes);
}

}  // namespace sluice
