#include "store/store_error.h"

#include <errno.h>
#include <lmdb.h>
#include <string.h>

namespace sluice {
namespace {

StoreErrc code_of_errno(int os_errno) noexcept {
  switch (os_errno) {
    case ENOENT:
    case ENOTDIR: return StoreErrc::kNoDirectory;
    case EACCES:
    case EPERM:
    case EROFS: return StoreErrc::kNotPermitted;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return StoreErrc::kDiskFull;
    case EIO: return StoreErrc::kIo;
    case ENOMEM: return StoreErrc::kAddressSpace;
    default: return StoreErrc::kOs;
  }
}

StoreErrc code_of_lmdb(int code) noexcept {
  switch (code) {
    case MDB_NOTFOUND: return StoreErrc::kNotFound;
    case MDB_KEYEXIST: return StoreErrc::kExists;
    case MDB_MAP_FULL: return StoreErrc::kMapFull;
    case MDB_READERS_FULL: return StoreErrc::kTooManyReaders;
    case MDB_PANIC: return StoreErrc::kBroken;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_CURSOR_FULL:   // a tree deeper than any that LMDB makes
    case MDB_INCOMPATIBLE:  // a table that is no table
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH: return StoreErrc::kCorrupt;
    case MDB_BAD_VALSIZE: return StoreErrc::kInvalid;
    default: return StoreErrc::kOs;
  }
}

// What happened; how to mend it.
struct Words {
  std::string_view what;
  std::string_view mend;
};

Words words_of(StoreErrc code) noexcept {
  switch (code) {
    case StoreErrc::kNoDirectory:
      return {"the data directory cannot be made or opened", "create it, or configure another"};
    case StoreErrc::kNotPermitted:
      return {"no right to write the database",
              "give the directory and its files to the user that sluice runs as, on a file system "
              "that is mounted for writing"};
    case StoreErrc::kNetworkFileSystem:
      return {"the data directory lies on a network file system, where a mapped database breaks",
              "configure a data directory on a local disk"};
    case StoreErrc::kInUse:
      return {"another process uses this database", "stop it, or configure another data directory"};
    case StoreErrc::kDiskFull:
      return {"the disk is full, or a quota or the limit of a file's size is reached",
              "make room; nothing that was committed is lost and writing goes on by itself"};
    case StoreErrc::kIo:
      return {"the disk reports an error", "look at the kernel's log; restore the newest backup"};
    case StoreErrc::kAddressSpace:
      return {"the database cannot be mapped", "raise the process' limit of address space"};
    case StoreErrc::kMapFull:
      return {"the database has reached its configured maximum",
              "raise the maximum, or keep single requests for a shorter time"};
    case StoreErrc::kReadersBusy:
      return {"the database must grow, but somebody is still reading", "it is tried again"};
    case StoreErrc::kTooManyReaders:
      return {"too many read transactions at once", "it is tried again"};
    case StoreErrc::kCorrupt:
      return {"the database file is damaged", "restore the newest backup that passes its check"};
    case StoreErrc::kEmpty:
      return {"the file is empty", "restore the newest backup that passes its check"};
    case StoreErrc::kNoFile: return {"this is no file, and so no database", "name the file itself"};
    case StoreErrc::kBroken:
      return {"the database was closed after a failed write", "mend the disk, then restart"};
    case StoreErrc::kNewerSchema:
      return {"the database was written by a later release of sluice",
              "run that release, or restore the copy that it made before it changed the database"};
    case StoreErrc::kOlderSchema:
      return {"the database was written by an earlier release of sluice and is opened read-only",
              "let `sluice serve` open it once: that brings it up to date"};
    case StoreErrc::kUnknownVersion:
      return {"a row has a version that this release does not know",
              "run the release that wrote it"};
    case StoreErrc::kMalformed:
      return {"a row does not decode", "restore the newest backup that passes its check"};
    case StoreErrc::kInvalid: return {"a value breaks a rule of its table", "correct the value"};
    case StoreErrc::kExists: return {"the name is taken", "choose another"};
    case StoreErrc::kNotFound: return {"there is no such row", "look it up again"};
    case StoreErrc::kOs: return {"a system call failed", "look at the kernel's log"};
  }
  return {"unknown error", "look at the log"};
}

bool tells_table(StoreErrc code) noexcept {
  return code >= StoreErrc::kUnknownVersion && code <= StoreErrc::kNotFound;
}

bool tells_version(StoreErrc code) noexcept {
  return code == StoreErrc::kNewerSchema || code == StoreErrc::kOlderSchema ||
         code == StoreErrc::kUnknownVersion;
}

}  // namespace

StoreError store_error_from(int code, Table table) noexcept {
  return {
      .code = code > 0 ? code_of_errno(code) : code_of_lmdb(code), .table = table, .detail = code};
}

std::string explain(const StoreError& error, std::string_view where) {
  const Words words = words_of(error.code);
  std::string text(where);
  text.append(": ").append(words.what);
  if (tells_table(error.code)) text.append(" (table ").append(table_name(error.table)).append(")");
  if (tells_version(error.code)) {
    text.append(" (version ").append(std::to_string(error.detail)).append(")");
  } else if (error.detail > 0) {
    text.append(" (").append(::strerrordesc_np(error.detail)).append(")");
  } else if (error.detail < 0) {
    text.append(" (").append(mdb_strerror(error.detail)).append(")");
  }
  return text.append("; to mend it: ").append(words.mend);
}

}  // namespace sluice
