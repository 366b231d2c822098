#include <gtest/gtest.h>

#include "tests/unit/net/net_fixture.h"

namespace sluice {
namespace {

class ResolverTest : public NetTest {};

struct LocalRow {
  const char* rule;
  const char* host;
  const char* expected;
};
constexpr LocalRow kLocalRows[] = {
    {"an IPv4 number is its own address", "192.0.2.200", "192.0.2.200"},
    {"an IPv6 number too", "2001:db8::5", "[2001:db8::5]"},
    {"with brackets as in a URL", "[2001:db8::5]", "[2001:db8::5]"},
    {"the hosts file knows names", "printer.example", "192.0.2.7"},
    {"in any case", "PRINTER.Example", "192.0.2.7"},
    {"and with a dot at the end", "printer.example.", "192.0.2.7"},
    {"and IPv6", "six.example", "[::1]"},
    {"localhost is the loopback address", "localhost", "127.0.0.1 [::1]"},
    {"so is what stands below it (RFC 6761 6.3)", "api.localhost", "127.0.0.1 [::1]"},
    {"an old spelling of an address is no name", "127.1", "name has no address"},
    {"nor is a hexadecimal one", "0x7f000001", "name has no address"},
    {"nor what no label can hold", "a b.example", "name has no address"},
    {"nor nothing", "", "name has no address"},
};

TEST_F(ResolverTest, AnswersWithoutAskingWhereItCan) {
  for (const LocalRow& row : kLocalRows) {
    EXPECT_EQ(text_of(look_up(row.host)), row.expected) << row.rule;
  }
  EXPECT_EQ(resolver_.counters().queries, 0u);
}

TEST_F(ResolverTest, AsksForBothFamiliesOnceAndRemembers) {
  server_.set("api.example", {.a = {"192.0.2.1"}, .aaaa = {"::1"}});
  EXPECT_EQ(text_of(look_up("api.example")), "[::1] 192.0.2.1");
  EXPECT_EQ(text_of(look_up("API.example")), "[::1] 192.0.2.1");
  EXPECT_EQ(server_.questions("api.example"), 2);
  EXPECT_EQ(resolver_.counters().cached, 1u);
}

TEST_F(ResolverTest, TurnsTheAddressesWithEveryUse) {
  server_.set("many.example", {.a = {"192.0.2.1", "192.0.2.2", "192.0.2.3"}});
  EXPECT_EQ(text_of(look_up("many.example")), "192.0.2.1 192.0.2.2 192.0.2.3");
  EXPECT_EQ(text_of(look_up("many.example")), "192.0.2.2 192.0.2.3 192.0.2.1");
  EXPECT_EQ(text_of(look_up("many.example")), "192.0.2.3 192.0.2.1 192.0.2.2");
}

TEST_F(ResolverTest, FollowsAnAlias) {
  server_.set("alias.example", {.a = {"192.0.2.4"}, .cname = "edge.cdn.example"});
  EXPECT_EQ(text_of(look_up("alias.example")), "192.0.2.4");
}

TEST_F(ResolverTest, AsksByTcpWhenAnAnswerIsCutShort) {
  server_.set("long.example", {.a = {"192.0.2.5"}, .truncated = true});
  EXPECT_EQ(text_of(look_up("long.example")), "192.0.2.5");
  EXPECT_GE(server_.tcp_questions(), 1);
}

TEST_F(ResolverTest, SharesOneQueryBetweenAllWhoWait) {
  server_.set("shared.example", {.a = {"192.0.2.6"}});
  Task<Result<AddressList>> first = resolve(*reactor_, resolver_, "shared.example", {});
  Task<Result<AddressList>> second = resolve(*reactor_, resolver_, "shared.example", {});
  finish(first);
  finish(second);
  EXPECT_EQ(text_of(first.take()), "192.0.2.6");
  EXPECT_EQ(text_of(second.take()), "192.0.2.6");
  EXPECT_EQ(server_.questions("shared.example"), 2);
  EXPECT_EQ(resolver_.counters().joined, 1u);
}

struct FailureRow {
  const char* rule;
  DnsServer::Record record;
  Errc code;
  std::int32_t os_errno;
};
const FailureRow kFailureRows[] = {
    {"a name that does not exist", {.rcode = 3}, Errc::kNameNotFound, 0},
    {"a name without addresses", {}, Errc::kNameNotFound, 0},
    {"a server that fails", {.rcode = 2}, Errc::kNameLookupFailed, 0},
    {"a server that is silent", {.silent = true}, Errc::kNameLookupFailed, ETIMEDOUT},
    {"an answer that is nonsense", {.nonsense = true}, Errc::kNameLookupFailed, ETIMEDOUT},
};

TEST_F(ResolverTest, TellsWhyThereIsNoAddress) {
  for (const FailureRow& row : kFailureRows) {
    std::string name = row.rule;
    for (char& c : name) c = c == ' ' ? '-' : c;
    server_.set(name, row.record);
    const Result<AddressList> result = look_up(name);
    ASSERT_FALSE(result) << row.rule;
    EXPECT_EQ(result.error(), (Error{row.code, Side::kUpstream, Retry::kSafe, row.os_errno}))
        << row.rule << ": " << errc_text(result.error().code) << result.error().os_errno;
    const int asked = server_.questions(name);
    EXPECT_FALSE(look_up(name)) << row.rule;
    EXPECT_EQ(server_.questions(name), asked) << row.rule << ": not asked again at once";
  }
}

TEST_F(ResolverTest, OneFamilyIsEnoughWhenTheOtherFails) {
  server_.set("half.example", {.a = {"192.0.2.8"}, .aaaa_servfail = true});
  EXPECT_EQ(text_of(look_up("half.example")), "192.0.2.8");
}

TEST_F(ResolverTest, AWaitEndsAtItsDeadlineAndTheLookupGoesOn) {
  server_.set("slow.example", {.silent = true});
  const Result<AddressList> result =
      look_up("slow.example", Limits{.deadline = clock_.now() + 10ms});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{Errc::kTimedOut, Side::kUpstream, Retry::kSafe, 0}));
  server_.set("slow.example", {.a = {"192.0.2.9"}});
  EXPECT_EQ(text_of(look_up("slow.example")), "192.0.2.9");  // the second try of the same lookup
  EXPECT_EQ(resolver_.counters().queries, 1u);
}

TEST_F(ResolverTest, AWaitCanBeCalledOff) {
  server_.set("slow.example", {.silent = true});
  CancelSource cancel;
  Task<Result<AddressList>> task =
      resolve(*reactor_, resolver_, "slow.example", Limits{.cancel = &cancel});
  cancel.request(Error{.code = Errc::kEndOfStream, .side = Side::kDownstream});
  finish(task);
  EXPECT_EQ(task.take().error().code, Errc::kEndOfStream);
}

TEST_F(ResolverTest, ExpiredAddressesServeWhileTheServerFails) {
  server_.set("stale.example", {.a = {"192.0.2.10"}, .ttl = 0});
  EXPECT_EQ(text_of(look_up("stale.example")), "192.0.2.10");
  server_.set("stale.example", {.rcode = 2});
  leap(DnsCache::kTtlMin + 2ms);
  EXPECT_EQ(text_of(look_up("stale.example")), "192.0.2.10");
  EXPECT_EQ(resolver_.counters().failed, 1u);
  EXPECT_EQ(resolver_.counters().stale, 1u);
}

TEST_F(ResolverTest, ExpiredAddressesServeWhileTheServerIsSlow) {
  server_.set("stale.example", {.a = {"192.0.2.10"}, .ttl = 0});
  EXPECT_EQ(text_of(look_up("stale.example")), "192.0.2.10");
  server_.set("stale.example", {.silent = true});
  leap(DnsCache::kTtlMin + 2ms);
  const Instant start = reactor_->now();
  EXPECT_EQ(text_of(look_up("stale.example")), "192.0.2.10");
  EXPECT_GE(reactor_->now() - start, kStaleAfter);
  // The lookup still runs; nobody waits for it again, until it brings what is new.
  Task<Result<AddressList>> second = resolve(*reactor_, resolver_, "stale.example", {});
  EXPECT_TRUE(second.done());
  EXPECT_EQ(text_of(second.take()), "192.0.2.10");
  EXPECT_EQ(resolver_.counters().stale, 2u);
  server_.set("stale.example", {.a = {"192.0.2.11"}});
  look_up_until("stale.example", "192.0.2.11");
  EXPECT_EQ(resolver_.counters().queries, 2u);
}

TEST_F(ResolverTest, AfterAFailureTheServerIsAskedBesideTheAnswer) {
  server_.set("stale.example", {.a = {"192.0.2.10"}, .ttl = 0});
  EXPECT_EQ(text_of(look_up("stale.example")), "192.0.2.10");
  server_.set("stale.example", {.rcode = 2});
  leap(DnsCache::kTtlMin + 2ms);
  EXPECT_EQ(text_of(look_up("stale.example")), "192.0.2.10");
  server_.set("stale.example", {.a = {"192.0.2.11"}});
  leap(DnsCache::kFailureTtl + 2ms);
  Task<Result<AddressList>> at_once = resolve(*reactor_, resolver_, "stale.example", {});
  EXPECT_TRUE(at_once.done());
  EXPECT_EQ(text_of(at_once.take()), "192.0.2.10");
  look_up_until("stale.example", "192.0.2.11");
}

TEST_F(ResolverTest, StoppingEndsWhatWaits) {
  server_.set("slow.example", {.silent = true});
  Task<Result<AddressList>> task = resolve(*reactor_, resolver_, "slow.example", {});
  reactor_->turn(reactor_->now());
  Task<void> stopping = stop(*reactor_, resolver_);
  finish(stopping);
  finish(task);
  EXPECT_EQ(task.take().error().code, Errc::kDrained);
  EXPECT_EQ(text_of(look_up("later.example")), errc_text(Errc::kDrained));
  EXPECT_EQ(text_of(look_up("printer.example")), "192.0.2.7");
  EXPECT_EQ(reactor_->blocks().bytes_in_use(), 0u);
}

TEST_F(ResolverTest, TakesANewHostsFile) {
  resolver_.set_hosts(
      std::make_shared<const HostsFile>(HostsFile::parse("192.0.2.99 printer.example")));
  EXPECT_EQ(text_of(look_up("printer.example")), "192.0.2.99");
}

TEST(ResolverOpen, NamesServersThatAreNone) {
  Resolver resolver;
  const std::string fault =
      resolver.open({.dns = {.servers = "not an address"}}, std::make_shared<const HostsFile>());
  EXPECT_NE(fault.find("\"not an address\""), std::string::npos) << fault;
}

}  // namespace
}  // namespace sluice
