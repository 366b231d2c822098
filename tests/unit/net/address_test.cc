#include "engine/net/address.h"

#include <gtest/gtest.h>

#include "engine/net/address_list.h"

namespace sluice {
namespace {

struct ListenRow {
  const char* rule;
  const char* text;
  const char* expected;  // addresses; or "!" and a part of the message
};
constexpr ListenRow kListenRows[] = {
    {"an IPv4 address and a port", "127.0.0.1:9190", "127.0.0.1:9190"},
    {"an IPv6 address in brackets", "[::1]:9190", "[::1]:9190"},
    {"every IPv4 address", "0.0.0.0:80", "0.0.0.0:80"},
    {"every IPv6 address", "[::]:80", "[::]:80"},
    {"a port alone is every address of both families", ":9190", "0.0.0.0:9190 [::]:9190"},
    {"so is a star", "*:9190", "0.0.0.0:9190 [::]:9190"},
    {"localhost is the loopback of both families", "localhost:1", "127.0.0.1:1 [::1]:1"},
    {"port 0 lets the kernel choose", "127.0.0.1:0", "127.0.0.1:0"},
    {"the largest port", "127.0.0.1:65535", "127.0.0.1:65535"},
    {"a larger one is refused", "127.0.0.1:65536", "!does not end in a port"},
    {"no port", "127.0.0.1", "!has no port"},
    {"an empty port", "127.0.0.1:", "!does not end in a port"},
    {"a port with a sign", "127.0.0.1:+80", "!does not end in a port"},
    {"an IPv6 address without brackets", "::1:9190", "!write \"[::1]:9190\""},
    {"another name", "gateway.example:80", "!\"gateway.example\" would have to be looked up"},
    {"an old spelling", "127.1:80", "!is not an IP address"},
    {"a zone", "[fe80::1%eth0]:80", "!is not an IP address"},
    {"half a bracket", "[::1:80", "!is not an IP address"},
    {"IPv4 in brackets", "[127.0.0.1]:80", "!is not an IP address"},
    {"nothing", "", "!has no port"},
};

TEST(ParseListen, TellsFamilyAndPort) {
  for (const ListenRow& row : kListenRows) {
    const auto parsed = parse_listen(row.text);
    const std::string_view expected = row.expected;
    if (expected.starts_with('!')) {
      ASSERT_FALSE(parsed) << row.rule;
      EXPECT_NE(parsed.error().find(expected.substr(1)), std::string::npos)
          << row.rule << ": " << parsed.error();
      continue;
    }
    ASSERT_TRUE(parsed) << row.rule << ": " << parsed.error();
    std::string text;
    for (std::size_t i = 0; i < parsed->count; ++i) {
      text += (i > 0 ? " " : "") + address_text(parsed->items[i]);
    }
    EXPECT_EQ(text, expected) << row.rule;
    EXPECT_EQ(parsed->second_is_optional, parsed->count == 2) << row.rule;
  }
}

TEST(SocketAddressText, TheLongestFits) {
  const std::string longest = "[1111:2222:3333:4444:5555:6666:7777:8888]:65535";
  const std::optional<IpAddress> ip = parse_ip("[1111:2222:3333:4444:5555:6666:7777:8888]");
  ASSERT_TRUE(ip);
  EXPECT_EQ(address_text(socket_address(*ip, 65535)), longest);
  EXPECT_EQ(address_text(SocketAddress{}), "unknown");
}

TEST(SocketAddressText, GoesThereAndBack) {
  for (const char* text : {"192.0.2.1", "2001:db8::1", "::", "::ffff:192.0.2.1"}) {
    const std::optional<IpAddress> ip = parse_ip(text);
    ASSERT_TRUE(ip) << text;
    const SocketAddress address = socket_address(*ip, 8080);
    EXPECT_EQ(ip_of(address), ip) << text;
    EXPECT_EQ(port_of(address), 8080) << text;
  }
}

AddressList list_of(std::initializer_list<const char*> texts) {
  AddressList list;
  for (const char* text : texts) list.add(*parse_ip(text));
  return list;
}

struct OrderRow {
  const char* rule;
  AddressList list;
  Ipv6 ipv6;
  std::uint32_t turn;
  AddressList expected;
};

TEST(TryingOrder, FamiliesTakeTurns) {
  const OrderRow rows[] = {
      {"IPv6 begins", list_of({"1.1.1.1", "::1"}), Ipv6::kReachable, 0,
       list_of({"::1", "1.1.1.1"})},
      {"by turns", list_of({"1.1.1.1", "1.1.1.2", "::1", "::2", "::3"}), Ipv6::kReachable, 0,
       list_of({"::1", "1.1.1.1", "::2", "1.1.1.2", "::3"})},
      {"unreachable comes last", list_of({"::1", "::2", "1.1.1.1", "1.1.1.2"}), Ipv6::kUnreachable,
       0, list_of({"1.1.1.1", "1.1.1.2", "::1", "::2"})},
      {"each family turns", list_of({"1.1.1.1", "1.1.1.2", "::1", "::2", "::3"}), Ipv6::kReachable,
       4, list_of({"::2", "1.1.1.1", "::3", "1.1.1.2", "::1"})},
      {"one family turns", list_of({"1.1.1.1", "1.1.1.2", "1.1.1.3"}), Ipv6::kReachable, 5,
       list_of({"1.1.1.3", "1.1.1.1", "1.1.1.2"})},
      {"nothing stays nothing", {}, Ipv6::kUnreachable, 7, {}},
  };
  for (const OrderRow& row : rows) {
    const AddressList ordered = in_trying_order(row.list, row.ipv6, row.turn);
    EXPECT_TRUE(
        std::equal(ordered.begin(), ordered.end(), row.expected.begin(), row.expected.end()))
        << row.rule;
  }
}

TEST(AddressListTest, HoldsEightOfAFamilyAndNoneTwice) {
  AddressList list;
  for (std::uint8_t i = 0; i < 20; ++i) {
    EXPECT_EQ(list.add(IpAddress{IpFamily::kV4, {10, 0, 0, i}}), i < 8);
    EXPECT_EQ(list.add(IpAddress{IpFamily::kV6, {0x20, 1, 0, i}}), i < 8);
    EXPECT_FALSE(list.add(IpAddress{IpFamily::kV4, {10, 0, 0, 0}}));
  }
  EXPECT_EQ(list.size(), AddressList::kCountMax);
}

TEST(Routes, LoopbackIsReachable) { EXPECT_TRUE(has_route(*parse_ip("127.0.0.1"))); }

}  // namespace
}  // namespace sluice
