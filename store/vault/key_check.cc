#include "store/vault/key_check.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "store/vault/vault.h"

namespace sluice {
namespace {

// The value: 8 bytes of created_at, big-endian, and the sealed text, whose revision it is: a
// changed time is seen.
constexpr std::size_t kTimeBytes = 8;
constexpr std::string_view kKnownText = "this is the key";

FieldRef ref_of(std::int64_t created_at) {
  return {.table = "vault",
          .record = "",
          .field = "key check",
          .revision = static_cast<std::uint64_t>(created_at)};
}

std::string date_text(std::int64_t unix_ms) {
  using namespace std::chrono;
  const year_month_day day(floor<days>(sys_time<milliseconds>(milliseconds(unix_ms))));
  char text[32];
  const int size =
      std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(day.year()),
                    static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  return std::string(text, static_cast<std::size_t>(size));
}

}  // namespace

std::string KeyCheck::make(const MasterKey& key, std::int64_t created_at_unix_ms) {
  std::string value;
  const auto time = static_cast<std::uint64_t>(created_at_unix_ms);
  for (int shift = 56; shift >= 0; shift -= 8) value += static_cast<char>(time >> shift & 0xff);
  return value + Vault(key, KeyPurpose::kKeyCheck).seal(ref_of(created_at_unix_ms), kKnownText);
}

std::expected<std::int64_t, KeyCheckFailure> KeyCheck::check(const MasterKey& key,
                                                             std::string_view value) {
  KeyCheckFailure failure{.stored = {}, .given = key.id()};
  if (value.size() <= kTimeBytes) return std::unexpected(failure);
  std::uint64_t time = 0;
  for (const char byte : value.substr(0, kTimeBytes))
    time = time << 8 | static_cast<std::uint8_t>(byte);
  const auto created_at = static_cast<std::int64_t>(time);
  const auto opened =
      Vault(key, KeyPurpose::kKeyCheck).open(ref_of(created_at), value.substr(kTimeBytes));
  if (opened && opened->reveal() == kKnownText) return created_at;
  if (!opened && opened.error().fault == VaultFault::kOtherKey) {
    failure.fault = KeyCheckFault::kOtherKey;
    failure.stored = opened.error().sealed_under;
    failure.created_at_unix_ms = created_at;
  }
  return std::unexpected(failure);
}

std::optional<KeyId> KeyCheck::key_of(std::string_view value) noexcept {
  if (value.size() <= kTimeBytes) return std::nullopt;
  return Vault::sealed_under(value.substr(kTimeBytes));
}

std::string KeyCheckFailure::text(std::string_view origin, std::string_view database) const {
  std::string out(origin);
  switch (fault) {
    case KeyCheckFault::kOtherKey: {
      out.append(": this is not the key of ").append(database).append("\n");
      // A damaged time may be any number; only what a calendar has is shown.
      constexpr std::int64_t kYear10000 = 253'402'300'800'000;
      const bool has_date = created_at_unix_ms > 0 && created_at_unix_ms < kYear10000;
      out += "  The database belongs to the master key " + stored.text();
      if (has_date) out += ", set on " + date_text(created_at_unix_ms);
      out += "; the key given is " + given.text() + ".\n";
      out.append("  To mend it: start with the former key in ").append(origin);
      out += "; to change keys, start with the former one and rotate (docs/KEYS.md).\n";
      out +=
          "  If the former key is lost, the provider keys are lost with it: accounts, usage and "
          "settings\n  remain, and every API key must be entered anew under a new master key.\n";
      break;
    }
    case KeyCheckFault::kDamaged:
      out.append(": cannot be checked: the key check value in ").append(database);
      out += " is damaged, or was written by a newer sluice.\n";
      out += "  To mend it: restore a backup, or start the newer sluice (docs/KEYS.md).\n";
      break;
  }
  return out + "  Nothing was changed in the database.\n";
}

}  // namespace sluice
