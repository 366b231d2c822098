// Which addresses an account's connections may lead to.
#include "parser/ip_reach.h"

#include <gtest/gtest.h>

#include "engine/net/address_list.h"

namespace sluice {
namespace {

enum class Kind { kForbidden, kPrivate, kPublic };

struct ReachRow {
  const char* ip;
  Kind kind;
};

constexpr ReachRow kReachRows[] = {
    {"169.254.169.254", Kind::kForbidden},
    {"169.254.0.0", Kind::kForbidden},
    {"169.253.255.255", Kind::kPublic},
    {"169.255.0.0", Kind::kPublic},
    {"100.100.100.200", Kind::kForbidden},
    {"100.100.100.201", Kind::kPrivate},
    {"fe80::1", Kind::kForbidden},
    {"febf::1", Kind::kForbidden},
    {"fec0::1", Kind::kPrivate},
    {"fd00:ec2::254", Kind::kForbidden},
    {"fd00:ec2::255", Kind::kPrivate},
    {"::ffff:169.254.169.254", Kind::kForbidden},
    {"64:ff9b::a9fe:a9fe", Kind::kForbidden},
    {"64:ff9b:1::a9fe:a9fe", Kind::kForbidden},
    {"::ffff:0:a9fe:a9fe", Kind::kForbidden},
    {"2002:a9fe:a9fe::1", Kind::kForbidden},
    {"::ffff:100.100.100.200", Kind::kForbidden},
    {"168.63.129.16", Kind::kForbidden},
    {"168.63.129.17", Kind::kPublic},
    {"192.0.0.192", Kind::kForbidden},
    {"192.0.0.193", Kind::kPrivate},
    {"fd20:ce::254", Kind::kForbidden},
    {"fd20:ce::255", Kind::kPrivate},
    {"::169.254.169.254", Kind::kForbidden},
    {"::168.63.129.16", Kind::kForbidden},
    {"::127.0.0.1", Kind::kPrivate},
    {"::10.0.0.1", Kind::kPrivate},
    {"::8.8.8.8", Kind::kPublic},
    {"127.0.0.1", Kind::kPrivate},
    {"0.0.0.0", Kind::kPrivate},
    {"10.1.2.3", Kind::kPrivate},
    {"172.16.0.1", Kind::kPrivate},
    {"172.31.255.255", Kind::kPrivate},
    {"172.32.0.0", Kind::kPublic},
    {"192.168.1.1", Kind::kPrivate},
    {"100.64.0.1", Kind::kPrivate},
    {"100.128.0.0", Kind::kPublic},
    {"224.0.0.1", Kind::kPrivate},
    {"255.255.255.255", Kind::kPrivate},
    {"::", Kind::kPrivate},
    {"::1", Kind::kPrivate},
    {"::ffff:127.0.0.1", Kind::kPrivate},
    {"::ffff:8.8.8.8", Kind::kPublic},
    {"fc00::1", Kind::kPrivate},
    {"fd12::1", Kind::kPrivate},
    {"ff02::1", Kind::kPrivate},
    {"2606:4700::1111", Kind::kPublic},
    {"8.8.8.8", Kind::kPublic},
};

TEST(Reach, EveryAddressIsOfOneKind) {
  for (const ReachRow& row : kReachRows) {
    const auto ip = parse_ip(row.ip);
    ASSERT_TRUE(ip) << row.ip;
    EXPECT_EQ(is_forbidden(*ip), row.kind == Kind::kForbidden) << row.ip;
    EXPECT_EQ(may_reach(*ip, Reach::kAny), row.kind != Kind::kForbidden) << row.ip;
    EXPECT_EQ(may_reach(*ip, Reach::kPublic), row.kind == Kind::kPublic) << row.ip;
    EXPECT_EQ(may_reach(*ip, Reach::kPrivate), row.kind == Kind::kPrivate) << row.ip;
    EXPECT_FALSE(may_reach(*ip, Reach::kNone)) << row.ip;
  }
}

TEST(Reach, WhatIsLeftOfAListKeepsItsOrder) {
  AddressList list;
  for (const char* ip : {"8.8.8.8", "169.254.169.254", "10.0.0.1", "1.1.1.1"})
    ASSERT_TRUE(list.add(*parse_ip(ip)));
  const AddressList open = within_reach(list, Reach::kPublic);
  ASSERT_EQ(open.size(), 2u);
  EXPECT_EQ(open[0], *parse_ip("8.8.8.8"));
  EXPECT_EQ(open[1], *parse_ip("1.1.1.1"));
  EXPECT_EQ(within_reach(list, Reach::kAny).size(), 3u);
}

}  // namespace
}  // namespace sluice
