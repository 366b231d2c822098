#pragma once

#include <span>
#include <string_view>

#include "tools/mock/behaviour.h"

namespace sluice {

// Directive - one thing that can be said about an answer.
struct Directive {
  std::string_view name;
  std::string_view takes;  // for people
  bool (*apply)(Behaviour& behaviour, std::string_view value);
};

[[nodiscard]] std::span<const Directive> directive_table();

}  // namespace sluice
