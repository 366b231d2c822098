#pragma once

#include <string>
#include <string_view>

#include "store/environment.h"

namespace sluice {

// Rows that a scan reads in one transaction: a millisecond or less, so that neither the writer's
// free pages nor a growing map wait for it.
inline constexpr std::size_t kScanPageRows = 1000;

// Calls `on_row(key, value)`, which returns a StoreResult<bool> (false: enough), for the rows from
// key `from` up to, not including, `to` ("": all that follow), in pages, each in a transaction of
// its own: what is written meanwhile may be seen in part.
template <class OnRow>
[[nodiscard]] StoreResult<void> scan(StoreEnvironment& environment, Table table,
                                     std::string_view from, std::string_view to, OnRow&& on_row) {
  std::string next(from);
  for (;;) {
    auto transaction = environment.read();
    if (!transaction) return store_fail(transaction.error());
    auto cursor = StoreCursor::open(*transaction, table);
    if (!cursor) return store_fail(cursor.error());
    auto found = next.empty() ? cursor->first() : cursor->seek(next);
    for (std::size_t rows = 0;; ++rows) {
      if (!found) return store_fail(found.error());
      if (!*found || (!to.empty() && cursor->key() >= to)) return {};
      if (rows == kScanPageRows) break;
      StoreResult<bool> more = on_row(cursor->key(), cursor->value());
      if (!more) return store_fail(more.error());
      if (!*more) return {};
      found = cursor->next();
    }
    next = cursor->key();
  }
}

// The same from the last row below `to` ("": of all) down to key `from`, latest first.
template <class OnRow>
[[nodiscard]] StoreResult<void> scan_back(StoreEnvironment& environment, Table table,
                                          std::string_view from, std::string_view to,
                                          OnRow&& on_row) {
  std::string above(to);
  for (;;) {
    auto transaction = environment.read();
    if (!transaction) return store_fail(transaction.error());
    auto cursor = StoreCursor::open(*transaction, table);
    if (!cursor) return store_fail(cursor.error());
    auto found = above.empty() ? cursor->last() : cursor->seek_below(above);
    for (std::size_t rows = 0;; ++rows) {
      if (!found) return store_fail(found.error());
      if (!*found || cursor->key() < from) return {};
      if (rows == kScanPageRows) break;
      StoreResult<bool> more = on_row(cursor->key(), cursor->value());
      if (!more) return store_fail(more.error());
      if (!*more) return {};
      above = cursor->key();
      found = cursor->previous();
    }
  }
}

}  // namespace sluice
