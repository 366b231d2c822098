#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "store/tables.h"

namespace sluice {

// What went wrong with the store, in one word; explain() has the sentence.
enum class StoreErrc : std::uint8_t {
  kNoDirectory,        // the data directory is not there and cannot be made
  kNotPermitted,       // no right to read or write there, or a read-only file system
  kNetworkFileSystem,  // on a file system where a mapped file cannot be trusted
  kInUse,              // another process writes here
  kDiskFull,           // no space, a quota, or the process' limit of a file's size
  kIo,                 // the disk failed to read or write
  kAddressSpace,       // the map finds no room in the address space
  kMapFull,            // the configured maximum is reached
  kReadersBusy,        // the map must grow, and a read transaction does not end
  kTooManyReaders,     // all reader slots are taken
  kCorrupt,            // LMDB finds its own pages broken, or it is no LMDB file
  kEmpty,              // a file of no bytes, where a database is to be read
  kNoFile,             // a directory or a device in the place of the file
  kBroken,             // an earlier failure of the disk left the environment unusable
  kNewerSchema,        // written by a later release; detail: its version
  kOlderSchema,        // read-only, and written by an earlier release; detail: its version
  kUnknownVersion,     // a value of a version that this release does not know; detail: the version
  kMalformed,          // a value or key that does not decode
  kInvalid,            // what was asked for breaks a rule of the table
  kExists,             // a name that must be unique is taken
  kNotFound,           // there is no such row
  kOs,                 // any other system error: detail is the errno
};

// StoreError - a fault of the store as a value. Table and detail as the code says.
struct StoreError {
  StoreErrc code = StoreErrc::kOs;
  Table table = Table::kMeta;
  std::int32_t detail = 0;  // errno, LMDB's own code (negative), or a version

  friend bool operator==(const StoreError&, const StoreError&) = default;
};
static_assert(sizeof(StoreError) == 8);

template <class T>
using StoreResult = std::expected<T, StoreError>;

[[nodiscard]] inline std::unexpected<StoreError> store_fail(StoreErrc code,
                                                            Table table = Table::kMeta,
                                                            std::int32_t detail = 0) {
  return std::unexpected(StoreError{.code = code, .table = table, .detail = detail});
}
[[nodiscard]] inline std::unexpected<StoreError> store_fail(const StoreError& error) {
  return std::unexpected(error);
}

// The error for what LMDB or a system call answered: a positive errno or one of LMDB's codes.
[[nodiscard]] StoreError store_error_from(int code, Table table = Table::kMeta) noexcept;

// What happened, where, and how to mend it, for the log: "data directory <where>: ...". `where` is
// the directory or file that was worked on.
[[nodiscard]] std::string explain(const StoreError& error, std::string_view where);

}  // namespace sluice

// Leaves the function with the error of a failed StoreResult.
#define SL_STORE_TRY(expression)                                                     \
  do {                                                                               \
    if (auto tried_ = (expression); !tried_) return std::unexpected(tried_.error()); \
  } while (false)
