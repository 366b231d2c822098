#include "tools/mock/behaviour.h"

#include <algorithm>

#include "base/units.h"
#include "tools/mock/directive_table.h"
#include "tools/mock/text.h"

namespace sluice {

std::optional<Point> parse_point(std::string_view text) {
  using Kind = Point::Kind;
  if (text == "start") return Point{Kind::kStart, 0};
  if (text == "head") return Point{Kind::kHead, 0};
  if (text == "end") return Point{Kind::kEnd, 0};
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const std::string_view kind = text.substr(0, colon);
  const std::optional<std::uint64_t> count = parse_bytes(text.substr(colon + 1));
  if (!count) return std::nullopt;
  if (*count == 0 && (kind == "event" || kind == "byte")) return Point{Kind::kHead, 0};
  if (kind == "event") return Point{Kind::kEvent, *count};
  if (kind == "byte") return Point{Kind::kByte, *count};
  return std::nullopt;
}

std::optional<std::string> apply_directive(Behaviour& behaviour, std::string_view name,
                                           std::string_view value) {
  std::string spelled(name);
  std::replace(spelled.begin(), spelled.end(), '_', '-');
  for (const Directive& directive : directive_table()) {
    if (directive.name != spelled) continue;
    if (directive.apply(behaviour, value)) return std::nullopt;
    return "directive \"" + spelled + "\" does not take \"" + std::string(value) + "\", it takes " +
           std::string(directive.takes);
  }
  return "there is no directive \"" + spelled + "\"";
}

std::optional<std::string> apply_directives(Behaviour& behaviour, std::string_view list) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(';'), list.size());
    const std::string_view item = trimmed(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (item.empty()) continue;
    const std::size_t equals = item.find('=');
    const std::string_view name = trimmed(item.substr(0, equals));
    const std::string value =
        equals == item.npos ? "true" : percent_decoded(trimmed(item.substr(equals + 1)));
    if (std::optional<std::string> fault = apply_directive(behaviour, name, value)) return fault;
  }
  return std::nullopt;
}

}  // namespace sluice
