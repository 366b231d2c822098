#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/mock/behaviour.h"

namespace sluice {

struct MockRequest;

enum class WindowMode : std::uint8_t { kRolling, kFixed };
enum class RetryAfterSpelling : std::uint8_t { kSeconds, kMilliseconds, kDate, kBoth, kNone };

// KeyLimit - how many requests of a key a window holds.
struct KeyLimit {
  std::string key;  // "*": every key, each for itself
  std::uint64_t requests = 0;
  Duration window = 60s;
  WindowMode mode = WindowMode::kRolling;
  RetryAfterSpelling retry_after = RetryAfterSpelling::kSeconds;
  bool count_refused = false;
};

// "sk-test-a=40/60s" or "sk-test-a=40/60s/fixed", as on the command line.
[[nodiscard]] std::expected<KeyLimit, std::string> parse_key_limit(std::string_view text);

// ErrorRate - a share of all requests that is answered with a status.
struct ErrorRate {
  int status = 500;
  double probability = 0;
};
// "500=0.1"
[[nodiscard]] std::expected<ErrorRate, std::string> parse_error_rate(std::string_view text);

// RuleMatch - the conditions of a rule, all of which must hold.
struct RuleMatch {
  std::optional<std::string> path, method, key, model;  // '*' for any text
  std::optional<bool> stream;
  std::vector<MockField> fields;
  std::optional<std::string> body_contains;
  // Which of the requests that fulfil the conditions above, counted from 1.
  std::uint64_t nth_first = 1, nth_last = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t every = 1;
  double probability = 1;

  // The conditions but those on count and chance.
  [[nodiscard]] bool holds(const MockRequest& request) const;
};

using DirectiveList = std::vector<std::pair<std::string, std::string>>;

struct Rule {
  RuleMatch match;
  DirectiveList directives;  // all of them known good
  bool early = false;        // among the directives: answered before the body is read
  std::uint64_t times = std::numeric_limits<std::uint64_t>::max();
};

// MockScript - what the provider does, as data.
struct MockScript {
  std::uint64_t seed = 1;
  std::vector<std::string> models = {"mock-large", "mock-small", "mock-embedding"};
  bool strict_models = false;
  std::vector<std::string> keys;  // empty: any
  Duration keep_alive = 75s;
  Behaviour defaults;
  std::vector<ErrorRate> error_rates;
  std::vector<KeyLimit> limits;
  std::vector<Rule> rules;
};

// Reads YAML (or JSON, which is YAML) over `base`: what the text does not say stays as it is there.
// The error names line and column.
[[nodiscard]] std::expected<MockScript, std::string> parse_script(std::string_view text,
                                                                  const MockScript& base = {});

}  // namespace sluice
