#include "engine/net/address.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "engine/net/address_list.h"

namespace sluice {
namespace {

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

TEST(LacksFamily, OnlyWhereTheMachineHasNoSuchAddress) {
  EXPECT_TRUE(lacks_family(error_from_errno(EAFNOSUPPORT, Side::kOurs)));
  EXPECT_TRUE(lacks_family(error_from_errno(EADDRNOTAVAIL, Side::kOurs)));
  EXPECT_FALSE(lacks_family(error_from_errno(EADDRINUSE, Side::kOurs)));
  EXPECT_FALSE(lacks_family(error_from_errno(EACCES, Side::kOurs)));
  EXPECT_FALSE(lacks_family(Error{}));
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
