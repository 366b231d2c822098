#pragma once

#include <string>
#include <vector>

#include "admin/admin_message.h"
#include "admin/operations.h"
#include "store/store_error.h"

namespace sluice {

// What is answered when `answer` is none of what was asked for; `missing`: the detail of 404.
[[nodiscard]] AdminResponse refusal_of(const AdminAnswer& answer, std::string_view missing);
// 503: nothing is stored.
[[nodiscard]] AdminResponse refuse_without_store();
// 503: the store does not say.
[[nodiscard]] AdminResponse store_trouble(const StoreError& error);

}  // namespace sluice
