#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <vector>

namespace sluice {

// SegmentFiles - what the journal asks of the file system. Virtual, so that a test can have a full
// or a broken disk. Faults are errno numbers, 0 is none.
//
// Owns      nothing; whoever gets a mapping gives it to unmap().
// Affinity  any thread that may wait for a disk: the keeper, and for load() the store's. A class of
//           its own that has state guards it.
class SegmentFiles {
 public:
  virtual ~SegmentFiles() = default;

  // A new file of `bytes` zeros with all its blocks allocated, mapped for writing and present in
  // memory. Nothing is left of it when that fails: EEXIST, ENOSPC, EDQUOT, EIO, and EFBIG beyond
  // RLIMIT_FSIZE (without the signal that the kernel would send).
  [[nodiscard]] virtual std::expected<std::byte*, int> create(const std::string& path,
                                                              std::size_t bytes);

  // Has the kernel make the pages of a mapping present and writable, as far as it can without
  // changing them, so that the next store to them does not wait.
  [[nodiscard]] virtual int make_present(std::byte* bytes, std::size_t size);

  // A file, all of it, in memory of our own: blocks that the disk cannot read are zeros.
  [[nodiscard]] virtual std::expected<std::span<std::byte>, int> load(const std::string& path);

  // A new file of these bytes. It is there whole or not at all, whenever this process dies.
  [[nodiscard]] virtual int write_out(const std::string& path, std::span<const std::byte> bytes);

  [[nodiscard]] virtual int rename(const std::string& from, const std::string& to);
  [[nodiscard]] virtual int remove(const std::string& path);
  [[nodiscard]] virtual int make_folder(const std::string& path);  // 0 when it is there already
  [[nodiscard]] virtual int remove_folder(const std::string& path);
  // The names in a folder, sorted, without those that begin with a dot.
  [[nodiscard]] virtual std::expected<std::vector<std::string>, int> list(const std::string& path);

  // Memory that belongs to no file, zeros, present; null when there is none.
  [[nodiscard]] static std::byte* take_memory(std::size_t bytes);
  static void unmap(std::byte* bytes, std::size_t size);
};

// What write_out() adds to the name while the file is not whole.
inline constexpr const char* kUnfinishedSuffix = ".part";

// May the same call succeed later on, without anybody changing our set-up? A full disk, a quota, a
// size limit, a disk that fails.
[[nodiscard]] bool is_shortage(int os_errno) noexcept;

}  // namespace sluice
