#include "engine/llm/usage_counts.h"

#include <algorithm>

#include "parser/scan.h"

namespace sluice {

const UsageCounts::Name UsageCounts::kNames[] = {
    {"", "prompt_tokens", kInput},
    {"", "input_tokens", kInput},
    {"", "completion_tokens", kOutput},
    {"", "output_tokens", kOutput},
    {"", "total_tokens", kTotal},
    {"prompt_tokens_details", "cached_tokens", kCachedWithin},
    {"input_tokens_details", "cached_tokens", kCachedWithin},
    {"", "prompt_cache_hit_tokens", kCachedWithin},  // DeepSeek
    {"", "cached_tokens", kCachedWithin},            // Moonshot
    {"completion_tokens_details", "reasoning_tokens", kReasoning},
    {"output_tokens_details", "reasoning_tokens", kReasoning},
    {"", "cache_read_input_tokens", kCachedRead},
    {"", "cache_creation_input_tokens", kCachedWrite},
};

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool in_number(char c) noexcept {
  return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

}  // namespace

void UsageCounts::take(std::string_view parent, std::string_view name,
                       std::string_view number) noexcept {
  if (name.empty()) return;
  // The first letter and the length tell nearly all apart, without a call.
  const auto* const known = std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& n) {
    return n.name.size() == name.size() && n.name.front() == name.front() &&
           n.parent.size() == parent.size() && n.name == name && n.parent == parent;
  });
  if (known == std::end(kNames)) return;
  std::int64_t value = 0;
  std::size_t at = 0;
  for (; at < number.size() && is_digit(number[at]); ++at)
    value = std::min(value * 10 + (number[at] - '0'), kCountMax);
  // "12.0" counts as 12; "-3" and "1e3" do not count.
  if (at == 0 || std::any_of(number.begin() + static_cast<std::ptrdiff_t>(at), number.end(),
                             [](char c) { return c == 'e' || c == 'E'; }))
    return;
  counts_[known->count] = value;
  any_ = true;
}

std::size_t UsageCounts::read(std::string_view text) noexcept {
  std::string_view parent;
  std::string_view name;
  int depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      const std::size_t end = find_string_end(text, at + 1);
      name = text.substr(at + 1, end - at - 1);
      at = end + 1;
    } else if (c == '{' || c == '[') {
      if (++depth == 2) parent = name;
      ++at;
    } else if (c == '}' || c == ']') {
      ++at;
      if (--depth == 1) parent = {};
      else if (depth == 0) return at;
    } else if (in_number(c)) {
      std::size_t end = at;
      while (end < text.size() && in_number(text[end])) ++end;
      // A number that ends with the text may go on behind it.
      if (depth <= 2 && end < text.size()) take(parent, name, text.substr(at, end - at));
      name = {};
      at = end;
    } else {
      ++at;
    }
  }
  return 0;
}

Usage UsageCounts::usage() const noexcept {
  Usage out;
  out.seen = any_;
  out.prompt = counts_[kInput] + counts_[kCachedRead] + counts_[kCachedWrite];
  out.completion = counts_[kOutput];
  out.cached_read = counts_[kCachedWithin] + counts_[kCachedRead];
  out.cached_write = counts_[kCachedWrite];
  out.reasoning = counts_[kReasoning];
  out.total = counts_[kTotal] != 0 ? counts_[kTotal] : out.prompt + out.completion;
  return out;
}

}  // namespace sluice
