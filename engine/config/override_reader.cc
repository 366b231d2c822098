#include <fmt/format.h>
#include <strings.h>

#include "engine/config/reader.h"

namespace sluice {

void OverrideReader::scalar(std::string_view key, Scalar&& scalar, Need) {
  const std::string path = join_path(path_, key);
  auto given = lookup_(path);
  if (!given) return;
  if (scalar.is_text() && given->text.starts_with(kFilePrefix)) {
    std::string warning;
    auto content = read_reference(given->text, warning);
    if (!content) return findings_->refuse(given->place, content.error(), path);
    if (!warning.empty()) findings_->warn(given->place, warning);
    given->text = std::move(*content);
  }
  const std::string_view problem = scalar.set(given->text);
  if (problem.empty()) (*origins_)[path] = given->place;
  else findings_->refuse(given->place, refusal(scalar, given->text, problem), path);
  if (scalar.is_secret()) explicit_bzero(given->text.data(), given->text.size());
}

void OverrideReader::texts(std::string_view key, TextList&& list) {
  const std::string path = join_path(path_, key);
  const auto given = lookup_(path);
  if (!given) return;
  list.clear();
  std::erase_if(*origins_, [&](const auto& entry) { return entry.first.starts_with(path + "["); });
  (*origins_)[path] = given->place;
  std::string_view rest = given->text;
  int index = 0;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (const std::string_view problem = list.add(item); !problem.empty())
      findings_->refuse(given->place, refusal(quoted_value(item), problem, list.expected()), path);
    else (*origins_)[fmt::format("{}[{}]", path, index++)] = given->place;
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
}

void OverrideReader::section(std::string_view key, const Describe& keys) {
  const std::string outer = path_;
  path_ = join_path(path_, key);
  keys(*this);
  path_ = outer;
}

void OverrideReader::sections(std::string_view, SectionList&&) {}

void OverrideReader::models(std::string_view, std::vector<ModelMapping>&) {}

}  // namespace sluice
