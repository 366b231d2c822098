#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "store/journal/slot.h"

namespace sluice {

// Segment - one link of a shard's journal: an array of slots in memory that is a file's, or is to
// become one. The first slot is its header.
//
// One thread writes (the shard), one reads (the store's), one keeps the chain and frees what the
// reader has released (the keeper). What two of them touch is atomic; the slots
// below `published` belong to the reader, the others to the writer, and the release and acquire of
// `published` hand them over. Whether a slot on disk is a record is decided by its CRC and
// sequence.
//
// Owns      nothing: bytes and file belong to the ShardJournal, which made it and frees it.
// Affinity  as each member says.
struct Segment {
  // Set before the shard knows the segment.
  std::byte* bytes = nullptr;
  std::size_t map_bytes = 0;  // that are mapped at `bytes`
  std::uint32_t slots = 0;
  std::uint64_t number = 0;

  std::atomic<std::uint32_t> published{0};  // by the shard: slots that are written
  std::atomic<bool> sealed{false};          // by the shard: `published` will not grow
  std::atomic<bool> leave{false};           // by the keeper: seal it as soon as you can
  std::atomic<Segment*> next{nullptr};      // by who links: once, when there is one

  // Set before anybody else knows it.
  std::string path;        // of its file; where it would be, while it has none
  bool in_memory = false;  // `bytes` is memory of our own, not a map of the file
  bool recovered =
      false;  // of an earlier process: `bytes` is null until the store's thread reads it
  std::size_t file_bytes = 0;  // what its file takes, from the beginning

  bool has_file = false;            // the keeper only
  bool damaged = false;             // the store's thread, until it is released; then the keeper
  std::uint64_t last_sequence = 0;  // the store's thread only: in it and before it, once it is read
};

// The slots of a fresh segment that records may count on: all but the header and those that may be
// left over at its end, because what one append writes is never cut in two.
[[nodiscard]] constexpr std::uint32_t usable_slots(std::uint32_t slots) noexcept {
  return slots - 1 - (kGroupSlotsMax - 1);
}

}  // namespace sluice
