#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

// Priority - who goes first where several wait; the first is served first.
enum class Priority : std::uint8_t { kUrgent, kHigh, kNormal, kLow };

inline constexpr std::array<std::string_view, 4> kPriorityNames = {"urgent", "high", "normal",
                                                                   "low"};
inline constexpr std::size_t kPriorities = kPriorityNames.size();

[[nodiscard]] constexpr std::size_t rank_of(Priority priority) noexcept {
  return static_cast<std::size_t>(priority);
}
[[nodiscard]] constexpr std::string_view priority_text(Priority priority) noexcept {
  return kPriorityNames[rank_of(priority)];
}

// Leaves the last permits to those who are more urgent (UrgentRate).
[[nodiscard]] constexpr bool is_patient(Priority priority) noexcept {
  return rank_of(priority) > rank_of(Priority::kHigh);
}

// The priority called `name`, in any case of letters; nothing for another word.
[[nodiscard]] constexpr std::optional<Priority> priority_of(std::string_view name) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  for (std::size_t rank = 0; rank < kPriorities; ++rank) {
    const std::string_view wanted = kPriorityNames[rank];
    bool same = name.size() == wanted.size();
    for (std::size_t i = 0; same && i < wanted.size(); ++i) same = lower(name[i]) == wanted[i];
    if (same) return static_cast<Priority>(rank);
  }
  return {};
}

}  // namespace sluice
