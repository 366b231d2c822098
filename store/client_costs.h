#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "store/environment.h"

namespace sluice {

// What the answers to each client key have cost, in nano-dollars, by its name. Who has none is not
// in it.
using ClientCosts = std::map<std::string, std::uint64_t, std::less<>>;

// Of everything there ever was.
[[nodiscard]] StoreResult<ClientCosts> client_costs(StoreEnvironment& environment);

// In the hours [from_hour, to_hour) since 1970. A pass over the rows of all hours from the first
// on.
[[nodiscard]] StoreResult<ClientCosts> client_costs(StoreEnvironment& environment,
                                                    std::uint32_t from_hour, std::uint32_t to_hour);

}  // namespace sluice
