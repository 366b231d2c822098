#pragma once

#include <span>
#include <string_view>

namespace sluice {

// Asset - a file that is part of the program (admin/embed.py makes the table when it is built).
struct Asset {
  std::string_view name;
  std::string_view bytes;
};

[[nodiscard]] const Asset* find_asset(std::string_view name) noexcept;

}  // namespace sluice
