#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "admin/gateway.h"
#include "engine/route/string_hash.h"

namespace sluice {

// AccountNames - ids of the accounts that there are, and back. What was used is kept by name, so
// that it outlives its account.
class AccountNames {
 public:
  [[nodiscard]] static StoreResult<AccountNames> read(Gateway& gateway, StoreEnvironment& store);

  // Nothing: there is no such account any more.
  [[nodiscard]] std::optional<std::string> id_of(std::string_view name) const;
  // Of an account that was given by its id or its name. Of one that is gone its name does, and the
  // id that is derived from it.
  [[nodiscard]] StoreResult<std::string> name_of(std::string_view given) const;

 private:
  using Texts = std::unordered_map<std::string, std::string, StringHash, std::equal_to<>>;

  StoreEnvironment* store_ = nullptr;
  Texts ids_;    // by name
  Texts names_;  // by id
};

}  // namespace sluice
