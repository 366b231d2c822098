#pragma once

#include <cstdint>

#include "parser/ip_address.h"

namespace sluice {

// Reach - which addresses an account's connections may lead to. What its URL's name stands for is
// decided by a name server, perhaps an attacker's, so this is asked of each address that is about
// to be tried.
enum class Reach : std::uint8_t {
  kAny,      // all but those that are nobody's provider: see is_forbidden()
  kPublic,   // of these, no address of this machine or of a private network either
  kPrivate,  // of these, only those: what is not encrypted stays here
  kNone,
};

// Addresses of which no provider answers, but where clouds tell their machines' credentials to
// whoever asks: link-local ones (169.254.0.0/16, fe80::/10) and the others at which metadata is
// served (fd00:ec2::254 of AWS, fd20:ce::254 of Google Cloud, 168.63.129.16 of Azure,
// 100.100.100.200 of Alibaba Cloud, 192.0.0.192 of Oracle). IPv4 within IPv6 counts too.
[[nodiscard]] bool is_forbidden(const IpAddress& ip) noexcept;

// Whether it is not an address of the public internet (IANA's special-purpose registries): this
// machine, private and shared networks, benchmarks, multicast, reserved.
[[nodiscard]] bool is_private(const IpAddress& ip) noexcept;

[[nodiscard]] bool may_reach(const IpAddress& ip, Reach reach) noexcept;

}  // namespace sluice
