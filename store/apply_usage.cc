#include "store/apply_usage.h"

#include <algorithm>
#include <thread>

#include "store/account_rows.h"
#include "store/codec.h"

namespace sluice {
namespace {

constexpr std::uint16_t kFirstErrorStatus = 400;

// Records after which others that want the core have it first, some 20 us of work: where a shard
// shares it, no request waits for a whole batch.
constexpr std::uint64_t kRecordsATurn = 16;

std::uint64_t cost_of_event(const UsageEvent& event) noexcept {
  const bool known = (event.flags & kUsageCostKnown) != 0 && event.cost_nano_dollars > 0;
  return known ? static_cast<std::uint64_t>(event.cost_nano_dollars) : 0;
}

UsageSums sums_of_request(const UsageEvent& event) noexcept {
  UsageSums sums;
  sums.requests = 1;
  sums.errors = is_error(event) ? 1 : 0;
  sums.queue_us = event.queue_us;
  return sums;
}

UsageSums sums_of(const UsageEvent& event) noexcept {
  if (event.kind == UsageKind::kRefused) return sums_of_request(event);
  UsageSums sums;
  if ((event.flags & kUsageLast) != 0) sums = sums_of_request(event);
  sums.attempts = 1;
  sums.failed_attempts = is_error(event) ? 1 : 0;
  sums.prompt_tokens = event.prompt_tokens;
  sums.completion_tokens = event.completion_tokens;
  sums.total_tokens = event.total_tokens;
  sums.cached_read_tokens = event.cached_read_tokens;
  sums.cached_write_tokens = event.cached_write_tokens;
  sums.reasoning_tokens = event.reasoning_tokens;
  sums.cost_nano_dollars = cost_of_event(event);
  sums.unpriced = event.total_tokens > 0 && (event.flags & kUsageCostKnown) == 0 ? 1 : 0;
  sums.latency_us = event.latency_us;
  sums.first_token_us = event.first_token_us;
  sums.first_tokens = event.first_token_us > 0 ? 1 : 0;
  return sums;
}

RequestOutcome outcome_of(UsageKind kind) noexcept {
  switch (kind) {
    case UsageKind::kStart: return RequestOutcome::kOpen;
    case UsageKind::kEnd: return RequestOutcome::kEnded;
    case UsageKind::kRefused: return RequestOutcome::kRefused;
  }
  return RequestOutcome::kUnknown;
}

}  // namespace

bool is_error(const UsageEvent& event) noexcept {
  if ((event.flags & kUsageBrokenOff) != 0) return true;
  if (event.status == 0) return (event.flags & kUsageClientGone) == 0;
  return event.status >= kFirstErrorStatus;
}

StoreResult<void> UsageLedger::restart(const Transaction& transaction) {
  batch_.clear();
  ended_.clear();
  begun_.clear();
  names_.forget_added();
  if (names_loaded_) {
    const auto outdated = names_.outdated(transaction);
    if (!outdated) return store_fail(outdated.error());
    if (!*outdated) return {};
  }
  SL_STORE_TRY(names_.load(transaction));
  names_loaded_ = true;
  return {};
}

// Runs `body` in a transaction; names that it added are known from then on, or forgotten.
template <class Body>
auto UsageLedger::transact(Body&& body) {
  auto result =
      writer_->transact([&](WriteTransaction& transaction) -> decltype(body(transaction)) {
        SL_STORE_TRY(restart(transaction));
        return body(transaction);
      });
  if (result) {
    names_.keep_added();
  } else {
    names_.forget_added();
  }
  return result;
}

StoreResult<JournalPosition> UsageLedger::find_journal(const Transaction& transaction,
                                                       std::string_view journal) {
  if (journal.empty() || journal.size() > kStoredNameBytesMax) {
    return store_fail(StoreErrc::kInvalid, Table::kJournals);
  }
  const auto bytes = transaction.get(Table::kJournals, journal);
  if (!bytes) return store_fail(bytes.error());
  if (*bytes) return decode_row<JournalPosition>(**bytes);
  const auto count = transaction.count(Table::kJournals);
  if (!count) return store_fail(count.error());
  return JournalPosition{.number = static_cast<std::uint32_t>(*count + 1), .sequence = 0};
}

StoreResult<std::uint64_t> UsageLedger::position(std::string_view journal) {
  const auto transaction = writer_->environment().read();
  if (!transaction) return store_fail(transaction.error());
  const auto found = find_journal(*transaction, journal);
  if (!found) return store_fail(found.error());
  return found->sequence;
}

StoreResult<AppliedUsage> UsageLedger::apply(std::string_view journal,
                                             std::span<const UsageEvent> events) {
  return transact(
      [&](WriteTransaction& transaction) { return apply_in(transaction, journal, events); });
}

StoreResult<AppliedUsage> UsageLedger::apply_in(WriteTransaction& transaction,
                                                std::string_view journal,
                                                std::span<const UsageEvent> events) {
  auto found = find_journal(transaction, journal);
  if (!found) return store_fail(found.error());
  JournalPosition at = *found;
  for (const UsageEvent& event : events) {
    if (event.sequence <= at.sequence) continue;
    if (event.kind == UsageKind::kEnd) ended_.insert(event.started_by);
    if (event.kind == UsageKind::kStart) {
      begun_[event.sequence] = {event.reserved_tokens, event.client_reserved_tokens};
    }
  }
  AppliedUsage result;
  for (const UsageEvent& event : events) {
    if (event.sequence <= at.sequence) {
      ++result.skipped;
      continue;
    }
    result.missing += event.sequence - at.sequence - 1;
    at.sequence = event.sequence;
    SL_STORE_TRY(book(transaction, at.number, event));
    if (++result.applied % kRecordsATurn == 0) std::this_thread::yield();
  }
  result.position = at.sequence;
  if (result.applied == 0) return result;
  SL_STORE_TRY(batch_.flush(transaction));
  result.saturated = batch_.saturated();
  encode_row(at, bytes_);
  SL_STORE_TRY(transaction.put(Table::kJournals, journal, bytes_));
  return result;
}

StoreResult<void> UsageLedger::book(WriteTransaction& transaction, std::uint32_t journal,
                                    const UsageEvent& event) {
  if (event.kind == UsageKind::kStart) {
    if (ended_.contains(event.sequence)) return {};
    return open_attempt(transaction, {journal, event.sequence}, event);
  }
  auto row = row_of(transaction, event);
  if (!row) return store_fail(row.error());
  if (event.kind == UsageKind::kEnd) SL_STORE_TRY(end_attempt(transaction, journal, event, *row));
  const RequestKey key{
      .unix_ms = key_ms(event.unix_ms), .journal = journal, .sequence = event.sequence};
  return batch_.add(transaction, key, *row, sums_of(event));
}

StoreResult<void> UsageLedger::open_attempt(WriteTransaction& transaction, const OpenKey& key,
                                            const UsageEvent& event) {
  const auto row = row_of(transaction, event);
  if (!row) return store_fail(row.error());
  encode_row(*row, bytes_);
  const KeyBytes key_bytes = key.bytes();
  const auto is_new = transaction.put_new(Table::kOpenAttempts, key_bytes.view(), bytes_);
  if (!is_new) return store_fail(is_new.error());
  if (*is_new) return {};
  // Its end came first and has left a note here.
  const auto gone = transaction.del(Table::kOpenAttempts, key_bytes.view());
  if (!gone) return store_fail(gone.error());
  return {};
}

StoreResult<void> UsageLedger::end_attempt(WriteTransaction& transaction, std::uint32_t journal,
                                           const UsageEvent& event, StoredRequest& row) {
  if (event.started_by == 0) return {};
  if (const auto start = begun_.find(event.started_by); start != begun_.end()) {
    row.reserved_tokens = start->second.tokens;
    row.client_reserved_tokens = start->second.client_tokens;
    return {};
  }
  const KeyBytes key = OpenKey{journal, event.started_by}.bytes();
  if (event.started_by < event.sequence) {
    auto cursor = StoreCursor::open(transaction, Table::kOpenAttempts);
    if (!cursor) return store_fail(cursor.error());
    const auto found = cursor->seek(key.view());
    if (!found) return store_fail(found.error());
    if (!*found || cursor->key() != key.view()) return {};  // lost, or it has ended already
    const auto start = decode_row<StoredRequest>(cursor->value(), Table::kOpenAttempts);
    if (!start) return store_fail(start.error());
    row.reserved_tokens = start->reserved_tokens;
    row.client_reserved_tokens = start->client_reserved_tokens;
    return cursor->del();
  }
  // The start comes later: a note, so that it does not stay open then.
  StoredRequest note;
  note.outcome = RequestOutcome::kEnded;
  encode_row(note, bytes_);
  return transaction.put(Table::kOpenAttempts, key.view(), bytes_);
}

StoreResult<StoredRequest> UsageLedger::row_of(WriteTransaction& transaction,
                                               const UsageEvent& event) {
  StoredRequest row;
  const struct {
    NameKind kind;
    std::string_view text;
    std::uint32_t* number;
  } names[] = {
      {NameKind::kOurs, event.account, &row.account},
      {NameKind::kOurs, event.client_key, &row.client_key},
      {NameKind::kOurs, event.pool, &row.pool},
      {NameKind::kModel, event.model, &row.model},
      {NameKind::kModel, event.native_model, &row.native_model},
  };
  for (const auto& name : names) {
    const auto number = names_.number_of(transaction, name.kind, name.text);
    if (!number) return store_fail(number.error());
    *name.number = *number;
  }
  row.outcome = outcome_of(event.kind);
  row.flags = event.flags;
  row.status = event.status;
  row.attempt = event.attempt;
  row.unix_ms = std::max<std::int64_t>(event.unix_ms, 0);
  row.request_id = event.request_id;
  row.prompt_tokens = event.prompt_tokens;
  row.completion_tokens = event.completion_tokens;
  row.total_tokens = event.total_tokens;
  row.cached_read_tokens = event.cached_read_tokens;
  row.cached_write_tokens = event.cached_write_tokens;
  row.reasoning_tokens = event.reasoning_tokens;
  row.cost_nano_dollars = cost_of_event(event);
  row.latency_us = event.latency_us;
  row.first_token_us = event.first_token_us;
  row.queue_us = event.queue_us;
  row.sent_ms = event.sent_ms;
  row.reserved_tokens = event.reserved_tokens;
  row.client_reserved_tokens = event.client_reserved_tokens;
  return row;
}

StoreResult<ClosedAttempts> UsageLedger::close_open_attempts(std::string_view journal,
                                                             std::uint64_t up_to,
                                                             std::size_t attempts_max) {
  return transact([&](WriteTransaction& transaction) -> StoreResult<ClosedAttempts> {
    const auto found = find_journal(transaction, journal);
    if (!found) return store_fail(found.error());
    return close_in(transaction, found->number, up_to, attempts_max);
  });
}

StoreResult<ClosedAttempts> UsageLedger::close_in(WriteTransaction& transaction,
                                                  std::uint32_t journal, std::uint64_t up_to,
                                                  std::size_t attempts_max) {
  ClosedAttempts result;
  {
    auto cursor = StoreCursor::open(transaction, Table::kOpenAttempts);
    if (!cursor) return store_fail(cursor.error());
    auto found = cursor->seek(OpenKey{journal, 0}.bytes().view());
    for (std::size_t seen = 0; found && *found; found = cursor->next(), ++seen) {
      OpenKey key;
      if (!key.read(cursor->key())) return store_fail(StoreErrc::kMalformed, Table::kOpenAttempts);
      if (key.journal != journal || key.sequence > up_to) break;
      result.more = seen == attempts_max;
      if (result.more) break;
      auto row = decode_row<StoredRequest>(cursor->value(), Table::kOpenAttempts);
      if (!row) return store_fail(row.error());
      SL_STORE_TRY(cursor->del());
      if (row->outcome != RequestOutcome::kOpen) continue;  // a note whose start was lost
      row->outcome = RequestOutcome::kUnknown;
      UsageSums sums;
      sums.attempts = 1;
      sums.unknown = 1;
      sums.requests = (row->flags & kUsageHedged) != 0 ? 0 : 1;
      sums.errors = sums.requests;
      const RequestKey request{
          .unix_ms = key_ms(row->unix_ms), .journal = journal, .sequence = key.sequence};
      SL_STORE_TRY(batch_.add(transaction, request, *row, sums));
      ++result.closed;
    }
    if (!found) return store_fail(found.error());
  }
  SL_STORE_TRY(batch_.flush(transaction));
  return result;
}

}  // namespace sluice
