#include "store/journal/shard_journal.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "base/assert.h"

namespace sluice {
namespace {

JournalFailure failure_at(const std::string& path, int os_errno, const char* what) {
  return {os_errno, path + ": " + what + ": " + std::strerror(os_errno)};
}

}  // namespace

ShardJournal::ShardJournal(SegmentFiles& files, ShardJournalOptions options)
    : files_(files),
      options_(std::move(options)),
      supply_(files, options_.folder, options_.segment_bytes, options_.memory_bytes_max),
      reader_(std::make_unique<JournalReader>(files_, 0)) {
  constexpr std::size_t kPageBytes = 4096;
  SL_ASSERT(options_.segment_bytes >= kPageBytes && options_.segment_bytes % kPageBytes == 0);
}

ShardJournal::~ShardJournal() {
  static_cast<void>(save(Instant()));  // whoever wants to know of what is lost has asked before
  for (auto& segment : chain_) {
    if (is_needed(*segment)) supply_.let_go(std::move(segment));
    else supply_.take_back(std::move(segment));
  }
}

bool ShardJournal::is_needed(const Segment& segment) const {
  const bool all_applied =
      writer_ != nullptr && reader_->all_for_good(writer_->next_sequence() - 1);
  const bool has_records = segment.published.load(std::memory_order_acquire) > 0;
  return segment.recovered || (has_records && !all_applied);
}

std::uint64_t ShardJournal::save(Instant now) {
  retire();
  supply_.try_disk_again();
  std::uint64_t unsaved = 0;
  for (const auto& segment : chain_) {
    if (!segment->in_memory || segment->has_file || !is_needed(*segment)) continue;
    if (!supply_.write_out(*segment, now))
      unsaved += segment->published.load(std::memory_order_acquire);
  }
  return unsaved;
}

std::expected<void, JournalFailure> ShardJournal::open(std::uint64_t applied) {
  reader_ = std::make_unique<JournalReader>(files_, applied);
  if (const int failed = files_.make_folder(options_.folder); failed != 0)
    return std::unexpected(failure_at(options_.folder, failed, "cannot be made"));
  const auto reader = std::make_unique<SegmentReader>();  // large
  if (auto found = find_segments(*reader); !found) return found;
  find_last_sequence(*reader);
  return {};
}

std::expected<void, JournalFailure> ShardJournal::find_segments(SegmentReader& reader) {
  const auto names = files_.list(options_.folder);
  if (!names)
    return std::unexpected(failure_at(options_.folder, names.error(), "cannot be listed"));
  for (const std::string& name : *names) {
    const std::string path = options_.folder + "/" + name;
    if (name.ends_with(kUnfinishedSuffix)) static_cast<void>(files_.remove(path));
    const std::string_view kept(kDamagedSuffix);
    const bool was_damaged = name.ends_with(kept);
    const std::uint64_t number =
        segment_number_of(name.substr(0, name.size() - (was_damaged ? kept.size() : 0)));
    if (was_damaged && number != 0) supply_.number_from(number + 1);  // so that it keeps its name
    if (was_damaged || number == 0) continue;
    auto segment = std::make_unique<Segment>();
    segment->number = number;
    segment->path = path;
    segment->has_file = true;
    segment->recovered = true;
    segment->sealed.store(true);
    if (const int failed = load_segment(files_, *segment); failed != 0)
      return std::unexpected(failure_at(path, failed, "cannot be read"));
    segment->file_bytes = segment->map_bytes;
    supply_.number_from(number + 1);  // the last of them in the end: names sort as numbers do
    const bool foreign = segment->slots > 0 &&
                         read_header(segment->bytes, number).state == HeaderState::kOtherVersion;
    const bool unused = !foreign && is_unused(*segment, reader);
    unload_segment(*segment);
    if (unused && files_.remove(path) == 0) continue;
    if (foreign)
      return std::unexpected(JournalFailure{
          0, path +
                 ": holds usage records of another version of sluice, which this one cannot "
                 "read. Start that version once, so that it applies them, or move the file away"});
    link(std::move(segment));
  }
  return {};
}

// Made ready by a process that died before it wrote there. They go at once: each start makes some,
// so that a gateway that dies again and again would have more and more of them to look through.
// A header stays that tells of records beyond those that are applied.
bool ShardJournal::is_unused(const Segment& segment, SegmentReader& reader) const {
  if (segment.slots == 0) return is_blank({segment.bytes, segment.map_bytes});
  const HeaderRead header = read_header(segment.bytes, segment.number);
  const bool taken = header.state == HeaderState::kTaken;
  if (header.state == HeaderState::kDamaged || header.first_sequence > reader_->applied() + 1)
    return false;
  reader.begin({segment.bytes, segment.slots * kSlotBytes}, segment.number,
               taken ? header.first_sequence : 1, taken);
  return reader.next(segment.slots) == SegmentReader::Step::kEnd &&
         reader.tail(segment.slots).slots == 0;
}

// From the newest segment back to one that says something.
void ShardJournal::find_last_sequence(SegmentReader& reader) {
  last_sequence_ = reader_->applied();
  for (auto at = chain_.rbegin(); at != chain_.rend(); ++at) {
    Segment& segment = **at;
    if (load_segment(files_, segment) != 0) continue;
    bool speaks = false;
    if (segment.slots > 0) {
      const HeaderRead header = read_header(segment.bytes, segment.number);
      const bool taken = header.state == HeaderState::kTaken;
      reader.begin({segment.bytes, segment.slots * kSlotBytes}, segment.number,
                   taken ? header.first_sequence : 1, taken);
      speaks = taken;
      while (reader.next(segment.slots) != SegmentReader::Step::kEnd) speaks = true;
      if (speaks) last_sequence_ = std::max(last_sequence_, reader.expected_sequence() - 1);
    }
    unload_segment(segment);
    if (speaks) break;
  }
}

std::expected<void, JournalFailure> ShardJournal::begin_writing(Instant now) {
  std::unique_ptr<Segment> first = supply_.make_in_file(now);
  if (first == nullptr) {
    if (!is_shortage(supply_.disk_errno()))
      return std::unexpected(
          failure_at(options_.folder, supply_.disk_errno(), "no file can be made there"));
    first = supply_.make_in_memory();
  }
  if (first == nullptr)
    return std::unexpected(failure_at(options_.folder, ENOMEM, "no room for usage records"));
  Segment& segment = *first;
  link(std::move(first));
  writer_ = std::make_unique<JournalWriter>(options_.shard, segment, last_sequence_ + 1);
  keep(now);
  return {};
}

JournalState ShardJournal::state() const noexcept {
  return {.disk_errno = reader_->os_errno() != 0 ? reader_->os_errno() : supply_.disk_errno(),
          .segments = segments_.load(std::memory_order_relaxed),
          .memory_bytes = supply_.unsaved_bytes(),
          .file_bytes = file_bytes_.load(std::memory_order_relaxed) +
                        spare_bytes_.load(std::memory_order_relaxed),
          .next_to_read = reader_->next_to_read(),
          .last_written = writer_ != nullptr ? writer_->next_sequence() - 1 : last_sequence_,
          .refused = writer_ != nullptr ? writer_->times_refused() : 0};
}

void ShardJournal::keep(Instant now) {
  retire();
  if (writer_ != nullptr) {
    measure_pace(now);
    leave_memory(now);
    grow(now);
    warm_ahead(now);
    ahead_ = usable_ahead();
  }
  spare_bytes_.store(supply_.spare_bytes(), std::memory_order_relaxed);
}

void ShardJournal::retire() {
  std::vector<std::unique_ptr<Segment>> gone;
  {
    const std::lock_guard lock(chain_mutex_);
    for (const std::uint64_t released = reader_->released(); retired_ < released; ++retired_) {
      gone.push_back(std::move(chain_.front()));
      chain_.pop_front();
    }
    segments_.store(chain_.size(), std::memory_order_relaxed);
  }
  for (auto& segment : gone) {
    file_bytes_.fetch_sub(segment->file_bytes, std::memory_order_relaxed);
    supply_.take_back(std::move(segment));
  }
}

// Where the shard writes, or has just left.
std::size_t ShardJournal::writers_place() const noexcept {
  std::size_t place = chain_.size() - 1;
  while (place > 0 && !chain_[place - 1]->sealed.load(std::memory_order_acquire)) --place;
  return place;
}

std::uint64_t ShardJournal::usable_ahead() {
  const std::lock_guard lock(chain_mutex_);
  std::uint64_t slots = 0;
  for (std::size_t i = writers_place() + 1; i < chain_.size(); ++i) {
    const Segment& segment = *chain_[i];
    if (!segment.leave.load(std::memory_order_relaxed)) slots += usable_slots(segment.slots);
  }
  return slots;
}

std::uint64_t ShardJournal::usable_in_one() const noexcept {
  return usable_slots(static_cast<std::uint32_t>(options_.segment_bytes / kSlotBytes));
}

// What it has used since the last look counts whole now and fades within a second.
void ShardJournal::measure_pace(Instant now) {
  constexpr Duration kFades = 1s;
  const Duration since = std::clamp<Duration>(now - paced_at_, Duration::zero(), kFades);
  paced_at_ = now;
  const double left = 1 - static_cast<double>(since.count()) / Duration(kFades).count();
  pace_ = static_cast<std::uint64_t>(static_cast<double>(pace_) * left);
  const std::uint64_t ahead = usable_ahead();
  pace_ += ahead_ - std::min(ahead_, ahead);
  pace_ = std::min<std::uint64_t>(pace_, kPaceBytesMax / kSlotBytes);
  supply_.keep_spares(std::max<std::uint64_t>(SegmentSupply::kSparesMin, pace_ / usable_in_one()));
}

// Ahead of the shard: what it uses in a second, three segments at least, and what it has set aside
// and a quarter, so that its load may grow before the next look.
void ShardJournal::grow(Instant now) {
  const std::uint64_t set_aside = writer_->slots_set_aside();
  const std::uint64_t wanted = std::max(3 * usable_in_one(), pace_) + set_aside + set_aside / 4;
  while (usable_ahead() < wanted) {
    auto made = supply_.make_in_file(now);
    if (made == nullptr) made = supply_.make_in_memory();
    if (made == nullptr) return;
    link(std::move(made));
  }
}

// When less than a segment is ahead, 75 ms of a shard at its limit, the keeper has been gone for at
// least as long.
bool ShardJournal::reserve() {
  if (writer_ == nullptr) return true;
  const std::uint64_t wanted = usable_in_one() + writer_->slots_set_aside();
  while (usable_ahead() < wanted) {
    auto made = supply_.make_in_memory();
    if (made == nullptr) return false;
    link(std::move(made));
  }
  return true;
}

bool ShardJournal::ends_in_memory() {
  const std::lock_guard lock(chain_mutex_);
  return chain_.back()->in_memory;
}

// When segments in memory are at the end of the chain, looks whether the disk takes files again. If
// so the shard is led there, and what it has left behind in memory is written out, oldest first.
void ShardJournal::leave_memory(Instant now) {
  if (supply_.memory_bytes() == 0) return;
  if (ends_in_memory()) {
    auto made = supply_.make_in_file(now);
    if (made == nullptr) return;
    link(std::move(made));
    if (ends_in_memory()) return;  // the reserve was faster
  }
  std::vector<Segment*> in_memory;
  {
    const std::lock_guard lock(chain_mutex_);
    for (const auto& segment : chain_)
      if (segment->in_memory && !segment->has_file) in_memory.push_back(segment.get());
  }
  for (Segment* const segment : in_memory) {
    segment->leave.store(true, std::memory_order_relaxed);
    if (!segment->sealed.load(std::memory_order_acquire)) continue;
    if (!supply_.write_out(*segment, now)) return;
    file_bytes_.fetch_add(segment->file_bytes, std::memory_order_relaxed);
  }
}

// Pages that the kernel has written back are write-protected, and the next store to one waits for
// the file system. So somebody else makes that store before the shard comes: a window ahead of it
// longer than what it writes between two looks.
void ShardJournal::warm_ahead(Instant now) {
  for (const Pages& pages : pages_ahead(now)) {
    // A disk that fails now would be a SIGBUS for the shard.
    if (files_.make_present(pages.begin, pages.size) == EIO)
      pages.segment->leave.store(true, std::memory_order_relaxed);
  }
}

// The kernel writes a page back seconds after the store, unless memory runs short. So all of the
// window is looked at twice a second; between, while the shard goes on, what is new in it and what
// the shard comes to next.
std::vector<ShardJournal::Pages> ShardJournal::pages_ahead(Instant now) {
  constexpr std::size_t kWindowBytes = kMiB;
  constexpr std::size_t kNextBytes = 128 * kKiB;  // 10 ms of a shard at its limit
  constexpr Duration kAgain = 500ms;
  constexpr std::size_t kPageBytes = 4096;
  const bool all = now >= warm_again_at_;
  if (all) warm_again_at_ = now + kAgain;
  std::vector<Pages> pages;
  const auto add = [&pages](Segment& segment, std::size_t from, std::size_t to) {
    if (from < to) pages.push_back({&segment, segment.bytes + from, to - from});
  };
  const std::lock_guard lock(chain_mutex_);
  std::size_t place = writers_place();
  const auto page_of = [](const Segment& segment) {
    const std::size_t slots = segment.published.load(std::memory_order_relaxed);
    return Place{segment.number, slots * kSlotBytes / kPageBytes * kPageBytes};
  };
  const Place written = page_of(*chain_[place]);
  const bool moved = std::exchange(written_, written) != written;
  std::size_t left = kWindowBytes;
  std::size_t again = all ? kWindowBytes : moved ? kNextBytes : 0;
  for (; place < chain_.size() && left > 0; ++place) {
    Segment& segment = *chain_[place];
    if (segment.in_memory) continue;
    const Place first = page_of(segment);
    const Place last{first.segment, first.bytes + std::min(left, segment.map_bytes - first.bytes)};
    const std::size_t known = std::clamp(warmed_, first, last).bytes;
    const std::size_t repeated = std::min(first.bytes + again, last.bytes);
    add(segment, first.bytes, repeated);
    add(segment, std::max(known, repeated), last.bytes);
    left -= last.bytes - first.bytes;
    again -= repeated - first.bytes;
    warmed_ = std::max(warmed_, last);
  }
  return pages;
}

void ShardJournal::link(std::unique_ptr<Segment> segment) {
  {
    const std::lock_guard lock(chain_mutex_);
    // A new process reads them by their numbers.
    if (segment->in_memory) supply_.give_number(*segment);
    if (chain_.empty() || chain_.back()->number < segment->number) {
      file_bytes_.fetch_add(segment->file_bytes, std::memory_order_relaxed);
      Segment* const made = segment.get();
      Segment* const before = chain_.empty() ? nullptr : chain_.back().get();
      chain_.push_back(std::move(segment));
      segments_.store(chain_.size(), std::memory_order_relaxed);
      if (before == nullptr) reader_->begin_at(*made);
      else before->next.store(made, std::memory_order_release);
      return;
    }
  }
  // The disk took so long that the reserve has linked others: it gets a new number another time.
  supply_.take_back(std::move(segment));
}

}  // namespace sluice
