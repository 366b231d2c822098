#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/config/config.h"
#include "engine/route/directory.h"
#include "engine/route/string_hash.h"
#include "store/environment.h"

namespace sluice {

// AccountTags - what an account is called beside its name.
struct AccountTags {
  std::string id;
  std::string label;
};

// TaggedAccounts - the tags of all accounts of a directory: the store's, and derived ones. An
// account of the configuration goes before a stored one of its name.
//
// Affinity  any thread but a shard's; making one reads the store.
class TaggedAccounts {
 public:
  TaggedAccounts() = default;
  TaggedAccounts(const Directory& directory, const Config& config, StoreEnvironment* store);

  [[nodiscard]] const AccountTags* find(std::string_view name) const;
  [[nodiscard]] std::string id_of(std::string_view name) const;  // derived when it is unknown
  [[nodiscard]] std::string name_of(std::string_view id) const;  // "": nobody's

 private:
  std::unordered_map<std::string, AccountTags, StringHash, std::equal_to<>> by_name_;
};

}  // namespace sluice
