#include "parser/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sluice {
namespace {

std::optional<IpAddress> parse_family(IpFamily family, std::string_view text) noexcept {
  char terminated[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof(terminated)) return std::nullopt;
  if (text.find('\0') != text.npos) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  IpAddress ip{.family = family};
  const int domain = family == IpFamily::kV4 ? AF_INET : AF_INET6;
  if (inet_pton(domain, terminated, ip.bytes.data()) != 1) return std::nullopt;
  return ip;
}

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return std::nullopt;
    return parse_family(IpFamily::kV6, text.substr(1, text.size() - 2));
  }
  const bool has_colon = text.find(':') != text.npos;
  return parse_family(has_colon ? IpFamily::kV6 : IpFamily::kV4, text);
}

bool is_v4_mapped(const IpAddress& ip) noexcept {
  return ip.family == IpFamily::kV6 &&
         std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), ip.bytes.begin());
}

bool is_loopback(const IpAddress& ip) noexcept {
  if (ip.family == IpFamily::kV4) return ip.bytes[0] == 127;
  return is_v4_mapped(ip) ? ip.bytes[kMappedPrefix.size()] == 127 : ip == kLoopback6;
}

std::size_t write_address(char* out, const IpAddress& ip, std::uint16_t port) noexcept {
  char* at = out;
  const bool v6 = ip.family == IpFamily::kV6;
  if (v6) *at++ = '[';
  inet_ntop(v6 ? AF_INET6 : AF_INET, ip.bytes.data(), at, INET6_ADDRSTRLEN);
  at += std::strlen(at);
  if (v6) *at++ = ']';
  *at++ = ':';
  at = std::to_chars(at, out + kAddressTextBytesMax, port).ptr;
  *at = '\0';
  return static_cast<std::size_t>(at - out);
}

}  // namespace sluice
