#pragma once

#include <string_view>

#include "engine/route/account.h"

namespace sluice {

// CredentialField - how a dialect carries the account's key: name, then prefix and key as the
// value.
struct CredentialField {
  std::string_view name;
  std::string_view prefix;
};

[[nodiscard]] constexpr CredentialField credential_field(Dialect dialect) noexcept {
  switch (dialect) {
    case Dialect::kOpenAi: return {"authorization", "Bearer "};
    case Dialect::kAnthropic: return {"x-api-key", ""};
  }
  return {};
}

// DefaultField - a field that a dialect's provider insists on; added when the client sent none.
struct DefaultField {
  std::string_view name;  // "": none
  std::string_view value;
};

[[nodiscard]] constexpr DefaultField version_field(Dialect dialect) noexcept {
  switch (dialect) {
    case Dialect::kOpenAi: return {};
    // The only version there is (docs.anthropic.com, "Versions").
    case Dialect::kAnthropic: return {"anthropic-version", "2023-06-01"};
  }
  return {};
}

}  // namespace sluice
