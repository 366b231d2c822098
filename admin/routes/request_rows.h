#pragma once

#include <optional>
#include <string>

#include "admin/routes/account_names.h"
#include "store/queries.h"

namespace sluice {

// A row's place among the requests, as a text: its id, and the cursor of a page.
[[nodiscard]] std::string cursor_text(const RequestKey& key);
[[nodiscard]] std::optional<RequestKey> parse_cursor(std::string_view text);

// One answer of GET /api/admin/requests.
[[nodiscard]] std::string requests_json(const RequestPage& page, const AccountNames& accounts);

}  // namespace sluice
