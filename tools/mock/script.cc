#include "tools/mock/script.h"

#include <charconv>

#include "base/units.h"
#include "tools/mock/request.h"
#include "tools/mock/text.h"

namespace sluice {
namespace {

bool matches(const std::optional<std::string>& pattern, std::string_view text) {
  return !pattern || wildcard_match(*pattern, text);
}

}  // namespace

bool RuleMatch::holds(const MockRequest& request) const {
  if (!matches(path, request.path) || !matches(method, request.method)) return false;
  if (!matches(key, request.key) || !matches(model, request.model_name())) return false;
  if (stream && *stream != request.facts.stream) return false;
  for (const MockField& wanted : fields) {
    const std::string* const value = request.field(wanted.name);
    if (value == nullptr || !wildcard_match(wanted.value, *value)) return false;
  }
  return !body_contains || request.body.find(*body_contains) != std::string::npos;
}

std::expected<KeyLimit, std::string> parse_key_limit(std::string_view text) {
  const std::string fault =
      "a key limit looks like sk-test-a=40/60s or sk-test-a=40/60s/fixed, not " + std::string(text);
  const std::size_t equals = text.rfind('=');
  if (equals == text.npos || equals == 0) return std::unexpected(fault);
  KeyLimit limit{.key = std::string(text.substr(0, equals))};
  std::string_view rest = text.substr(equals + 1);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::optional<std::uint64_t> requests = parse_decimal(rest.substr(0, slash));
  if (!requests) return std::unexpected(fault);
  limit.requests = *requests;
  rest.remove_prefix(std::min(slash + 1, rest.size()));
  const std::size_t second = std::min(rest.find('/'), rest.size());
  const std::string_view mode = rest.substr(second);
  const std::optional<Duration> window =
      rest.empty() ? Duration(60s) : parse_duration(rest.substr(0, second));
  if (!window || *window <= Duration::zero()) return std::unexpected(fault);
  limit.window = *window;
  if (mode == "/fixed") limit.mode = WindowMode::kFixed;
  else if (!mode.empty() && mode != "/rolling") return std::unexpected(fault);
  return limit;
}

std::expected<ErrorRate, std::string> parse_error_rate(std::string_view text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  const std::optional<std::uint64_t> status = parse_decimal(text.substr(0, equals));
  const std::string_view share = text.substr(std::min(equals + 1, text.size()));
  double probability = -1;
  const auto [end, fault] = std::from_chars(share.data(), share.data() + share.size(), probability);
  const bool read = fault == std::errc() && end == share.data() + share.size();
  if (!status || *status < 200 || *status > 999 || !read || probability < 0 || probability > 1) {
    return std::unexpected("an error rate looks like 500=0.1, not " + std::string(text));
  }
  return ErrorRate{static_cast<int>(*status), probability};
}

}  // namespace sluice
