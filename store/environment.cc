#include "store/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/assert.h"

namespace sluice {
namespace {

constexpr unsigned kFreePages = 0;  // LMDB's own table of free pages: transaction -> page numbers

// A file of LMDB begins with two pages of 4 KiB; the map takes whole pages.
constexpr std::uint64_t kMapBytesMin = 64 * kKiB;

std::uint64_t whole_pages(std::uint64_t bytes) noexcept {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

unsigned flags_of(OpenMode mode) noexcept {
  // NOSUBDIR    our directory has other files too.
  // NOTLS       a reader's slot belongs to its transaction, not to its thread: the admin thread
  //             may have two, and a thread that ends leaves nothing behind.
  // NOMETASYNC  one fdatasync a commit instead of two: 21,000 instead of 14,800 puts a second in
  //             batches of 10. A loss of power may undo the last commit, never break the file; the
  //             journals have it still.
  // Not WRITEMAP: a stray write of ours would reach the file, and a full disk would be a SIGBUS
  // instead of ENOSPC. Not NOSYNC: the file may break. Not NOMEMINIT: what our heap held would
  // reach the file.
  constexpr unsigned kAlways = MDB_NOSUBDIR | MDB_NOTLS;
  switch (mode) {
    case OpenMode::kWrite: return kAlways | MDB_NOMETASYNC;
    case OpenMode::kReadOnly: return kAlways | MDB_RDONLY;
    case OpenMode::kCopy: return kAlways | MDB_RDONLY | MDB_NOLOCK;
  }
  return kAlways;
}

// Whether `bytes` of address space can be had. LMDB gives its old map up before it asks for a new
// one, and could not go on without.
bool has_address_space(std::uint64_t bytes) noexcept {
  void* at = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return false;
  ::munmap(at, bytes);
  return true;
}

}  // namespace

StoreEnvironment::StoreEnvironment(const StoreOptions& options)
    : directory_(options.directory),
      path_(options.directory + "/" + options.file),
      mode_(options.mode),
      reader_wait_(options.reader_wait),
      map_bytes_max_(options.map_bytes_max) {}

StoreEnvironment::~StoreEnvironment() {
  SL_ASSERT(!has_writer_);
  if (env_ != nullptr) mdb_env_close(env_);
}

StoreResult<std::unique_ptr<StoreEnvironment>> StoreEnvironment::open(const StoreOptions& options) {
  auto environment = std::unique_ptr<StoreEnvironment>(new StoreEnvironment(options));
  if (options.mode == OpenMode::kWrite) {
    const auto verdict = prepare_directory(options.directory);
    if (!verdict) return store_fail(verdict.error());
    if (*verdict == FileSystemVerdict::kNetwork && !options.any_file_system) {
      return store_fail(StoreErrc::kNetworkFileSystem);
    }
    environment->file_system_ = *verdict;
    auto lock = DirectoryLock::take(options.directory);
    if (!lock) return store_fail(lock.error());
    environment->lock_ = std::move(*lock);
  }
  SL_STORE_TRY(environment->open_file(options));
  return environment;
}

StoreResult<void> StoreEnvironment::open_file(const StoreOptions& options) {
  struct stat about = {};
  const bool is_new = ::stat(path_.c_str(), &about) != 0;
  // LMDB would call both a bad file descriptor. An empty file to be written is a new database.
  if (!is_new && !S_ISREG(about.st_mode)) return store_fail(StoreErrc::kNoFile);
  if (!is_new && about.st_size == 0 && read_only()) return store_fail(StoreErrc::kEmpty);
  const std::uint64_t map_bytes = whole_pages(
      std::max({kMapBytesMin, std::min(options.map_bytes_initial, map_bytes_max_.load()),
                static_cast<std::uint64_t>(about.st_size)}));
  if (!has_address_space(map_bytes)) return store_fail(store_error_from(ENOMEM));
  int rc = mdb_env_create(&env_);
  if (rc == MDB_SUCCESS) rc = mdb_env_set_maxreaders(env_, kReadersMax);
  if (rc == MDB_SUCCESS) rc = mdb_env_set_maxdbs(env_, kTableCount);
  if (rc == MDB_SUCCESS) rc = mdb_env_set_mapsize(env_, map_bytes);
  if (rc == MDB_SUCCESS) rc = mdb_env_open(env_, path_.c_str(), flags_of(mode_), 0600);
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc));
  if (mode_ == OpenMode::kCopy) {
    // A page that the file has not would be a SIGBUS. A copy has all of them; a database that is
    // in use may lack some at its end that are free.
    MDB_envinfo info{};
    MDB_stat stat{};
    mdb_env_info(env_, &info);
    mdb_env_stat(env_, &stat);
    if ((info.me_last_pgno + 1) * stat.ms_psize > static_cast<std::uint64_t>(about.st_size)) {
      return store_fail(StoreErrc::kCorrupt);
    }
    return {};
  }
  committed_ = last_transaction();
  // What the process before this one was told by the disk is not known.
  distrusted_ = !is_new && mode_ == OpenMode::kWrite;
  if (is_new && mode_ == OpenMode::kWrite) SL_STORE_TRY(sync_directory(directory_));
  if (const auto cleared = clear_stale_readers(); !cleared) return store_fail(cleared.error());
  return {};
}

StoreResult<MDB_txn*> StoreEnvironment::begin(unsigned flags) {
  for (;;) {
    gate_.enter();
    MDB_txn* txn = nullptr;
    const int rc = broken_ ? MDB_PANIC : mdb_txn_begin(env_, nullptr, flags, &txn);
    if (rc == MDB_SUCCESS) return txn;
    gate_.leave();
    // Another process (one that restores or compacts) has enlarged the map.
    if (rc != MDB_MAP_RESIZED) return store_fail(store_error_from(rc));
    SL_STORE_TRY(move_map(0));
  }
}

StoreResult<ReadTransaction> StoreEnvironment::read() {
  const auto txn = begin(MDB_RDONLY);
  if (!txn) return store_fail(txn.error());
  return ReadTransaction(*this, *txn);
}

StoreResult<WriteTransaction> StoreEnvironment::begin_write() {
  if (distrusted_) SL_STORE_TRY(trust_again());
  const auto txn = begin(0);
  if (!txn) return store_fail(txn.error());
  return WriteTransaction(*this, *txn);
}

StoreResult<void> StoreEnvironment::grow() {
  MDB_envinfo info{};
  mdb_env_info(env_, &info);
  const std::uint64_t bytes = whole_pages(std::min(info.me_mapsize * 2, map_bytes_max_.load()));
  if (bytes <= info.me_mapsize) return store_fail(store_error_from(MDB_MAP_FULL));
  if (!has_address_space(bytes)) return store_fail(store_error_from(ENOMEM));
  return move_map(bytes);
}

StoreResult<void> StoreEnvironment::move_map(std::uint64_t bytes) {
  if (!gate_.enter_alone(reader_wait_)) return store_fail(StoreErrc::kReadersBusy);
  const int rc = mdb_env_set_mapsize(env_, bytes);
  if (rc != MDB_SUCCESS) broken_ = true;
  gate_.leave_alone();
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc));
  return {};
}

StoreError StoreEnvironment::look_into(const StoreError& error) const noexcept {
  if (error.code != StoreErrc::kIo) return error;
  // A write of LMDB is at most 64 pages long; with less room than that it may have been cut.
  constexpr std::uint64_t kWriteBytesMax = 256 * kKiB;
  struct statvfs space = {};
  struct stat about = {};
  struct rlimit limit = {};
  if (::statvfs(path_.c_str(), &space) != 0 || ::stat(path_.c_str(), &about) != 0 ||
      ::getrlimit(RLIMIT_FSIZE, &limit) != 0) {
    return error;
  }
  const bool disk_full = space.f_bavail * space.f_frsize < kWriteBytesMax;
  const bool limited = limit.rlim_cur != RLIM_INFINITY &&
                       static_cast<std::uint64_t>(about.st_size) + kWriteBytesMax > limit.rlim_cur;
  return disk_full || limited ? store_error_from(disk_full ? ENOSPC : EFBIG) : error;
}

StoreResult<void> StoreEnvironment::sync() {
  if (distrusted_) return trust_again();
  const int rc = broken_ ? MDB_PANIC : mdb_env_sync(env_, 1);
  if (rc == MDB_SUCCESS) return {};
  distrusted_ = true;
  return store_fail(look_into(store_error_from(rc)));
}

std::uint64_t StoreEnvironment::last_transaction() const noexcept {
  MDB_envinfo info{};
  mdb_env_info(env_, &info);
  return info.me_last_txnid;
}

void StoreEnvironment::committed() noexcept {
  const std::uint64_t last = last_transaction();
  if (last == committed_) return;  // it had changed nothing
  committed_ = last;
  commits_.fetch_add(1, std::memory_order_relaxed);
}

// When fdatasync fails, Linux says so once and takes the pages for clean: they stay in memory as
// they are, perhaps never to be written, and the next fdatasync succeeds. What is at stake of LMDB
// with NOMETASYNC are the meta pages alone: each commit has synced its data before it wrote its
// meta page, and one that could not sync has written none. But with the meta page of commit n
// missing, a second commit from here would use pages again that commit n - 1 needs, which then is
// the last one on the disk: a loss of power would leave no whole database. Hence no commit before
// both meta pages are written anew, to where they were, and a sync of that has succeeded.
//
// What is written comes out of the page cache, which Linux may have thrown away together with the
// fault; it then shows an older transaction than the last we know, and only a start may go on.
StoreResult<void> StoreEnvironment::trust_again() {
  if (broken_ || last_transaction() != committed_) {
    broken_ = true;
    return store_fail(StoreErrc::kBroken);
  }
  MDB_stat stat{};
  mdb_env_stat(env_, &stat);
  int fd = -1;
  mdb_env_get_fd(env_, &fd);
  std::vector<std::byte> metas(2 * std::size_t{stat.ms_psize});
  for (std::size_t at = 0; at < metas.size();) {
    const ssize_t got = ::pread(fd, metas.data() + at, metas.size() - at, static_cast<off_t>(at));
    if (got <= 0) return store_fail(store_error_from(got < 0 ? errno : EIO));
    at += static_cast<std::size_t>(got);
  }
  for (std::size_t at = 0; at < metas.size();) {
    const ssize_t put = ::pwrite(fd, metas.data() + at, metas.size() - at, static_cast<off_t>(at));
    if (put <= 0) return store_fail(look_into(store_error_from(put < 0 ? errno : EIO)));
    at += static_cast<std::size_t>(put);
  }
  if (const int rc = mdb_env_sync(env_, 1); rc != MDB_SUCCESS)
    return store_fail(look_into(store_error_from(rc)));
  distrusted_ = false;
  return {};
}

StoreResult<unsigned> StoreEnvironment::clear_stale_readers() {
  int dead = 0;
  const int rc = mdb_reader_check(env_, &dead);
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc));
  return static_cast<unsigned>(dead);
}

StoreResult<SpaceUse> StoreEnvironment::space() {
  const auto transaction = read();
  if (!transaction) return store_fail(transaction.error());
  MDB_envinfo info{};
  MDB_stat stat{};
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  std::uint64_t free_pages = 0;
  MDB_cursor* cursor = nullptr;
  int rc = mdb_cursor_open(transaction->raw(), kFreePages, &cursor);
  if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc));
  MDB_val key{};
  MDB_val value{};
  while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
    std::size_t pages = 0;  // the list begins with its length
    if (value.mv_size >= sizeof pages) std::memcpy(&pages, value.mv_data, sizeof pages);
    free_pages += pages;
  }
  mdb_cursor_close(cursor);
  if (rc != MDB_NOTFOUND) return store_fail(store_error_from(rc));
  const std::uint64_t pages = info.me_last_pgno + 1;
  return SpaceUse{.file = pages * stat.ms_psize,
                  .used = (pages - std::min(pages, free_pages)) * stat.ms_psize,
                  .map = info.me_mapsize,
                  .map_max = map_bytes_max_};
}

StoreResult<void> StoreEnvironment::copy_to(const std::string& path, bool compact) {
  // Ours, and not mdb_env_copy2, which makes the file readable to the group and does not sync it.
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return store_fail(store_error_from(errno));
  gate_.enter();  // it reads in a transaction of its own
  int rc = broken_ ? MDB_PANIC : mdb_env_copyfd2(env_, fd, compact ? MDB_CP_COMPACT : 0);
  gate_.leave();
  if (rc == MDB_SUCCESS && ::fsync(fd) != 0) rc = errno;
  if (::close(fd) != 0 && rc == MDB_SUCCESS) rc = errno;
  if (rc == MDB_SUCCESS) return {};
  ::unlink(path.c_str());
  return store_fail(store_error_from(rc));
}

StoreResult<bool> StoreEnvironment::open_tables(std::span<const Table> tables) {
  // A disk that takes nothing now is no reason not to open what is there.
  if (distrusted_) static_cast<void>(trust_again());
  auto transaction = begin(read_only() ? MDB_RDONLY : 0);
  if (!transaction) return store_fail(transaction.error());
  WriteTransaction opening(*this, *transaction);
  for (const Table table : tables) {
    const std::string name(table_name(table));
    MDB_dbi handle = 0;
    const int rc = mdb_dbi_open(opening.raw(), name.c_str(), read_only() ? 0 : MDB_CREATE, &handle);
    if (rc == MDB_NOTFOUND) return false;
    if (rc != MDB_SUCCESS) return store_fail(store_error_from(rc, table));
    handles_[static_cast<std::size_t>(table)] = handle;
  }
  // Without a commit LMDB would close the handles again, those of a reader too.
  SL_STORE_TRY(opening.commit());
  committed_ = last_transaction();
  return true;
}

}  // namespace sluice
