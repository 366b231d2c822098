#include "parser/host_name.h"

namespace sluice {
namespace {

constexpr std::size_t kLabelBytesMax = 63;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

bool is_label(std::string_view label) noexcept {
  if (label.empty() || label.size() > kLabelBytesMax) return false;
  for (const char c : label) {
    if (!is_name_char(c)) return false;
  }
  return true;
}

// Decimal or hexadecimal, as inet_aton() would take it.
bool is_number(std::string_view label) noexcept {
  const bool hex = label.starts_with("0x");
  if (hex) label.remove_prefix(2);
  for (const char c : label) {
    if (!is_digit(c) && !(hex && c >= 'a' && c <= 'f')) return false;
  }
  return true;
}

}  // namespace

std::optional<HostName> HostName::parse(std::string_view text) noexcept {
  if (text.empty() || text.size() > kBytesMax) return std::nullopt;
  HostName name;
  for (const char c : text) name.text_[name.bytes_++] = lower(c);
  name.text_[name.bytes_] = '\0';
  std::string_view rest = name.without_dot();
  if (rest.size() == kBytesMax) return std::nullopt;
  while (true) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (!is_label(label)) return std::nullopt;
    if (dot == rest.npos) return is_number(label) ? std::nullopt : std::optional(name);
    rest.remove_prefix(dot + 1);
  }
}

bool HostName::is_localhost() const noexcept {
  const std::string_view name = without_dot();
  return name == "localhost" || name.ends_with(".localhost");
}

}  // namespace sluice
