#include "store/journal/segment_supply.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "store/journal/usage_sink.h"

namespace sluice {
namespace {

constexpr std::string_view kSuffix = ".journal";
constexpr std::size_t kDigits = 20;  // of 2^64 - 1, so that names sort as their numbers do

}  // namespace

std::string segment_path(const std::string& folder, std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return folder + "/" + std::string(kDigits - digits.size(), '0') + digits + std::string(kSuffix);
}

std::uint64_t segment_number_of(std::string_view name) noexcept {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return 0;
  return parse_decimal(name.substr(0, kDigits)).value_or(0);
}

SegmentSupply::SegmentSupply(SegmentFiles& files, std::string folder, std::size_t segment_bytes,
                             std::size_t memory_bytes_max)
    : files_(files),
      folder_(std::move(folder)),
      segment_bytes_(segment_bytes),
      memory_bytes_max_(memory_bytes_max) {}

SegmentSupply::~SegmentSupply() { remove_spares(); }

std::unique_ptr<Segment> SegmentSupply::make_in_file(Instant now) {
  if (!may_try_disk(now)) return nullptr;
  const std::uint64_t number = next_number_.fetch_add(1);
  const std::string path = segment_path(folder_, number);
  std::byte* made = spares_.empty() ? nullptr : use_spare(path);
  if (made == nullptr) {
    const auto created = files_.create(path, segment_bytes_);
    note(created ? 0 : created.error(), now);
    if (!created) return nullptr;
    made = *created;
  }
  auto segment = fresh(made);
  set_number(*segment, number);
  segment->has_file = true;
  segment->file_bytes = segment_bytes_;
  return segment;
}

// The renaming comes last: until then the file has its old name and an empty header, and no slot of
// it passes for one of the new number.
std::byte* SegmentSupply::use_spare(const std::string& path) {
  std::unique_ptr<Segment> spare = std::move(spares_.back());
  spares_.pop_back();
  if (files_.make_present(spare->bytes, spare->map_bytes) == EIO ||
      files_.rename(spare->path, path) != 0) {
    static_cast<void>(files_.remove(spare->path));
    let_go(std::move(spare));
    return nullptr;
  }
  return std::exchange(spare->bytes, nullptr);
}

std::unique_ptr<Segment> SegmentSupply::make_in_memory() {
  if (memory_bytes_.fetch_add(segment_bytes_) + segment_bytes_ <= memory_bytes_max_) {
    if (std::byte* const bytes = SegmentFiles::take_memory(segment_bytes_); bytes != nullptr) {
      auto segment = fresh(bytes);
      segment->in_memory = true;
      return segment;
    }
  }
  memory_bytes_.fetch_sub(segment_bytes_);
  return nullptr;
}

void SegmentSupply::give_number(Segment& segment) {
  set_number(segment, next_number_.fetch_add(1));
}

std::unique_ptr<Segment> SegmentSupply::fresh(std::byte* bytes) const {
  auto segment = std::make_unique<Segment>();
  segment->bytes = bytes;
  segment->map_bytes = segment_bytes_;
  segment->slots = static_cast<std::uint32_t>(segment_bytes_ / kSlotBytes);
  return segment;
}

void SegmentSupply::set_number(Segment& segment, std::uint64_t number) const {
  segment.number = number;
  segment.path = segment_path(folder_, number);
}

bool SegmentSupply::write_out(Segment& segment, Instant now) {
  SL_ASSERT(segment.in_memory && !segment.has_file);
  if (!may_try_disk(now)) return false;
  const std::size_t bytes = segment.published.load(std::memory_order_acquire) * kSlotBytes;
  const int failed = files_.write_out(segment.path, {segment.bytes, bytes});
  note(failed, now);
  segment.has_file = failed == 0;
  if (segment.has_file) saved_bytes_.fetch_add(segment.map_bytes);
  segment.file_bytes = failed == 0 ? bytes : 0;
  return segment.has_file;
}

void SegmentSupply::take_back(std::unique_ptr<Segment> segment) {
  // What of it cannot be read may yet be of use to somebody. Without its new name it is found and
  // told of again at the next start.
  if (segment->damaged && segment->has_file) {
    static_cast<void>(files_.rename(segment->path, segment->path + kDamagedSuffix));
    return let_go(std::move(segment));
  }
  const bool fits = segment->has_file && !segment->in_memory && !segment->recovered &&
                    segment->map_bytes == segment_bytes_;
  if (fits && spares_.size() < spares_max_) {
    std::memset(segment->bytes, 0, kSlotBytes);
    spares_.push_back(std::move(segment));
    return;
  }
  // A file that cannot be removed is found and read again at the next start, and applied by nobody.
  if (segment->has_file) static_cast<void>(files_.remove(segment->path));
  let_go(std::move(segment));
}

void SegmentSupply::let_go(std::unique_ptr<Segment> segment) {
  if (segment->in_memory) memory_bytes_.fetch_sub(segment_bytes_);
  if (segment->in_memory && segment->has_file) saved_bytes_.fetch_sub(segment->map_bytes);
  SegmentFiles::unmap(segment->bytes, segment->map_bytes);
}

void SegmentSupply::keep_spares(std::size_t spares_max) {
  spares_max_ = spares_max;
  if (spares_.size() > spares_max_) remove_last_spare();
}

void SegmentSupply::remove_spares() {
  while (!spares_.empty()) remove_last_spare();
}

void SegmentSupply::remove_last_spare() {
  static_cast<void>(files_.remove(spares_.back()->path));
  let_go(std::move(spares_.back()));
  spares_.pop_back();
}

void SegmentSupply::note(int os_errno, Instant now) noexcept {
  disk_errno_.store(os_errno, std::memory_order_relaxed);
  if (os_errno != 0) retry_at_ = now + kDiskRetry;
}

}  // namespace sluice
