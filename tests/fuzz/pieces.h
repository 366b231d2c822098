#pragma once

#include <algorithm>
#include <functional>
#include <string_view>

#include "base/prng.h"

namespace sluice {

// Calls `take` with the whole input in pieces of 1 to 64 bytes; the same cuts for the same input.
template <class Take>
void for_each_piece(std::string_view input, Take take) {
  Prng random(std::hash<std::string_view>{}(input));
  while (!input.empty()) {
    const std::size_t bytes =
        std::min<std::size_t>(input.size(), random.below(random.below(64) + 1) + 1);
    take(input.substr(0, bytes));
    input.remove_prefix(bytes);
  }
}

}  // namespace sluice
