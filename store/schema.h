#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "store/environment.h"

namespace sluice {

// Migration - one step forward, from version `from` to the next, in one transaction.
struct Migration {
  std::uint32_t from;
  StoreResult<void> (*run)(WriteTransaction& transaction);
};

// SchemaPlan - the version that this release writes, and how to get there from every earlier one.
// There is no way back: each migration leaves a copy of what was there before it.
struct SchemaPlan {
  std::uint32_t version;
  std::span<const Migration> migrations;  // in the order of `from`, without gaps up to version - 1
};

inline constexpr std::uint32_t kSchemaVersion = 1;
[[nodiscard]] SchemaPlan current_schema() noexcept;

// Opens a store with all of its tables. kWrite makes what is missing, and brings an earlier version
// up to date after it has copied it to `<directory>/backup-before-v<version>`. kNewerSchema: not
// touched. kOlderSchema: read-only, so it cannot be brought up to date. kCorrupt: no database of
// sluice.
[[nodiscard]] StoreResult<std::unique_ptr<StoreEnvironment>> open_store(
    const StoreOptions& options, const SchemaPlan& plan = current_schema());

// The version in the store; nothing in a new one.
[[nodiscard]] StoreResult<std::optional<std::uint32_t>> schema_version(
    const Transaction& transaction);

}  // namespace sluice
