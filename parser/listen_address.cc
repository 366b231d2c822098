#include "parser/listen_address.h"

#include "base/units.h"

namespace sluice {
namespace {

constexpr IpAddress kEvery4{IpFamily::kV4, {}};
constexpr IpAddress kEvery6{IpFamily::kV6, {}};

}  // namespace

std::string ListenAddress::text() const {
  if (count == 2) return (is_loopback() ? "localhost:" : ":") + std::to_string(port);
  char text[kAddressTextBytesMax];
  return std::string(text, write_address(text, addresses[0], port));
}

std::expected<ListenAddress, std::string_view> parse_listen_host(std::string_view host,
                                                                 std::uint16_t port) {
  if (host.empty() || host == "*") {
    return ListenAddress{.addresses = {kEvery4, kEvery6}, .count = 2, .port = port};
  }
  if (host == "localhost") {
    return ListenAddress{.addresses = {kLoopback4, kLoopback6}, .count = 2, .port = port};
  }
  const std::optional<IpAddress> ip = parse_ip(host);
  if (!ip) {
    return std::unexpected(
        "is not an IP address and would have to be looked up (only localhost is known by name)");
  }
  return ListenAddress{.addresses = {*ip}, .count = 1, .port = port};
}

std::expected<ListenAddress, std::string_view> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::unexpected("has no port");
  const std::string_view host = text.substr(0, colon);
  const std::optional<std::uint64_t> port = parse_decimal(text.substr(colon + 1));
  const bool bare_ipv6 = !host.starts_with('[') && host.find(':') != host.npos;
  if (bare_ipv6 && (parse_ip(host) || parse_ip(text))) {
    return std::unexpected("needs brackets around its IPv6 address");
  }
  if (!port || *port > 65535) {
    return std::unexpected("does not end in a port, a number from 0 to 65535");
  }
  return parse_listen_host(host, static_cast<std::uint16_t>(*port));
}

std::string listen_refusal(std::string_view text, std::string_view error) {
  std::string sentence = "\"";
  for (const std::string_view part : {text, std::string_view("\" "), error,
                                      std::string_view("; expected "), kListenAddressExpected}) {
    sentence += part;
  }
  return sentence;
}

}  // namespace sluice
