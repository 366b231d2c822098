#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/units.h"
#include "store/file_system.h"
#include "store/map_gate.h"
#include "store/store_error.h"
#include "store/transaction.h"

struct MDB_env;

namespace sluice {

enum class OpenMode : std::uint8_t {
  kWrite,     // the gateway: locks the directory, makes what is missing
  kReadOnly,  // a look into a database that a gateway may be writing
  kCopy,      // a backup file that nobody writes: no lock file, read-only
};

struct StoreOptions {
  std::string directory;
  std::string file = "data.mdb";  // in `directory`
  OpenMode mode = OpenMode::kWrite;
  // The map begins small and doubles. It is address space, not memory; beginning with the maximum
  // would do, but for processes whose address space is limited.
  std::uint64_t map_bytes_initial = 64 * kMiB;
  std::uint64_t map_bytes_max = 64 * 1024 * kMiB;
  Duration reader_wait = 1s;     // how long growing waits for read transactions to end
  bool any_file_system = false;  // the administrator knows better than judge_file_system()
};

// SpaceUse - how full the store is, in bytes.
struct SpaceUse {
  std::uint64_t file = 0;  // what the file takes at least; it never shrinks
  std::uint64_t used = 0;  // of `file`, without pages that are free again
  std::uint64_t map = 0;
  std::uint64_t map_max = 0;

  // The alert level: from here on somebody should be told.
  static constexpr std::uint64_t kAlertPercent = 80;
  [[nodiscard]] bool alert() const noexcept { return used / kAlertPercent >= map_max / 100; }
};

// StoreEnvironment - an LMDB environment: one file, mapped, with one writer and many readers.
//
// Owns      the environment, the lock of its directory, the handles of its tables.
// Affinity  any thread; writing is a Writer's.
// Lifetime  beyond all transactions and the Writer. Not across fork().
// Limits    map_bytes_max; kReadersMax read transactions at once.
class StoreEnvironment {
 public:
  static constexpr unsigned kReadersMax = 126;

  // Opens the file, without its tables: open_store() (store/schema.h) is what to call.
  [[nodiscard]] static StoreResult<std::unique_ptr<StoreEnvironment>> open(
      const StoreOptions& options);
  ~StoreEnvironment();
  StoreEnvironment(const StoreEnvironment&) = delete;
  StoreEnvironment& operator=(const StoreEnvironment&) = delete;

  // Waits while the map is being moved, at most StoreOptions::reader_wait.
  [[nodiscard]] StoreResult<ReadTransaction> read();

  // Makes all commits so far outlast a loss of power; without it the last one may be undone (and
  // is applied again from the journals, which may forget only what was synced). The thread that
  // writes; or nobody writes.
  //
  // A disk that failed to write is not believed for its next success: see trust_again().
  [[nodiscard]] StoreResult<void> sync();

  // Transactions that have changed the store since it was opened. Any thread.
  [[nodiscard]] std::uint64_t commits() const noexcept {
    return commits_.load(std::memory_order_relaxed);
  }

  // Frees what processes held that died while reading; how many.
  [[nodiscard]] StoreResult<unsigned> clear_stale_readers();

  [[nodiscard]] StoreResult<SpaceUse> space();
  // From then on; not below what the map has now.
  void set_map_bytes_max(std::uint64_t bytes) noexcept { map_bytes_max_ = bytes; }

  // Copies the store as of now into `path`, which must not exist, and makes it last. Holds a read
  // transaction all the time. `compact` leaves free pages out.
  [[nodiscard]] StoreResult<void> copy_to(const std::string& path, bool compact);

  [[nodiscard]] FileSystemVerdict file_system() const noexcept { return file_system_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
  [[nodiscard]] bool read_only() const noexcept { return mode_ != OpenMode::kWrite; }

  // Of LMDB, for transactions and cursors.
  [[nodiscard]] MapGate& gate() noexcept { return gate_; }
  [[nodiscard]] unsigned handle(Table table) const noexcept {
    return handles_[static_cast<std::size_t>(table)];
  }
  // Opens the handles of tables, before anybody else uses the environment; kWrite makes those that
  // are missing. False: one is missing.
  [[nodiscard]] StoreResult<bool> open_tables(std::span<const Table> tables);

 private:
  friend class Writer;
  explicit StoreEnvironment(const StoreOptions& options);
  [[nodiscard]] StoreResult<void> open_file(const StoreOptions& options);
  [[nodiscard]] StoreResult<MDB_txn*> begin(unsigned flags);
  [[nodiscard]] StoreResult<WriteTransaction> begin_write();
  // Doubles the map. kMapFull: it has its maximum. kReadersBusy: a read transaction did not end.
  [[nodiscard]] StoreResult<void> grow();
  // LMDB says EIO also where a write was cut short, which is how a disk becomes full, or a file too
  // long for the process' limit.
  [[nodiscard]] StoreError look_into(const StoreError& error) const noexcept;
  // What a commit has come to.
  void committed() noexcept;
  void commit_failed() noexcept { distrusted_.store(true); }
  // After a write or sync that failed: writes the two meta pages anew and syncs them. Until that
  // has succeeded nothing is committed.
  [[nodiscard]] StoreResult<void> trust_again();
  [[nodiscard]] std::uint64_t last_transaction() const noexcept;
  // To `bytes`, or for 0 to what another process made of it.
  [[nodiscard]] StoreResult<void> move_map(std::uint64_t bytes);

  std::string directory_;
  std::string path_;
  OpenMode mode_;
  Duration reader_wait_;
  std::atomic<std::uint64_t> map_bytes_max_;
  DirectoryLock lock_;
  FileSystemVerdict file_system_ = FileSystemVerdict::kLocal;
  MapGate gate_;
  MDB_env* env_ = nullptr;
  std::array<unsigned, kTableCount> handles_{};
  std::atomic<bool> has_writer_ = false;
  std::atomic<bool> broken_ = false;      // the map is gone, or what it shows
  std::atomic<bool> distrusted_ = false;  // a write or sync has failed since the last good one
  std::atomic<std::uint64_t> commits_ = 0;
  std::uint64_t committed_ = 0;  // last_transaction() as of the last good commit
};

}  // namespace sluice
