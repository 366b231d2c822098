#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::test {

// RecordedDisk - sees every write and sync of one file of this program, LMDB's too, and can let
// them fail. It stands in for pwrite, writev and fdatasync by their names: the linker prefers the
// program's to libc's.
//
// Affinity  the test's thread.
class RecordedDisk {
 public:
  struct Step {
    enum class Kind : std::uint8_t { kWrite, kSync, kSyncFailed, kMark };
    Kind kind;
    std::uint64_t at = 0;  // kWrite: the offset; kMark: what mark() was told
    std::string bytes;
  };

  // Begins with the file as it is; one at a time.
  explicit RecordedDisk(const std::string& path);
  ~RecordedDisk();
  RecordedDisk(const RecordedDisk&) = delete;
  RecordedDisk& operator=(const RecordedDisk&) = delete;

  void mark(std::uint64_t what) { steps_.push_back({Step::Kind::kMark, what, {}}); }
  // Lets `writes` more through; from then on every write fails with `os_errno`, until 0 is given.
  void fail_after(std::size_t writes, int os_errno) {
    writes_left_ = writes;
    os_errno_ = os_errno;
  }

  // Lets `syncs` more succeed, and the `failures` after these fail with `os_errno`.
  void fail_syncs(std::size_t syncs, std::size_t failures, int os_errno) {
    syncs_left_ = syncs;
    sync_failures_ = failures;
    os_errno_of_sync_ = os_errno;
  }

  [[nodiscard]] const std::string& begin() const { return begin_; }
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

  // For the functions that stand in.
  static RecordedDisk* of(int fd);
  [[nodiscard]] bool fails();
  void wrote(std::uint64_t at, const void* bytes, std::size_t size);
  void synced() { steps_.push_back({Step::Kind::kSync, 0, {}}); }
  [[nodiscard]] bool sync_fails();

 private:
  std::string begin_;
  std::vector<Step> steps_;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  std::size_t writes_left_ = 0;
  int os_errno_ = 0;
  std::size_t syncs_left_ = 0;
  std::size_t sync_failures_ = 0;
  int os_errno_of_sync_ = 0;
};

}  // namespace sluice::test
