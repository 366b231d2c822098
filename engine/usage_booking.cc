#include "engine/usage_booking.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr Duration kRetryAfter = 1s;
constexpr std::size_t kCloseAttempts = 1000;  // in one transaction

// Faults of what one journal's records meet in the tables; all others are the whole database's.
bool is_of_rows(const StoreError& error) noexcept {
  return error.code == StoreErrc::kMalformed || error.code == StoreErrc::kUnknownVersion ||
         error.code == StoreErrc::kInvalid || error.code == StoreErrc::kExists ||
         error.code == StoreErrc::kNotFound;
}

std::size_t booked_size(const UsageJournal& journal, std::size_t applied) {
  std::size_t size = std::max(applied, kShardsEver);
  // A folder's name may say more than there ever were.
  for (const auto& shard : journal.shards()) size = std::max<std::size_t>(size, shard.index + 1u);
  return size;
}

}  // namespace

std::string journal_name(std::uint16_t shard) {
  const std::string digits = std::to_string(shard);
  return (digits.size() < 2 ? "shard-0" : "shard-") + digits;
}

UsageBooking::UsageBooking(UsageJournal& journal, const std::vector<std::uint64_t>& applied,
                           StoreTroubles& troubles, Clock& clock, const Log& log)
    : journal_(journal),
      troubles_(troubles),
      clock_(clock),
      log_(log),
      batch_(log),
      booked_(booked_size(journal, applied.size())) {
  for (std::size_t i = 0; i < applied.size(); ++i) booked_[i].up_to = applied[i];
  for (const UsageJournal::Shard& shard : journal_.shards()) {
    if (shard.journal->is_written())
      booked_[shard.index].found_up_to = shard.journal->writer().next_sequence() - 1;
  }
}

bool UsageBooking::must_wait(const Booked& known) const {
  const Instant now = clock_.now();
  return now < retry_all_at_ || now < known.retry_at;
}

UsageBooking::Round UsageBooking::book(UsageLedger& ledger) {
  Round round = Round::kNothing;
  const auto shards = journal_.shards();
  const std::size_t first = begin_with_;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::size_t at = (first + i) % shards.size();
    Booked& known = booked_[shards[at].index];
    if (must_wait(known)) continue;
    round = std::max(round, book_one(ledger, shards[at]));
    if (known.retry_at > clock_.now()) begin_with_ = (at + 1) % shards.size();
  }
  close_gone(ledger);
  return round;
}

void UsageBooking::book_found(UsageLedger& ledger) {
  constexpr Duration kTellEvery = 2s;
  Instant tell_at = clock_.now() + kTellEvery;
  const auto is_closed = [](const Booked& known) {
    return known.up_to == 0 || known.starts_closed;  // without records there is nothing to close
  };
  while (book(ledger) != Round::kNothing || !std::ranges::all_of(booked_, is_closed)) {
    if (in_trouble_ != 0) {
      LogLine(log_, LogLevel::kError,
              "not all that requests of the process before this one used is booked: until it is, "
              "the limits of accounts and client keys do not count the rest");
      return;
    }
    if (clock_.now() < tell_at) continue;
    tell_at = clock_.now() + kTellEvery;
    LogLine(log_, LogLevel::kInfo, "booking what the process before this one has left")
        .field("records",
               static_cast<std::int64_t>(records_booked_.load(std::memory_order_relaxed)));
  }
}

UsageBooking::Round UsageBooking::book_one(UsageLedger& ledger, UsageJournal::Shard& shard) {
  Booked& known = booked_[shard.index];
  batch_.clear();
  if (shard.journal->read(EventBatch::kEvents, batch_) == 0) {
    if (!known.starts_closed) close_former(ledger, shard.index);
    return Round::kNothing;
  }
  const auto applied = ledger.apply(journal_name(shard.index), batch_.events());
  if (!applied) {
    shard.journal->read_again();
    failed(known, applied.error());
    return Round::kNothing;
  }
  // The first of them may have been booked before the fault: they were read again.
  if (applied->applied > 0) succeeded(known);
  records_booked_.fetch_add(applied->applied, std::memory_order_relaxed);
  known.up_to.store(applied->position, std::memory_order_relaxed);
  return batch_.events().size() < EventBatch::kEvents ? Round::kSome : Round::kFull;
}

// What an earlier process had begun and not ended when it died: nobody will ever know more.
void UsageBooking::close_former(UsageLedger& ledger, std::uint16_t shard) {
  Booked& known = booked_[shard];
  const auto closed =
      ledger.close_open_attempts(journal_name(shard), known.found_up_to, kCloseAttempts);
  if (!closed) return failed(known, closed.error());
  succeeded(known);
  known.starts_closed = !closed->more;
  if (closed->closed == 0) return;
  LogLine(log_, LogLevel::kWarning,
          "requests whose end is not known: the process before this one died while they ran")
      .field("requests", static_cast<std::int64_t>(closed->closed));
}

// The same for shards that are no more: their journals go when the last record is booked, perhaps
// by a process that died before it came here.
void UsageBooking::close_gone(UsageLedger& ledger) {
  const auto shards = journal_.shards();
  for (std::uint16_t shard = 0; shard < booked_.size(); ++shard) {
    Booked& known = booked_[shard];
    if (known.up_to.load(std::memory_order_relaxed) == 0 || known.starts_closed) continue;
    if (must_wait(known)) continue;
    const bool is_there =
        std::ranges::any_of(shards, [shard](const auto& other) { return other.index == shard; });
    if (!is_there) close_former(ledger, shard);
  }
}

void UsageBooking::failed(Booked& known, const StoreError& error) {
  known.retry_at = clock_.now() + kRetryAfter;
  if (!is_of_rows(error)) retry_all_at_ = known.retry_at;
  in_trouble_ += known.in_trouble ? 0 : 1;
  known.in_trouble = true;
  troubles_.begin(StoreTrouble::kBooking, error);
}

void UsageBooking::succeeded(Booked& known) {
  if (!known.in_trouble) return;
  known.in_trouble = false;
  if (--in_trouble_ == 0) troubles_.end(StoreTrouble::kBooking);
}

void UsageBooking::synced() {
  for (UsageJournal::Shard& shard : journal_.shards())
    shard.journal->applied(booked_[shard.index].up_to.load(std::memory_order_relaxed));
}

std::uint64_t UsageBooking::backlog_of(const UsageJournal::Shard& shard) const {
  const std::uint64_t booked = booked_[shard.index].up_to.load(std::memory_order_relaxed);
  const std::uint64_t written = shard.journal->state().last_written;
  return written > booked ? written - booked : 0;
}

std::uint64_t UsageBooking::backlog() const {
  std::uint64_t sum = 0;
  for (const UsageJournal::Shard& shard : std::as_const(journal_).shards())
    sum += backlog_of(shard);
  return sum;
}

void UsageBooking::add_figures(StoreFigures& figures) const {
  figures.records_booked = records_booked_.load(std::memory_order_relaxed);
  for (const UsageJournal::Shard& shard : std::as_const(journal_).shards()) {
    const JournalState state = shard.journal->state();
    figures.journal_file_bytes += state.file_bytes;
    figures.journal_memory_bytes += state.memory_bytes;
    figures.journal_errno = std::max(figures.journal_errno, state.disk_errno);
    const std::uint64_t backlog = backlog_of(shard);
    if (shard.journal->is_written() || backlog > 0)
      figures.shards.push_back({shard.index, backlog, state.refused});
  }
}

}  // namespace sluice
