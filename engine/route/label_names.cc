#include "engine/route/label_names.h"

namespace sluice {

LabelNames::LabelNames(std::size_t names_max) : names_max_(names_max) {
  add("");
  add("other");
}

Label LabelNames::add(std::string_view name) {
  if (const auto found = labels_.find(name); found != labels_.end()) return found->second;
  if (names_.size() >= names_max_) return kOther;
  const auto label = static_cast<Label>(names_.size());
  names_.emplace_back(name);
  labels_.emplace(name, label);
  return label;
}

const std::string& LabelNames::text(Label label) const noexcept {
  return names_[knows(label) ? label : kNone];
}

}  // namespace sluice
