#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "store/journal/shard_journal.h"
#include "tests/unit/store/journal/journal_fixture.h"
#include "tests/unit/test_directory.h"

namespace sluice {

// CollectingSink - keeps all that comes.
struct CollectingSink final : UsageSink {
  void take(const UsageEvent& event) override { events.emplace_back(event); }
  void lost(const JournalLoss& loss) override { losses.push_back(loss); }

  [[nodiscard]] std::vector<std::uint64_t> sequences() const {
    std::vector<std::uint64_t> out;
    for (const OwnedEvent& event : events) out.push_back(event.event.sequence);
    return out;
  }

  std::vector<OwnedEvent> events;
  std::vector<JournalLoss> losses;
};

[[nodiscard]] inline std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> out;
  for (; first <= last; ++first) out.push_back(first);
  return out;
}

// FaultyFiles - a disk that takes no new bytes while `fault` is an errno number.
struct FaultyFiles final : SegmentFiles {
  std::expected<std::byte*, int> create(const std::string& path, std::size_t bytes) override {
    if (fault != 0) return std::unexpected(fault);
    return SegmentFiles::create(path, bytes);
  }
  int write_out(const std::string& path, std::span<const std::byte> bytes) override {
    if (fault != 0) return fault;
    written_out.push_back(std::filesystem::path(path).filename());
    return SegmentFiles::write_out(path, bytes);
  }
  int make_present(std::byte* bytes, std::size_t size) override {
    if (fault_of_pages != 0) return fault_of_pages;
    return SegmentFiles::make_present(bytes, size);
  }

  int fault = 0;
  int fault_of_pages = 0;
  std::vector<std::string> written_out;
};

inline constexpr std::size_t kSmallSegment = 8192;  // 64 slots

// JournalOfAShard - one shard's journal in a folder, opened and written to.
struct JournalOfAShard {
  JournalOfAShard(SegmentFiles& files, const std::string& folder, std::uint64_t applied = 0,
                  std::size_t segment_bytes = kSmallSegment,
                  std::size_t memory_bytes_max = 8 * kSmallSegment)
      : journal(std::make_unique<ShardJournal>(
            files, ShardJournalOptions{folder, 0, segment_bytes, memory_bytes_max})) {
    const auto opened = journal->open(applied);
    failure = opened ? "" : opened.error().text;
    if (!opened) return;
    const auto begun = journal->begin_writing(now);
    failure = begun ? "" : begun.error().text;
  }

  // Appends an ordinary refusal, with the keeper at work between. False when there was no room.
  bool append_one() {
    journal->keep(now);
    return journal->writer().refused(ordinary_event().view()) != 0;
  }
  void append(std::size_t count, Duration gap = {}) {
    for (std::size_t i = 0; i < count; ++i, now += gap) SL_ASSERT(append_one());
  }
  CollectingSink read_all() const {
    CollectingSink sink;
    while (journal->read(7, sink) > 0) {
    }
    return sink;
  }

  Instant now{1s};
  std::unique_ptr<ShardJournal> journal;
  std::string failure;
};

[[nodiscard]] inline std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    out.push_back(entry.path().filename());
  std::sort(out.begin(), out.end());
  return out;
}

// What the disk looks like when the process dies at this moment.
inline void copy_folder(const std::string& from, const std::string& to) {
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

}  // namespace sluice
