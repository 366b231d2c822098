#include <algorithm>

#include "store/names.h"
#include "store/queries.h"
#include "store/rows.h"
#include "store/usage_event.h"

namespace sluice {
namespace {

// RequestSearch - one page of requests, from the latest on. Where a filter asks for a name or a
// status, request_minutes tells which minutes can have one; the others are not looked at.
class RequestSearch {
 public:
  RequestSearch(const Transaction& transaction, const RequestFilter& filter)
      : transaction_(&transaction), filter_(&filter) {}

  StoreResult<RequestPage> run() {
    SL_STORE_TRY(resolve_names());
    if (nothing_) return std::move(page_);
    auto rows = StoreCursor::open(*transaction_, Table::kRequests);
    if (!rows) return store_fail(rows.error());
    auto minutes = StoreCursor::open(*transaction_, Table::kRequestMinutes);
    if (!minutes) return store_fail(minutes.error());
    auto found = filter_->before ? rows->seek_below(filter_->before->bytes().view()) : rows->last();
    for (std::size_t steps = 0; found && *found; ++steps) {
      RequestKey key;
      if (!key.read(rows->key())) return store_fail(StoreErrc::kMalformed, Table::kRequests);
      if (key.unix_ms < key_ms(filter_->from_ms)) return std::move(page_);
      if (page_.requests.size() == filter_->limit || steps == kRequestRowsMax) {
        // The next page begins below what this one has seen, which is just above this row.
        page_.next = above(key);
        return std::move(page_);
      }
      const std::uint32_t minute = minute_of(static_cast<std::int64_t>(key.unix_ms));
      if (minute != minute_) {
        const auto latest = latest_minute(*minutes, minute);
        if (!latest) return store_fail(latest.error());
        if (!*latest) return std::move(page_);
        minute_ = **latest;
        if (*minute_ != minute) {
          const std::uint64_t end_ms = (std::uint64_t{*minute_} + 1) * kMinuteMs;
          found = rows->seek_below(RequestKey{.unix_ms = end_ms}.bytes().view());
          continue;
        }
      }
      SL_STORE_TRY(look_at(key, rows->value()));
      found = rows->previous();
    }
    if (!found) return store_fail(found.error());
    return std::move(page_);
  }

 private:
  static RequestKey above(RequestKey key) noexcept {
    ++key.sequence;
    return key;
  }

  StoreResult<void> resolve_names() {
    auto names = resolve_filter(*transaction_, filter_->names);
    if (!names) return store_fail(names.error());
    nothing_ = !*names;
    if (nothing_) return {};
    wanted_ = std::move(**names);
    if (filter_->status) wanted_.push_back({UsageSide::kStatus, *filter_->status});
    return {};
  }

  // The latest minute, not after `minute`, in which everything wanted occurs; nothing when there
  // is none.
  StoreResult<std::optional<std::uint32_t>> latest_minute(StoreCursor& cursor,
                                                          std::uint32_t minute) {
    for (std::size_t i = 0; i < wanted_.size();) {
      const MinuteKey wanted{minute, wanted_[i].side, wanted_[i].number};
      auto found = cursor.seek(wanted.bytes().view());
      if (!found) return store_fail(found.error());
      MinuteKey at;
      if (*found && !at.read(cursor.key())) {
        return store_fail(StoreErrc::kMalformed, Table::kRequestMinutes);
      }
      if (*found && at == wanted) {
        ++i;
        continue;
      }
      // Not in this minute: on with the one before it that has anything at all.
      found = cursor.seek_below(MinuteKey{minute, UsageSide::kAll, 0}.bytes().view());
      if (!found) return store_fail(found.error());
      if (!*found) return std::nullopt;
      if (!at.read(cursor.key())) return store_fail(StoreErrc::kMalformed, Table::kRequestMinutes);
      minute = at.minute;
      i = 0;
    }
    return minute;
  }

  [[nodiscard]] bool matches(const StoredRequest& row) const noexcept {
    const bool is_last = row.outcome != RequestOutcome::kEnded || (row.flags & kUsageLast) != 0;
    if (!is_last && !filter_->every_attempt) return false;
    return std::ranges::all_of(wanted_, [&](const TotalKey& wanted) {
      switch (wanted.side) {
        case UsageSide::kAll: return true;
        case UsageSide::kAccount: return row.account == wanted.number;
        case UsageSide::kModel: return row.model == wanted.number;
        case UsageSide::kClientKey: return row.client_key == wanted.number;
        case UsageSide::kStatus: return row.status == wanted.number;
      }
      return false;
    });
  }

  StoreResult<void> look_at(const RequestKey& key, std::string_view value) {
    auto row = decode_row<StoredRequest>(value);
    if (!row) return store_fail(row.error());
    if (!matches(*row)) return {};
    RequestView view;
    view.key = key;
    view.row = std::move(*row);
    SL_STORE_TRY(texts_.write(*transaction_, {{view.row.account, &view.account},
                                              {view.row.model, &view.model},
                                              {view.row.client_key, &view.client_key},
                                              {view.row.pool, &view.pool},
                                              {view.row.native_model, &view.native_model}}));
    page_.requests.push_back(std::move(view));
    return {};
  }

  const Transaction* transaction_;
  const RequestFilter* filter_;
  UsageFilterNumbers wanted_;
  NameTexts texts_;
  bool nothing_ = false;
  std::optional<std::uint32_t> minute_;  // one in which everything wanted occurs
  RequestPage page_;
};

}  // namespace

StoreResult<RequestPage> recent_requests(StoreEnvironment& environment,
                                         const RequestFilter& filter) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  return RequestSearch(*transaction, filter).run();
}

}  // namespace sluice
