#include "store/prune.h"

#include "store/cooldowns.h"
#include "store/usage_keys.h"

namespace sluice {
namespace {

// Deletes rows from the front of `table` for as long as `is_old` says so of their key.
template <class IsOld>
StoreResult<PrunedRows> prune_front(WriteTransaction& transaction, Table table,
                                    std::size_t rows_max, IsOld&& is_old) {
  PrunedRows result;
  auto cursor = StoreCursor::open(transaction, table);
  if (!cursor) return store_fail(cursor.error());
  auto found = cursor->first();
  for (; found && *found; found = cursor->next()) {
    const StoreResult<bool> old = is_old(cursor->key());
    if (!old) return store_fail(old.error());
    if (!*old) return result;
    if (result.rows == rows_max) {
      result.more = true;
      return result;
    }
    SL_STORE_TRY(cursor->del());
    ++result.rows;
  }
  if (!found) return store_fail(found.error());
  return result;
}

}  // namespace

StoreResult<PrunedRows> prune_requests(Writer& writer, std::int64_t before_ms,
                                       std::size_t rows_max) {
  return writer.transact([&](WriteTransaction& transaction) -> StoreResult<PrunedRows> {
    auto requests = prune_front(transaction, Table::kRequests, rows_max,
                                [&](std::string_view bytes) -> StoreResult<bool> {
                                  RequestKey key;
                                  if (!key.read(bytes)) {
                                    return store_fail(StoreErrc::kMalformed, Table::kRequests);
                                  }
                                  return key.unix_ms < key_ms(before_ms);
                                });
    if (!requests || requests->more) return requests;
    // Whole minutes alone: of the last one there may be requests left.
    const auto minutes =
        prune_front(transaction, Table::kRequestMinutes, rows_max,
                    [&](std::string_view bytes) -> StoreResult<bool> {
                      MinuteKey key;
                      if (!key.read(bytes))
                        return store_fail(StoreErrc::kMalformed, Table::kRequestMinutes);
                      return key.minute < minute_of(before_ms);
                    });
    if (!minutes) return minutes;
    requests->more = minutes->more;
    return requests;
  });
}

StoreResult<PrunedRows> prune_cooldowns(Writer& writer, std::int64_t before_ms,
                                        std::size_t rows_max) {
  return writer.transact([&](WriteTransaction& transaction) -> StoreResult<PrunedRows> {
    PrunedRows result;
    auto cursor = StoreCursor::open(transaction, Table::kCooldowns);
    if (!cursor) return store_fail(cursor.error());
    auto found = cursor->first();
    for (; found && *found; found = cursor->next()) {
      const auto row = read_cooldown(cursor->key(), cursor->value());
      if (!row) return store_fail(row.error());
      if (row->started_ms >= before_ms) return result;
      if (row->ended_ms == 0) continue;
      result.more = result.rows == rows_max;
      if (result.more) return result;
      SL_STORE_TRY(cursor->del());
      const auto gone =
          transaction.del(Table::kCooldownsByAccount,
                          cooldown_account_key(row->account, row->started_ms, row->number).view());
      if (!gone) return store_fail(gone.error());
      ++result.rows;
    }
    if (!found) return store_fail(found.error());
    return result;
  });
}

}  // namespace sluice
