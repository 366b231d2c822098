#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/account_fields.h"
#include "engine/config/build_directory.h"
#include "engine/config/config.h"
#include "engine/config/expand.h"

namespace sluice {

// The predecessor's provider file (docs/COMPAT.md), which accounts are imported from and exported
// to. It stands here and not with the other importer in store/import, because it is read by the
// rules of the configuration.
//
// Besides its eight members an entry may have `label`, the other keys that an account has in the
// configuration, and `model_costs`: a list of models with prices that are not the account's.

struct ProviderEntry {
  AccountConfig account;
  AccountNotes notes = {};
  std::string key_variable = {};    // api_key was ${NAME}: the name; exported as that again
  AccountOverrides overrides = {};  // of `account`'s values those that the entry itself gives
};

class KeyVisitor;
// The members that the predecessor's file has not, without `model_costs`.
void describe_other_members(KeyVisitor& visitor, ProviderEntry& entry);

struct ProviderFault {
  std::optional<std::size_t> entry;  // from 0; none: the file as a whole
  std::string account;               // its name, as far as one was read
  std::string field;                 // "rpm_limit"; "": the entry as a whole
  int line = 0;                      // from 1
  std::string message;               // never with a key in it

  // `providers.yaml:3: providers[0].rpm_limit: "abc" is not a whole number; expected ...`.
  [[nodiscard]] std::string text(std::string_view file) const;
};

using ProviderFaults = std::vector<ProviderFault>;

// Reads a provider file, or the same as JSON. All or nothing; every fault of every entry is told,
// in the order of the file.
//
// An api_key may be ${NAME}, alone, and is then the variable's value; nothing else in the file
// refers to anything, because who may import accounts may say where keys are sent to. For the same
// reason the gateway's own secrets cannot be named, and without `env` no variable can.
[[nodiscard]] std::expected<std::vector<ProviderEntry>, ProviderFaults> read_provider_file(
    std::string_view text, const Environment& env);
[[nodiscard]] std::expected<std::vector<ProviderEntry>, ProviderFaults> read_provider_file(
    std::string_view text);
// The same without variables; `entries` are all that there are, those with faults as far as they
// could be read, for who has more to say of them.
[[nodiscard]] ProviderFaults read_provider_file(std::string_view text,
                                                std::vector<ProviderEntry>& entries);

enum class KeyDisplay : bool { kMasked, kClear };

// Writes a provider file in pieces to `sink`; of what the predecessor's file has not, only what is
// not as in a new account. A masked key (engine/config/redact.h) is refused when it is read again.
// In clear the pieces of a key come straight from its Secret: no copy is left here, and what
// becomes of them is the sink's concern.
void write_provider_file(std::span<const ProviderEntry> entries, KeyDisplay keys,
                         const std::function<void(std::string_view)>& sink);

}  // namespace sluice
