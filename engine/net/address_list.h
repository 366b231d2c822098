#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/net/address.h"
#include "parser/ip_reach.h"

namespace sluice {

// AddressList - the addresses of one host, at most eight of a family, without duplicates.
//
// Owns      its items: a plain value of 280 bytes, no malloc.
// Limits    kPerFamilyMax: a connection tries no more than eight addresses (connector.h), and name
//           servers rotate longer answers themselves.
class AddressList {
 public:
  static constexpr std::size_t kPerFamilyMax = 8;
  static constexpr std::size_t kCountMax = 2 * kPerFamilyMax;

  // False when it is there already or its family is full.
  bool add(const IpAddress& ip) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] const IpAddress& operator[](std::size_t i) const noexcept { return items_[i]; }
  [[nodiscard]] const IpAddress* begin() const noexcept { return items_.data(); }
  [[nodiscard]] const IpAddress* end() const noexcept { return items_.data() + count_; }

  // How many of `family` it holds.
  [[nodiscard]] std::size_t count_of(IpFamily family) const noexcept;

 private:
  std::array<IpAddress, kCountMax> items_;
  std::uint32_t count_ = 0;
};

// Those of `list` that may be reached, in their order.
[[nodiscard]] AddressList within_reach(const AddressList& list, Reach reach) noexcept;

// Whether this machine can send to IPv6 hosts.
enum class Ipv6 : std::uint8_t { kReachable, kUnreachable };

// The order in which a connection tries `list`: the families take turns and IPv6 begins (RFC 8305
// section 4); when it is unreachable it comes last. Each family begins with its `turn`-th address,
// so that callers who count up spread their connections.
[[nodiscard]] AddressList in_trying_order(const AddressList& list, Ipv6 ipv6,
                                          std::uint32_t turn) noexcept;

// Asks the kernel's routing table, by a UDP connect that sends nothing, whether it knows a way to
// `ip`. Three system calls, none of them blocks.
[[nodiscard]] bool has_route(const IpAddress& ip) noexcept;
// The same for the first IPv6 address of `list`; kReachable when it has none.
[[nodiscard]] Ipv6 ipv6_reachable(const AddressList& list) noexcept;

}  // namespace sluice
