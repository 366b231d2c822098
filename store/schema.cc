#include "store/schema.h"

#include <errno.h>
#include <unistd.h>

#include <array>
#include <string>

#include "store/codec.h"
#include "store/writer.h"

namespace sluice {
namespace {

constexpr std::string_view kVersionKey = "schema";
constexpr unsigned kCopiesMax = 9;  // of one version, each from another attempt

struct SchemaRecord {
  static constexpr std::uint8_t kVersion = 1;
  static constexpr Table kTable = Table::kMeta;

  std::uint32_t version = 0;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.version);
  }
};

StoreResult<void> write_version(WriteTransaction& transaction, std::uint32_t version) {
  std::string bytes;
  encode_row(SchemaRecord{version}, bytes);
  return transaction.put(Table::kMeta, kVersionKey, bytes);
}

// A copy that is there already was made by an attempt that did not end; it stays.
StoreResult<void> copy_before(StoreEnvironment& environment, std::uint32_t version) {
  const std::string name = environment.directory() + "/backup-before-v" + std::to_string(version);
  for (unsigned copy = 0; copy <= kCopiesMax; ++copy) {
    const std::string path = copy == 0 ? name : name + "." + std::to_string(copy);
    if (::access(path.c_str(), F_OK) == 0) continue;
    SL_STORE_TRY(environment.copy_to(path, false));
    return sync_directory(environment.directory());
  }
  return store_fail(store_error_from(EEXIST));
}

StoreResult<void> migrate(StoreEnvironment& environment, std::uint32_t version,
                          const SchemaPlan& plan) {
  SL_STORE_TRY(copy_before(environment, plan.version));
  Writer writer(environment);
  for (const Migration& migration : plan.migrations) {
    if (migration.from < version) continue;
    SL_ASSERT(migration.from == version);
    SL_STORE_TRY(writer.transact([&](WriteTransaction& transaction) -> StoreResult<void> {
      SL_STORE_TRY(migration.run(transaction));
      return write_version(transaction, version + 1);
    }));
    ++version;
  }
  SL_ASSERT(version == plan.version);
  return environment.sync();
}

StoreResult<void> bring_up_to_date(StoreEnvironment& environment,
                                   std::optional<std::uint32_t> version, const SchemaPlan& plan) {
  if (!version) {
    Writer writer(environment);
    return writer.transact(
        [&](WriteTransaction& transaction) { return write_version(transaction, plan.version); });
  }
  return *version < plan.version ? migrate(environment, *version, plan) : StoreResult<void>();
}

constexpr std::array<Table, 1> kMetaAlone = {Table::kMeta};

constexpr std::array<Table, kTableCount> all_tables() {
  std::array<Table, kTableCount> tables{};
  for (std::size_t i = 0; i < kTableCount; ++i) tables[i] = static_cast<Table>(i);
  return tables;
}

}  // namespace

SchemaPlan current_schema() noexcept { return {.version = kSchemaVersion, .migrations = {}}; }

StoreResult<std::optional<std::uint32_t>> schema_version(const Transaction& transaction) {
  const auto bytes = transaction.get(Table::kMeta, kVersionKey);
  if (!bytes) return store_fail(bytes.error());
  if (!*bytes) return std::nullopt;
  const auto record = decode_row<SchemaRecord>(**bytes);
  if (!record) return store_fail(record.error());
  return record->version;
}

StoreResult<std::unique_ptr<StoreEnvironment>> open_store(const StoreOptions& options,
                                                          const SchemaPlan& plan) {
  auto environment = StoreEnvironment::open(options);
  if (!environment) return environment;
  // The version first: the tables of a later one are none of ours to make.
  const auto has_meta = (*environment)->open_tables(kMetaAlone);
  if (!has_meta) return store_fail(has_meta.error());
  if (!*has_meta) return store_fail(StoreErrc::kCorrupt);
  StoreResult<std::optional<std::uint32_t>> version;
  {
    const auto transaction = (*environment)->read();
    if (!transaction) return store_fail(transaction.error());
    version = schema_version(*transaction);
  }
  if (!version) return store_fail(version.error());
  const auto told = static_cast<std::int32_t>(version->value_or(0));
  if (*version > plan.version) return store_fail(StoreErrc::kNewerSchema, Table::kMeta, told);
  if (options.mode != OpenMode::kWrite && *version != plan.version) {
    return store_fail(*version ? StoreErrc::kOlderSchema : StoreErrc::kCorrupt, Table::kMeta, told);
  }
  const auto has_all = (*environment)->open_tables(all_tables());
  if (!has_all) return store_fail(has_all.error());
  if (!*has_all) return store_fail(StoreErrc::kCorrupt);
  if (options.mode == OpenMode::kWrite) {
    SL_STORE_TRY(bring_up_to_date(**environment, *version, plan));
  }
  return environment;
}

}  // namespace sluice
