#include "store/recompute_cost.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "store/names.h"
#include "store/prices.h"
#include "store/rows.h"
#include "store/usage_event.h"
#include "store/usage_keys.h"
#include "store/usage_rows.h"

namespace sluice {
namespace {

// The first hour at or after `hour` in which something was used; nothing when there is none.
StoreResult<std::optional<std::uint32_t>> next_hour(StoreEnvironment& environment,
                                                    std::uint32_t hour) {
  const auto transaction = environment.read();
  if (!transaction) return store_fail(transaction.error());
  auto cursor = StoreCursor::open(*transaction, Table::kUsageHourly);
  if (!cursor) return store_fail(cursor.error());
  const auto found = cursor->seek(HourlyKey{.hour = hour}.bytes().view());
  if (!found) return store_fail(found.error());
  if (!*found) return std::nullopt;
  HourlyKey key;
  if (!key.read(cursor->key())) return store_fail(StoreErrc::kMalformed, Table::kUsageHourly);
  return key.hour;
}

// By which a cost and the attempts without a price change: what falls away, and what comes. A
// difference would need a sign.
struct Change {
  std::uint64_t minus = 0;
  std::uint64_t plus = 0;
  std::uint64_t priced = 0;  // attempts that had no price

  [[nodiscard]] bool is_none() const noexcept { return minus == plus && priced == 0; }
  void add(const Change& other) noexcept {
    bool fits = true;
    minus = saturating_sum(minus, other.minus, fits);
    plus = saturating_sum(plus, other.plus, fits);
    priced += other.priced;
  }
  void apply_to(UsageSums& sums) const noexcept {
    bool fits = true;
    sums.cost_nano_dollars -= std::min(sums.cost_nano_dollars, minus);
    sums.cost_nano_dollars = saturating_sum(sums.cost_nano_dollars, plus, fits);
    sums.unpriced -= std::min(sums.unpriced, priced);
  }
};

template <class Row>
PricedTokens tokens_of(const Row& row) noexcept {
  return {.prompt = row.prompt_tokens,
          .completion = row.completion_tokens,
          .cached_read = row.cached_read_tokens,
          .cached_write = row.cached_write_tokens};
}

// HourlyRepricing - one hour in one transaction.
class HourlyRepricing {
 public:
  HourlyRepricing(WriteTransaction& transaction, std::uint32_t hour, const CostSource& source)
      : transaction_(&transaction), hour_(hour), source_(&source) {}

  StoreResult<RecomputedCost> run() {
    SL_STORE_TRY(reprice_requests());
    SL_STORE_TRY(reprice_hours());
    for (const auto& [key, change] : daily_) SL_STORE_TRY(change_day(key, change));
    for (const auto& [key, change] : totals_) SL_STORE_TRY(change_total(key, change));
    return done_;
  }

 private:
  // Those single requests of an hourly row that are still kept, as they were.
  struct Requests {
    std::uint64_t ended = 0;
    std::uint64_t unpriced = 0;
    std::uint64_t cost = 0;
    PricedTokens tokens;
    Change change;
  };

  StoreResult<std::string> text_of(std::uint32_t name) {
    const auto known = texts_.find(name);
    if (known != texts_.end()) return known->second;
    auto text = name_text(*transaction_, name);
    if (text) texts_.emplace(name, *text);
    return text;
  }

  StoreResult<CostBy> cost_by(std::uint32_t account, std::uint32_t model) {
    const auto known = sources_.find({account, model});
    if (known != sources_.end()) return known->second;
    const auto account_text = text_of(account);
    if (!account_text) return store_fail(account_text.error());
    const auto model_text = text_of(model);
    if (!model_text) return store_fail(model_text.error());
    const CostBy by = (*source_)(*account_text, *model_text);
    sources_.emplace(std::pair(account, model), by);
    return by;
  }

  // By which usage of a model is priced now where the price is the model's.
  StoreResult<std::optional<ModelRate>> model_rate(std::uint32_t model, std::int64_t unix_ms) {
    const auto text = text_of(model);
    if (!text) return store_fail(text.error());
    return rate_at(*transaction_, *text, unix_ms);
  }

  // By which usage is priced now of which nobody knows any more by whose price it was booked, or
  // that was booked without one; nothing: what is booked stays.
  StoreResult<std::optional<ModelRate>> rate_by_source(std::uint32_t account, std::uint32_t model,
                                                       bool unpriced, std::int64_t unix_ms) {
    const auto by = cost_by(account, model);
    if (!by) return store_fail(by.error());
    if (*by == CostBy::kAccount || (*by == CostBy::kNobody && !unpriced)) return std::nullopt;
    return model_rate(model, unix_ms);
  }

  // The same of a request, which tells by whose price it was booked.
  StoreResult<std::optional<ModelRate>> rate_of_request(const StoredRequest& row) {
    if ((row.flags & kUsageCostKnown) == 0)
      return rate_by_source(row.account, row.model, true, row.unix_ms);
    if ((row.flags & kUsageOwnPrice) != 0) return std::nullopt;
    return model_rate(row.model, row.unix_ms);
  }

  StoreResult<void> reprice_requests() {
    auto cursor = StoreCursor::open(*transaction_, Table::kRequests);
    if (!cursor) return store_fail(cursor.error());
    auto found = cursor->seek(RequestKey{.unix_ms = key_ms(hour_ * kHourMs)}.bytes().view());
    for (; found && *found; found = cursor->next()) {
      RequestKey key;
      if (!key.read(cursor->key())) return store_fail(StoreErrc::kMalformed, Table::kRequests);
      if (key.unix_ms >= key_ms((hour_ + std::int64_t{1}) * kHourMs)) return {};
      auto row = decode_row<StoredRequest>(cursor->value());
      if (!row) return store_fail(row.error());
      if (row->outcome != RequestOutcome::kEnded) continue;
      Requests& group = requests_[{.hour = hour_,
                                   .account = row->account,
                                   .model = row->model,
                                   .client_key = row->client_key,
                                   .pool = row->pool}];
      add_request(*row, group);
      const auto change = reprice(*row);
      if (!change) return store_fail(change.error());
      if (change->is_none()) continue;
      group.change.add(*change);
      ++done_.requests;
      encode_row(*row, bytes_);
      SL_STORE_TRY(cursor->put(key.bytes().view(), bytes_));
    }
    if (!found) return store_fail(found.error());
    return {};
  }

  static void add_request(const StoredRequest& row, Requests& group) noexcept {
    ++group.ended;
    if (row.total_tokens > 0 && (row.flags & kUsageCostKnown) == 0) ++group.unpriced;
    group.cost += row.cost_nano_dollars;
    group.tokens.prompt += row.prompt_tokens;
    group.tokens.completion += row.completion_tokens;
    group.tokens.cached_read += row.cached_read_tokens;
    group.tokens.cached_write += row.cached_write_tokens;
  }

  StoreResult<Change> reprice(StoredRequest& row) {
    if (row.total_tokens == 0) return Change();
    const bool unpriced = (row.flags & kUsageCostKnown) == 0;
    const auto rate = rate_of_request(row);
    if (!rate) return store_fail(rate.error());
    if (!*rate) return Change();
    const std::uint64_t cost = cost_of(**rate, tokens_of(row));
    const Change change{row.cost_nano_dollars, cost, unpriced ? 1U : 0U};
    row.cost_nano_dollars = cost;
    row.flags |= kUsageCostKnown;
    return change;
  }

  StoreResult<void> reprice_hours() {
    auto cursor = StoreCursor::open(*transaction_, Table::kUsageHourly);
    if (!cursor) return store_fail(cursor.error());
    auto found = cursor->seek(HourlyKey{.hour = hour_}.bytes().view());
    for (; found && *found; found = cursor->next()) {
      HourlyKey key;
      if (!key.read(cursor->key())) return store_fail(StoreErrc::kMalformed, Table::kUsageHourly);
      if (key.hour != hour_) return {};
      auto row = decode_row<UsageSums>(cursor->value());
      if (!row) return store_fail(row.error());
      const auto change = change_of(key, *row);
      if (!change) return store_fail(change.error());
      if (change->is_none()) continue;
      change->apply_to(*row);
      ++done_.hourly_rows;
      note(key, *change);
      encode_row(*row, bytes_);
      SL_STORE_TRY(cursor->put(key.bytes().view(), bytes_));
    }
    if (!found) return store_fail(found.error());
    return {};
  }

  // Of its requests, and of the rest of its sums as a whole: what those were that are not kept any
  // more.
  StoreResult<Change> change_of(const HourlyKey& key, const UsageSums& row) {
    const Requests& kept = requests_[key];
    Change change = kept.change;
    const auto less = [](std::uint64_t all, std::uint64_t part) {
      return all - std::min(all, part);
    };
    if (less(row.attempts, row.unknown) <= kept.ended || row.total_tokens == 0) return change;
    const PricedTokens tokens{
        .prompt = less(row.prompt_tokens, kept.tokens.prompt),
        .completion = less(row.completion_tokens, kept.tokens.completion),
        .cached_read = less(row.cached_read_tokens, kept.tokens.cached_read),
        .cached_write = less(row.cached_write_tokens, kept.tokens.cached_write)};
    const std::uint64_t cost = less(row.cost_nano_dollars, kept.cost);
    const std::uint64_t priced = less(row.unpriced, kept.unpriced);
    const bool unpriced = priced > 0 && cost == 0;
    const std::int64_t begin_ms = hour_ * kHourMs;
    const auto rate = rate_by_source(key.account, key.model, unpriced, begin_ms);
    if (!rate) return store_fail(rate.error());
    const auto last = rate_by_source(key.account, key.model, unpriced, begin_ms + kHourMs - 1);
    if (!last) return store_fail(last.error());
    if (*rate != *last) ++done_.rows_kept;
    if (*rate && *rate == *last) change.add({cost, cost_of(**rate, tokens), priced});
    return change;
  }

  void note(const HourlyKey& key, const Change& change) {
    daily_[{.day = day_of_hour(hour_), .pool = key.pool}].add(change);
    for (const TotalKey total :
         {TotalKey{UsageSide::kAll, 0}, TotalKey{UsageSide::kAccount, key.account},
          TotalKey{UsageSide::kModel, key.model}, TotalKey{UsageSide::kClientKey, key.client_key}})
      totals_[total].add(change);
  }

  StoreResult<void> change_day(const DailyKey& key, const Change& change) {
    const KeyBytes bytes = key.bytes();
    auto row = get_row<DailySums>(*transaction_, bytes.view());
    if (!row) return store_fail(row.error());
    if (!*row) return store_fail(StoreErrc::kMalformed, Table::kUsageDaily);
    change.apply_to((*row)->sums);
    return put_row(*transaction_, bytes.view(), **row);
  }

  StoreResult<void> change_total(const TotalKey& key, const Change& change) {
    const KeyBytes bytes = key.bytes();
    auto row = get_row<UsageSums>(*transaction_, bytes.view(), Table::kUsageTotals);
    if (!row) return store_fail(row.error());
    if (!*row) return store_fail(StoreErrc::kMalformed, Table::kUsageTotals);
    change.apply_to(**row);
    return put_row(*transaction_, bytes.view(), **row, Table::kUsageTotals);
  }

  WriteTransaction* transaction_;
  std::uint32_t hour_;
  const CostSource* source_;
  std::map<std::uint32_t, std::string> texts_;                         // by number of the name
  std::map<std::pair<std::uint32_t, std::uint32_t>, CostBy> sources_;  // by account and model
  std::map<HourlyKey, Requests> requests_;
  std::map<DailyKey, Change> daily_;
  std::map<TotalKey, Change> totals_;
  std::string bytes_;
  RecomputedCost done_;
};

}  // namespace

StoreResult<RecomputedCost> recompute_cost(Writer& writer, std::uint32_t from_hour,
                                           std::uint32_t to_hour, const CostSource& source) {
  RecomputedCost done{.next_hour = to_hour};
  std::uint32_t hours = 0;
  for (std::uint32_t hour = from_hour; hour < to_hour; ++hour) {
    const auto next = next_hour(writer.environment(), hour);
    if (!next) return store_fail(next.error());
    if (!*next || **next >= to_hour) break;
    hour = **next;
    if (hours++ == kRecomputeHoursMax) {
      done.next_hour = hour;
      break;
    }
    const auto result = writer.transact([&](WriteTransaction& transaction) {
      return HourlyRepricing(transaction, hour, source).run();
    });
    if (!result) return result;
    done.hourly_rows += result->hourly_rows;
    done.requests += result->requests;
    done.rows_kept += result->rows_kept;
  }
  return done;
}

}  // namespace sluice
