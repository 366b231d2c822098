#include "store/journal/usage_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/units.h"

namespace sluice {
namespace {

constexpr std::string_view kShardPrefix = "shard-";

std::string shard_folder(const std::string& folder, std::uint16_t shard) {
  const std::string digits = std::to_string(shard);
  return folder + "/" + std::string(kShardPrefix) + (shard < 10 ? "0" : "") + digits;
}

// Nothing when it is no folder of a shard.
std::optional<std::uint16_t> shard_of(std::string_view name) {
  if (!name.starts_with(kShardPrefix)) return std::nullopt;
  const auto number = parse_decimal(name.substr(kShardPrefix.size()));
  if (!number || *number > UINT16_MAX) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

std::unexpected<JournalFailure> failed_at(const std::string& path, int os_errno, const char* what) {
  return std::unexpected(
      JournalFailure{os_errno, path + ": " + what + ": " + std::strerror(os_errno)});
}

}  // namespace

UsageJournal::UsageJournal(SegmentFiles& files, UsageJournalOptions options)
    : files_(files), options_(std::move(options)) {}

// The journals first: the lock holds until their files are as they stay.
UsageJournal::~UsageJournal() {
  shards_.clear();
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

std::expected<std::unique_ptr<UsageJournal>, JournalFailure> UsageJournal::open(
    SegmentFiles& files, UsageJournalOptions options, std::span<const std::uint64_t> applied,
    Instant now) {
  std::unique_ptr<UsageJournal> journal(new UsageJournal(files, std::move(options)));
  const auto& folder = journal->options_.folder;
  if (const int failed = files.make_folder(folder); failed != 0)
    return failed_at(folder, failed, "the folder for usage records cannot be made");
  if (auto locked = journal->lock(); !locked) return std::unexpected(locked.error());
  for (std::uint16_t shard = 0; shard < journal->options_.shards; ++shard)
    if (auto added = journal->add(shard, applied); !added) return std::unexpected(added.error());
  if (auto added = journal->add_former(applied); !added) return std::unexpected(added.error());
  for (std::uint16_t shard = 0; shard < journal->options_.shards; ++shard) {
    auto begun = journal->shards_[shard].journal->begin_writing(now);
    if (!begun) return std::unexpected(begun.error());
  }
  return journal;
}

std::expected<void, JournalFailure> UsageJournal::lock() {
  const std::string path = options_.folder + "/lock";
  lock_fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd_ < 0) return failed_at(path, errno, "cannot be opened");
  if (flock(lock_fd_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return failed_at(path, errno, "cannot be locked");
  return std::unexpected(JournalFailure{
      EWOULDBLOCK, options_.folder + ": another sluice keeps its usage records there. Stop it, or "
                                     "give this one a folder of its own"});
}

std::expected<void, JournalFailure> UsageJournal::add(std::uint16_t shard,
                                                      std::span<const std::uint64_t> applied) {
  auto journal = std::make_unique<ShardJournal>(
      files_, ShardJournalOptions{.folder = shard_folder(options_.folder, shard),
                                  .shard = shard,
                                  .segment_bytes = options_.segment_bytes,
                                  .memory_bytes_max = options_.memory_bytes_max});
  if (auto opened = journal->open(shard < applied.size() ? applied[shard] : 0); !opened)
    return opened;
  shards_.push_back({shard, std::move(journal)});
  return {};
}

std::expected<void, JournalFailure> UsageJournal::add_former(
    std::span<const std::uint64_t> applied) {
  const auto names = files_.list(options_.folder);
  if (!names) return failed_at(options_.folder, names.error(), "cannot be listed");
  for (const std::string& name : *names) {
    const auto shard = shard_of(name);
    if (!shard || *shard < options_.shards ||
        options_.folder + "/" + name != shard_folder(options_.folder, *shard))
      continue;
    if (auto added = add(*shard, applied); !added) return added;
  }
  return {};
}

void UsageJournal::keep(Instant now) {
  for (Shard& shard : shards_) {
    if (shard.folder_removed) continue;
    shard.journal->keep(now);
    if (!shard.journal->is_done()) continue;
    static_cast<void>(files_.remove_folder(shard.journal->folder()));
    shard.folder_removed = true;
  }
}

std::uint64_t UsageJournal::save(Instant now) {
  std::uint64_t unsaved = 0;
  for (Shard& shard : shards_) unsaved += shard.journal->save(now);
  return unsaved;
}

bool UsageJournal::reserve() {
  bool all = true;
  for (Shard& shard : shards_) all = shard.journal->reserve() && all;
  return all;
}

}  // namespace sluice
