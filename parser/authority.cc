#include "parser/authority.h"

#include <array>

#include "parser/hex.h"
#include "parser/scan.h"

namespace sluice {
namespace {

constexpr bool is_unreserved(char c) noexcept {
  return is_plain_name_byte(c) || c == '.' || c == '_' || c == '~';
}

// unreserved and sub-delims, but for the comma (RFC 3986 section 3.2.2).
constexpr auto kRegNameBytes = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 128; ++c)
    table[static_cast<std::size_t>(c)] =
        is_unreserved(static_cast<char>(c)) ||
        std::string_view("!$&'()*+;=").find(static_cast<char>(c)) != std::string_view::npos;
  return table;
}();

bool is_reg_name(std::string_view host) noexcept {
  for (std::size_t i = 0; i < host.size(); ++i) {
    const char c = host[i];
    if (kRegNameBytes[static_cast<unsigned char>(c)]) continue;
    const int escaped = c == '%' ? hex_pair(host, i + 1) : -1;
    if (escaped < 0 || (escaped < 0x80 && !is_unreserved(static_cast<char>(escaped)))) return false;
    i += 2;
  }
  return !host.empty();
}

bool is_ipv4(std::string_view text) noexcept {
  int octets = 0;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view octet = text.substr(0, dot);
    if (octet.empty() || octet.size() > 3 || (octet.size() > 1 && octet[0] == '0')) return false;
    int value = 0;
    for (const char c : octet) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    if (value > 255) return false;
    ++octets;
    if (dot == std::string_view::npos) return octets == 4;
    text.remove_prefix(dot + 1);
  }
}

// RFC 4291 section 2.2: eight groups, or fewer around one "::"; the last two may be an IPv4
// address.
bool is_ipv6(std::string_view text) noexcept {
  int groups = 0;
  bool gap = text.starts_with("::");
  if (gap) text.remove_prefix(2);
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
      if (!is_ipv4(group)) return false;
      groups += 2;
      break;
    }
    if (group.empty() || group.size() > 4) return false;
    for (const char c : group)
      if (hex_digit(c) < 0) return false;
    ++groups;
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;  // ends with a single colon
    if (text[0] == ':') {
      if (gap) return false;
      gap = true;
      text.remove_prefix(1);
    }
  }
  return gap ? groups <= 7 : groups == 8;
}

bool parse_port(std::string_view text, std::uint16_t& out) noexcept {
  if (text.empty() || text.size() > 5) return false;
  unsigned port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  if (port == 0 || port > UINT16_MAX) return false;
  out = static_cast<std::uint16_t>(port);
  return true;
}

}  // namespace

bool parse_authority(std::string_view text, Authority& out) noexcept {
  out = {};
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    out.host = text.substr(1, end - 1);
    out.ipv6 = true;
    if (!is_ipv6(out.host)) return false;
    const std::string_view rest = text.substr(end + 1);
    return rest.empty() || (rest[0] == ':' && parse_port(rest.substr(1), out.port));
  }
  const std::size_t colon = text.find(':');
  out.host = text.substr(0, colon);
  if (!is_reg_name(out.host)) return false;
  return colon == std::string_view::npos || parse_port(text.substr(colon + 1), out.port);
}

}  // namespace sluice
