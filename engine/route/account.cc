#include "engine/route/account.h"

#include <algorithm>

namespace sluice {

std::optional<std::string_view> Account::native_model(std::string_view model) const noexcept {
  const auto mapping = std::ranges::lower_bound(models, model, {}, &ModelMapping::canonical);
  if (mapping != models.end() && mapping->canonical == model) return mapping->native;
  if (!model_prefix.empty()) {
    if (!model.starts_with(model_prefix) || model.size() == model_prefix.size()) return {};
    return model.substr(model_prefix.size());
  }
  if (!models.empty()) return {};
  return model;
}

}  // namespace sluice
