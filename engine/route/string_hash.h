#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace sluice {

// StringHash - lets a map of strings be asked with a string_view, without a copy.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

}  // namespace sluice
