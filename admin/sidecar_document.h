#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "store/import/sidecar_v2.h"
#include "store/tables.h"

namespace sluice {

// SidecarDocument - the predecessor's database on its way from the command that reads it to the
// process that writes the store. The command reads: it runs as the user whose file that is, and
// what reads a stranger's database is no part of a gateway that serves.
struct SidecarDocument {
  static constexpr std::uint8_t kVersion = 1;
  static constexpr Table kTable = Table::kMeta;  // it lies in none

  std::string digest;  // SHA-256 of the file, in hexadecimal: the same database comes once
  std::vector<ImportedAccount> accounts;
  std::vector<std::uint64_t> key_bytes;  // of the key of each account
  std::vector<ImportedUsageHour> usage;
  std::vector<ImportedDay> days;
  std::vector<ImportedCooldown> cooldowns;
  std::vector<ImportedSetting> settings;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.digest, row.accounts, row.key_bytes, row.usage, row.days, row.cooldowns,
          row.settings);
  }
};

// The document without its keys, its length before it, and behind it the keys, which lie nowhere
// else.
[[nodiscard]] Secret encode_sidecar(SidecarV2 data, std::string digest);
// Nothing: it is none, or another version's.
[[nodiscard]] std::optional<SidecarDocument> decode_sidecar(const Secret& bytes);

}  // namespace sluice
