#include "store/backup.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "store/file_system.h"
#include "store/schema.h"

namespace sluice {
namespace {

constexpr std::string_view kPrefix = "sluice-";
constexpr std::string_view kSuffix = ".mdb";
constexpr std::string_view kUnfinished = ".part";
constexpr std::int64_t kDaySeconds = 86'400;

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

StoreResult<BackupResult> back_up(StoreEnvironment& environment, const std::string& directory,
                                  std::int64_t now_ms, std::uint32_t keep_days) {
  if (const auto made = prepare_directory(directory); !made) return store_fail(made.error());
  const std::int64_t now_seconds = now_ms / 1000;
  BackupResult result;
  result.path = directory + "/" + name_at(now_seconds);
  if (::access(result.path.c_str(), F_OK) == 0) return store_fail(StoreErrc::kExists);
  const std::string unfinished = result.path + std::string(kUnfinished);
  ::unlink(unfinished.c_str());  // of a run that was cut off
  SL_STORE_TRY(environment.copy_to(unfinished, true));
  if (const auto checked = check_copy(unfinished); !checked) {
    ::unlink(unfinished.c_str());
    return store_fail(checked.error());
  }
  if (std::rename(unfinished.c_str(), result.path.c_str()) != 0) {
    return store_fail(store_error_from(errno));
  }
  SL_STORE_TRY(sync_directory(directory));
  const auto paths = list_backups(directory);
  if (!paths) return store_fail(paths.error());
  const std::string oldest =
      directory + "/" + name_at(now_seconds - std::int64_t{keep_days} * kDaySeconds);
  for (const std::string& path : *paths) {
    if (path < oldest && ::unlink(path.c_str()) == 0) result.removed.push_back(path);
  }
  return result;
}

}  // namespace sluice
