#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "store/journal/segment.h"
#include "store/journal/segment_files.h"

namespace sluice {

// SegmentSupply - where the segments of one shard's journal come from and go to: new files, files
// used before, and memory while the disk takes none.
//
// Owns      the files that wait to be used again. Not the segments that it has handed out; they
//           come back through take_back().
// Affinity  the keeper; make_in_memory(), disk_errno(), memory_bytes() and unsaved_bytes() any
//           thread.
// Limits    memory_bytes_max in memory; keep_spares() files kept for use again.
class SegmentSupply {
 public:
  // How long a disk that has refused is left alone: trying to allocate on a full file system is
  // work for the kernel.
  static constexpr Duration kDiskRetry = 1s;
  // More than a quiet shard fills between two looks.
  static constexpr std::size_t kSparesMin = 2;

  SegmentSupply(SegmentFiles& files, std::string folder, std::size_t segment_bytes,
                std::size_t memory_bytes_max);
  ~SegmentSupply();
  SegmentSupply(const SegmentSupply&) = delete;
  SegmentSupply& operator=(const SegmentSupply&) = delete;

  // Segments made from now on have numbers from this on.
  void number_from(std::uint64_t number) noexcept { next_number_.store(number); }

  // A segment with a file; null when the disk takes none or is left alone for now. Its number is
  // taken before the disk is asked, so others may have been made with greater ones meanwhile.
  [[nodiscard]] std::unique_ptr<Segment> make_in_file(Instant now);
  // A segment in memory, without a number; null when there may be no more of them. Waits for no
  // disk.
  [[nodiscard]] std::unique_ptr<Segment> make_in_memory();
  // Gives a segment in memory the next number.
  void give_number(Segment& segment);
  // Gives a segment in memory a file of what is published in it. False when the disk refuses.
  bool write_out(Segment& segment, Instant now);
  // A segment that nobody needs any more: its file waits for use again, or is removed.
  void take_back(std::unique_ptr<Segment> segment);
  // Lets go of a segment and leaves its file.
  void let_go(std::unique_ptr<Segment> segment);
  // How many files may wait for use again; one that is too many is removed at each call.
  void keep_spares(std::size_t spares_max);
  // Removes the files that wait.
  void remove_spares();

  void try_disk_again() noexcept { retry_at_ = Instant::min(); }
  [[nodiscard]] bool may_try_disk(Instant now) const noexcept { return now >= retry_at_; }
  // What the disk said last: 0 when it took what it was asked to.
  [[nodiscard]] int disk_errno() const noexcept {
    return disk_errno_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return memory_bytes_.load(std::memory_order_relaxed);
  }
  // Of these, what has no file: it would not outlive the process.
  [[nodiscard]] std::size_t unsaved_bytes() const noexcept {
    return memory_bytes() - std::min(memory_bytes(), saved_bytes_.load(std::memory_order_relaxed));
  }
  [[nodiscard]] std::size_t spare_bytes() const noexcept { return spares_.size() * segment_bytes_; }
  [[nodiscard]] std::size_t segment_bytes() const noexcept { return segment_bytes_; }

 private:
  [[nodiscard]] std::unique_ptr<Segment> fresh(std::byte* bytes) const;
  void set_number(Segment& segment, std::uint64_t number) const;
  [[nodiscard]] std::byte* use_spare(const std::string& path);
  void remove_last_spare();
  void note(int os_errno, Instant now) noexcept;

  SegmentFiles& files_;
  const std::string folder_;
  const std::size_t segment_bytes_;
  const std::size_t memory_bytes_max_;
  std::atomic<std::uint64_t> next_number_{1};
  std::atomic<std::size_t> memory_bytes_{0};
  std::atomic<std::size_t> saved_bytes_{0};  // of memory_bytes_
  std::atomic<int> disk_errno_{0};
  Instant retry_at_ = Instant::min();
  std::size_t spares_max_ = kSparesMin;
  std::vector<std::unique_ptr<Segment>> spares_;
};

// "<folder>/00000000000000000042.journal".
[[nodiscard]] std::string segment_path(const std::string& folder, std::uint64_t number);
// The number in such a name (without its folder); 0 when it is no such name.
[[nodiscard]] std::uint64_t segment_number_of(std::string_view name) noexcept;

}  // namespace sluice
