#include "store/journal/shard_journal.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
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
      reader_(std::make_unique<SegmentReader>()) {
  constexpr std::size_t kPageBytes = 4096;
  SL_ASSERT(options_.segment_bytes >= kPageBytes && options_.segment_bytes % kPageBytes == 0);
}

ShardJournal::~ShardJournal() {
  release_applied();
  supply_.try_disk_again();
  const bool all_applied = writer_ != nullptr && writer_->next_sequence() == applied_ + 1;
  for (auto& segment : chain_) {
    const std::uint32_t published = segment->published.load(std::memory_order_acquire);
    const bool needed = segment->recovered || (published > 0 && !all_applied);
    if (needed && segment->in_memory && !segment->has_file) supply_.write_out(*segment, Instant());
    if (needed) supply_.let_go(std::move(segment));
    else supply_.take_back(std::move(segment));
  }
}

std::expected<void, JournalFailure> ShardJournal::open(std::uint64_t applied) {
  applied_ = applied;
  next_ = applied + 1;
  delivered_ = applied;
  delivered_most_ = applied;
  if (const int failed = files_.make_folder(options_.folder); failed != 0)
    return std::unexpected(failure_at(options_.folder, failed, "cannot be made"));
  if (auto found = find_segments(); !found) return found;
  find_last_sequence();
  return {};
}

std::expected<void, JournalFailure> ShardJournal::find_segments() {
  const auto names = files_.list(options_.folder);
  if (!names)
    return std::unexpected(failure_at(options_.folder, names.error(), "cannot be listed"));
  for (const std::string& name : *names) {
    const std::string path = options_.folder + "/" + name;
    if (name.ends_with(kUnfinishedSuffix)) static_cast<void>(files_.remove(path));
    const std::uint64_t number = segment_number_of(name);
    if (number == 0) continue;
    auto segment = std::make_unique<Segment>();
    segment->number = number;
    segment->path = path;
    segment->has_file = true;
    segment->recovered = true;
    segment->sealed.store(true);
    if (!load(*segment)) return std::unexpected(failure_at(path, read_errno_, "cannot be read"));
    supply_.number_from(number + 1);  // the last of them in the end: names sort as numbers do
    const bool foreign = segment->slots > 0 &&
                         read_header(segment->bytes, number).state == HeaderState::kOtherVersion;
    const bool unused = !foreign && is_unused(*segment);
    unload(*segment);
    if (unused && files_.remove(path) == 0) continue;
    if (foreign)
      return std::unexpected(JournalFailure{
          0, path +
                 ": holds usage records of another version of sluice, which this one cannot "
                 "read. Start that version once, so that it applies them, or move the file away"});
    chain_.push_back(std::move(segment));
  }
  return {};
}

// Made ready by a process that died before it wrote there. They go at once: each start makes some,
// so that a gateway that dies again and again would have more and more of them to look through.
// A header stays that tells of records beyond those that are applied.
bool ShardJournal::is_unused(const Segment& segment) {
  if (segment.slots == 0) return true;
  const HeaderRead header = read_header(segment.bytes, segment.number);
  const bool taken = header.state == HeaderState::kTaken;
  if (header.state == HeaderState::kDamaged || header.first_sequence > applied_ + 1) return false;
  reader_->begin({segment.bytes, segment.slots * kSlotBytes}, segment.number,
                 taken ? header.first_sequence : 1, taken);
  return reader_->next(segment.slots) == SegmentReader::Step::kEnd;
}

// From the newest segment back to one that says something.
void ShardJournal::find_last_sequence() {
  last_sequence_ = applied_;
  for (auto at = chain_.rbegin(); at != chain_.rend(); ++at) {
    Segment& segment = **at;
    if (!load(segment)) continue;
    bool speaks = false;
    if (segment.slots > 0) {
      const HeaderRead header = read_header(segment.bytes, segment.number);
      const bool taken = header.state == HeaderState::kTaken;
      reader_->begin({segment.bytes, segment.slots * kSlotBytes}, segment.number,
                     taken ? header.first_sequence : 1, taken);
      speaks = taken;
      while (reader_->next(segment.slots) != SegmentReader::Step::kEnd) speaks = true;
      if (speaks) last_sequence_ = std::max(last_sequence_, reader_->expected_sequence() - 1);
    }
    unload(segment);
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
  chain_.push_back(std::move(first));
  writer_ = std::make_unique<JournalWriter>(options_.shard, segment, last_sequence_ + 1);
  keep(now);
  return {};
}

bool ShardJournal::load(Segment& segment) {
  const auto loaded = files_.load(segment.path);
  read_errno_ = loaded ? 0 : loaded.error();
  if (!loaded && loaded.error() != ENOENT) return false;
  // A file that somebody removed reads as an empty one: what is missing shows in the sequences.
  const std::span<std::byte> bytes = loaded ? *loaded : std::span<std::byte>();
  segment.bytes = bytes.data();
  segment.map_bytes = bytes.size();
  segment.slots = static_cast<std::uint32_t>(bytes.size() / kSlotBytes);
  segment.published.store(segment.slots);
  return true;
}

void ShardJournal::unload(Segment& segment) noexcept {
  SegmentFiles::unmap(segment.bytes, segment.map_bytes);
  segment.bytes = nullptr;
}

std::size_t ShardJournal::read(std::size_t records_max, UsageSink& sink) {
  std::size_t taken = 0;
  while (taken < records_max && at_ < chain_.size()) {
    if (!entered_ && !enter(sink)) break;
    // In this order: what is published when it is sealed is all there will be.
    const bool sealed = chain_[at_]->sealed.load(std::memory_order_acquire);
    switch (reader_->next(chain_[at_]->published.load(std::memory_order_acquire))) {
      case SegmentReader::Step::kRecord: taken += take_record(sink) ? 1 : 0; break;
      case SegmentReader::Step::kDamage: report_damage(sink); break;
      case SegmentReader::Step::kEnd:
        if (!sealed) return taken;
        leave_entered();
        break;
    }
  }
  return taken;
}

// False when it has been applied before.
bool ShardJournal::take_record(UsageSink& sink) {
  const UsageEvent& event = reader_->event();
  if (event.sequence < next_) return false;
  report_missing(event.sequence, sink);
  next_ = event.sequence + 1;
  delivered_ = event.sequence;
  delivered_most_ = std::max(delivered_most_, delivered_);
  sink.take(event);
  return true;
}

// False when there is nothing in it yet, or it cannot be read now.
bool ShardJournal::enter(UsageSink& sink) {
  Segment& segment = *chain_[at_];
  if (segment.recovered && !load(segment)) return false;
  const std::uint32_t published = segment.published.load(std::memory_order_acquire);
  if (published == 0 && !segment.recovered) return false;
  HeaderRead header;
  if (published > 0) header = read_header(segment.bytes, segment.number);
  const bool taken = header.state == HeaderState::kTaken;
  if (taken) report_missing(header.first_sequence, sink);
  if (header.state == HeaderState::kDamaged) sink.lost({segment.path, 0, kSlotBytes, 1, 0});
  reader_->begin({segment.bytes, segment.slots * kSlotBytes}, segment.number,
                 taken ? header.first_sequence : 1, taken);
  entered_ = true;
  return true;
}

void ShardJournal::leave_entered() {
  Segment& segment = *chain_[at_];
  segment.last_sequence = delivered_;
  if (segment.recovered) unload(segment);
  entered_ = false;
  ++at_;
}

void ShardJournal::read_again() noexcept {
  if (entered_ && chain_[at_]->recovered) unload(*chain_[at_]);
  entered_ = false;
  at_ = 0;
  next_ = applied_ + 1;
  delivered_ = applied_;
}

// The records before `sequence` that have not come: nowhere to be found.
void ShardJournal::report_missing(std::uint64_t sequence, UsageSink& sink) {
  if (sequence <= next_) return;
  sink.lost({chain_[at_]->path, 0, 0, next_, sequence - 1});
  next_ = sequence;
}

void ShardJournal::report_damage(UsageSink& sink) {
  const SegmentReader::Damage& damage = reader_->damage();
  if (damage.last_sequence + 1 < next_) return;  // all of it applied before it was damaged
  sink.lost({chain_[at_]->path, damage.first_slot * kSlotBytes, damage.slots * kSlotBytes,
             std::max(damage.first_sequence, next_), damage.last_sequence});
  next_ = std::max(next_, damage.last_sequence + 1);
}

void ShardJournal::applied(std::uint64_t sequence) noexcept {
  SL_ASSERT(sequence <= delivered_most_);
  applied_ = std::max(applied_, sequence);
}

void ShardJournal::keep(Instant now) {
  release_applied();
  if (writer_ == nullptr) return;
  grow(now);
  leave_memory(now);
  warm_ahead();
}

JournalState ShardJournal::state() const noexcept {
  return {.disk_errno = read_errno_ != 0 ? read_errno_ : supply_.disk_errno(),
          .segments = chain_.size(),
          .memory_bytes = supply_.memory_bytes(),
          .next_to_read = next_};
}

void ShardJournal::release_applied() {
  while (at_ > 0 && chain_.front()->last_sequence <= applied_) {
    supply_.take_back(std::move(chain_.front()));
    chain_.pop_front();
    --at_;
  }
}

// Where the shard writes, or has just left.
std::size_t ShardJournal::writers_place() const noexcept {
  std::size_t place = chain_.size() - 1;
  while (place > 0 && !chain_[place - 1]->sealed.load(std::memory_order_acquire)) --place;
  return place;
}

std::uint64_t ShardJournal::usable_ahead() const noexcept {
  std::uint64_t slots = 0;
  for (std::size_t i = writers_place() + 1; i < chain_.size(); ++i)
    slots += usable_slots(chain_[i]->slots);
  return slots;
}

// Ahead of the shard: two segments, and twice what it has set aside, so that its load may double
// before the next look.
void ShardJournal::grow(Instant now) {
  const std::uint64_t segment =
      usable_slots(static_cast<std::uint32_t>(options_.segment_bytes / kSlotBytes));
  const std::uint64_t wanted = 2 * segment + 2 * writer_->slots_set_aside();
  while (usable_ahead() < wanted) {
    auto made = supply_.make_in_file(now);
    if (made == nullptr) made = supply_.make_in_memory();
    if (made == nullptr) return;
    link(std::move(made));
  }
}

// When segments in memory are at the end of the chain, looks whether the disk takes files again. If
// so the shard is led there, and what it has left behind in memory is written out, oldest first.
void ShardJournal::leave_memory(Instant now) {
  if (supply_.memory_bytes() == 0) return;
  if (chain_.back()->in_memory) {
    auto made = supply_.make_in_file(now);
    if (made == nullptr) return;
    link(std::move(made));
  }
  for (const auto& segment : chain_) {
    if (!segment->in_memory || segment->has_file) continue;
    segment->leave.store(true, std::memory_order_relaxed);
    if (!segment->sealed.load(std::memory_order_acquire)) continue;
    if (!supply_.write_out(*segment, now)) return;
  }
}

// Pages that the kernel has written back are write-protected, and the next store to one waits for
// the file system. So somebody else makes that store before the shard comes: a window ahead of it
// longer than what it writes between two looks.
void ShardJournal::warm_ahead() {
  constexpr std::size_t kWindowBytes = kMiB;
  constexpr std::size_t kPageBytes = 4096;
  std::size_t left = kWindowBytes;
  for (std::size_t place = writers_place(); place < chain_.size() && left > 0; ++place) {
    Segment& segment = *chain_[place];
    if (segment.in_memory) continue;
    const std::size_t written = segment.published.load(std::memory_order_relaxed) * kSlotBytes;
    const std::size_t begin = written / kPageBytes * kPageBytes;
    const std::size_t size = std::min(left, segment.map_bytes - begin);
    left -= size;
    // A disk that fails now would be a SIGBUS for the shard.
    if (size > 0 && files_.make_present(segment.bytes + begin, size) == EIO)
      segment.leave.store(true, std::memory_order_relaxed);
  }
}

void ShardJournal::link(std::unique_ptr<Segment> segment) {
  Segment* const before = chain_.back().get();
  Segment* const made = segment.get();
  chain_.push_back(std::move(segment));
  before->next.store(made, std::memory_order_release);
}

}  // namespace sluice
