#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/route/string_hash.h"

namespace sluice {

// A name's number, by which requests are counted.
using Label = std::uint16_t;

// LabelNames - the names that metrics may carry, numbered: those of all accounts and mapped models
// that a directory has had since the start. A number is for good: each directory begins with the
// names of the one before it, so that a counter goes on under its name whatever a reload brings,
// and those of a name that has gone stay as they are.
//
// Affinity  built with its directory, immutable from then on.
// Limits    kNamesMax names; what is beyond them is counted as kOther, until the next start.
class LabelNames {
 public:
  static constexpr Label kNone = 0;   // "": no account, no model
  static constexpr Label kOther = 1;  // "other": a name that no configuration tells
  static constexpr std::size_t kNamesMax = 0xffff;

  LabelNames() : LabelNames(kNamesMax) {}
  explicit LabelNames(std::size_t names_max);

  // The number of `name`, a new one where it has none yet.
  Label add(std::string_view name);

  [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }
  // "" for a number that is not known here: a directory may be older than what was counted.
  [[nodiscard]] const std::string& text(Label label) const noexcept;
  [[nodiscard]] bool knows(Label label) const noexcept { return label < names_.size(); }

 private:
  std::size_t names_max_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, Label, StringHash, std::equal_to<>> labels_;
};

}  // namespace sluice
