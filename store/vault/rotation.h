#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/vault/key_check.h"
#include "store/vault/vault.h"

namespace sluice {

// SealedField - one field of the store as it lies there.
struct SealedField {
  std::string key;  // its place in the order of SealedFields; never empty
  std::string table, record, field;
  std::uint64_t revision = 0;
  std::string sealed;

  [[nodiscard]] FieldRef ref() const {
    return {.table = table, .record = record, .field = field, .revision = revision};
  }
};

// RotationState - a change of keys that has begun and has not ended.
struct RotationState {
  KeyId from, to;
  std::string cursor;  // key of the last field that is done; "" before the first

  friend bool operator==(const RotationState&, const RotationState&) = default;
};

// As the store keeps it.
[[nodiscard]] std::string encode_rotation_state(const RotationState& state);
[[nodiscard]] std::optional<RotationState> parse_rotation_state(std::string_view bytes);

// SealedFields - what a rotation needs of a store.
//
// Contract  what was changed since the last commit() takes effect together or not at all, also
//           when the process is killed; reads see it at once. Nobody else writes sealed fields
//           meanwhile: the gateway is down, or its writer is the one who rotates.
class SealedFields {
 public:
  virtual ~SealedFields() = default;
  // At most `max` fields behind the key `after` (from the first for ""), in the order of their
  // keys. Empty behind the last.
  [[nodiscard]] virtual Result<std::vector<SealedField>> page(std::string_view after,
                                                              std::size_t max) = 0;
  // The field at field.key becomes `sealed`; its revision stays.
  [[nodiscard]] virtual Result<void> replace(const SealedField& field, std::string_view sealed) = 0;
  [[nodiscard]] virtual Result<std::optional<RotationState>> rotation() = 0;
  [[nodiscard]] virtual Result<void> set_rotation(const std::optional<RotationState>& state) = 0;
  [[nodiscard]] virtual Result<std::string> key_check() = 0;
  [[nodiscard]] virtual Result<void> set_key_check(std::string_view value) = 0;
  [[nodiscard]] virtual Result<void> commit() = 0;
};

struct RotationFailure {
  enum class Kind : std::uint8_t {
    kSameKey,        // old and new are one key
    kOldKey,         // the database does not belong to the old key
    kOtherRotation,  // one with other keys has begun and not ended
    kField,          // a field opens under neither key
    kStore,          // the store failed: see error
  };
  Kind kind = Kind::kStore;
  std::string message;  // a sentence for people
  Error error;          // kStore
};

struct RotationReport {
  std::uint64_t resealed = 0;     // by this call
  std::uint64_t passed_over = 0;  // under the new key already
  bool resumed = false;           // an earlier call had been interrupted
  bool was_done = false;          // the database belonged to the new key already
};

// How many fields are sealed anew in one commit; so many a kill undoes.
inline constexpr std::size_t kRotationPageFields = 64;

// Seals all fields anew under `to`, page by page. May be killed at any point and called again with
// the same keys: it goes on behind the last committed page. Before the first page every field is
// opened: one that is damaged is found while nothing is changed. In the end it opens every field
// under the new key, and only then, in one commit, the database's key check is the new key's and
// the state is gone. Until then the old key is needed, and a failure leaves everything readable
// with the two keys.
[[nodiscard]] std::expected<RotationReport, RotationFailure> rotate(const MasterKey& from,
                                                                    const MasterKey& to,
                                                                    std::int64_t now_unix_ms,
                                                                    SealedFields& fields);

// What to print before the exit with 78 when a gateway finds `state` at its start: some fields are
// under one key and some under the other, so neither serves.
[[nodiscard]] std::string unfinished_rotation_text(const RotationState& state,
                                                   std::string_view database);

}  // namespace sluice
