#include "engine/load/content_event.h"

#include <span>

namespace sluice {
namespace {

// The members whose strings are content, as they stand in JSON. A quote within a string has a
// backslash before it, so that no model's own words look like one of these.
constexpr std::string_view kChatNames[] = {"\"content\"", "\"reasoning_content\"", "\"reasoning\"",
                                           "\"arguments\"", "\"refusal\""};
constexpr std::string_view kCompletionNames[] = {"\"text\""};
constexpr std::string_view kMessageNames[] = {"\"text\"", "\"partial_json\"", "\"thinking\""};
constexpr std::string_view kResponseNames[] = {"\"delta\""};
constexpr std::string_view kAllNames[] = {"\"content\"",   "\"reasoning_content\"", "\"reasoning\"",
                                          "\"arguments\"", "\"refusal\"",           "\"text\"",
                                          "\"delta\"",     "\"partial_json\"",      "\"thinking\""};

std::span<const std::string_view> names_of(ApiKind api) noexcept {
  switch (api) {
    case ApiKind::kChat: return kChatNames;
    case ApiKind::kCompletions: return kCompletionNames;
    case ApiKind::kMessages: return kMessageNames;
    case ApiKind::kResponses: return kResponseNames;
    case ApiKind::kNone:
    case ApiKind::kEmbeddings:
    case ApiKind::kModels:
    case ApiKind::kModel:
    case ApiKind::kOther: break;
  }
  return kAllNames;
}

std::string_view without_space(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\n'))
    text.remove_prefix(1);
  return text;
}

// Takes `token` and the white space before it off the front.
bool take(std::string_view& text, std::string_view token) noexcept {
  const std::string_view rest = without_space(text);
  if (!rest.starts_with(token)) return false;
  text = rest.substr(token.size());
  return true;
}

// A member of that name with a string that is not empty.
bool has_text(std::string_view data, std::string_view name) noexcept {
  for (std::size_t at = data.find(name); at != data.npos; at = data.find(name, at + 1)) {
    std::string_view rest = data.substr(at + name.size());
    if (take(rest, ":") && take(rest, "\"") && !rest.starts_with('"')) return true;
  }
  return false;
}

}  // namespace

bool has_content(ApiKind api, std::string_view data) noexcept {
  for (const std::string_view name : names_of(api))
    if (has_text(data, name)) return true;
  return false;
}

bool is_error_event(std::string_view data) noexcept {
  std::string_view rest = data;
  if (!take(rest, "{")) return false;
  std::string_view of_type = rest;
  if (take(of_type, "\"type\"") && take(of_type, ":") && take(of_type, "\"error\"")) return true;
  return take(rest, "\"error\"") && take(rest, ":") && take(rest, "{");
}

}  // namespace sluice
