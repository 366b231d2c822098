#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "store/vault/master_key.h"

namespace sluice {

enum class KeyCheckFault : std::uint8_t {
  kOtherKey,  // the database belongs to another master key
  kDamaged,   // the check value is cut, damaged or of an unknown version
};

struct KeyCheckFailure {
  KeyCheckFault fault = KeyCheckFault::kDamaged;
  KeyId stored;  // kOtherKey: the key that the database belongs to
  KeyId given;
  std::int64_t created_at_unix_ms = 0;  // kOtherKey: when that one was set; not authenticated

  // What to print before the exit with 78 (EX_CONFIG): what is wrong, where, how to mend it, and
  // that nothing was touched. Several lines, each with its end. `origin` says where the key came
  // from ("SIDECAR_ENCRYPTION_KEY"), `database` where the data lie.
  [[nodiscard]] std::string text(std::string_view origin, std::string_view database) const;
};

// KeyCheck - the value in a database that tells whether a master key is the one that its fields
// are sealed under, also when there is no field yet: a known text, sealed under a key of its own
// purpose with the time of its making.
//
// Without it a changed key would look like a damaged database, or, as in the predecessor, like
// accounts without keys (COMPAT, fault 19).
class KeyCheck {
 public:
  // A value to be stored when a database is made, and at the end of a rotation.
  [[nodiscard]] static std::string make(const MasterKey& key, std::int64_t created_at_unix_ms);
  // When `value` was made, in milliseconds since 1970, if `key` is the one it was made with.
  [[nodiscard]] static std::expected<std::int64_t, KeyCheckFailure> check(const MasterKey& key,
                                                                          std::string_view value);
  // The key that `value` was made with, for messages: nothing proves it. Nothing when `value` is
  // damaged.
  [[nodiscard]] static std::optional<KeyId> key_of(std::string_view value) noexcept;
};

}  // namespace sluice
