#include "engine/net/address_list.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace sluice {
namespace {

// Takes the addresses of one family in turn, from the `turn`-th on and around once.
class FamilyCursor {
 public:
  FamilyCursor(const AddressList& list, IpFamily family, std::uint32_t turn) noexcept
      : left_(list.count_of(family)) {
    std::size_t count = 0;
    for (const IpAddress& ip : list) {
      if (ip.family == family) items_[count++] = &ip;
    }
    if (count > 0) std::rotate(items_, items_ + turn % count, items_ + count);
  }

  // False when all have been taken.
  bool move_to(AddressList& out) noexcept {
    if (left_ == 0) return false;
    out.add(*items_[at_++]);
    --left_;
    return true;
  }

 private:
  const IpAddress* items_[AddressList::kPerFamilyMax] = {};
  std::size_t at_ = 0;
  std::size_t left_;
};

}  // namespace

bool AddressList::add(const IpAddress& ip) noexcept {
  if (std::find(begin(), end(), ip) != end() || count_of(ip.family) == kPerFamilyMax) return false;
  items_[count_++] = ip;
  return true;
}

std::size_t AddressList::count_of(IpFamily family) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(begin(), end(), [family](const IpAddress& ip) { return ip.family == family; }));
}

AddressList within_reach(const AddressList& list, Reach reach) noexcept {
  AddressList within;
  for (const IpAddress& ip : list)
    if (may_reach(ip, reach)) static_cast<void>(within.add(ip));
  return within;
}

AddressList in_trying_order(const AddressList& list, Ipv6 ipv6, std::uint32_t turn) noexcept {
  FamilyCursor v6(list, IpFamily::kV6, turn);
  FamilyCursor v4(list, IpFamily::kV4, turn);
  AddressList ordered;
  if (ipv6 == Ipv6::kUnreachable) {
    while (v4.move_to(ordered)) {
    }
  }
  while (ordered.size() < list.size()) {
    v6.move_to(ordered);
    v4.move_to(ordered);
  }
  return ordered;
}

bool has_route(const IpAddress& ip) noexcept {
  constexpr std::uint16_t kAnyPort = 443;
  const SocketAddress address = socket_address(ip, kAnyPort);
  const int fd = socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool found =
      connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.bytes) == 0;
  ::close(fd);
  return found;
}

Ipv6 ipv6_reachable(const AddressList& list) noexcept {
  const IpAddress* const first = std::find_if(
      list.begin(), list.end(), [](const IpAddress& ip) { return ip.family == IpFamily::kV6; });
  return first == list.end() || has_route(*first) ? Ipv6::kReachable : Ipv6::kUnreachable;
}

}  // namespace sluice
