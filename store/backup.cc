#include "store/backup.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <ranges>

#include "store/backup_digest.h"
#include "store/file_system.h"
#include "store/schema.h"

namespace sluice {
namespace {

constexpr std::string_view kPrefix = "sluice-";
constexpr std::string_view kSuffix = ".mdb";
constexpr std::string_view kUnfinished = ".part";
constexpr std::int64_t kDaySeconds = 86'400;

// How long a run waits for another one: the gateway's daily copy and a command may meet.
constexpr std::chrono::seconds kOtherRun(60);

// Names sort as their times do.
std::string name_at(std::int64_t unix_seconds) {
  const time_t seconds = unix_seconds;
  struct tm utc = {};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  const std::size_t size = ::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return std::string(kPrefix).append(text, size).append(kSuffix);
}

bool is_backup_name(std::string_view name) noexcept {
  static constexpr std::string_view kPattern = "00000000T000000Z";
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return false;
  name.remove_prefix(kPrefix.size());
  if (name.size() != kPattern.size() + kSuffix.size()) return false;
  for (std::size_t i = 0; i < kPattern.size(); ++i) {
    const bool is_digit = name[i] >= '0' && name[i] <= '9';
    if (kPattern[i] == '0' ? !is_digit : name[i] != kPattern[i]) return false;
  }
  return true;
}

StoreResult<void> check_copy(const std::string& path) {
  const auto report = verify_backup(path);
  if (!report) return store_fail(report.error());
  if (!report->good()) return store_fail(StoreErrc::kCorrupt);
  return {};
}

// What runs that were cut off have left: the caller holds the lock of the directory.
void remove_unfinished(const std::string& directory) {
  std::error_code failed;
  for (std::filesystem::directory_iterator at(directory, failed), end; !failed && at != end;
       at.increment(failed)) {
    std::string name = at->path().filename().string();
    const auto ends_with = [&name](std::string_view end) {
      if (!name.ends_with(end)) return false;
      name.resize(name.size() - end.size());
      return is_backup_name(name);
    };
    const bool left =
        ends_with(kUnfinished) ||
        (ends_with(digest_path({})) && ::access((directory + "/" + name).c_str(), F_OK) != 0);
    if (left) ::unlink(at->path().c_str());
  }
}

// Makes the copy in `unfinished` last under its name, with its digest beside it.
StoreResult<void> finish(const std::string& unfinished, const std::string& path,
                         const std::string& directory) {
  SL_STORE_TRY(check_copy(unfinished));
  SL_STORE_TRY(write_digest(unfinished, path));
  SL_STORE_TRY(sync_directory(directory));
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) {
    return store_fail(store_error_from(errno));
  }
  return sync_directory(directory);
}

// Those that are dated before `oldest`, but for the `keep` newest: a clock that was set forward
// takes away none that would be missed. The paths of those that are gone.
std::vector<std::string> remove_old(const std::vector<std::string>& paths,
                                    const std::string& oldest, std::size_t keep) {
  std::vector<std::string> removed;
  for (std::size_t i = 0; i + keep < paths.size() && paths[i] < oldest; ++i) {
    if (::unlink(paths[i].c_str()) != 0) continue;
    ::unlink(digest_path(paths[i]).c_str());
    removed.push_back(paths[i]);
  }
  return removed;
}

}  // namespace

StoreResult<CheckReport> verify_backup(const std::string& path) {
  const std::filesystem::path where(path);
  StoreOptions options;
  options.directory = where.has_parent_path() ? where.parent_path().string() : ".";
  options.file = where.filename().string();
  options.mode = OpenMode::kCopy;
  const auto copy = open_store(options);
  if (!copy) return store_fail(copy.error());
  return check_store(**copy);
}

StoreResult<std::vector<std::string>> list_backups(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(directory, failed), end; !failed && at != end;
       at.increment(failed)) {
    if (is_backup_name(at->path().filename().string())) paths.push_back(at->path().string());
  }
  if (failed) return store_fail(store_error_from(failed.value()));
  std::ranges::sort(paths);
  return paths;
}

StoreResult<std::int64_t> newest_backup_ms(const std::string& directory, std::int64_t now_ms) {
  const auto paths = list_backups(directory);
  if (!paths) return store_fail(paths.error());
  const std::string last = directory + "/" + name_at(now_ms / 1000);
  for (const std::string& path : std::views::reverse(*paths)) {
    if (path > last) continue;
    struct tm utc = {};
    ::strptime(path.c_str() + directory.size() + 1 + kPrefix.size(), "%Y%m%dT%H%M%SZ", &utc);
    return std::int64_t{::timegm(&utc)} * 1000;
  }
  return 0;
}

StoreResult<BackupResult> back_up(StoreEnvironment& environment, const std::string& directory,
                                  std::int64_t now_ms, std::uint32_t keep) {
  if (const auto made = prepare_directory(directory); !made) return store_fail(made.error());
  const auto lock = DirectoryLock::wait(directory, kOtherRun);
  if (!lock) return store_fail(lock.error());
  const std::int64_t now_seconds = now_ms / 1000;
  BackupResult result;
  result.path = directory + "/" + name_at(now_seconds);
  if (::access(result.path.c_str(), F_OK) == 0) return store_fail(StoreErrc::kExists);
  const std::string unfinished = result.path + std::string(kUnfinished);
  remove_unfinished(directory);
  SL_STORE_TRY(environment.copy_to(unfinished, true));
  if (const auto finished = finish(unfinished, result.path, directory); !finished) {
    ::unlink(unfinished.c_str());
    if (::access(result.path.c_str(), F_OK) != 0) ::unlink(digest_path(result.path).c_str());
    return store_fail(finished.error());
  }
  if (keep == 0) return result;
  const auto paths = list_backups(directory);
  if (!paths) return store_fail(paths.error());
  const std::string oldest =
      directory + "/" + name_at(now_seconds - std::int64_t{keep} * kDaySeconds);
  result.removed = remove_old(*paths, oldest, keep);
  return result;
}

}  // namespace sluice
