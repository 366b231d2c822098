#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/finding.h"

namespace sluice {

// Environment - the variables that a configuration may read.
class Environment {
 public:
  virtual ~Environment() = default;
  // The value of a variable; nothing when it is not set.
  [[nodiscard]] virtual std::optional<std::string_view> find(std::string_view name) const = 0;
  // All variables whose name begins with `prefix`, sorted.
  [[nodiscard]] virtual std::vector<std::string> names(std::string_view prefix) const = 0;
};

// ProcessEnvironment - the variables of this process. Keeps no copy: they may be secrets.
class ProcessEnvironment final : public Environment {
 public:
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const override;
  [[nodiscard]] std::vector<std::string> names(std::string_view prefix) const override;
};

// `text` with each ${NAME} replaced by that variable's value; "$${" stands for "${". The error is a
// message without the value of any variable.
[[nodiscard]] std::expected<std::string, std::string> expand_variables(std::string_view text,
                                                                       const Environment& env);

inline constexpr std::string_view kFilePrefix = "file:";

// The content of the file that `reference` ("file:/run/secrets/key") names, without the line break
// at its end. 64 KiB at most. `warning` is set when others than its owner and group may read it, or
// others than its owner may write it (looser than 0640).
[[nodiscard]] std::expected<std::string, std::string> read_reference(std::string_view reference,
                                                                     std::string& warning);

// A warning when the secret in `path` is open to more people than 0640 allows; "" otherwise.
[[nodiscard]] std::string loose_permissions(const std::string& path);

}  // namespace sluice
