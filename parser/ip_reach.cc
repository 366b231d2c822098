#include "parser/ip_reach.h"

#include <algorithm>
#include <array>

namespace sluice {
namespace {

// Block - the first `bits` of an address.
struct Block {
  std::array<std::uint8_t, 16> bytes;
  int bits;
};

constexpr Block kForbidden4[] = {
    {{169, 254}, 16}, {{100, 100, 100, 200}, 32}, {{168, 63, 129, 16}, 32}, {{192, 0, 0, 192}, 32}};
constexpr Block kForbidden6[] = {
    {{0xfe, 0x80}, 10},
    {{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128},
    {{0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128}};
constexpr Block kPrivate4[] = {{{0}, 8},
                               {{10}, 8},
                               {{100, 64}, 10},
                               {{127}, 8},
                               {{172, 16}, 12},
                               {{192, 0, 0}, 24},
                               {{192, 168}, 16},
                               {{198, 18}, 15},
                               {{192, 0, 2}, 24},
                               {{198, 51, 100}, 24},
                               {{203, 0, 113}, 24},
                               {{224}, 3}};
constexpr Block kPrivate6[] = {{{0xfc}, 7},                      // unique local
                               {{0xfe, 0xc0}, 10},               // site-local, of old
                               {{0xff}, 8},                      // multicast
                               {{0x01, 0x00}, 64},               // discarded
                               {{0x20, 0x01, 0x0d, 0xb8}, 32}};  // for documents
// IPv4 addresses within IPv6: where they begin, behind which prefix.
struct Carrier {
  Block block;
  std::size_t at;
};
constexpr Carrier kCarriers[] = {{{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12},  // mapped
                                 {{{0}, 96}, 12},  // compatible; with :: and ::1, as of 0.0.0.0/8
                                 {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},        // NAT64
                                 {{{0x00, 0x64, 0xff, 0x9b, 0, 1}, 48}, 12},  // NAT64, local
                                 // translated (SIIT)
                                 {{{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}, 96}, 12},
                                 {{{0x20, 0x02}, 16}, 2}};  // 6to4

bool lies_in(const IpAddress& ip, const Block& block) noexcept {
  for (int bit = 0; bit < block.bits; bit += 8) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    const int rest = std::min(8, block.bits - bit);
    if ((ip.bytes[byte] ^ block.bytes[byte]) >> (8 - rest) != 0) return false;
  }
  return true;
}

// The IPv4 address that an IPv6 one carries; itself when it carries none.
IpAddress innermost(const IpAddress& ip) noexcept {
  if (ip.family == IpFamily::kV4) return ip;
  for (const Carrier& carrier : kCarriers) {
    if (!lies_in(ip, carrier.block)) continue;
    IpAddress inner;
    std::copy_n(ip.bytes.begin() + static_cast<std::ptrdiff_t>(carrier.at), 4, inner.bytes.begin());
    return inner;
  }
  return ip;
}

template <std::size_t N4, std::size_t N6>
bool in_any(const IpAddress& ip, const Block (&v4)[N4], const Block (&v6)[N6]) noexcept {
  const IpAddress inner = innermost(ip);
  const auto holds = [&inner](const Block& block) { return lies_in(inner, block); };
  return inner.family == IpFamily::kV4 ? std::ranges::any_of(v4, holds)
                                       : std::ranges::any_of(v6, holds);
}

}  // namespace

bool is_forbidden(const IpAddress& ip) noexcept { return in_any(ip, kForbidden4, kForbidden6); }

bool is_private(const IpAddress& ip) noexcept { return in_any(ip, kPrivate4, kPrivate6); }

bool may_reach(const IpAddress& ip, Reach reach) noexcept {
  if (is_forbidden(ip)) return false;
  switch (reach) {
    case Reach::kAny: return true;
    case Reach::kPublic: return !is_private(ip);
    case Reach::kPrivate: return is_private(ip);
    case Reach::kNone: break;
  }
  return false;
}

}  // namespace sluice
