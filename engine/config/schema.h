#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/config.h"
#include "engine/config/scalar.h"

namespace sluice {

// The key tree of the configuration is described once (schema.cc) and visited by those that read
// it from a file, from the environment and flags, and by the one that shows it.

enum class Need : bool { kOptional, kRequired };

// TextList - a list of texts, such as `listen`.
class TextList {
 public:
  virtual ~TextList() = default;
  virtual void clear() = 0;
  // As Scalar::set, for one more item.
  [[nodiscard]] virtual std::string_view add(std::string_view text) = 0;
  [[nodiscard]] virtual std::vector<std::string> texts() const = 0;
  [[nodiscard]] virtual std::string expected() const = 0;
};

class KeyVisitor;
using Describe = std::function<void(KeyVisitor&)>;

// SectionList - a list of sections, such as `accounts`.
class SectionList {
 public:
  virtual ~SectionList() = default;
  [[nodiscard]] virtual std::size_t size() const = 0;
  [[nodiscard]] virtual std::size_t size_max() const = 0;
  virtual void add() = 0;
  virtual void visit(std::size_t index, KeyVisitor& visitor) = 0;
};

class KeyVisitor {
 public:
  virtual ~KeyVisitor() = default;
  virtual void scalar(std::string_view key, Scalar&& scalar, Need need = Need::kOptional) = 0;
  virtual void texts(std::string_view key, TextList&& list) = 0;
  virtual void section(std::string_view key, const Describe& keys) = 0;
  virtual void sections(std::string_view key, SectionList&& list) = 0;
  // Either a list of names or a mapping from our names to those of the provider.
  virtual void models(std::string_view key, std::vector<ModelMapping>& models) = 0;
};

// Values that stand in other files as well.
[[nodiscard]] ChoiceScalar<Pool> pool_scalar(Pool& pool);
[[nodiscard]] IntegerScalar rpm_limit_scalar(std::uint32_t& rpm_limit);

// Cached tokens without a price of their own cost what input tokens do. `given`: whether somebody
// has said one, "cached_read" or "cached_write".
void inherit_input_price(Price& price, const std::function<bool(std::string_view key)>& given);

void describe(KeyVisitor& visitor, Config& config);
void describe(KeyVisitor& visitor, AccountConfig& account);

// `base.key`, or `key` at the top level.
[[nodiscard]] std::string join_path(std::string_view base, std::string_view key);

}  // namespace sluice
