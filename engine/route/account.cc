#include "engine/route/account.h"

#include <algorithm>

namespace sluice {

const ModelMapping* Account::mapping_of(std::string_view model) const noexcept {
  const auto mapping = std::ranges::lower_bound(models, model, {}, &ModelMapping::canonical);
  return mapping != models.end() && mapping->canonical == model ? &*mapping : nullptr;
}

const Price& Account::price_of(std::string_view model) const noexcept {
  const ModelMapping* const mapping = mapping_of(model);
  return mapping != nullptr && mapping->cost.known() ? mapping->cost : cost;
}

std::optional<std::string_view> Account::native_model(std::string_view model) const noexcept {
  if (const ModelMapping* const mapping = mapping_of(model)) return mapping->native;
  if (!model_prefix.empty()) {
    if (!model.starts_with(model_prefix) || model.size() == model_prefix.size()) return {};
    return model.substr(model_prefix.size());
  }
  if (!models.empty()) return {};
  return model;
}

}  // namespace sluice
