#include "admin/access.h"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

constexpr std::int64_t kNowMs = 1'768'478'400'000;

// Asker - an administrator's requests from one address.
class Asker {
 public:
  explicit Asker(std::string peer = "192.0.2.1") : peer_(std::move(peer)) {}

  // The status of the answer; 200: it was let in.
  int ask(AccessKeeper& keeper, std::string_view fields, Access access = Access::kAdmin,
          std::int64_t now_ms = kNowMs, const char* method = "GET") {
    AdminRequest request;
    request.peer = peer_;
    request.head_text =
        std::string(method) + " / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + std::string(fields) + "\r\n";
    Refusal why;
    EXPECT_EQ(RequestHeadParser().parse(request.head_text, request.head, why),
              HeadState::kComplete);
    const auto refused = keeper.refuse(request, access, now, now_ms, admission);
    return refused ? refused->status : 200;
  }

  Admission admission;
  Instant now{};

 private:
  std::string peer_;
};

AccessRules rules(std::string_view token) {
  AccessRules rules;
  rules.token = sha256(token);
  rules.cookie_key = sha256("cookie key of " + std::string(token));
  return rules;
}

std::string cookie_field(const std::string& value) {
  return "Cookie: other=1; sluice_admin_80=" + value + "; more=2\r\n";
}

TEST(AccessKeeper, ALoginThatWasEndedIsOverAndOthersGoOn) {
  AccessKeeper keeper(rules("right"));
  Asker asker;
  const std::string ended = keeper.cookie_for("right", kNowMs);
  const std::string other = keeper.cookie_for("right", kNowMs);  // in the same moment
  EXPECT_NE(ended, other);
  AdminRequest logout;
  logout.head_text = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + cookie_field(ended) + "\r\n";
  Refusal why;
  ASSERT_EQ(RequestHeadParser().parse(logout.head_text, logout.head, why), HeadState::kComplete);
  keeper.end_cookie(logout, kNowMs);
  EXPECT_EQ(asker.ask(keeper, cookie_field(ended)), 401);
  EXPECT_EQ(asker.ask(keeper, cookie_field(other)), 200);
}

// A browser sends a host's cookies to all of its ports: two gateways there must not take, or end,
// each other's.
TEST(AccessKeeper, TheCookieHasThePortInItsName) {
  const auto name = [](bool tls, const std::string& host) {
    AdminRequest request;
    request.tls = tls;
    request.head_text = "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
    Refusal why;
    EXPECT_EQ(RequestHeadParser().parse(request.head_text, request.head, why),
              HeadState::kComplete);
    return AccessKeeper::cookie_name(request);
  };
  EXPECT_EQ(name(false, "127.0.0.1:8080"), "sluice_admin_8080");
  EXPECT_EQ(name(false, "127.0.0.1:8081"), "sluice_admin_8081");
  EXPECT_EQ(name(false, "[::1]:8080"), "sluice_admin_8080");
  EXPECT_EQ(name(false, "localhost"), "sluice_admin_80");
  EXPECT_EQ(name(true, "localhost"), "__Host-sluice_admin_443");
  EXPECT_EQ(name(true, "localhost:8443"), "__Host-sluice_admin_8443");
  AccessKeeper keeper(rules("right"));
  Asker asker;  // its Host has no port
  const std::string value = keeper.cookie_for("right", kNowMs);
  EXPECT_EQ(asker.ask(keeper, "Cookie: sluice_admin_8080=" + value + "\r\n"), 401);
  EXPECT_EQ(asker.ask(keeper, "Cookie: sluice_admin_80=" + value + "\r\n"), 200);
}

// "any:right" and "any:wrong", the token itself, and none.
TEST(AccessKeeper, APasswordIsTheTokenWhereNothingCanBeChanged) {
  struct Row {
    const char* credentials;
    Access access;
    int status;
  };
  constexpr Row kRows[] = {
      {"Basic YW55OnJpZ2h0", Access::kRead, 200},
      {"basic YW55OnJpZ2h0", Access::kRead, 200},
      {"Basic YW55OnJpZ2h0", Access::kAdmin, 401},
      {"Basic YW55Ondyb25n", Access::kRead, 401},
      {"Basic cmlnaHQ=", Access::kRead, 401},
      {"Basic %%%", Access::kRead, 401},
      {"Basic", Access::kRead, 401},
      {"Bearer right", Access::kAdmin, 200},
      {"Bearerright", Access::kAdmin, 401},
      {"Bearer", Access::kRead, 401},
  };
  for (const Row& row : kRows) {
    AccessKeeper keeper(rules("right"));
    Asker asker;
    EXPECT_EQ(
        asker.ask(keeper, "Authorization: " + std::string(row.credentials) + "\r\n", row.access),
        row.status)
        << row.credentials;
  }
}

TEST(AccessKeeper, ACookieHoldsForItsTimeForItsTokenAndUnchanged) {
  AccessKeeper keeper(rules("right"));
  Asker asker;
  EXPECT_EQ(keeper.cookie_for("wrong", kNowMs), "");
  const std::string cookie = keeper.cookie_for("right", kNowMs);
  EXPECT_EQ(asker.ask(keeper, cookie_field(cookie)), 200);
  const std::int64_t life = AccessKeeper::kCookieLife / 1ms;
  EXPECT_EQ(asker.ask(keeper, cookie_field(cookie), Access::kAdmin, kNowMs + life - 1000), 200);
  EXPECT_EQ(asker.ask(keeper, cookie_field(cookie), Access::kAdmin, kNowMs + life), 401);
  AccessKeeper after_restart(rules("right"));
  EXPECT_EQ(asker.ask(after_restart, cookie_field(cookie)), 200);
  AccessKeeper other(rules("another"));
  EXPECT_EQ(asker.ask(other, cookie_field(cookie)), 401);
  for (std::size_t i = 0; i < cookie.size(); ++i) {
    std::string changed = cookie;
    changed[i] = changed[i] == '1' ? '2' : '1';
    EXPECT_EQ(asker.ask(keeper, cookie_field(changed)), 401) << changed;
  }
}

TEST(AccessKeeper, AnAddressThatIsWrongTooOftenWaitsAndNoOther) {
  AccessKeeper keeper(rules("right"));
  Asker guesser("192.0.2.1"), other("192.0.2.2");
  for (int i = 0; i < AccessKeeper::kFailuresMax; ++i)
    EXPECT_EQ(guesser.ask(keeper, "Authorization: Bearer guess\r\n"), 401);
  EXPECT_EQ(guesser.ask(keeper, "Authorization: Bearer right\r\n"), 429);
  EXPECT_EQ(other.ask(keeper, "Authorization: bearer right\r\n"), 200);
  guesser.now += AccessKeeper::kFailureWindow;
  EXPECT_EQ(guesser.ask(keeper, "Authorization: Bearer right\r\n"), 200);
}

// Who has an IPv6 address has 2^64 of them.
TEST(AccessKeeper, TheAddressesOfAnIpv6NetworkCountAsOne) {
  AccessKeeper keeper(rules("right"));
  for (int i = 0; i < AccessKeeper::kFailuresMax; ++i) {
    Asker guesser("2001:db8:1:2::" + std::to_string(i));
    EXPECT_EQ(guesser.ask(keeper, "Authorization: Bearer guess\r\n"), 401);
  }
  Asker same("2001:db8:1:2:ffff:ffff:ffff:ffff"), other("2001:db8:1:3::1");
  EXPECT_EQ(same.ask(keeper, "Authorization: Bearer guess\r\n"), 429);
  EXPECT_EQ(same.ask(keeper, "Authorization: Bearer right\r\n"), 429);
  EXPECT_EQ(other.ask(keeper, "Authorization: Bearer right\r\n"), 200);
}

TEST(AccessKeeper, ANetworkIsAnIpv4AddressOrTheHalfOfAnIpv6One) {
  EXPECT_EQ(network_of("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(network_of("[2001:db8:1:2:3:4:5:6]"), "2001:db8:1:2::/64");
  EXPECT_EQ(network_of("2001:db8:1:2::1"), "2001:db8:1:2::/64");
  EXPECT_EQ(network_of("::1"), "::/64");
  EXPECT_EQ(network_of("::ffff:192.0.2.1"), "::ffff:192.0.2.1");  // each an address of its own
  EXPECT_EQ(network_of("unknown"), "unknown");
}

// From however many networks: the guesser hears nothing but 429, and whoever is right gets in.
TEST(AccessKeeper, AnAttackFromEverywhereIsRefusedAndTheOwnerIsNot) {
  AccessKeeper keeper(rules("right"));
  std::size_t refused = 0;
  const std::size_t all = AccessKeeper::kNetworksMax + 100;  // more than are remembered
  for (std::size_t i = 0; i < all; ++i) {
    Asker asker("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256));
    refused += asker.ask(keeper, "Authorization: Bearer guess\r\n") == 429;
  }
  EXPECT_EQ(refused, all - AccessKeeper::kFailuresOfAllMax);
  Asker owner("192.0.2.1");
  EXPECT_EQ(owner.ask(keeper, "Authorization: Bearer right\r\n"), 200);
  EXPECT_EQ(owner.ask(keeper, "Authorization: Bearer wrong\r\n"), 429);
  owner.now += AccessKeeper::kFailureWindow;
  EXPECT_EQ(owner.ask(keeper, "Authorization: Bearer wrong\r\n"), 401);
}

TEST(AccessKeeper, PublicReadIsForReading) {
  AccessRules open = rules("right");
  open.doors.public_read = true;
  AccessKeeper keeper(open);
  Asker asker;
  EXPECT_EQ(asker.ask(keeper, "", Access::kRead), 200);
  EXPECT_TRUE(asker.admission.reads_only);
  EXPECT_EQ(asker.ask(keeper, "", Access::kAdmin), 401);
  EXPECT_EQ(asker.ask(keeper, "Authorization: Bearer right\r\n", Access::kRead), 200);
  EXPECT_FALSE(asker.admission.reads_only);
}

TEST(AccessKeeper, TheDoorsAreThoseThatWereSetLast) {
  AccessRules open = rules("right");
  open.doors = {.public_read = true, .hosts = {"old.example"}};
  AccessKeeper keeper(open);
  Asker asker;
  ASSERT_EQ(asker.ask(keeper, "", Access::kRead), 200);
  const Admission without = asker.admission;
  EXPECT_TRUE(keeper.still_holds(without, kNowMs));
  keeper.set_doors({.public_read = false, .hosts = {"new.example"}});
  EXPECT_EQ(asker.ask(keeper, "", Access::kRead), 401);
  EXPECT_FALSE(keeper.still_holds(without, kNowMs)) << "a stream ends with what let it in";
  EXPECT_EQ(asker.ask(keeper, "Authorization: Bearer right\r\n", Access::kRead), 200);
  EXPECT_TRUE(keeper.still_holds(asker.admission, kNowMs));
}

TEST(AccessKeeper, WithoutATokenNobodyIsTheAdministrator) {
  AccessKeeper keeper(AccessRules{});
  Asker asker;
  EXPECT_EQ(asker.ask(keeper, ""), 401);
  EXPECT_EQ(asker.ask(keeper, "Authorization: Bearer anything\r\n"), 401);
  EXPECT_EQ(asker.ask(keeper, cookie_field("9999999999.00")), 401);
  EXPECT_EQ(keeper.cookie_for("", kNowMs), "");
}

TEST(AccessKeeper, WhatChangesSomethingIsLookedAtEvenWhereItIsPublic) {
  AccessKeeper keeper(rules("right"));
  Asker asker;
  const char* const foreign = "Origin: http://evil.example\r\n";
  EXPECT_EQ(asker.ask(keeper, foreign, Access::kPublic), 200);
  EXPECT_EQ(asker.ask(keeper, foreign, Access::kPublic, kNowMs, "POST"), 403);
}

struct HostRow {
  const char* host;
  bool known;
};

TEST(KnownHost, AddressesLocalhostAndThoseOfTheList) {
  const std::vector<std::string> hosts = {"sluice.example"};
  for (const HostRow& row : std::initializer_list<HostRow>{{"127.0.0.1", true},
                                                           {"127.0.0.1:9190", true},
                                                           {"[::1]", true},
                                                           {"[::1]:9190", true},
                                                           {"LOCALHOST:1", true},
                                                           {"sluice.EXAMPLE:9190", true},
                                                           {"10.1.2.3:80", true},
                                                           {"evil.example", false},
                                                           {"127.0.0.1.evil.example", false},
                                                           {"localhost.evil.example", false},
                                                           {"sluice.example.evil", false},
                                                           {"", false},
                                                           {":9190", false},
                                                           {"[", false}})
    EXPECT_EQ(is_known_host(row.host, hosts), row.known) << row.host;
}

}  // namespace
}  // namespace sluice::test
