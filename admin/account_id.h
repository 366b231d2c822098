#pragma once

#include <string>
#include <string_view>

namespace sluice {

// The id of an account of the configuration or the environment: derived from its name, so that it
// stays the same. "bkd_" and 12 hexadecimal digits, as those that the store gives at random.
[[nodiscard]] std::string account_id_of(std::string_view name);

}  // namespace sluice
