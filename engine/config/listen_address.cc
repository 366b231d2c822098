#include "engine/config/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "base/units.h"

namespace sluice {
namespace {

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

std::string ListenAddress::text() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

bool ListenAddress::is_loopback() const {
  in6_addr ipv6{};
  if (inet_pton(AF_INET6, host.c_str(), &ipv6) == 1) {
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&ipv6) != 0;
    return mapped ? ipv6.s6_addr[12] == 127 : IN6_IS_ADDR_LOOPBACK(&ipv6) != 0;
  }
  return is_ipv4(host) && host.starts_with("127.");
}

std::optional<std::string> parse_listen_host(std::string_view text) {
  if (text.empty() || text == "*") return std::string();
  if (text == "localhost") return std::string("127.0.0.1");
  if (text.starts_with('[') && text.ends_with(']')) {
    std::string host(text.substr(1, text.size() - 2));
    if (!is_ipv6(host)) return std::nullopt;
    return host;
  }
  std::string host(text);
  if (!is_ipv4(host) && !is_ipv6(host)) return std::nullopt;
  return host;
}

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, colon);
  const bool bracketed = before.starts_with('[');
  if (!bracketed && before.find(':') != std::string_view::npos) return std::nullopt;
  auto host = parse_listen_host(before);
  const auto port = parse_decimal(text.substr(colon + 1));
  if (!host || !port || *port > 65535) return std::nullopt;
  return ListenAddress{.host = std::move(*host), .port = static_cast<std::uint16_t>(*port)};
}

}  // namespace sluice
